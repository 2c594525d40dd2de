package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// scope returns a context in which the blocks that a block refers to have their
// values, and nothing else is there. What has been reported as undeclared is
// unknown, so that it is not reported again, and so is each until an instance has
// its own.
func (e *Evaluation) scope(b *block) *hcl.EvalContext {
	root := node{}
	for _, ref := range b.references {
		switch {
		case ref.validated:
		case ref.target == nil:
			root.set(ref.path, cty.DynamicVal)
		case ref.target.isGroup():
			root.merge(ref.target.address.Kind, e.group(ref.target))
		default:
			root.set(ref.path, e.results[ref.target.id].value)
		}
	}
	ctx := e.functions.NewChild()
	ctx.Variables = make(map[string]cty.Value, len(root))
	for name, child := range root {
		ctx.Variables[name] = child.(node).value()
	}
	return ctx
}

// node is a tree of names: its elements are nodes and values.
type node map[string]any

// set puts a value at a path. A path of one name is a whole object that is
// unknown.
func (n node) set(path []string, v cty.Value) {
	for i, name := range path {
		if i == len(path)-1 && i > 0 {
			n[name] = v
			return
		}
		child, ok := n[name].(node)
		if !ok {
			child = node{}
			n[name] = child
		}
		n = child
	}
	n[""] = v // the object itself
}

// merge puts the attributes of an object below a name, where nothing is yet.
func (n node) merge(name string, object cty.Value) {
	child, ok := n[name].(node)
	if !ok {
		child = node{}
		n[name] = child
	}
	if !object.IsKnown() {
		child[""] = object
		return
	}
	for key, v := range object.AsValueMap() {
		if _, ok := child[key]; !ok {
			child[key] = v
		}
	}
}

func (n node) value() cty.Value {
	if whole, ok := n[""]; ok {
		return whole.(cty.Value)
	}
	attributes := make(map[string]cty.Value, len(n))
	for name, child := range n {
		switch child := child.(type) {
		case cty.Value:
			attributes[name] = child
		case node:
			attributes[name] = child.value()
		}
	}
	return cty.ObjectVal(attributes)
}

// group returns all blocks of a kind as one object: clusters, projects and
// repositories by their names, the instances of one block among the others;
// applications by their blocks.
func (e *Evaluation) group(group *block) cty.Value {
	result := &e.results[group.id]
	if result.value != cty.NilVal {
		return result.value
	}
	attributes := map[string]cty.Value{}
	for _, member := range group.members {
		inner := e.results[member.id]
		if member.forEach == nil || group.address.Kind == "application" {
			attributes[member.address.Name] = inner.value
			continue
		}
		if !inner.value.IsKnown() {
			result.value = cty.DynamicVal
			return result.value
		}
		for key, v := range inner.value.AsValueMap() {
			attributes[key] = v
		}
	}
	result.value = cty.ObjectVal(attributes)
	return result.value
}

// All returns all blocks of a grouped kind by name, which the kind of the block
// that asks must have among its Implicit ones. It is false where one of them cannot
// be told, which must not look as if it were not there.
func (e *Evaluation) All(kind string) (cty.Value, bool) {
	group := e.module.groups[kind]
	r := e.results[group.id]
	return e.group(group), !r.failed && !r.deferred
}
