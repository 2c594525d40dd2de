package kubernetes_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	var names sync.Map // of stores
	var made atomic.Int64
	storetest.Linearizable(t, func(t *testing.T) state.Store {
		name := fmt.Sprintf("linear-%d", made.Add(1))
		store := open(t, cluster.Kubeconfig, where, name)
		names.Store(store, name)
		return store
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		name, _ := names.Load(store)
		return open(t, cluster.Kubeconfig, where, name.(string))
	}))
}
