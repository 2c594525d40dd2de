package diff

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Owned returns the fields that our manager has applied to a live object, as
// FieldsV1 with sorted keys, for state.Owned.Fields; nil if there are none, or if
// they were applied in another version than version ("v1"; "" accepts any).
func (d *Differ) Owned(live object.Object, version string) json.RawMessage {
	entry, ok := d.applied(live)
	if !ok {
		return nil
	}
	if _, appliedIn := object.SplitAPIVersion(entry.apiVersion); version != "" && appliedIn != version {
		return nil
	}
	text, err := json.Marshal(entry.fields)
	if err != nil {
		return nil
	}
	return text
}

// Values returns a keyed digest of a live object's values at fields (FieldsV1),
// for state.Owned.Values. Where a field is no longer there, that is what counts.
func (d *Differ) Values(live object.Object, fields json.RawMessage) string {
	var set map[string]any
	if err := json.Unmarshal(fields, &set); err != nil {
		return ""
	}
	return d.valuesAt(live, set)
}

// recorded reports whether desired object, owned fields and their live values are
// all as state recorded them after the last apply.
func (d *Differ) recorded(in Input) bool {
	prior := in.Prior
	if prior == nil || prior.Desired == "" || prior.Values == "" || len(prior.Fields) == 0 {
		return false
	}
	if prior.UID != "" && prior.UID != in.Live.UID() {
		return false
	}
	entry, ok := d.applied(in.Live)
	if !ok || entry.apiVersion != in.Desired.APIVersion() {
		return false
	}
	fields, err := json.Marshal(entry.fields)
	if err != nil || !sameJSON(fields, prior.Fields) {
		return false
	}
	return prior.Desired == d.Digest(in.Desired) && prior.Values == d.valuesAt(in.Live, entry.fields)
}

// sameJSON compares what json.Marshal made with what may have been indented since.
func sameJSON(compact, other []byte) bool {
	if bytes.Equal(compact, other) {
		return true
	}
	var text bytes.Buffer
	return json.Compact(&text, other) == nil && bytes.Equal(compact, text.Bytes())
}

func (d *Differ) valuesAt(live object.Object, fields map[string]any) string {
	return d.mac("values", appendAt(nil, map[string]any(live), fields))
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

// step follows one FieldsV1 element: f:name, k:{"key":value}, v:value, i:index.
func step(value any, element string) (any, bool) {
	kind, text, _ := strings.Cut(element, ":")
	switch v := value.(type) {
	case map[string]any:
		child, ok := v[text]
		return child, ok && kind == "f"
	case []any:
		var want any
		if json.Unmarshal([]byte(text), &want) != nil {
			return nil, false
		}
		switch kind {
		case "k":
			keys, _ := want.(map[string]any)
			for _, item := range v {
				if m, ok := item.(map[string]any); ok && hasKeys(m, keys) {
					return item, true
				}
			}
		case "v":
			for _, item := range v {
				if equalScalar(item, want) {
					return item, true
				}
			}
		case "i":
			if n, ok := want.(float64); ok && n >= 0 && int(n) < len(v) {
				return v[int(n)], true
			}
		}
	}
	return nil, false
}

func hasKeys(item, keys map[string]any) bool {
	for key, want := range keys {
		if !equalScalar(item[key], want) {
			return false
		}
	}
	return len(keys) > 0
}

// entry is one entry of managedFields.
type entry struct {
	manager, operation, apiVersion, subresource string
	at                                          time.Time
	fields                                      map[string]any
}

func (e entry) writer() plan.Writer {
	return plan.Writer{Manager: e.manager, Operation: e.operation, At: e.at}
}

// entries reads an object's managedFields; what is malformed is left out.
func entries(live object.Object) []entry {
	list, _ := live.Metadata()["managedFields"].([]any)
	out := make([]entry, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		e := entry{}
		e.manager, _ = m["manager"].(string)
		e.operation, _ = m["operation"].(string)
		e.apiVersion, _ = m["apiVersion"].(string)
		e.subresource, _ = m["subresource"].(string)
		if text, ok := m["time"].(string); ok {
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				e.at = at.UTC()
			}
		}
		e.fields, _ = m["fieldsV1"].(map[string]any)
		if e.fields != nil {
			out = append(out, e)
		}
	}
	return out
}

// applied returns the entry of our manager's applies.
func (d *Differ) applied(live object.Object) (entry, bool) {
	for _, e := range entries(live) {
		if d.ours(e) {
			return e, true
		}
	}
	return entry{}, false
}

func (d *Differ) ours(e entry) bool {
	return e.manager == d.manager && e.operation == "Apply" && e.subresource == ""
}
