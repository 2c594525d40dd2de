package local_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	storetest.Linearizable(t, func(t *testing.T) state.Store { return local.New(t.TempDir()) })
}
