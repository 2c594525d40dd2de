package diff

import (
	"bytes"
	"encoding/json"
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
	return appendFields(nil, entry.fields)
}

// AppliedVersion returns the version that our manager applied a live object in ("v1"), or
// otherwise where it has not.
func (d *Differ) AppliedVersion(live object.Object, otherwise string) string {
	entry, ok := d.applied(live)
	if !ok {
		return otherwise
	}
	_, version := object.SplitAPIVersion(entry.apiVersion)
	return version
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
	if !sameJSON(appendFields(nil, entry.fields), prior.Fields) {
		return false
	}
	return prior.Desired == d.Digest(in.Desired) && prior.Values == d.valuesAt(in.Live, entry.fields)
}

// sameJSON compares compact JSON with what may have been indented since.
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
		if e, ok := readEntry(item); ok {
			out = append(out, e)
		}
	}
	return out
}

// readEntry reads one entry; false where it is malformed.
func readEntry(item any) (entry, bool) {
	m, ok := item.(map[string]any)
	if !ok {
		return entry{}, false
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
	e.fields, ok = m["fieldsV1"].(map[string]any)
	return e, ok && e.fields != nil
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
