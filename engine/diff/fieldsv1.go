package diff

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// FieldsV1 is a tree of JSON objects whose keys are path elements: f:name is a
// member, k:{"key":value} an item by its keys, v:value one by its value, i:index one
// by its place, and "." the node itself. It is read as it is here, without
// structured-merge-diff, because every object of a plan passes through.

// appendFields appends a node as compact JSON with sorted keys, as json.Marshal does.
func appendFields(out []byte, fields map[string]any) []byte {
	out = append(out, '{')
	for i, name := range sortedKeys(fields) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, name), ':')
		node, _ := fields[name].(map[string]any)
		out = appendFields(out, node)
	}
	return append(out, '}')
}

// appendQuoted appends a string as json.Marshal does.
func appendQuoted(out []byte, s string) []byte {
	start := len(out)
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ' || c >= 0x7f || c == '<' || c == '>' || c == '&':
			text, err := json.Marshal(s)
			if err != nil { // no string fails
				return out[:start]
			}
			return append(out[:start], text...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// appendAt appends the encoding of value at the fields of a FieldsV1 node. A leaf
// counts with everything below it. Where the item of a list cannot be told by its
// keys, the whole list counts: then a change is seen too often rather than never. In which
// order the items of a list stand counts, too: an apply puts it right.
func appendAt(out []byte, value any, fields map[string]any) []byte {
	list, isList := value.([]any)
	var places []int // of the items
	for _, name := range sortedKeys(fields) {
		out = appendString(out, name)
		if name == "." {
			continue
		}
		var child any
		found := false
		if !isList {
			child, found = descend(value, name)
		} else if at := place(list, name); at >= 0 {
			child, found, places = list[at], true, append(places, at)
		}
		if !found {
			if isList {
				out = appendValue(append(out, '!'), value)
			} else {
				out = append(out, '-')
			}
			continue
		}
		node, _ := fields[name].(map[string]any)
		if leaf(node) {
			out = appendValue(append(out, '='), child)
			continue
		}
		out = append(appendAt(append(out, '('), child, node), ')')
	}
	return appendOrder(out, places)
}

// appendOrder appends how items stand to each other, by the places that they have in their
// list; nothing where that is the order in which they are given.
func appendOrder(out []byte, places []int) []byte {
	if slices.IsSorted(places) {
		return out
	}
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(places[a], places[b]) })
	for _, i := range order {
		out = strconv.AppendInt(append(out, '#'), int64(i), 10)
	}
	return out
}

// leaf reports whether a FieldsV1 node owns a field and names nothing below it.
func leaf(node map[string]any) bool {
	if len(node) == 1 {
		_, self := node["."]
		return self
	}
	return len(node) == 0
}

// descend follows one element into a map; it finds nothing where the value has another
// shape.
func descend(value any, element string) (any, bool) {
	name, ok := strings.CutPrefix(element, "f:")
	m, isMap := value.(map[string]any)
	if !ok || !isMap {
		return nil, false
	}
	child, found := m[name]
	return child, found
}

// place returns where in a list the item of an element stands, -1 where it has none.
func place(list []any, element string) int {
	kind, text, _ := strings.Cut(element, ":")
	switch kind {
	case "k":
		keys, ok := parseKeys(text)
		if !ok {
			return -1
		}
		return slices.IndexFunc(list, func(item any) bool {
			m, ok := item.(map[string]any)
			return ok && hasKeys(m, keys)
		})
	case "v":
		var want any
		if json.Unmarshal([]byte(text), &want) != nil {
			return -1
		}
		return slices.IndexFunc(list, func(item any) bool { return equalScalar(item, want) })
	case "i":
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(list) {
			return n
		}
	}
	return -1
}

// key is one member that tells items apart, and its value.
type key struct {
	name  string
	value any
}

func hasKeys(item map[string]any, keys []key) bool {
	for _, k := range keys {
		if value, ok := item[k.name]; !ok || !equalScalar(value, k.value) {
			return false
		}
	}
	return len(keys) > 0
}

// parseKeys reads {"name":"app"}; what json.Unmarshal would take long for, it
// reads directly where there is nothing special in it.
func parseKeys(text string) ([]key, bool) {
	if name, value, ok := strings.Cut(text, `":"`); ok {
		name, okName := strings.CutPrefix(name, `{"`)
		value, okValue := strings.CutSuffix(value, `"}`)
		if okName && okValue && !strings.ContainsAny(name, `"\`) && !strings.ContainsAny(value, `"\`) {
			return []key{{name, value}}, true
		}
	}
	var m map[string]any
	if json.Unmarshal([]byte(text), &m) != nil {
		return nil, false
	}
	out := make([]key, 0, len(m))
	for _, name := range sortedKeys(m) {
		out = append(out, key{name, m[name]})
	}
	return out, true
}
