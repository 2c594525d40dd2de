package diff

import (
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/value"
)

// path is a place in an object, from its root.
type path []element

// element is one step of a path: exactly one of its kinds.
type element struct {
	kind   elementKind
	name   string   // member
	keys   []string // keyed, sorted
	values []any    // keyed: of keys; set item: one
	index  int
}

type elementKind byte

const (
	kindMember elementKind = iota
	kindKeyed
	kindSetItem
	kindIndex
)

func member(name string) element { return element{kind: kindMember, name: name} }

func setItem(value any) element { return element{kind: kindSetItem, values: []any{value}} }

func index(i int) element { return element{kind: kindIndex, index: i} }

func keyed(keys []string, values []any) element {
	e := element{kind: kindKeyed, keys: slices.Sorted(slices.Values(keys))}
	for _, key := range e.keys {
		e.values = append(e.values, values[slices.Index(keys, key)])
	}
	return e
}

// String renders a path as plan.FieldChange.Path describes it:
//
//	spec.template.spec.containers[name=app].ports[containerPort=80,protocol=TCP]
//	metadata.annotations["example.com/x"]
//	metadata.finalizers[=example.com/x]
//	spec.rules[0]
func (p path) String() string {
	var b strings.Builder
	for _, e := range p {
		switch e.kind {
		case kindMember:
			if !plainName(e.name) {
				b.WriteString("[" + strconv.Quote(e.name) + "]")
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(e.name)
		case kindKeyed:
			parts := make([]string, len(e.keys))
			for i, key := range e.keys {
				parts[i] = key + "=" + scalarText(e.values[i])
			}
			b.WriteString("[" + strings.Join(parts, ",") + "]")
		case kindSetItem:
			b.WriteString("[=" + scalarText(e.values[0]) + "]")
		case kindIndex:
			b.WriteString("[" + strconv.Itoa(e.index) + "]")
		}
	}
	return b.String()
}

// plainName reports whether a member's name needs no quotes.
func plainName(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || '9' < r)) {
			return false
		}
	}
	return name != ""
}

// scalarText renders a scalar; a string has quotes where it could be something else.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		plain := v != "" && v != "true" && v != "false" && v != "null"
		for i, r := range v {
			letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
			inner := '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' || r == '/'
			if !letter && (i == 0 || !inner) {
				plain = false
			}
		}
		if plain {
			return v
		}
		return strconv.Quote(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// with returns a copy of p with one more element.
func (p path) with(e element) path {
	return append(p[:len(p):len(p)], e)
}

// hasPrefix reports whether p is at or below prefix.
func (p path) hasPrefix(prefix path) bool {
	return len(p) >= len(prefix) && p[:len(prefix)].String() == prefix.String()
}

// fromFieldpath converts a path of structured-merge-diff.
func fromFieldpath(in fieldpath.Path) path {
	out := make(path, 0, len(in))
	for _, e := range in {
		switch {
		case e.FieldName != nil:
			out = append(out, member(*e.FieldName))
		case e.Key != nil:
			var keys []string
			var values []any
			for _, field := range *e.Key {
				keys, values = append(keys, field.Name), append(values, field.Value.Unstructured())
			}
			out = append(out, keyed(keys, values))
		case e.Value != nil:
			out = append(out, setItem((*e.Value).Unstructured()))
		case e.Index != nil:
			out = append(out, index(*e.Index))
		}
	}
	return out
}

// fieldpath converts an element for use with structured-merge-diff.
func (e element) fieldpath() fieldpath.PathElement {
	switch e.kind {
	case kindKeyed:
		list := make(value.FieldList, len(e.keys))
		for i, key := range e.keys {
			list[i] = value.Field{Name: key, Value: value.NewValueInterface(e.values[i])}
		}
		list.Sort()
		return fieldpath.PathElement{Key: &list}
	case kindSetItem:
		v := value.NewValueInterface(e.values[0])
		return fieldpath.PathElement{Value: &v}
	case kindIndex:
		i := e.index
		return fieldpath.PathElement{Index: &i}
	case kindMember:
	}
	name := e.name
	return fieldpath.PathElement{FieldName: &name}
}

// owns reports whether a set has the field at p, something below it, or a whole
// that it is part of.
func owns(set *fieldpath.Set, p path) bool {
	if set == nil {
		return false
	}
	for i, e := range p {
		pe := e.fieldpath()
		isMember := set.Members.Has(pe)
		children, deeper := set.Children.Get(pe)
		if isMember && (!deeper || i == len(p)-1) {
			return true
		}
		if !deeper {
			return false
		}
		set = children
	}
	return !set.Empty()
}

func firstPath(set *fieldpath.Set) string {
	var first string
	set.Leaves().Iterate(func(p fieldpath.Path) {
		if text := fromFieldpath(p).String(); first == "" || text < first {
			first = text
		}
	})
	return first
}
