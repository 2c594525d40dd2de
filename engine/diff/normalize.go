package diff

import (
	"encoding/base64"
	"maps"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
)

// lastApplied is where kubectl keeps the whole object it applied, Secret values
// included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Normalize returns the object as it should be sent and compared: stringData of
// a Secret moved into data, and without what only servers write (creationTimestamp,
// managedFields, resourceVersion, uid, generation, selfLink) and an empty status.
// It shares what is unchanged with o, which it does not change.
func Normalize(o object.Object) object.Object {
	out := maps.Clone(o)
	if metadata := o.Metadata(); metadata != nil {
		kept := maps.Clone(metadata)
		for _, key := range serverMetadata() {
			delete(kept, key)
		}
		for _, key := range []string{"labels", "annotations", "finalizers", "ownerReferences", "namespace"} {
			if value, ok := kept[key]; ok && value == nil {
				delete(kept, key)
			}
		}
		out["metadata"] = map[string]any(kept)
	}
	if status, ok := o["status"]; ok && isEmpty(status) {
		delete(out, "status")
	}
	if isSecret(o) {
		mergeStringData(out)
	}
	return out
}

// serverMetadata are the members of metadata that only servers write.
func serverMetadata() []string {
	return []string{"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"}
}

// mergeStringData does what the server does with stringData when it reads a Secret.
func mergeStringData(secret object.Object) {
	stringData, ok := secret["stringData"].(map[string]any)
	if !ok {
		if secret["stringData"] == nil {
			delete(secret, "stringData")
		}
		return
	}
	data, _ := secret["data"].(map[string]any)
	data = maps.Clone(data)
	if data == nil {
		data = map[string]any{}
	}
	for key, value := range stringData {
		text, ok := value.(string)
		if !ok {
			return // the server says what is wrong with it
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	delete(secret, "stringData")
	if len(data) > 0 {
		secret["data"] = data
	}
}

// Redact returns the object with the values of a Secret's data and stringData, the
// fields that are named to be redacted, and annotations that hold copies of them,
// replaced by fingerprints; true if there were any.
// o is not changed; where there is nothing to replace it is returned as it is.
func (d *Differ) Redact(o object.Object) (object.Object, bool) {
	return redact.Object(o, d.fingerprinter, d.paths(o)...)
}

func isSecret(o object.Object) bool {
	return o.Kind() == "Secret" && o.APIVersion() == "v1"
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
