package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// precious are the kinds that take others' objects or data with them when they
// are deleted.
var precious = map[object.GroupKind]bool{
	namespaceKind:                   true,
	crdKind:                         true,
	{Kind: "PersistentVolume"}:      true,
	{Kind: "PersistentVolumeClaim"}: true,
}

// generated are kinds whose objects Kubernetes makes by itself in a namespace.
var generated = map[object.GroupKind]bool{
	{Kind: "Event"}:                                    true,
	{Kind: "Endpoints"}:                                true,
	{Group: "events.k8s.io", Kind: "Event"}:            true,
	{Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true,
}

// careful blocks a deletion that would take away what this plan does not delete,
// or that may be wanted by an application which this plan knows nothing of.
func (c *comparison) careful(ctx context.Context, change *plan.Change, have object.Object) *plan.Change {
	kind := change.ID.GroupKind()
	if change.Action != plan.Prune || !precious[kind] {
		return change
	}
	if c.uncertain != "" {
		return block(change, "Deletion is not safe", fmt.Sprintf(
			"%s is no longer wanted by its application, but %s, so another one may want it. It is not deleted before that is known.", change.ID, c.uncertain))
	}
	var below []string
	var err error
	switch kind {
	case namespaceKind:
		below, err = c.inNamespace(ctx, change.ID.Name)
	case crdKind:
		below, err = c.ofKind(ctx, have)
	}
	if err != nil {
		return block(change, "Deletion is not safe", fmt.Sprintf("what would go with %s cannot be read: %s", change.ID, err))
	}
	if len(below) == 0 {
		return change
	}
	slices.Sort(below)
	more := ""
	const most = 5
	if n := len(below) - most; n > 0 {
		below, more = below[:most], fmt.Sprintf(" and %d more", n)
	}
	return block(change, "Deletion takes more with it", fmt.Sprintf(
		"With %s would go what this plan does not delete: %s%s. Delete these first, or keep it with the annotation argocd.argoproj.io/sync-options: Prune=false,Delete=false.",
		change.ID, strings.Join(below, ", "), more))
}

// ofKind lists the objects of the kind that a CRD defines which this plan does not delete.
func (c *comparison) ofKind(ctx context.Context, crd object.Object) ([]string, error) {
	kind := object.GroupKind{Group: text(crd, "spec", "group"), Kind: text(crd, "spec", "names", "kind")}
	all, err := c.session.cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.GVK.GroupKind() == kind {
			return c.remaining(ctx, r, "")
		}
	}
	return nil, nil
}

// inNamespace lists the objects in a namespace which this plan does not delete, but
// for those that Kubernetes makes, or that others own and take with them.
func (c *comparison) inNamespace(ctx context.Context, namespace string) ([]string, error) {
	all, err := c.session.cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	var kinds []providers.Resource
	for _, r := range all {
		if r.Namespaced && !generated[r.GVK.GroupKind()] && slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "delete") {
			kinds = append(kinds, r)
		}
	}
	found, errs := make([][]string, len(kinds)), make([]error, len(kinds))
	parallel(ctx, c.engine.options.Parallelism, len(kinds), func(i int) {
		found[i], errs[i] = c.remaining(ctx, kinds[i], namespace)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(found...), nil
}

// remaining lists the objects of a kind that nothing in this plan deletes.
func (c *comparison) remaining(ctx context.Context, resource providers.Resource, namespace string) ([]string, error) {
	objects, err := c.session.cluster.List(ctx, resource, namespace, providers.ListOptions{})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range objects {
		id := o.ID()
		_, goes := c.held[id]
		if goes || o.Metadata()["ownerReferences"] != nil || o.Metadata()["deletionTimestamp"] != nil || isDefault(id) {
			continue
		}
		out = append(out, id.String())
	}
	return out, nil
}

// isDefault reports whether an object is one that every namespace has.
func isDefault(id object.ID) bool {
	return id.Group == "" && (id.Kind == "ConfigMap" && id.Name == "kube-root-ca.crt" || id.Kind == "ServiceAccount" && id.Name == "default")
}
