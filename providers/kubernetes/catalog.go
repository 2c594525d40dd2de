package kubernetes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	discovery "k8s.io/api/apidiscovery/v2"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// catalog is what a cluster serves. It is not changed once it is built.
type catalog struct {
	byGVK     map[object.GVK]providers.Resource
	preferred []providers.Resource // sorted by group and kind
	versions  []string             // group and version, "apps/v1"
	broken    map[string]string    // group and version to why it could not be discovered
}

func newCatalog() *catalog {
	return &catalog{byGVK: map[object.GVK]providers.Resource{}, broken: map[string]string{}}
}

// add adds a group, whose versions come in the server's order of preference. A
// version that the server calls stale keeps the kinds that it last had.
func (k *catalog) add(group discovery.APIGroupDiscovery) {
	taken := map[string]bool{} // kinds that a version further up the list has
	for _, version := range group.Versions {
		groupVersion := object.GVK{Group: group.Name, Version: version.Version}.APIVersion()
		if version.Freshness == discovery.DiscoveryFreshnessStale {
			k.broken[groupVersion] = "the server that extends the API by it does not answer"
		}
		k.versions = append(k.versions, groupVersion)
		var here []string
		for _, found := range version.Resources {
			if found.ResponseKind == nil || found.ResponseKind.Kind == "" {
				continue
			}
			resource := providers.Resource{
				GVK:        object.GVK{Group: group.Name, Version: version.Version, Kind: found.ResponseKind.Kind},
				Plural:     found.Resource,
				Namespaced: found.Scope == discovery.ScopeNamespace,
				Verbs:      found.Verbs,
			}
			if _, ok := k.byGVK[resource.GVK]; ok {
				continue // the first resource of a kind is the one that stores it
			}
			k.byGVK[resource.GVK] = resource
			here = append(here, resource.GVK.Kind)
			if !taken[resource.GVK.Kind] {
				k.preferred = append(k.preferred, resource)
			}
		}
		for _, kind := range here {
			taken[kind] = true
		}
	}
}

// finish sorts what was added.
func (k *catalog) finish() {
	slices.Sort(k.versions)
	slices.SortFunc(k.preferred, func(a, b providers.Resource) int {
		return cmp.Or(cmp.Compare(a.GVK.Group, b.GVK.Group), cmp.Compare(a.GVK.Kind, b.GVK.Kind))
	})
}

// apiVersions returns "apps/v1" and "apps/v1/Deployment" of all that is served.
func (k *catalog) apiVersions() []string {
	out := slices.Clone(k.versions)
	for gvk := range k.byGVK {
		out = append(out, gvk.APIVersion()+"/"+gvk.Kind)
	}
	slices.Sort(out)
	return out
}

// suggest says what there is instead of a kind that is not served.
func (k *catalog) suggest(gvk object.GVK) string {
	var same, alike, kinds []string
	for other := range k.byGVK {
		if other.Group == gvk.Group && other.Version == gvk.Version {
			kinds = append(kinds, other.Kind)
		}
		switch {
		case other.Kind == gvk.Kind:
			same = append(same, other.APIVersion())
		case strings.EqualFold(other.Kind, gvk.Kind), other.Group == gvk.Group && strings.EqualFold(k.byGVK[other].Plural, gvk.Kind):
			alike = append(alike, other.String())
		}
	}
	if len(same) == 0 && len(alike) == 0 {
		for _, kind := range filetree.Near(gvk.Kind, kinds) {
			alike = append(alike, object.GVK{Group: gvk.Group, Version: gvk.Version, Kind: kind}.String())
		}
	}
	slices.Sort(same)
	slices.Sort(alike)
	switch {
	case len(same) > 0:
		return fmt.Sprintf("it serves %s as %s", gvk.Kind, strings.Join(same, ", "))
	case len(alike) > 0:
		return "it serves " + strings.Join(alike, ", ")
	case len(k.broken) > 0:
		return fmt.Sprintf("it has no kind of this name; %s could not be discovered", strings.Join(slices.Sorted(maps.Keys(k.broken)), ", "))
	}
	return "it has no kind of this name in any group"
}
