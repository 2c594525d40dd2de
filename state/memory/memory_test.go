package memory_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) state.Store { return memory.New() })
}
