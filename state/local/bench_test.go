package local_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest"
)

func BenchmarkStore(b *testing.B) {
	dir := b.TempDir()
	storetest.Benchmark(b, func() state.Store { return local.New(dir) })
}
