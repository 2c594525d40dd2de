package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestKilledAtRandom has applies killed from outside at any moment of their time, again and
// again on one application: 100 times, and in a soak 1,000 times. What must hold is checked
// after each.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	const size = 6
	const told = 25 // applies at a time are told of
	rounds := soak.Rounds(100, 1000)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	e := newEstate(t, size)
	e.next(t)
	e.MustApply(t, engine.PlanOptions{})
	_, file := e.next(t)
	command, out := e.command(t, order{Plan: file, Point: pointNever})
	began := time.Now()
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	longest, killed, known := time.Since(began), 0, 0 // kills are spread over the time that it takes
	for round := range rounds {
		p, file := e.next(t)
		command, out := e.command(t, order{Plan: file, Point: pointNever})
		began := time.Now()
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		timer := time.NewTimer(time.Duration(random.Int64N(int64(longest))))
		select {
		case err := <-ended:
			timer.Stop()
			if err != nil {
				t.Fatalf("seed %d, round %d: %v\n%s", seed, round, err, out)
			}
			longest = (longest*3 + time.Since(began)) / 4
		case <-timer.C:
			_ = command.Process.Kill()
			if err := <-ended; isKilled(err) {
				killed++
				longest = longest * 51 / 50
			}
		}
		e.recovers(t, p, fmt.Sprintf("seed %d, round %d", seed, round))
		if t.Failed() {
			return
		}
		if done := round%told + 1; done == told || round+1 == rounds {
			t.Logf("survived: {%d} applies, of which {%d} were killed at random: 0 violations", done, killed-known)
			known = killed
		}
	}
	if killed < rounds/4 {
		t.Errorf("only %d of %d were killed before they were done", killed, rounds)
	}
}

// isKilled reports whether a process ended by a signal.
func isKilled(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && !exit.Exited()
}
