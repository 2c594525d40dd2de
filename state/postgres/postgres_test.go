package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/storetest"
)

// schemas counts the schemas that tests have taken.
var schemas atomic.Int64

func options(server *pgtest.Server) postgres.Options {
	return postgres.Options{URL: object.Sensitive(server.URL()), Schema: fmt.Sprintf("Test %d", schemas.Add(1))}
}

func open(t testing.TB, options postgres.Options) *postgres.Store {
	t.Helper()
	store, err := postgres.New(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestServer has the tests that share one server, which stays.
func TestServer(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"store": testStore, "cut writes": testCutWrites, "opening": testOpening, "locked row": testLockedRow,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func testStore(t *testing.T, server *pgtest.Server) {
	t.Parallel()
	var of sync.Map // the options of each store
	storetest.Run(t, func(t *testing.T) state.Store {
		where := options(server)
		store := open(t, where)
		of.Store(store, where)
		return store
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		where, _ := of.Load(store)
		return open(t, where.(postgres.Options))
	}))
}

func TestProcesses(t *testing.T) {
	storetest.Processes(t, func(t *testing.T) string { return pgtest.Start(t).URL() }, func(url string) (state.Store, error) {
		return postgres.New(context.Background(), postgres.Options{URL: object.Sensitive(url)})
	})
}
