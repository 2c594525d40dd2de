// Package typeschema makes JSON Schemas of Go types as encoding/json writes them, so that
// what is documented of a format cannot differ from what is written. It is for the tests
// that write and hold the schemas in docs; no program needs it.
package typeschema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
)

// Schemas makes schemas that share their definitions. It is not safe for concurrent use.
type Schemas struct {
	// Defs are the definitions of structures, by Go's name of their type.
	Defs map[string]any
	// special are the schemas of types that are not what their kind says.
	special map[reflect.Type]map[string]any
}

// New returns Schemas that know the types of a plan whose values are listed. special has
// others: types that write themselves, or whose values are listed.
func New(special map[reflect.Type]map[string]any) *Schemas {
	return &Schemas{Defs: map[string]any{}, special: special}
}

// Enum is the schema of a type whose values are listed.
func Enum[T any](values []T) map[string]any { return map[string]any{"enum": values} }

// Of returns the schema of a type: what may be there, and nothing else. It panics on a
// type that no format has.
func (s *Schemas) Of(t reflect.Type) map[string]any {
	if schema, ok := s.special[t]; ok {
		return schema
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any]():
		return map[string]any{}
	case reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case reflect.TypeFor[plan.Action]():
		return Enum(plan.Actions())
	case reflect.TypeFor[plan.FieldKind]():
		return Enum([]plan.FieldKind{plan.Added, plan.Removed, plan.Changed})
	case reflect.TypeFor[plan.StepKind]():
		return Enum([]plan.StepKind{plan.StepWrite, plan.StepDelete, plan.StepWait, plan.StepRecord})
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() { //nolint:exhaustive // the default is that a format has no such field
	case reflect.Pointer:
		return s.Of(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": s.Of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.Of(t.Elem())}
	case reflect.Struct:
		name := t.String()
		if _, known := s.Defs[name]; !known {
			s.Defs[name] = nil
			s.Defs[name] = s.Structure(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	panic("no schema for " + t.String())
}

// Structure returns the schema of a struct, which is not put among the definitions.
func (s *Schemas) Structure(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	var fields func(reflect.Type)
	fields = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-" || !f.IsExported() && !f.Anonymous:
			case f.Anonymous && name == "":
				fields(f.Type)
			default:
				properties[name] = s.Of(f.Type)
				if !strings.Contains(options, "omit") {
					required = append(required, name)
				}
			}
		}
	}
	fields(t)
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// Document is a schema with its definitions, as a file holds it.
func (s *Schemas) Document(root map[string]any, id, title string) []byte {
	root["$schema"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", s.Defs
	root["$id"], root["title"] = id, title
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}
