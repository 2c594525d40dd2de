package bootstrap

import (
	"maps"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Wanted is what a plan asks of roles in one cluster.
type Wanted struct {
	Kinds   []providers.Resource // sorted by group and name
	Secrets map[string][]string  // names by namespace
	// Later are the Secrets, as NAMESPACE/NAME, in namespaces that the plan makes: there can
	// be no role in these yet.
	Later []string
	// Unknown are the kinds that it is not known how they are served.
	Unknown []string
}

// Of returns what the applications of a plan in a cluster want, be it there already or not.
func Of(p *plan.Plan, cluster string) Wanted {
	found := Wanted{Secrets: map[string][]string{}}
	kinds, unknown := map[string]providers.Resource{}, map[string]bool{}
	defined, makes := map[object.GroupKind]providers.Resource{}, map[string]bool{}
	var changes []*plan.Change
	for i := range p.Applications {
		if p.Applications[i].Cluster != cluster {
			continue
		}
		for j := range p.Applications[i].Changes {
			c := &p.Applications[i].Changes[j]
			changes = append(changes, c)
			if c.ID.GroupKind() == (object.GroupKind{Kind: "Namespace"}) && c.Action == plan.Create {
				makes[c.ID.Name] = true
			}
			if r, ok := definition(c); ok {
				defined[r.GVK.GroupKind()] = r
			}
		}
	}
	for _, c := range changes {
		r := providers.Resource{GVK: c.GVK(), Plural: c.Plural, Namespaced: c.Namespaced}
		if r.Plural == "" {
			var ok bool
			if r, ok = defined[c.ID.GroupKind()]; !ok {
				unknown[c.ID.GroupKind().String()] = true
				continue
			}
		}
		kinds[key(r)] = r
		if isSecret(r) && c.ID.Name != "" {
			if makes[c.ID.Namespace] {
				found.Later = append(found.Later, c.ID.Namespace+"/"+c.ID.Name)
			} else {
				found.Secrets[c.ID.Namespace] = append(found.Secrets[c.ID.Namespace], c.ID.Name)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		found.Kinds = append(found.Kinds, kinds[k])
	}
	slices.Sort(found.Later)
	found.Unknown = slices.Sorted(maps.Keys(unknown))
	return found
}

// definition is the kind that a change defines.
func definition(c *plan.Change) (providers.Resource, bool) {
	if c.ID.GroupKind() != (object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}) || c.Body == nil {
		return providers.Resource{}, false
	}
	spec, _ := c.Body["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	text := func(m map[string]any, name string) string { s, _ := m[name].(string); return s }
	r := providers.Resource{
		GVK:        object.GVK{Group: text(spec, "group"), Kind: text(names, "kind")},
		Plural:     text(names, "plural"),
		Namespaced: text(spec, "scope") == "Namespaced",
	}
	return r, r.Plural != "" && r.GVK.Kind != ""
}
