package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/storetest"
)

// TestRestarts kills the server while it writes and starts it again.
func TestRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	where := options(server)
	storetest.Restarts(t, func(t *testing.T) state.Store { return open(t, where) }, func(t *testing.T) { server.Restart(t) })
}

// testCutWrites loses requests and answers, of writes that others do or do not follow.
func testCutWrites(t *testing.T, server *pgtest.Server) {
	t.Parallel()
	where := options(server)
	plain := open(t, where) // another, by a wire that is sound
	wire, url := through(t, server.Address(), server.URL())
	where.URL = object.Sensitive(url)
	store := open(t, where)
	ctx := t.Context()

	put := func(key, value, version string) string {
		t.Helper()
		version, err := store.Put(ctx, key, []byte(value), version)
		if err != nil {
			t.Fatalf("Put(%q, %q): %v", key, value, err)
		}
		found, at, err := plain.Get(ctx, key)
		if err != nil || string(found) != value || at != version {
			t.Fatalf("%s is %q at %q, %v, want %q at %q", key, found, at, err, value, version)
		}
		if left := wire.left(); left != 0 {
			t.Fatalf("%d cuts were not made", left)
		}
		return version
	}
	for name, before := range map[string]bool{"request": true, "answer": false} {
		key := "lost/" + name
		wire.cut("created", 2, before, nil)
		version := put(key, "created", "")
		wire.cut("changed", 3, before, nil)
		version = put(key, "changed", version)

		// That it was stale from the start is known whatever is lost.
		wire.cut("at no version", 1, true, nil)
		if _, err := store.Put(ctx, key, []byte("at no version"), "stale"); before && !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrUnknown) {
			t.Errorf("a stale Put: %v", err)
		}
		wire.cut(version, 1, before, nil)
		if err := store.Delete(ctx, key, version); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if _, _, err := plain.Get(ctx, key); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("after it was deleted: %v", err)
		}
	}

	// Another has written over it, before anyone could ask.
	version := put("followed", "one", "")
	wire.cut("two", 1, false, func() {
		_, at, err := plain.Get(ctx, "followed")
		if err == nil {
			_, err = plain.Put(ctx, "followed", []byte("three"), at)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if _, err := store.Put(ctx, "followed", []byte("two"), version); !errors.Is(err, state.ErrUnknown) || errors.Is(err, state.ErrConflict) {
		t.Errorf("a Put that was written over: %v, want ErrUnknown", err)
	}

	// Nobody ever answers.
	version = put("silent", "one", "")
	wire.silence("quiet")
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err := store.Put(short, "silent", []byte("quiet"), version)
	if !errors.Is(err, state.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a Put without an answer: %v, want ErrUnknown and DeadlineExceeded", err)
	}

	// Reads are asked again.
	wire.cut("followed", 1, false, nil)
	if value, _, err := store.Get(ctx, "followed"); err != nil || string(value) != "three" || wire.left() != 0 {
		t.Errorf("Get = %q, %v", value, err)
	}
	wire.cut("lost", 1, true, nil)
	if keys, err := store.List(ctx, "lost"); err != nil || len(keys) != 0 || wire.left() != 0 {
		t.Errorf("List = %q, %v", keys, err)
	}
}
