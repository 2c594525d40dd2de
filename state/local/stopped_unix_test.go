//go:build unix

package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// shortPatience is how long processes of these tests wait for each other.
const shortPatience = 30 * time.Millisecond

// TestStoppedProcesses has processes count up numbers and take a lock in turns, while each is
// stopped again and again (SIGSTOP), anywhere, for longer than the others wait. Those go on,
// and what was answered to each is so: no write is lost, and none is there that was refused.
func TestStoppedProcesses(t *testing.T) {
	const variable = "GANTRY_LOCAL_STOPPED"
	if order := os.Getenv(variable); order != "" {
		countUp(t, order)
		return
	}
	workers, stops := 4, soak.Rounds(150, 5000)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var commands []*exec.Cmd
	var inputs []io.Closer
	outputs := make([]strings.Builder, workers)
	for i := range workers {
		command := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.count=1")
		command.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", variable, i, dir))
		command.Stdout, command.Stderr = &outputs[i], &outputs[i]
		input, err := command.StdinPipe() // which ends when it is to end
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		commands, inputs = append(commands, command), append(inputs, input)
	}
	var group sync.WaitGroup
	for i, command := range commands {
		group.Go(func() {
			defer func() { _ = command.Process.Signal(syscall.SIGCONT) }()
			random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))
			for range stops / workers {
				time.Sleep(time.Duration(random.Int64N(int64(2 * shortPatience)))) // what is stopped in is for chance
				if command.Process.Signal(syscall.SIGSTOP) != nil {
					return
				}
				time.Sleep(time.Duration(random.Int64N(int64(4 * shortPatience))))
				if command.Process.Signal(syscall.SIGCONT) != nil {
					return
				}
			}
		})
	}
	group.Wait()
	for i, command := range commands {
		if err := inputs[i].Close(); err != nil {
			t.Error(err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("process %d: %v\n%s", i, err, outputs[i].String())
		}
	}
	text, _, err := local.New(dir).Get(t.Context(), "shared")
	if err != nil {
		t.Fatal(err)
	}
	found, writes := map[int]int{}, 0
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	for i := range workers {
		var n int
		_, told, _ := strings.Cut(outputs[i].String(), "counted: ")
		if _, err := fmt.Sscan(told, &n); err != nil || n == 0 || n != found[i] {
			t.Errorf("process %d counted to %d (%v), and %d are there", i, n, err, found[i])
		}
		writes += n
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %q, %v", leftovers, err)
	}
	if t.Failed() {
		return
	}
	t.Logf("survived: {%d} stops of %d processes that write the same keys, with {%d} writes acknowledged: 0 lost, 0 doubled", stops/workers*workers, workers, writes)
}

// countUp is what each process does until its input ends.
func countUp(t *testing.T, order string) {
	var me int
	var dir string
	if _, err := fmt.Sscanf(order, "%d %s", &me, &dir); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop() }()
	store := local.New(dir)
	store.SetPatience(shortPatience)
	n := 0
	for ; ctx.Err() == nil; n++ {
		for {
			done, err := countOne(store, me, n)
			if err != nil {
				t.Fatal(err)
			}
			if done {
				break
			}
		}
		version, err := store.Put(context.Background(), "mutex", fmt.Appendf(nil, "%d of %d", n, me), "")
		if errors.Is(err, state.ErrConflict) {
			continue
		}
		if err == nil {
			err = store.Delete(context.Background(), "mutex", version) // which is nobody else's
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("counted:", n)
}

// countOne counts up one's own number from n among those of all.
func countOne(store *local.Store, me, n int) (bool, error) {
	all := map[int]int{}
	text, version, err := store.Get(context.Background(), "shared")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return false, err
	}
	if all[me] != n {
		return false, fmt.Errorf("%d writes are there, and %d were acknowledged", all[me], n)
	}
	all[me]++
	if text, err = json.Marshal(all); err != nil {
		return false, err
	}
	_, err = store.Put(context.Background(), "shared", text, version)
	if errors.Is(err, state.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}
