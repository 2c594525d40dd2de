package s3_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/s3/s3test"
	"github.com/gantrycd/gantry/state/storetest"
)

func BenchmarkStore(b *testing.B) {
	server := s3test.Start(b)
	storetest.Benchmark(b, func() state.Store { return open(b, server, "bench") })
}
