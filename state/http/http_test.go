package http_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	statehttp "github.com/gantrycd/gantry/state/http"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	"github.com/gantrycd/gantry/state/storetest"
)

func open(t testing.TB, address string, change ...func(*statehttp.Options)) *statehttp.Store {
	t.Helper()
	options := statehttp.Options{Address: address, Username: gitlabtest.Username, Password: gitlabtest.Password, Holder: "tester"}
	for _, f := range change {
		f(&options)
	}
	store, err := statehttp.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	var stores atomic.Int64
	storetest.Run(t, func(t *testing.T) state.Store {
		return open(t, server.Address(fmt.Sprintf("store-%d", stores.Add(1))))
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store { return open(t, fmt.Sprint(store)) }))
}

func TestProcesses(t *testing.T) {
	storetest.Processes(t, func(t *testing.T) string {
		return gitlabtest.Start(t).Address("processes")
	}, func(address string) (state.Store, error) { return open(t, address), nil })
}

// gitlab has the methods that GitLab's documentation tells Terraform to use.
func gitlab(o *statehttp.Options) { o.LockMethod, o.UnlockMethod = http.MethodPost, http.MethodDelete }

func TestWritesShareTurns(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	store := open(t, server.Address("web"), gitlab)
	const writers = 50
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() { _, errs[i] = store.Put(t.Context(), fmt.Sprintf("key/%d", i), []byte("x"), "") })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := server.Written("web"); n >= writers/2 {
		t.Errorf("%d writes at once took %d documents", writers, n)
	}
	if keys, err := store.List(t.Context(), "key"); err != nil || len(keys) != writers {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if id := server.LockedBy("web"); id != "" {
		t.Errorf("it is still locked by %s", id)
	}
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"LOCK", http.MethodGet, http.MethodPost, "UNLOCK"} {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s done %v", method, done), func(t *testing.T) {
				t.Parallel()
				server := gitlabtest.Start(t)
				lost := atomic.Bool{}
				server.Fault = func(r *http.Request, after bool) error {
					if r.Method == method && after == done && lost.CompareAndSwap(false, true) {
						return errors.New("lost")
					}
					return nil
				}
				store := open(t, server.Address("web"))
				version, err := store.Put(t.Context(), "key", []byte("one"), "")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := store.Put(t.Context(), "key", []byte("two"), version); err != nil {
					t.Fatal(err)
				}
				if value, _, err := store.Get(t.Context(), "key"); err != nil || string(value) != "two" || !lost.Load() {
					t.Errorf("%q, %v", value, err)
				}
				if n := server.Written("web"); n != 2 {
					t.Errorf("two writes wrote %d times", n)
				}
				if id := server.LockedBy("web"); id != "" {
					t.Errorf("it is still locked by %s", id)
				}
			})
		}
	}
}

// TestAnswersThatStayLost has no answer to a write arrive, nor to looking for it.
func TestAnswersThatStayLost(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	dark := atomic.Bool{}
	server.Fault = func(r *http.Request, after bool) error {
		if r.Method == http.MethodPost && after {
			dark.Store(true)
		}
		if dark.Load() && r.Method != "UNLOCK" {
			return errors.New("lost")
		}
		return nil
	}
	store := open(t, server.Address("web"))
	_, err := store.Put(t.Context(), "key", []byte("one"), "")
	if !errors.Is(err, state.ErrUnknown) || strings.Contains(err.Error(), gitlabtest.Password.Reveal()) {
		t.Errorf("%v, want ErrUnknown", err)
	}
}

func TestLockOfADeadProcess(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Lock("web", "dead", `{"ID":"dead","Operation":"gantry state write","Who":"alice@laptop"}`)
	store := open(t, server.Address("web"), func(o *statehttp.Options) { o.Times.Abandoned = 50 * time.Millisecond })
	if _, err := store.Put(t.Context(), "key", []byte("x"), ""); err != nil {
		t.Fatal(err)
	}
	if id := server.LockedBy("web"); id != "" {
		t.Errorf("it is still locked by %s", id)
	}
}

