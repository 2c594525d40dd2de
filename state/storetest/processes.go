package storetest

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/state"
)

// location is the environment variable that tells a process that Processes
// started where the store is.
const location = "GANTRY_STORETEST_LOCATION"

// Processes has several processes count up one number in one store. It runs
// the test binary again with the calling test, which must call Processes before
// it does anything else; there open is given the same place. A place is a
// directory, a URL, or whatever open understands.
func Processes(t *testing.T, place func(t *testing.T) string, open func(place string) (state.Store, error)) {
	t.Helper()
	const workers, rounds = 4, 25
	if where := os.Getenv(location); where != "" {
		store, err := open(where)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			if err := increment(t.Context(), store, "counter"); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	where := place(t)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			command := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.count=1")
			command.Env = append(os.Environ(), location+"="+where)
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("a process failed: %v\n%s", err, out)
			}
		})
	}
	group.Wait()
	store, err := open(where)
	if err != nil {
		t.Fatal(err)
	}
	expectCount(t, store, "counter", workers*rounds)
}
