package diff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/schema"
	"sigs.k8s.io/structured-merge-diff/v4/typed"

	"github.com/gantrycd/gantry/plan/object"
)

// Type is what is known of a kind's fields: their types, which lists are sets or
// maps and by which keys, which values are atomic, which are quantities. It is
// immutable and safe for concurrent use.
type Type struct {
	parseable typed.ParseableType
	deduced   bool
}

// Deduced returns the type for kinds without a schema: maps are merged, lists are
// atomic. It is also what a nil *Type means.
func Deduced() *Type { return &Type{parseable: typed.DeducedParseableType, deduced: true} }

// IsDeduced reports whether there was no schema.
func (t *Type) IsDeduced() bool { return t == nil || t.deduced }

// Validate checks an object against the schema as far as its structure goes:
// fields that are not declared, values of another type, items of lists without
// their keys or twice. It is what a plan can say where the server cannot be asked;
// the server checks more. A deduced type accepts everything.
func (t *Type) Validate(o object.Object) error {
	if t.IsDeduced() {
		return nil
	}
	_, err := t.typed(o)
	var list typed.ValidationErrors
	if !errors.As(err, &list) {
		return err
	}
	messages := make([]string, len(list))
	for i, e := range list {
		message := e.ErrorMessage
		if isSecret(o) { // it quotes values
			message = "is not of the type that the schema says"
		}
		messages[i] = strings.TrimPrefix(e.Path, ".") + ": " + message
	}
	slices.Sort(messages) // they come in the order of a map
	return errors.New(strings.Join(messages, "; "))
}

func namedType(s *schema.Schema, name string) *Type {
	return &Type{parseable: typed.ParseableType{Schema: s, TypeRef: schema.TypeRef{NamedType: &name}}}
}

// typed checks o against the schema and returns it for structured-merge-diff.
func (t *Type) typed(o object.Object) (*typed.TypedValue, error) {
	return t.orDeduced().parseable.FromUnstructured(map[string]any(o))
}

func (t *Type) orDeduced() *Type {
	if t == nil {
		return Deduced()
	}
	return t
}

// fieldSet returns the fields that applying o would own, as the server computes
// it: identity and what only servers write left out.
func (t *Type) fieldSet(o object.Object) (*fieldpath.Set, error) {
	value, err := t.typed(o)
	if err != nil {
		return nil, err
	}
	set, err := value.ToFieldSet()
	if err != nil {
		return nil, err
	}
	return set.Difference(unownable()), nil
}

// unownable are the fields that the server leaves out of every manager's set.
func unownable() *fieldpath.Set {
	set := fieldpath.NewSet(
		fieldpath.MakePathOrDie("apiVersion"),
		fieldpath.MakePathOrDie("kind"),
		fieldpath.MakePathOrDie("metadata"),
		fieldpath.MakePathOrDie("metadata", "name"),
		fieldpath.MakePathOrDie("metadata", "namespace"),
	)
	for _, key := range serverMetadata() {
		set.Insert(fieldpath.MakePathOrDie("metadata", key))
	}
	return set
}

// node is a place in a type: what a value there may be.
type node struct {
	schema *schema.Schema
	ref    schema.TypeRef
}

func (t *Type) root() node {
	p := t.orDeduced().parseable
	return node{schema: p.Schema, ref: p.TypeRef}
}

// quantity is the model of resource.Quantity in OpenAPI documents.
const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"

func (n node) isQuantity() bool { return n.ref.NamedType != nil && *n.ref.NamedType == quantity }

// atom returns what the value at n may be; the zero Atom where that is unknown.
func (n node) atom() schema.Atom {
	if n.schema == nil {
		return schema.Atom{}
	}
	atom, _ := n.schema.Resolve(n.ref)
	return atom
}

// field returns the place of a member of the map at n.
func (n node) field(name string) node {
	m := n.atom().Map
	if m == nil {
		return node{}
	}
	if field, ok := m.FindField(name); ok {
		return node{n.schema, field.Type}
	}
	return node{n.schema, m.ElementType}
}

// item returns the place of the items of the list at n.
func (n node) item() node {
	if l := n.atom().List; l != nil {
		return node{n.schema, l.ElementType}
	}
	return node{}
}

// atomicMap reports whether a map at n is one value.
func (n node) atomicMap() bool {
	m := n.atom().Map
	return m == nil || m.ElementRelationship == schema.Atomic
}

// listKeys tells how items of the list at n are told apart: by the members named
// (a map), by their value (a set), or not at all (ok is false).
func (n node) listKeys() (keys []string, ok bool) {
	l := n.atom().List
	if l == nil || l.ElementRelationship != schema.Associative {
		return nil, false
	}
	return l.Keys, true
}

// keyOf returns the values of an item's keys, with the schema's defaults; false
// where one is missing.
func (n node) keyOf(item any, keys []string) ([]any, bool) {
	m, ok := item.(map[string]any)
	if !ok {
		return nil, false
	}
	element := n.item().atom().Map
	out := make([]any, len(keys))
	for i, key := range keys {
		value, ok := m[key]
		if !ok && element != nil {
			if field, known := element.FindField(key); known && field.Default != nil {
				value, ok = field.Default, true
			}
		}
		if !ok || value == nil {
			return nil, false
		}
		out[i] = value
	}
	return out, true
}

// keyText is a comparable form of what tells an item from its siblings.
func keyText(values []any) string {
	return fmt.Sprintf("%x", appendValue(nil, values))
}
