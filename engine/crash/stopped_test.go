package crash

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestAStoppedHolderChangesNothingMore stops an apply (SIGSTOP) in the middle, for longer
// than its lock lasts. Another takes over, and tells what it found. The first, once it goes
// on, writes nothing into the state, sends no more to the cluster than was in flight, and
// ends saying that it lost the lock.
func TestAStoppedHolderChangesNothingMore(t *testing.T) {
	t.Parallel()
	rounds, size := soak.Rounds(3, 100), 40
	e := newEstate(t, size)
	e.next(t)
	e.MustApply(t, engine.PlanOptions{})
	e.Adapt = func(o *engine.Options) { o.Lease = state.LeaseOptions{Wait: 2 * time.Minute} } // it knows nothing of processes
	late, slowest := 0, time.Duration(0)
	for round := range rounds {
		p, file := e.next(t)
		point := []string{engine.PointAfterRequest, engine.PointBeforeRequest, engine.PointNoted, engine.PointAfterIntent, engine.PointBeforeRecordWrite}[round%5]
		hit := size / 2
		if round%5 > 2 {
			hit = 1
		}
		command, out := e.command(t, order{Plan: file, Point: point, Hit: hit, Stop: true, Lease: 1500 * time.Millisecond})
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is not stopped: "+point, func() bool { return isStopped(command.Process.Pid) })

		began := time.Now()
		_, diags := e.Apply(t.Context(), t, p)
		took := time.Since(began)
		if diags.HasErrors() {
			t.Fatalf("round %d, stopped at %s: taking over: %v", round, point, diags)
		}
		if want := "found "; point != engine.PointBeforeRecordWrite && !strings.Contains(said(diags), want) {
			t.Errorf("round %d, stopped at %s: who took over tells nothing of what it found: %v", round, point, diags)
		}
		if took > time.Minute {
			t.Errorf("round %d: it took %s to take over", round, took)
		}
		written, there := e.stored(t), e.live(t)
		began = time.Now()
		if err := command.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		err := command.Wait()
		slowest = max(slowest, time.Since(began))
		if code := command.ProcessState.ExitCode(); code != exitLost || !strings.Contains(out.String(), "Lock was lost") {
			t.Errorf("round %d, stopped at %s: it ended with %v, want the code for a lost lock\n%s", round, point, err, out)
		}
		if now := e.stored(t); !sameKeys(written, now) {
			t.Errorf("round %d, stopped at %s: it wrote into the state: %s", round, point, differingKeys(written, now))
		}
		changed := changedObjects(there, e.live(t))
		late += changed
		if changed > 16 {
			t.Errorf("round %d, stopped at %s: %d objects changed since: more than were in flight", round, point, changed)
		}
		e.recovers(t, p, fmt.Sprintf("round %d, stopped at %s", round, point))
		if t.Failed() {
			return
		}
	}
	t.Logf("survived: {%d} applies stopped for longer than their lock lasts: 0 of their state writes accepted, %d of their requests late; they ended in %s at most", rounds, late, slowest.Round(time.Millisecond))
}

// isStopped reports whether a process is stopped.
func isStopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return len(rest) > 0 && rest[0] == 'T'
}

// stored is what the state holds, but for its audit log.
func (e *estate) stored(t *testing.T) map[string]string {
	t.Helper()
	keys, err := e.Records.Store().List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, key := range keys {
		if key == "audit" || strings.HasPrefix(key, "audit/") {
			continue // that it ended is told there, and changes nothing
		}
		value, _, err := e.Records.Store().Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		out[key] = string(value)
	}
	return out
}

func sameKeys(a, b map[string]string) bool { return differingKeys(a, b) == "" }

func differingKeys(a, b map[string]string) string {
	var out []string
	for key := range a {
		if a[key] != b[key] {
			out = append(out, key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			out = append(out, key)
		}
	}
	return strings.Join(out, ", ")
}

func changedObjects(a, b map[string]object.Object) int {
	changed := 0
	for name, o := range b {
		if was := a[name]; was == nil || was.ResourceVersion() != o.ResourceVersion() {
			changed++
		}
	}
	for name := range a {
		if b[name] == nil {
			changed++
		}
	}
	return changed
}

// TestADeadHolderIsFollowed: what a killed apply held is free within the time of its lease
// and ten seconds, with no hand, for who knows nothing of its process.
func TestADeadHolderIsFollowed(t *testing.T) {
	t.Parallel()
	const lease = 2 * time.Second
	e := newEstate(t, 5)
	e.Adapt = func(o *engine.Options) { o.Lease = state.LeaseOptions{Wait: 5 * time.Minute} }
	p, file := e.next(t)
	if !e.killed(t, order{Plan: file, Point: engine.PointBeforeRequest, Hit: 2, Lease: lease}) {
		t.Fatal("it was not killed")
	}
	began := time.Now()
	if err := e.Records.Await(t.Context(), nil, state.LeaseOptions{Wait: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if took > time.Minute { // the bar, where the machine has nothing else to do, is 12 s
		t.Errorf("free after %s", took)
	}
	e.recovers(t, p, "after a dead holder")
	t.Logf("survived: a dead holder with a lease of %s: free after %s", lease, took.Round(100*time.Millisecond))
}
