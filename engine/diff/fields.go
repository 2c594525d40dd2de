package diff

import (
	"cmp"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Changes are the two states of an object that Fields compares.
type Changes struct {
	Before  object.Object // live, as listed; nil is nothing
	After   object.Object // what the dry-run answered; or Desired where nobody could be asked
	Desired object.Object // what was sent
	Prior   *state.Owned  // what state has recorded of the object, nil if nothing
	Type    *Type         // nil is a deduced type
	// Redacted says that there are fingerprints in Before, After and Desired already
	// where values of Secrets were.
	Redacted bool
	// Moves are the managers whose fields of Before come to us: what of them goes is our
	// doing, and not the server's.
	Moves []plan.ManagerMove
}

// Fields lists what changes between Before and After, sorted by path: values,
// and fields whose ownership alone changes (Added: we come to own it, Removed: we
// release it). Left out is what the server keeps for itself: managedFields,
// resourceVersion, generation, creationTimestamp, uid, selfLink and status; and the identity, which is the same.
//
// Items of lists are matched by their keys where the type has them, and a new
// order of such items is a change of the list from one list of keys to another.
// Lists without keys, and strings, are one change. Values of Secrets are
// fingerprints. Fields(x, x) is empty.
func (d *Differ) Fields(in Changes) []plan.FieldChange {
	before, after, desired := in.Before, in.After, in.Desired
	if !in.Redacted {
		before, _ = d.Redact(before)
		after, _ = d.Redact(after)
		desired, _ = d.Redact(desired)
	}
	w := walker{}
	root := in.Type.root()
	w.compareMaps(root, nil, compared(before), compared(after))

	m := d.marker(in, root, desired)
	out := make([]plan.FieldChange, 0, len(w.found))
	for _, c := range w.found {
		out = append(out, m.mark(c))
	}
	if _, told := in.After.Metadata()["managedFields"]; told {
		out = append(out, m.ownership(w.found, before, after)...)
	}
	slices.SortStableFunc(out, func(a, b plan.FieldChange) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// compared returns the part of an object that Fields looks at.
func compared(o object.Object) map[string]any {
	out := make(map[string]any, len(o))
	for key, value := range o {
		switch key {
		case "apiVersion", "kind", "status":
		case "metadata":
			metadata, _ := value.(map[string]any)
			kept := make(map[string]any, len(metadata))
			for name, v := range metadata {
				if name != "name" && name != "namespace" && !slices.Contains(serverMetadata(), name) {
					kept[name] = v
				}
			}
			out[key] = kept
		default:
			out[key] = value
		}
	}
	return out
}

// change is one change of a value.
type change struct {
	at            path
	node          node
	before, after any
	kind          plan.FieldKind
}

// walker collects the changes between two values.
type walker struct{ found []change }

func (w *walker) add(n node, at path, before, after any, kind plan.FieldKind) {
	w.found = append(w.found, change{at: at, node: n, before: before, after: after, kind: kind})
}

// compare looks at two values that are both there.
func (w *walker) compare(n node, at path, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok && !n.atomicMap() {
			w.compareMaps(n, at, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok && w.compareItems(n, at, b, a) {
			return
		}
	}
	if !equal(n, before, after) {
		w.add(n, at, before, after, plan.Changed)
	}
}

func (w *walker) compareMaps(n node, at path, before, after map[string]any) {
	for _, name := range sortedKeys(before) {
		place, child := at.with(member(name)), n.field(name)
		if value, ok := after[name]; ok {
			w.compare(child, place, before[name], value)
		} else {
			w.whole(child, place, before[name], plan.Removed)
		}
	}
	for _, name := range sortedKeys(after) {
		if _, ok := before[name]; !ok {
			w.whole(n.field(name), at.with(member(name)), after[name], plan.Added)
		}
	}
}

// compareItems compares lists whose items have keys; false where they do not.
func (w *walker) compareItems(n node, at path, before, after []any) bool {
	keys, associative := n.listKeys()
	if !associative {
		return false
	}
	was, okBefore := itemPlaces(n, keys, before)
	is, okAfter := itemPlaces(n, keys, after)
	if !okBefore || !okAfter {
		return false
	}
	var common, order []string
	for _, item := range before {
		text, selector, _ := identify(n, keys, item)
		place := at.with(selector)
		if i, ok := is[text]; ok {
			common = append(common, text)
			w.compare(n.item(), place, item, after[i])
		} else {
			w.add(n.item(), place, item, nil, plan.Removed)
		}
	}
	for _, item := range after {
		text, selector, _ := identify(n, keys, item)
		if _, ok := was[text]; ok {
			order = append(order, text)
		} else {
			w.add(n.item(), at.with(selector), nil, item, plan.Added)
		}
	}
	if !slices.Equal(common, order) {
		w.add(n, at, selectors(n, keys, before), selectors(n, keys, after), plan.Changed)
	}
	return true
}

// whole records a value that is only on one side; null is nothing. The entries of a map of free
// keys (labels, data) are changes of their own.
func (w *walker) whole(n node, at path, value any, kind plan.FieldKind) {
	if value == nil {
		return
	}
	m, isMap := value.(map[string]any)
	if isMap && len(m) > 0 && !n.atomicMap() && len(n.atom().Fields) == 0 {
		for _, name := range sortedKeys(m) {
			w.whole(n.field(name), at.with(member(name)), m[name], kind)
		}
		return
	}
	if kind == plan.Added {
		w.add(n, at, nil, value, kind)
	} else {
		w.add(n, at, value, nil, kind)
	}
}

// selectors lists what tells a list's items apart, in order.
func selectors(n node, keys []string, list []any) []any {
	out := make([]any, 0, len(list))
	for _, item := range list {
		_, selector, _ := identify(n, keys, item)
		text := path{selector}.String()
		out = append(out, text[1:len(text)-1])
	}
	return out
}

// equal compares whole values.
func equal(n node, a, b any) bool {
	_, ok := covers(n, a, b, true)
	if !ok {
		return false
	}
	_, ok = covers(n, b, a, true)
	return ok
}
