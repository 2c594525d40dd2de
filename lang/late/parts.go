package late

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/plan/object"
)

// Parts are what expressions look at of the objects of a policy. Most of an object is of no
// interest to most policies, and to make a value of it is most of what asking them costs.
// Nil is everything. Parts are immutable.
type Parts struct{ object, before *part }

// part is what is looked at below a place: all of it, or some of its attributes.
type part struct {
	all   bool
	inner map[string]*part
	names []string // of inner, sorted
}

// PartsOf returns what expressions of a policy look at: together, so that each object
// becomes a value once for all of them.
func PartsOf(expressions ...Expression) *Parts {
	out := &Parts{object: &part{}, before: &part{}}
	for _, e := range expressions {
		if e.IsZero() {
			continue
		}
		for _, traversal := range e.compiled.expr.Variables() {
			switch traversal.RootName() {
			case "object":
				out.object.add(traversal[1:])
			case "change":
				switch {
				case len(traversal) == 1 || stepName(traversal[1]) == "":
					out.before.all = true
				case stepName(traversal[1]) == "before":
					out.before.add(traversal[2:])
				}
			}
		}
	}
	out.object.sort()
	return out
}

// sort notes the names of the parts in their order.
func (p *part) sort() {
	p.names = slices.Sorted(maps.Keys(p.inner))
	for _, inner := range p.inner {
		inner.sort()
	}
}

// add notes a traversal, as far as it consists of names.
func (p *part) add(steps hcl.Traversal) {
	for _, step := range steps {
		name := stepName(step)
		if name == "" {
			break
		}
		if p.inner[name] == nil {
			if p.inner == nil {
				p.inner = map[string]*part{}
			}
			p.inner[name] = &part{}
		}
		p = p.inner[name]
	}
	p.all = true
}

// value returns of an object what is looked at. Attributes that it lacks are lacking, and
// where it has none that could be looked into, it is as it is.
func (p *part) value(v any) cty.Value {
	if o, ok := v.(object.Object); ok {
		v = map[string]any(o)
	}
	m, ok := v.(map[string]any)
	if !ok || p.all {
		return fromGo(v)
	}
	attributes := make(map[string]cty.Value, len(p.inner))
	for name, inner := range p.inner {
		if found, ok := m[name]; ok {
			attributes[name] = inner.value(found)
		}
	}
	return cty.ObjectVal(attributes)
}

// objectValue returns what parts there are of an object; of none, it is null.
func objectValue(p *part, o object.Object) cty.Value {
	switch {
	case o == nil:
		return cty.NullVal(cty.DynamicPseudoType)
	case p == nil:
		return fromGo(o)
	}
	return p.value(o)
}
