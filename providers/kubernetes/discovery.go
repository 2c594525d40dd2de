package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	discovery "k8s.io/api/apidiscovery/v2"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// acceptDiscovery asks for everything in one document (KEP-3352), and lets
// servers answer that do not know it.
const acceptDiscovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," + typeJSON

// Resource tells how a kind is served. A kind whose group could not be
// discovered is an ErrUnreachable that names the group; other groups are not
// affected by it.
func (c *cluster) Resource(ctx context.Context, gvk object.GVK) (providers.Resource, error) {
	known, err := c.catalog.get(ctx, c.readCatalog)
	if err != nil {
		return providers.Resource{}, err
	}
	if resource, ok := known.byGVK[gvk]; ok {
		return resource, nil
	}
	if reason, ok := known.broken[gvk.APIVersion()]; ok {
		return providers.Resource{}, &reasonError{providers.ErrUnreachable, fmt.Sprintf(
			"cluster %q: whether %s is served is not known, since %s cannot be discovered: %s; check its APIService", c.name, gvk, gvk.APIVersion(), reason)}
	}
	return providers.Resource{}, &reasonError{providers.ErrUnknownKind, fmt.Sprintf(
		"cluster %q does not serve %s; %s", c.name, gvk, known.suggest(gvk))}
}

// Resources tells how all kinds are served, at the version the server prefers,
// sorted by group and kind. Groups that could not be discovered are not in it.
func (c *cluster) Resources(ctx context.Context) ([]providers.Resource, error) {
	known, err := c.catalog.get(ctx, c.readCatalog)
	if err != nil {
		return nil, err
	}
	return append([]providers.Resource(nil), known.preferred...), nil
}

// Undiscovered tells of which groups and versions no kind is known, and why.
func (c *cluster) Undiscovered(ctx context.Context) (map[string]string, error) {
	known, err := c.catalog.get(ctx, c.readCatalog)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(known.broken)
	for gvk := range known.byGVK {
		delete(out, gvk.APIVersion()) // what they were is known: reading them tells
	}
	return out, nil
}

// notServed is the error of a kind that was discovered, or believed to be
// served, and is not there.
func (c *cluster) notServed(gvk object.GVK) error {
	return &reasonError{providers.ErrUnknownKind, fmt.Sprintf("cluster %q does not serve %s", c.name, gvk)}
}

// readCatalog discovers what is served: two requests where the server aggregates,
// one more for each group and version where it does not.
func (c *cluster) readCatalog(ctx context.Context) (*catalog, error) {
	built := newCatalog()
	for _, root := range []string{"/api", "/apis"} {
		groups, err := c.readGroups(ctx, root, built)
		if err != nil {
			return nil, fmt.Errorf("discovering what the cluster serves: %w", err)
		}
		for _, group := range groups {
			built.add(group)
		}
	}
	built.finish()
	if len(built.byGVK) == 0 && len(built.broken) == 0 {
		return nil, fmt.Errorf("cluster %q at %s: it serves no kinds at all; is this a Kubernetes API server?", c.name, c.server)
	}
	return built, nil
}

func (c *cluster) readGroups(ctx context.Context, root string, built *catalog) ([]discovery.APIGroupDiscovery, error) {
	answer, err := c.do(ctx, request{verb: verbDiscovery, path: root, accept: acceptDiscovery})
	if err != nil {
		return nil, err
	}
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(answer.body, &kind); err != nil {
		return nil, c.notKubernetes(answer, err)
	}
	if kind.Kind != "APIGroupDiscoveryList" {
		return c.readGroupsOneByOne(ctx, root, answer, built)
	}
	var list discovery.APIGroupDiscoveryList
	if err := json.Unmarshal(answer.body, &list); err != nil {
		return nil, c.notKubernetes(answer, err)
	}
	return list.Items, nil
}
