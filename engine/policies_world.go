package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// policyWorld reads what admission policies look at beside the object, by one list of each
// kind, and has the cases of the plan over it: namespaces, and where a policy asks for
// them, the cluster's own policies with their parameters.
func (e *Engine) policyWorld(ctx context.Context, s *session, set *policy.Set, cases []policy.Case) (*policy.World, error) {
	world := &policy.World{Namespaces: admission.Namespaces{}, Changed: map[string]bool{}}
	if !set.NeedsNamespaces() {
		return world, nil
	}
	over := overlayOf(cases)
	namespaces, err := over.read(ctx, s, object.GVK{Version: "v1", Kind: "Namespace"})
	if err != nil {
		return nil, fmt.Errorf("the namespaces of cluster %q cannot be read: %w", s.name, err)
	}
	for _, o := range namespaces {
		if world.Namespaces[o.Name()], err = admission.NamespaceOf(o); err != nil {
			return nil, err
		}
	}
	if !set.AsksClusters() {
		return world, nil
	}
	var rules []object.Object
	for _, kind := range []string{admission.PolicyKind, admission.BindingKind} {
		found, err := over.read(ctx, s, object.GVK{Group: admission.Group, Version: "v1", Kind: kind})
		if err != nil {
			return nil, fmt.Errorf("the admission policies of cluster %q cannot be read: %w", s.name, err)
		}
		rules = append(rules, found...)
	}
	world.Policies = admission.CompileLive(rules)
	for _, gvk := range world.Policies.ParamKinds() {
		params, err := over.read(ctx, s, gvk)
		if err != nil {
			return nil, fmt.Errorf("the parameters of admission policies of cluster %q cannot be read: %w", s.name, err)
		}
		for i := range params {
			params[i], _ = e.differ.Redact(params[i])
		}
		world.Policies = world.Policies.WithParams(params)
	}
	over.changed(rules, world.Changed)
	return world, nil
}

// overlay is what a plan makes of the objects of a cluster.
type overlay map[object.ID]policy.Case

func overlayOf(cases []policy.Case) overlay {
	out := overlay{}
	for _, c := range cases {
		out[c.Change.ID] = c
	}
	return out
}

// read lists a kind in all namespaces, nothing where the cluster does not have it, and has
// the plan over it.
func (o overlay) read(ctx context.Context, s *session, gvk object.GVK) ([]object.Object, error) {
	var found []object.Object
	if s.cluster != nil {
		resource, err := s.cluster.Resource(ctx, gvk)
		if err == nil {
			found, err = s.cluster.List(ctx, resource, "", providers.ListOptions{})
		}
		if err != nil && !errors.Is(err, providers.ErrUnknownKind) && !errors.Is(err, providers.ErrNotFound) {
			return nil, err
		}
	}
	out := slices.DeleteFunc(found, func(have object.Object) bool {
		c, planned := o[have.ID()]
		return planned && c.Change.Action != plan.Unchanged
	})
	for id, c := range o {
		if id.GroupKind() == gvk.GroupKind() && c.After != nil && c.Change.Action.Changes() {
			out = append(out, c.After)
		}
	}
	return out, nil
}

// changed notes the policies that the plan changes: themselves, what binds them, or what
// they may take as parameters.
func (o overlay) changed(rules []object.Object, into map[string]bool) {
	kinds := map[object.GroupKind]bool{}
	for id, c := range o {
		kinds[id.GroupKind()] = kinds[id.GroupKind()] || c.Change.Action.Changes()
		if id.Group != admission.Group {
			continue
		}
		switch id.Kind {
		case admission.PolicyKind:
			into[id.Name] = true
		case admission.BindingKind:
			for _, binding := range []object.Object{c.Before, c.After} {
				if name := text(binding, "spec", "policyName"); name != "" {
					into[name] = true
				}
			}
		}
	}
	for _, rule := range rules {
		group, version := object.SplitAPIVersion(text(rule, "spec", "paramKind", "apiVersion"))
		if version != "" && kinds[object.GroupKind{Group: group, Kind: text(rule, "spec", "paramKind", "kind")}] {
			into[rule.Name()] = true
		}
	}
}
