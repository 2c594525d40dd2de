// Package storetest is the suite that every state store passes, in memory, on
// disk and on a server.
//
// Run is the contract of state.Store within one process, and of what is built over it:
// records, leases, the ledger. Processes is the part that takes several processes.
package storetest

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"github.com/gantrycd/gantry/state"
)

// check is one thing that a store is held to.
type check struct {
	name string
	test func(*testing.T, *place)
}

// place is a store with nothing in it, and other ways into it.
type place struct {
	state.Store
	reopen func(*testing.T, state.Store) state.Store
}

// other returns another client of the same store.
func (p *place) other(t *testing.T) state.Store {
	t.Helper()
	return p.reopen(t, p.Store)
}

// Option changes what Run holds a store to.
type Option func(*suite)

type suite struct {
	reopen  func(*testing.T, state.Store) state.Store
	without []string
}

// Reopen gives Run a second client of a store that open returned, as another process
// would have it. Without it, the store itself is used.
func Reopen(reopen func(t *testing.T, store state.Store) state.Store) Option {
	return func(s *suite) { s.reopen = reopen }
}

// Without leaves out checks that a backend cannot pass, by name. A name that is none of a
// check fails the test.
func Without(names ...string) Option {
	return func(s *suite) { s.without = append(s.without, names...) }
}

// Run holds a store to the contract of state.Store. Each call of open returns a
// store with nothing in it; some are open at once.
func Run(t *testing.T, open func(t *testing.T) state.Store, options ...Option) {
	t.Helper()
	s := &suite{reopen: func(_ *testing.T, store state.Store) state.Store { return store }}
	for _, option := range options {
		option(s)
	}
	checks := slices.Concat(valueChecks(), nameChecks(), raceChecks(), recordChecks(), leaseChecks())
	for _, name := range s.without {
		if !slices.ContainsFunc(checks, func(c check) bool { return c.name == name }) {
			t.Errorf("there is no check %q to leave out", name)
		}
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if slices.Contains(s.without, c.name) {
				t.Skip("left out: the backend's protocol cannot pass it")
			}
			c.test(t, &place{Store: open(t), reopen: s.reopen})
		})
	}
}

// Count returns how many checks Run has.
func Count() int {
	return len(slices.Concat(valueChecks(), nameChecks(), raceChecks(), recordChecks(), leaseChecks()))
}

func put(t *testing.T, store state.Store, key, value, version string) string {
	t.Helper()
	version, err := store.Put(t.Context(), key, []byte(value), version)
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	if version == "" {
		t.Fatalf("Put(%q) returned no version", key)
	}
	return version
}

func expect(t *testing.T, store state.Store, key, value, version string) {
	t.Helper()
	got, gotVersion, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	if !bytes.Equal(got, []byte(value)) {
		t.Errorf("Get(%q) = %.80q (%d bytes), want %.80q (%d bytes)", key, got, len(got), value, len(value))
	}
	if gotVersion != version {
		t.Errorf("Get(%q) is at version %q, want %q", key, gotVersion, version)
	}
}

func expectCount(t *testing.T, store state.Store, key string, want int) {
	t.Helper()
	value, _, err := store.Get(t.Context(), key)
	if err != nil || string(value) != strconv.Itoa(want) {
		t.Errorf("%s counted to %q, %v, want %d", key, value, err, want)
	}
}

func list(t *testing.T, store state.Store, prefix string) []string {
	t.Helper()
	keys, err := store.List(t.Context(), prefix)
	if err != nil {
		t.Fatalf("List(%q): %v", prefix, err)
	}
	return keys
}
