package diff

import (
	"encoding/json"
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
// keys, the whole list counts: then a change is seen too often rather than never.
func appendAt(out []byte, value any, fields map[string]any) []byte {
	for _, name := range sortedKeys(fields) {
		out = appendString(out, name)
		if name == "." {
			continue
		}
		child, found := step(value, name)
		if !found {
			if _, isList := value.([]any); isList {
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

// step follows one element; it finds nothing where the value has another shape.
func step(value any, element string) (any, bool) {
	kind, text, _ := strings.Cut(element, ":")
	switch v := value.(type) {
	case map[string]any:
		child, ok := v[text]
		return child, ok && kind == "f"
	case []any:
		switch kind {
		case "k":
			return itemByKeys(v, text)
		case "v":
			return itemByValue(v, text)
		case "i":
			if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(v) {
				return v[n], true
			}
		}
	}
	return nil, false
}

func itemByKeys(list []any, text string) (any, bool) {
	keys, ok := parseKeys(text)
	if !ok {
		return nil, false
	}
	for _, item := range list {
		if m, ok := item.(map[string]any); ok && hasKeys(m, keys) {
			return item, true
		}
	}
	return nil, false
}

func itemByValue(list []any, text string) (any, bool) {
	var want any
	if json.Unmarshal([]byte(text), &want) != nil {
		return nil, false
	}
	for _, item := range list {
		if equalScalar(item, want) {
			return item, true
		}
	}
	return nil, false
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
