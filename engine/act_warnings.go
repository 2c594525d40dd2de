package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// undone warns of fields that the configuration sets: the next apply puts them back.
func undone(t *acting, paths []string) []string {
	var out []string
	for _, path := range paths {
		pointer := "/" + strings.ReplaceAll(path, ".", "/")
		if strings.ContainsAny(path, "[\"") || t.ignores(pointer) {
			continue
		}
		out = append(out, fmt.Sprintf("%s is set by the configuration: the next plan shows this as drift, and applying it puts it back. "+
			"To leave the field to others, add an ignore_differences block to the application, with group = %q, kind = %q and json_pointers = [%q].", path, t.owned.ID.Group, t.owned.ID.Kind, pointer))
	}
	return out
}

// ignores reports whether the configuration leaves a field of the target to others.
func (t *acting) ignores(pointer string) bool {
	return slices.ContainsFunc(t.ignored, func(rule lang.IgnoreDifference) bool {
		return slices.Contains(rule.JSONPointers, pointer) || slices.Contains(rule.FieldManagers, plan.ActionManager)
	})
}

// scaled reports whether a number of pods is among what changes.
func scaled(changes []plan.Change) bool {
	return slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Subresource == "scale" })
}

// scalers warns of HorizontalPodAutoscalers that set the same number. Where they cannot
// be read, nothing is said: this is a service, and no condition.
func scalers(ctx context.Context, s *session, id object.ID) []string {
	kind := object.GVK{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}
	found, err := s.cluster.List(ctx, providers.Resource{GVK: kind, Plural: "horizontalpodautoscalers", Namespaced: true}, id.Namespace, providers.ListOptions{})
	if err != nil {
		return nil
	}
	var out []string
	for _, o := range found {
		if text(o, "spec", "scaleTargetRef", "kind") == id.Kind && text(o, "spec", "scaleTargetRef", "name") == id.Name {
			out = append(out, fmt.Sprintf("%s scales it, and may set another number at once.", o.ID()))
		}
	}
	return out
}
