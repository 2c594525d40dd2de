package schema

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// Known reports whether every value of the block, and of the blocks in it, is
// known. Only then do the methods that return Go values return what was written.
func (v *Values) Known() bool { return v.known }

// Get returns an argument, and whether it was set. It may be unknown.
func (v *Values) Get(name string) (Value, bool) {
	if !v.Block.hasArgument(name) {
		panic(fmt.Sprintf("%s has no argument %s. This is a bug in gantry.", v.Block.Type, name))
	}
	return v.argument(name)
}

func (v *Values) argument(name string) (Value, bool) {
	for i := range v.arguments {
		if v.arguments[i].name == name {
			return v.arguments[i].Value, true
		}
	}
	return Value{}, false
}

// Has reports whether an argument was set.
func (v *Values) Has(name string) bool {
	_, ok := v.Get(name)
	return ok
}

// IsKnown reports whether an argument was set to a value that is known.
func (v *Values) IsKnown(name string) bool {
	argument, ok := v.Get(name)
	return ok && argument.IsWhollyKnown()
}

// RangeOf returns where an argument's value is, or the block's header where it was
// not set.
func (v *Values) RangeOf(name string) hcl.Range {
	if argument, ok := v.Get(name); ok {
		return argument.Range()
	}
	return v.Range
}

// Blocks returns the nested blocks of a type, in the order in which they are
// written.
func (v *Values) Blocks(blockType string) []*Values {
	if _, ok := v.Block.Nested(blockType); !ok {
		panic(fmt.Sprintf("%s has no block %s. This is a bug in gantry.", v.Block.Type, blockType))
	}
	return v.nested[blockType]
}

// One returns the only nested block of a type, nil where there is none.
func (v *Values) One(blockType string) *Values {
	if blocks := v.Blocks(blockType); len(blocks) > 0 {
		return blocks[0]
	}
	return nil
}

// clear returns an argument's value without its own mark, and whether it is set
// and known.
func (v *Values) clear(name string) (cty.Value, bool) {
	argument, ok := v.Get(name)
	if !ok {
		return cty.NilVal, false
	}
	unmarked, _ := argument.Unmark()
	return unmarked, unmarked.IsKnown()
}

// String returns a string, empty where it is not set.
func (v *Values) String(name string) string {
	s, ok := v.clear(name)
	if !ok {
		return ""
	}
	return s.AsString()
}

// Secret returns a string that nothing may show.
func (v *Values) Secret(name string) object.Sensitive { return object.Sensitive(v.String(name)) }

// Bool returns a bool, or what it is when it is not set.
func (v *Values) Bool(name string, unset bool) bool {
	b, ok := v.clear(name)
	if !ok {
		return unset
	}
	return b.True()
}

// Int returns a whole number, or what it is when it is not set.
func (v *Values) Int(name string, unset int) int {
	n, ok := v.clear(name)
	if !ok {
		return unset
	}
	i, _ := n.AsBigFloat().Int64()
	return int(i)
}

// Duration returns a duration, or what it is when it is not set.
func (v *Values) Duration(name string, unset time.Duration) time.Duration {
	text, ok := v.clear(name)
	if !ok {
		return unset
	}
	d, err := time.ParseDuration(text.AsString())
	if err != nil {
		return unset
	}
	return d
}

// Strings returns a list of strings, nil where it is not set; an element that is
// unknown is left out.
func (v *Values) Strings(name string) []string {
	list, ok := v.clear(name)
	if !ok {
		return nil
	}
	out := []string{}
	for it := list.ElementIterator(); it.Next(); {
		_, item := it.Element()
		if item, _ = item.Unmark(); item.IsKnown() {
			out = append(out, item.AsString())
		}
	}
	return out
}

// StringMap returns a map of strings, nil where it is not set or empty.
func (v *Values) StringMap(name string) map[string]string {
	return elements(v, name, func(item cty.Value) string { return item.AsString() })
}

// BoolMap returns a map of bools, nil where it is not set or empty.
func (v *Values) BoolMap(name string) map[string]bool {
	return elements(v, name, func(item cty.Value) bool { return item.True() })
}

// IntMap returns a map of whole numbers, nil where it is not set or empty.
func (v *Values) IntMap(name string) map[string]int64 {
	return elements(v, name, func(item cty.Value) int64 {
		i, _ := item.AsBigFloat().Int64()
		return i
	})
}

func elements[T any](v *Values, name string, convert func(cty.Value) T) map[string]T {
	m, ok := v.clear(name)
	if !ok || m.LengthInt() == 0 {
		return nil
	}
	out := make(map[string]T, m.LengthInt())
	for it := m.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if item, _ = item.Unmark(); item.IsKnown() {
			out[key.AsString()] = convert(item)
		}
	}
	return out
}

// Reference returns what an argument refers to.
func (v *Values) Reference(name string) (value.Reference, bool) {
	argument, ok := v.Get(name)
	if !ok {
		return value.Reference{}, false
	}
	return value.ReferenceOf(argument.Value)
}

// References returns what the elements of an argument refer to, but for those that
// are not known.
func (v *Values) References(name string) []value.Reference {
	list, ok := v.clear(name)
	if !ok {
		return nil
	}
	var out []value.Reference
	for it := list.ElementIterator(); it.Next(); {
		_, item := it.Element()
		if ref, ok := value.ReferenceOf(item); ok {
			out = append(out, ref)
		}
	}
	return out
}

// SortedKeys returns a map's keys in order.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
