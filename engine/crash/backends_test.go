package crash

import (
	"context"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	statehttp "github.com/gantrycd/gantry/state/http"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	statekubernetes "github.com/gantrycd/gantry/state/kubernetes"
	"github.com/gantrycd/gantry/state/local"
	memorystate "github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/s3"
	"github.com/gantrycd/gantry/state/s3/s3test"
)

// backend is a kind of place for state.
type backend struct {
	name   string
	server bool // it needs one, which the test starts
	// open makes a place, and returns what opens it, as often as it is called.
	open func(t *testing.T) func(t *testing.T) state.Store
}

func backends() []backend {
	return []backend{
		{"memory", false, func(*testing.T) func(*testing.T) state.Store {
			store := memorystate.New()
			return func(*testing.T) state.Store { return store }
		}},
		{"files", false, func(t *testing.T) func(*testing.T) state.Store {
			dir := t.TempDir()
			return func(*testing.T) state.Store { return local.New(dir) }
		}},
		{"PostgreSQL", true, func(t *testing.T) func(*testing.T) state.Store {
			url := object.Sensitive(pgtest.Start(t).URL())
			return func(t *testing.T) state.Store {
				return opened(t, func(ctx context.Context) (*postgres.Store, error) {
					return postgres.New(ctx, postgres.Options{URL: url, Schema: "many"})
				})
			}
		}},
		{"Kubernetes", true, func(t *testing.T) func(*testing.T) state.Store {
			config, err := clientcmd.BuildConfigFromFlags("", clustertest.Own(t, clustertest.ControlPlaneOnly()).Kubeconfig)
			if err != nil {
				t.Fatal(err)
			}
			return func(t *testing.T) state.Store {
				return opened(t, func(context.Context) (*statekubernetes.Store, error) {
					return statekubernetes.New(statekubernetes.Options{Config: config, Namespace: "many"})
				})
			}
		}},
		{"S3", true, func(t *testing.T) func(*testing.T) state.Store {
			server := s3test.Start(t)
			return func(t *testing.T) state.Store {
				store, err := s3.New(t.Context(), server.Options("many"))
				if err != nil {
					t.Fatal(err)
				}
				return store
			}
		}},
		{"HTTP", true, func(t *testing.T) func(*testing.T) state.Store {
			server := gitlabtest.Start(t)
			return func(t *testing.T) state.Store {
				return opened(t, func(context.Context) (*statehttp.Store, error) {
					return statehttp.New(statehttp.Options{Address: server.Address("many"), Username: gitlabtest.Username, Password: gitlabtest.Password})
				})
			}
		}},
	}
}

// opened opens a store that is closed with the test.
func opened[S interface {
	state.Store
	Close() error
}](t *testing.T, open func(context.Context) (S, error)) state.Store {
	t.Helper()
	store, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
