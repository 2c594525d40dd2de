package kubernetes_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/kubernetes"
	"github.com/gantrycd/gantry/state/storetest"
)

// connect returns the store of a name in a namespace, by a kubeconfig.
func connect(kubeconfig, namespace, name string) (*kubernetes.Store, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	return kubernetes.New(kubernetes.Options{Config: config, Namespace: namespace, Name: name})
}

func open(t testing.TB, kubeconfig, namespace, name string) *kubernetes.Store {
	t.Helper()
	store, err := connect(kubeconfig, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// namespace returns the name of a namespace that is not there, and goes with the test.
func namespace(t testing.TB, cluster clustertest.Cluster) string {
	t.Helper()
	name := "state-" + uuid.NewString()[:13]
	t.Cleanup(func() {
		if err := open(t, cluster.Kubeconfig, name, "").RemoveNamespace(); err != nil {
			t.Error(err)
		}
	})
	return name
}

func TestStore(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	var names sync.Map // of stores
	var mu sync.Mutex
	made := 0
	storetest.Run(t, func(t *testing.T) state.Store {
		mu.Lock()
		defer mu.Unlock()
		made++
		name := fmt.Sprintf("store-%d", made) // all of them in one namespace
		store := open(t, cluster.Kubeconfig, where, name)
		names.Store(store, name)
		return store
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		name, _ := names.Load(store)
		return open(t, cluster.Kubeconfig, where, name.(string))
	}))
}

func TestProcesses(t *testing.T) {
	const kubeconfig = "GANTRY_STATE_KUBECONFIG"
	storetest.Processes(t, func(t *testing.T) string {
		cluster := clustertest.Shared(t)
		t.Setenv(kubeconfig, cluster.Kubeconfig)
		return namespace(t, cluster)
	}, func(namespace string) (state.Store, error) { return connect(os.Getenv(kubeconfig), namespace, "") })
}
