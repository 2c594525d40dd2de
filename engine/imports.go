package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// tellUnrendered warns of objects that import blocks select and that their applications
// do not render: they are left alone, and somebody may think they are not.
func (p *planning) tellUnrendered(ctx context.Context) {
	var drafts []*draft
	for _, d := range p.drafts {
		if len(d.imports) > 0 && !d.failed() && d.session.cluster != nil && d.session.err == nil {
			drafts = append(drafts, d)
		}
	}
	parallel(ctx, p.engine.options.Parallelism, len(drafts), func(i int) {
		d := drafts[i]
		for j := range d.imports {
			d.warnings = append(d.warnings, p.engine.unrendered(ctx, d, &d.imports[j])...)
		}
	})
}

// unrendered lists what an import block selects, and says what is to be said of it.
func (e *Engine) unrendered(ctx context.Context, d *draft, of *refactor.Import) []string {
	namespace := of.In(d.app.Destination.Namespace)
	found, unread, err := e.selected(ctx, d.session, namespace, of.Selector)
	where := fmt.Sprintf("The import of %q in namespace %s (%s)", of.Selector, namespace, rangeText(of.Range))
	if err != nil {
		return []string{fmt.Sprintf("%s cannot be looked up: %s", where, err)}
	}
	wants := map[object.ID]bool{}
	for _, want := range d.desired {
		wants[want.object.ID()] = true
	}
	var left []string
	for _, id := range found {
		if !wants[id] {
			left = append(left, id.String())
		}
	}
	var out []string
	switch {
	case len(found) == 0 && len(unread) == 0:
		out = append(out, where+" selects nothing that is there.")
	case len(left) > 0:
		out = append(out, fmt.Sprintf("%s selects what the application does not render. It is left alone, and belongs to nobody here: %s.", where, listed(left)))
	}
	if len(unread) > 0 {
		out = append(out, fmt.Sprintf("%s may select more: these kinds may not be read: %s.", where, listed(unread)))
	}
	return out
}

// listed joins names, and counts those that are too many.
func listed(names []string) string {
	const most = 20
	slices.Sort(names)
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// selected lists the objects of a namespace with some labels that people or tools have
// made: of every kind that can be applied, and not what controllers have made of others. unread
// are kinds that may not be read.
func (e *Engine) selected(ctx context.Context, s *session, namespace, selector string) (found []object.ID, unread []string, err error) {
	kinds, err := s.cluster.Resources(ctx)
	if err != nil {
		return nil, nil, err
	}
	kinds = slices.DeleteFunc(kinds, func(r providers.Resource) bool { return !r.Namespaced || !importable(r) })
	var mu sync.Mutex
	parallel(ctx, e.options.Parallelism, len(kinds), func(i int) {
		list, listErr := s.cluster.List(ctx, kinds[i], namespace, providers.ListOptions{LabelSelector: selector})
		mu.Lock()
		defer mu.Unlock()
		switch {
		case errors.Is(listErr, providers.ErrForbidden):
			unread = append(unread, kinds[i].GVK.GroupKind().String())
		case listErr != nil && !errors.Is(listErr, providers.ErrUnknownKind):
			err = listErr
		}
		for _, o := range list {
			if !controlled(o) {
				found = append(found, o.ID())
			}
		}
	})
	return found, unread, err
}

// importable reports whether objects of a kind are what someone wants, and not what
// controllers note.
func importable(r providers.Resource) bool {
	switch r.GVK.GroupKind() {
	case object.GroupKind{Kind: "Endpoints"}, object.GroupKind{Kind: "Event"}, object.GroupKind{Group: "events.k8s.io", Kind: "Event"},
		object.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}, object.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"}:
		return false
	}
	return slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "patch") && slices.Contains(r.Verbs, "create")
}

// controlled reports whether a controller made an object for another one.
func controlled(o object.Object) bool {
	owners, _ := o.Metadata()["ownerReferences"].([]any)
	return slices.ContainsFunc(owners, func(item any) bool {
		owner, _ := item.(map[string]any)
		controller, _ := owner["controller"].(bool)
		return controller
	})
}
