package postgres_test

import (
	"sync"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	var of sync.Map // the options of each store
	storetest.Linearizable(t, func(t *testing.T) state.Store {
		where := options(server)
		store := open(t, where)
		of.Store(store, where)
		return store
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		where, _ := of.Load(store)
		return open(t, where.(postgres.Options))
	}))
}
