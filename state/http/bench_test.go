package http_test

import (
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	"github.com/gantrycd/gantry/state/storetest"
)

// One document holds all of it: this is far more than the backend is for.
func BenchmarkStore(b *testing.B) {
	server := gitlabtest.Start(b)
	storetest.Benchmark(b, func() state.Store { return open(b, server.Address("bench")) })
}
