// Package selection tells which objects a command is limited to: those that --resource
// and --label name.
//
// The package does no I/O; the engine and the command line import it.
package selection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Selection is the objects that a command is limited to. The zero value, and nil, is all
// of them. It is immutable.
type Selection struct {
	resources []resource
	labels    labels.Selector // nil: any
	given     plan.Selected
}

// resource is one --resource: group/Kind:namespace/name. Parts that were not written are nil.
type resource struct {
	exclude                      bool
	group, kind, namespace, name glob.Glob
}

// Parse reads selections as they are written: resources as "Kind", "group/Kind",
// "Kind:name" or "group/Kind:namespace/name", any part of which may be a pattern, with "!"
// in front to leave out; and a label selector as kubectl has it. An object is selected
// where a resource names it, or none is given that does not leave out, no resource leaves
// it out, and its labels match. It returns nil where nothing is given.
func Parse(resources []string, selector string) (*Selection, error) {
	if len(resources) == 0 && selector == "" {
		return nil, nil
	}
	out := &Selection{given: plan.Selected{Resources: slices.Clone(resources), Labels: selector}}
	for _, text := range resources {
		r, err := parseResource(text)
		if err != nil {
			return nil, err
		}
		out.resources = append(out.resources, r)
	}
	if selector != "" {
		parsed, err := labels.Parse(selector)
		if err != nil {
			return nil, fmt.Errorf("label selector %q cannot be read: %w", selector, err)
		}
		out.labels = parsed
	}
	return out, nil
}

func parseResource(text string) (resource, error) {
	wrong := func(what string) (resource, error) {
		return resource{}, fmt.Errorf("%q names no resource: %s. Write a kind, and what of it: \"Deployment\", \"apps/Deployment:web\", \"apps/Deployment:shop/web\"; \"*\" stands for anything, and \"!\" in front leaves out", text, what)
	}
	rest, exclude := strings.CutPrefix(text, "!")
	kinds, names, named := strings.Cut(rest, ":")
	group, kind, grouped := strings.Cut(kinds, "/")
	if !grouped {
		group, kind = "", group
	}
	namespace, name, spaced := strings.Cut(names, "/")
	if !spaced {
		namespace, name = "", namespace
	}
	switch {
	case kind == "" || strings.Contains(kind, "/"):
		return wrong("it has no kind")
	case named && name == "" || spaced && namespace == "":
		return wrong("a name is empty")
	case strings.Contains(name, "/") || strings.Contains(name, ":"):
		return wrong("a name has no slash and no colon in it")
	}
	out := resource{exclude: exclude}
	for _, part := range []struct {
		to      *glob.Glob
		text    string
		written bool
	}{{&out.group, group, grouped}, {&out.kind, kind, true}, {&out.namespace, namespace, spaced}, {&out.name, name, named}} {
		if !part.written {
			continue
		}
		compiled, err := glob.Compile(part.text)
		if err != nil {
			return wrong(fmt.Sprintf("%q is no pattern", part.text))
		}
		*part.to = compiled
	}
	return out, nil
}

func (r resource) matches(id object.ID) bool {
	for _, part := range []struct {
		pattern glob.Glob
		text    string
	}{{r.group, id.Group}, {r.kind, id.Kind}, {r.namespace, id.Namespace}, {r.name, id.Name}} {
		if part.pattern != nil && !part.pattern.Match(part.text) {
			return false
		}
	}
	return true
}

// Has reports whether an object is among those selected.
func (s *Selection) Has(id object.ID, of map[string]string) bool {
	if s == nil {
		return true
	}
	named, included := false, false
	for _, r := range s.resources {
		switch {
		case !r.exclude:
			named, included = true, included || r.matches(id)
		case r.matches(id):
			return false
		}
	}
	return (included || !named) && (s.labels == nil || s.labels.Matches(labels.Set(of)))
}

// Given returns what was given, for the plan; nil for all.
func (s *Selection) Given() *plan.Selected {
	if s == nil {
		return nil
	}
	given := s.given
	return &given
}

// String says what is selected, for people.
func (s *Selection) String() string {
	if s == nil {
		return "all"
	}
	text := strings.Join(s.given.Resources, ", ")
	if s.given.Labels == "" {
		return text
	}
	if text != "" {
		text += ", "
	}
	return text + "labels " + s.given.Labels
}
