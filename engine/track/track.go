// Package track marks objects as an application's, and tells from a live object
// whose it is.
//
// Every object carries
//
//   - the label applyset.kubernetes.io/part-of, with an ID of the installation and
//     the application in the form of KEP-3659, so that all objects of an application
//     are found with one selector;
//   - the label gantry.dev/application, for people: the application's address as far
//     as a label can hold it;
//   - the annotation gantry.dev/tracking-id, which alone says whose an object is:
//     lineage, address, and the object's own identity. Controllers copy labels and
//     annotations onto what they make (a Deployment's to its ReplicaSets, a
//     Service's to its EndpointSlices); such a copy has another identity than its
//     annotation says, and so is nobody's.
//
// The ID is made of lineage and address, not of the place of a parent object, so
// that it stays when an application moves; a parent object, when there is one,
// carries it as applyset.kubernetes.io/id. The package does no I/O; the engine
// imports it.
package track

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// What is put on objects.
const (
	LabelPartOf      = "applyset.kubernetes.io/part-of"
	LabelApplication = "gantry.dev/application"
	AnnotationID     = "gantry.dev/tracking-id"
)

// SetID returns the value of LabelPartOf: "applyset-…-v1", 55 characters.
func SetID(lineage string, address addr.Address) string {
	sum := sha256.Sum256([]byte("gantry." + lineage + "." + address.String()))
	return "applyset-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-v1"
}

// maxLabel is how long a label's value may be.
const maxLabel = 63

// ApplicationLabel returns the value of LabelApplication: the address without its
// kind, with what a label cannot hold replaced by "-". Where that, or cutting it to
// 63 characters, loses something, eight digits of a hash follow.
func ApplicationLabel(address addr.Address) string {
	text := address.String()
	if address.Module == "" {
		text = strings.TrimPrefix(text, address.Kind+".")
	}
	var b strings.Builder
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return !labelRune(r) }) {
		if b.Len() > 0 {
			b.WriteByte('-')
		}
		b.WriteString(part)
	}
	out := strings.Trim(b.String(), "-_.")
	if out == text && len(out) <= maxLabel {
		return out
	}
	sum := sha256.Sum256([]byte(text))
	suffix := "-" + hex.EncodeToString(sum[:4])
	if len(out) > maxLabel-len(suffix) {
		out = strings.TrimRight(out[:maxLabel-len(suffix)], "-_.")
	}
	return strings.TrimLeft(out+suffix, "-")
}

func labelRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.'
}

// Stamp returns a copy of o that is marked as the application's; it shares with o
// what does not change. An object must have its namespace already. Labels or
// annotations that are no maps are left for the server to refuse.
func Stamp(o object.Object, lineage string, address addr.Address) object.Object {
	out := maps.Clone(o)
	if out == nil {
		out = object.Object{}
	}
	metadata := maps.Clone(o.Metadata())
	if metadata == nil {
		metadata = object.Object{}
	}
	add(metadata, "labels", LabelPartOf, SetID(lineage, address))
	add(metadata, "labels", LabelApplication, ApplicationLabel(address))
	add(metadata, "annotations", AnnotationID, lineage+":"+address.String()+":"+identity(o))
	out["metadata"] = map[string]any(metadata)
	return out
}

func add(metadata object.Object, field, key, value string) {
	entries, ok := metadata[field].(map[string]any)
	if !ok && metadata[field] != nil {
		return
	}
	if entries = maps.Clone(entries); entries == nil {
		entries = map[string]any{}
	}
	entries[key] = value
	metadata[field] = entries
}

// identity renders an object's identity: "group/Kind:namespace/name". One that
// gets its name from the server has "prefix*" instead.
func identity(o object.Object) string {
	id := o.ID()
	if id.Name == "" {
		return place(id, o.GenerateName()+"*")
	}
	return place(id, id.Name)
}

func place(id object.ID, name string) string {
	return id.Group + "/" + id.Kind + ":" + id.Namespace + "/" + name
}

// Owner tells whose a live object is. It is nobody's, ok false, where it carries
// no tracking annotation, or one that was made for another object.
func Owner(o object.Object) (lineage string, address addr.Address, ok bool) {
	text := o.Annotation(AnnotationID)
	rest, mine := strings.CutSuffix(text, ":"+place(o.ID(), o.Name()))
	if generated := o.GenerateName(); !mine && generated != "" {
		rest, mine = strings.CutSuffix(text, ":"+place(o.ID(), generated+"*"))
	}
	if !mine {
		return "", addr.Address{}, false
	}
	lineage, where, ok := strings.Cut(rest, ":")
	if !ok || lineage == "" {
		return "", addr.Address{}, false
	}
	address, err := addr.Parse(where)
	if err != nil {
		return "", addr.Address{}, false
	}
	return lineage, address, true
}
