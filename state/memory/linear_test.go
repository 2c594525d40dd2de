package memory_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	storetest.Linearizable(t, func(*testing.T) state.Store { return memory.New() })
}
