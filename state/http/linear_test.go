package http_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	var stores atomic.Int64
	storetest.Linearizable(t, func(t *testing.T) state.Store {
		return open(t, server.Address(fmt.Sprintf("linear-%d", stores.Add(1))))
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store { return open(t, fmt.Sprint(store)) }))
}
