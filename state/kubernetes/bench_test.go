package kubernetes_test

import (
	"testing"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest"
)

func BenchmarkStore(b *testing.B) {
	cluster := clustertest.Shared(b)
	ns := namespace(b, cluster)
	storetest.Benchmark(b, func() state.Store { return open(b, cluster.Kubeconfig, ns, "") })
}
