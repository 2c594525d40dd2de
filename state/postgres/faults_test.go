package postgres_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/storetest"
)

// TestRestarts kills the server while it writes and starts it again.
func TestRestarts(t *testing.T) {
	server := pgtest.Start(t)
	where := options(server)
	storetest.Restarts(t, func(t *testing.T) state.Store { return open(t, where) }, func(t *testing.T) { server.Restart(t) })
}
