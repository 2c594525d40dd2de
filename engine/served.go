package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Served is what a cluster serves.
type Served struct {
	Kinds []providers.Resource
	// Extensions are the groups of it that another server answers for, sorted.
	Extensions []string
}

// Served asks a cluster of the configuration what it serves.
func (e *Engine) Served(ctx context.Context, cluster *lang.Cluster) (*Served, error) {
	s := e.newSessions(false).add(cluster, nil)
	if s.connect(ctx, e); s.err != nil {
		return nil, clusterError(s)
	}
	kinds, err := s.cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	out := &Served{Kinds: slices.Clone(kinds)}
	services, err := s.cluster.Resource(ctx, object.GVK{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"})
	if err != nil {
		return nil, err
	}
	registered, err := s.cluster.List(ctx, services, "", providers.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("which groups another server answers for is not known: %w", err)
	}
	for _, o := range registered {
		spec, _ := o["spec"].(map[string]any)
		if group, _ := spec["group"].(string); spec["service"] != nil {
			out.Extensions = append(out.Extensions, group)
		}
	}
	slices.Sort(out.Extensions)
	out.Extensions = slices.Compact(out.Extensions)
	return out, nil
}