func TestLockOfSomeoneElse(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Lock("web", "theirs", `{"ID":"theirs","Operation":"OperationTypeApply","Who":"bob@ci","Created":"2026-01-02T03:04:05Z"}`)
	store := open(t, server.Address("web"), func(o *statehttp.Options) {
		o.Times.Abandoned, o.Times.Foreign = time.Millisecond, 20*time.Millisecond
	})
	_, err := store.Put(t.Context(), "key", []byte("x"), "")
	if !errors.Is(err, state.ErrLocked) || !strings.Contains(err.Error(), "bob@ci (OperationTypeApply) since 2026-01-02T03:04:05Z") {
		t.Errorf("%v, want ErrLocked", err)
	}
	if server.LockedBy("web") != "theirs" || server.Written("web") != 0 {
		t.Error("someone else's lock was broken")
	}
}

// TestWriterThatLostTheLock has the lock go to another while a writer is at work: what it
// writes is refused.
func TestWriterThatLostTheLock(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Fault = func(r *http.Request, after bool) error {
		if r.Method == http.MethodPost && !after {
			server.Lock("web", "theirs", `{"ID":"theirs"}`)
		}
		return nil
	}
	store := open(t, server.Address("web"))
	if _, err := store.Put(t.Context(), "key", []byte("x"), ""); err == nil || !strings.Contains(err.Error(), "no longer this one's") {
		t.Errorf("%v", err)
	}
	if server.Written("web") != 0 {
		t.Error("it was written without the lock")
	}
}

// TestTurnThatTakesTooLong has a process be stopped under the lock: it does not write.
func TestTurnThatTakesTooLong(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	store := open(t, server.Address("web"), func(o *statehttp.Options) { o.Times.Hold = time.Nanosecond })
	if _, err := store.Put(t.Context(), "key", []byte("x"), ""); err == nil {
		t.Error("it wrote after its turn was over")
	}
	if server.Written("web") != 0 || server.LockedBy("web") != "" {
		t.Error("it was written, or is locked")
	}
}

func TestWaitingWriteIsWithdrawn(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Lock("web", "theirs", `{"ID":"theirs","Operation":"apply"}`)
	store := open(t, server.Address("web"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.Put(ctx, "key", []byte("x"), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want DeadlineExceeded", err)
	}
	server.Lock("web", "", "")
	if _, err := store.Put(t.Context(), "key", []byte("y"), ""); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotGantrys(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	for want, data := range map[string]string{
		"state of Terraform": `{"version":4,"terraform_version":"1.9.0","serial":3,"lineage":"x","resources":[]}`,
		"newer gantry":       `{"gantry":99,"serial":1}`,
		"not valid JSON":     `<html>`,
	} {
		server.Set("other", data)
		store := open(t, server.Address("other"))
		if _, _, err := store.Get(t.Context(), "key"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Get: %v, want %q", err, want)
		}
		if _, err := store.Put(t.Context(), "key", nil, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Put: %v, want %q", err, want)
		}
		if server.Written("other") != 0 || server.LockedBy("other") != "" {
			t.Error("it was written over, or is locked")
		}
	}
	wrong := open(t, server.Address("web"), func(o *statehttp.Options) { o.Password = "hunter2" })
	if _, _, err := wrong.Get(t.Context(), "key"); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong password: %v", err)
	}
	unlockable := open(t, server.Address("web"), func(o *statehttp.Options) { o.LockAddress = server.URL + "/nowhere" })
	if _, err := unlockable.Put(t.Context(), "key", nil, ""); err == nil || !strings.Contains(err.Error(), "no lock there") {
		t.Errorf("without a lock: %v", err)
	}
}

func TestUnsuitableOptions(t *testing.T) {
	for want, options := range map[string]statehttp.Options{
		"argument address must be":   {Address: "state.example.com"},
		"argument lock_address must": {Address: "https://state.example.com/web", LockAddress: "x"},
		"holds credentials":          {Address: "https://me:hunter2@state.example.com/web"},
		"no certificate":             {Address: "https://state.example.com/web", CACertificate: "x"},
	} {
		if _, err := statehttp.New(options); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
