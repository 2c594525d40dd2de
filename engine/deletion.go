package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	left, err := below(ctx, c.session.cluster, have, c.engine.options.Parallelism)
	if err != nil {
		return block(change, "Deletion is not safe", fmt.Sprintf("what would go with %s cannot be read: %s", change.ID, err))
	}
	var below []string
	for _, id := range left {
		if _, goes := c.held[id]; !goes {
			below = append(below, id.String())
		}
	}
	if len(below) == 0 {
		return change
	}
	more := ""
	const most = 5
	if n := len(below) - most; n > 0 {
		below, more = below[:most], fmt.Sprintf(" and %d more", n)
	}
	return block(change, "Deletion takes more with it", fmt.Sprintf(
		"With %s would go what this plan does not delete: %s%s. Delete these first, or keep it with the annotation argocd.argoproj.io/sync-options: Prune=false,Delete=false.",
		change.ID, strings.Join(below, ", "), more))
}

// below lists what goes with an object when it is deleted: the objects in a
// namespace, or of the kind that a CRD defines. Left out are those that Kubernetes
// makes by itself, that others own and take with them, and that are going already.
func below(ctx context.Context, cluster providers.Cluster, o object.Object, limit int) ([]object.ID, error) {
	kind := o.ID().GroupKind()
	if kind != namespaceKind && kind != crdKind {
		return nil, nil
	}
	all, err := cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	of := object.GroupKind{Group: text(o, "spec", "group"), Kind: text(o, "spec", "names", "kind")}
	namespace := ""
	if kind == namespaceKind {
		namespace = o.Name()
	}
	var kinds []providers.Resource
	for _, r := range all {
		switch {
		case kind == crdKind && r.GVK.GroupKind() != of:
		case kind == namespaceKind && (!r.Namespaced || generated[r.GVK.GroupKind()]):
		case slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "delete"):
			kinds = append(kinds, r)
		}
	}
	found, errs := make([][]object.ID, len(kinds)), make([]error, len(kinds))
	parallel(ctx, limit, len(kinds), func(i int) {
		found[i], errs[i] = remaining(ctx, cluster, kinds[i], namespace)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	out := slices.Concat(found...)
	slices.SortFunc(out, object.ID.Compare)
	return out, ctx.Err()
}

func remaining(ctx context.Context, cluster providers.Cluster, resource providers.Resource, namespace string) ([]object.ID, error) {
	objects, err := cluster.List(ctx, resource, namespace, providers.ListOptions{})
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind) {
		return nil, nil // the kind itself is gone
	}
	if err != nil {
		return nil, err
	}
	var out []object.ID
	for _, o := range objects {
		id := o.ID()
		if o.Metadata()["ownerReferences"] == nil && o.Metadata()["deletionTimestamp"] == nil && !isDefault(id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// isDefault reports whether an object is one that every namespace has.
func isDefault(id object.ID) bool {
	return id.Group == "" && (id.Kind == "ConfigMap" && id.Name == "kube-root-ca.crt" || id.Kind == "ServiceAccount" && id.Name == "default")
}

// alone waits until nothing is left that would go with an object, as long as it is
// this apply that deletes it, and fails where something else is there: since it
// was planned, or because an application was left out.
func (p *progress) alone(ctx context.Context, c *plan.Change) error {
	kind := c.ID.GroupKind()
	if kind != namespaceKind && kind != crdKind {
		return nil
	}
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	deadline := p.applying.engine.options.Now().Add(aloneTimeout)
	for {
		left, err := below(ctx, p.session.cluster, have, p.applying.engine.options.Parallelism)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, id := range left {
			if !p.applying.deletes[p.session.info.UID][id] {
				return fmt.Errorf("with it would go %s, which is not in the plan: it is left as it is. Plan again", id)
			}
		}
		if p.applying.engine.options.Now().After(deadline) {
			return fmt.Errorf("with it would go %s, which was to be deleted first and is still there. Plan again", left[0])
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// aloneTimeout is how long a deletion waits for those that must come before it.
const aloneTimeout = time.Minute
