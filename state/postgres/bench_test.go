package postgres_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/storetest"
)

func BenchmarkStore(b *testing.B) {
	server := options(pgtest.Start(b))
	storetest.Benchmark(b, func() state.Store { return open(b, server) })
}
