package engine

import (
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
)

// Redactor returns what takes out of live objects what nobody must see: values of
// Secrets, and what the configuration names.
func Redactor(config *lang.Config, f seal.Fingerprinter) func(object.Object) object.Object {
	return func(o object.Object) object.Object {
		out, _ := redact.Object(o, f)
		return out
	}
}
