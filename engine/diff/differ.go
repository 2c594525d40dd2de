package diff

import (
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
)

// Differ compares objects for one field manager. It is immutable and safe for
// concurrent use.
type Differ struct {
	manager       string
	fingerprinter seal.Fingerprinter
	named         func(object.ID) []redact.Path // fields to redact beside Secrets' values
}

// New returns a Differ for the field manager that applies, with what digests and
// fingerprints of the installation are made with.
func New(manager string, fingerprinter seal.Fingerprinter) *Differ {
	return &Differ{manager: manager, fingerprinter: fingerprinter}
}

// Redacting returns a Differ that also redacts the fields which named tells for an
// object.
func (d *Differ) Redacting(named func(object.ID) []redact.Path) *Differ {
	return &Differ{manager: d.manager, fingerprinter: d.fingerprinter, named: named}
}

// paths are the fields of an object that are redacted beside a Secret's values.
func (d *Differ) paths(o object.Object) []redact.Path {
	if d.named == nil || o == nil {
		return nil
	}
	return d.named(o.ID())
}

// Text returns a text, such as a server's answer, without the values that are redacted of
// some objects: of what was sent, and of what is there, for a server may quote both. Nil
// objects have none.
func (d *Differ) Text(text string, objects ...object.Object) string {
	for _, o := range objects {
		if o != nil {
			text = redact.Text(text, o, d.fingerprinter, d.paths(o)...)
		}
	}
	return text
}

// Input is one object to compare.
type Input struct {
	// Desired is the object as it would be sent: normalised (Normalize), stamped
	// with its tracking labels, released from what is ignored (Release).
	Desired object.Object
	Live    object.Object // nil: it does not exist
	// Prior is what state has recorded of the object, nil if nothing.
	Prior *state.Owned
	// Type returns the object's type; it is called only where the record does not
	// settle the question, so that a plan without changes needs no schema. Nil, or
	// a nil result, means a deduced type.
	Type func() *Type
}

// Same reports whether applying Desired would change nothing: neither a value
// nor what we own. Why says in a few words what made it say no. It never says yes
// where it is in doubt: then a dry-run decides.
func (d *Differ) Same(in Input) (same bool, why string) {
	if in.Live == nil {
		return false, "does not exist"
	}
	if d.recorded(in) {
		return true, ""
	}
	var kind *Type
	if in.Type != nil {
		kind = in.Type()
	}
	return d.sameTyped(in, kind)
}
