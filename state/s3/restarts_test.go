package s3_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/s3/s3test"
	"github.com/gantrycd/gantry/state/storetest"
)

// TestRestarts kills the server with SIGKILL while it writes.
func TestRestarts(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	storetest.Restarts(t, func(t *testing.T) state.Store { return open(t, server, "restarts") }, func(t *testing.T) {
		time.Sleep(rand.N(20 * time.Millisecond)) // at any instruction
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
