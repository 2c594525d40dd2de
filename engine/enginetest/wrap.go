package enginetest

import (
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Each is a Bench's Wrap that puts something between the engine and each cluster that it
// connects to.
func Each(wrap func(providers.Cluster) providers.Cluster) func(providers.Clusters) providers.Clusters {
	return func(all providers.Clusters) providers.Clusters { return wrapped{all, wrap} }
}

type wrapped struct {
	providers.Clusters
	wrap func(providers.Cluster) providers.Cluster
}

// Connect implements providers.Clusters.
func (w wrapped) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	cluster, err := w.Clusters.Connect(name, connection, credentials)
	if err != nil {
		return nil, err
	}
	return w.wrap(cluster), nil
}
