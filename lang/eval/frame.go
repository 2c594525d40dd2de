package eval

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// frame is one instance of a module: what its blocks come to.
type frame struct {
	unit    *unit
	parent  *frame
	address string // of its blocks: module.a["k"].module.b; empty for the root module
	// key and each are the instance's of the module block, where it has for_each.
	key    string
	hasKey bool
	call   *Instance // the module block's instance; nil for the root module
	// placeholder says that the instances of the module, or of one above it, cannot be
	// told: it stands for all of them, to find what else is wrong.
	placeholder bool

	results   []result // by block.place
	children  map[*unit]*expansion
	made      map[outputsKey]cty.Value // of called modules, once it is asked for
	dependsOn []Dependency             // of the module block, and of those above it
}

// expansion is the instances of a called module within one of its caller's.
type expansion struct {
	frames []*frame // sorted by key
	known  bool
}

func (e *Evaluation) newFrame(u *unit, parent *frame) *frame {
	f := &frame{unit: u, parent: parent, results: make([]result, len(u.blocks)), children: map[*unit]*expansion{}}
	if parent != nil {
		f.placeholder = parent.placeholder
		f.dependsOn = parent.dependsOn
	}
	e.frames[u.id] = append(e.frames[u.id], f)
	return f
}

// addressOf returns the address of a block in this instance of its module.
func (f *frame) addressOf(b *block) addr.Address {
	a := b.address
	a.Module = f.address
	return a
}

// result is what a block came to.
type result struct {
	value    cty.Value // what references to it have
	failed   bool      // it, or what it needs, has errors; its value is unknown, or parts of it are
	deferred bool      // parts of its value are unknown, as there is no outside world
	keys     []string  // of its instances, sorted; nil where they are not known
	broken   map[string]bool
}

// fail records that an instance has errors, or that what it needs has.
func (r *result) fail(key string) {
	r.failed = true
	if r.broken == nil {
		r.broken = map[string]bool{}
	}
	r.broken[key] = true
}

// result returns what a block of the frame's module came to.
func (f *frame) result(b *block) *result { return &f.results[b.place] }

// resultsOf returns what a block came to that one of the frame's needs: its own,
// one of the caller's, or one of a called module in all its instances.
func (f *frame) resultsOf(b *block) []*result {
	if b.unit == f.unit {
		return []*result{f.result(b)}
	}
	var found []*result
	for at := f; at != nil; at = at.parent {
		if !b.unit.within(at.unit) {
			continue
		}
		for _, inner := range at.instancesOf(b.unit) {
			found = append(found, inner.result(b))
		}
		break
	}
	return found
}

// instancesOf returns the instances of a module that this one calls, directly or
// not.
func (f *frame) instancesOf(u *unit) []*frame {
	if u == f.unit {
		return []*frame{f}
	}
	var found []*frame
	for _, above := range f.instancesOf(u.parent) {
		if called := above.children[u]; called != nil {
			found = append(found, called.frames...)
		}
	}
	return found
}

// instantiate makes one instance of a called module.
func (e *Evaluation) instantiate(b *block, f *frame, in *Instance, placeholder bool) {
	called := b.unit.children[b.address.Name]
	if called == nil {
		return
	}
	x := f.children[called]
	if x == nil {
		x = &expansion{known: true}
		f.children[called] = x
	}
	inner := e.newFrame(called, f)
	inner.address, inner.key, inner.hasKey, inner.call = in.Address.String(), in.Address.Key, in.Address.HasKey, in
	if placeholder {
		inner.placeholder, x.known = true, false
	}
	inner.dependsOn = append(append([]Dependency(nil), f.dependsOn...), e.writtenDependencies(in)...)
	x.frames = append(x.frames, inner)
}

// outputs returns the value of a module: of each instance an object with the
// outputs that are asked for.
func (f *frame) outputs(called *unit, through []*block) cty.Value {
	x := f.children[called]
	if x == nil || !x.known {
		return cty.DynamicVal
	}
	key := outputsKey{called: called, names: namesOf(through)}
	if made, ok := f.made[key]; ok {
		return made
	}
	v := f.makeOutputs(called, through, x)
	if f.made == nil {
		f.made = map[outputsKey]cty.Value{}
	}
	f.made[key] = v
	return v
}

// outputsKey names some outputs of a called module.
type outputsKey struct {
	called *unit
	names  string
}

// namesOf joins the names of blocks, each once.
func namesOf(blocks []*block) string {
	names := make([]string, len(blocks))
	for i, b := range blocks {
		names[i] = b.address.Name
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

func (f *frame) makeOutputs(called *unit, through []*block, x *expansion) cty.Value {
	instances := make(map[string]cty.Value, len(x.frames))
	for _, inner := range x.frames {
		attributes := make(map[string]cty.Value, len(through))
		for _, output := range through {
			v := inner.result(output).value
			if v == cty.NilVal {
				v = cty.DynamicVal
			}
			attributes[output.address.Name] = v
		}
		instances[inner.key] = cty.ObjectVal(attributes)
	}
	if called.call.forEach == nil {
		if len(x.frames) == 0 {
			return cty.DynamicVal
		}
		return instances[""]
	}
	return cty.ObjectVal(instances)
}

// lifecycles returns the lifecycle blocks of the module blocks above an instance,
// outermost first.
func (f *frame) lifecycles() []*schema.Values {
	if f.call == nil {
		return nil
	}
	above := f.parent.lifecycles()
	if own := f.call.Values.One("lifecycle"); own != nil {
		above = append(above, own)
	}
	return above
}
