package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// scope returns a context in which the blocks that a block refers to have their
// values, and nothing else is there. What has been reported as undeclared is
// unknown, so that it is not reported again, and so is each until an instance has
// its own.
func (e *Evaluation) scope(f *frame, b *block) *hcl.EvalContext {
	return e.scopeOf(f, b.references)
}

// scopeOf returns a context for expressions in a module that have these references.
func (e *Evaluation) scopeOf(f *frame, references []reference) *hcl.EvalContext {
	root := node{}
	through := map[*unit][]*block{}
	for _, ref := range references {
		switch {
		case ref.validated:
		case ref.path[0] == "path" && len(ref.path) > 1:
			root.set(ref.path, cty.StringVal("."))
		case ref.target == nil:
			root.set(ref.path, cty.DynamicVal)
		case ref.call != nil:
			through[ref.call] = append(through[ref.call], ref.through...)
			root.set(ref.path, f.outputs(ref.call, through[ref.call]))
		case ref.target.kind != nil && ref.target.kind.Type == moduleType:
			root.set(ref.path, cty.DynamicVal)
		case ref.target.isGroup():
			root.merge(ref.target.address.Kind, f.group(ref.target))
		default:
			root.set(ref.path, f.result(ref.target).value)
		}
	}
	ctx := e.functions[f.unit.id].NewChild()
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
// repositories by their names, the instances of one block among the others, and in
// a called module those that are passed to it; applications by their blocks.
func (f *frame) group(group *block) cty.Value {
	result := f.result(group)
	if result.value != cty.NilVal {
		return result.value
	}
	attributes := map[string]cty.Value{}
	for _, member := range group.members {
		inner := f.result(member)
		switch {
		case member.kind.Root == variableRoot:
			if !inner.value.IsWhollyKnown() {
				result.value = cty.DynamicVal
				return result.value
			}
			passedBlocks(inner.value, group.address.Kind, attributes)
		case member.forEach == nil || group.address.Kind == ordered:
			attributes[member.address.Name] = inner.value
		case !inner.value.IsKnown():
			result.value = cty.DynamicVal
			return result.value
		default:
			for key, v := range inner.value.AsValueMap() {
				attributes[key] = v
			}
		}
	}
	result.value = cty.ObjectVal(attributes)
	return result.value
}

// passedBlocks collects the blocks of a kind that a value holds, by their names.
func passedBlocks(v cty.Value, kind string, into map[string]cty.Value) {
	if ref, ok := value.ReferenceOf(v); ok {
		if name := v.GetAttr("name"); ref.Address.Kind == kind && name.IsKnown() {
			into[name.AsString()] = v
		}
		return
	}
	v, _ = v.Unmark()
	if v.IsNull() || !v.CanIterateElements() {
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		passedBlocks(element, kind, into)
	}
}

// All returns all blocks of a grouped kind by name, which the kind of the block
// that asks must have among its Implicit ones. It is false where one of them cannot
// be told, which must not look as if it were not there.
func (in *Instance) All(kind string) (cty.Value, bool) {
	f := in.frame
	if in.module.kinds[kind].Shared {
		for f.parent != nil {
			f = f.parent
		}
	}
	group := f.unit.groups[kind]
	r := f.result(group)
	return f.group(group), !r.failed && !r.deferred
}
