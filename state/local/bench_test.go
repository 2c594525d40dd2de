package local_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) state.Store { return local.New(b.TempDir()) })
}
