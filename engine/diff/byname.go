package diff

import (
	"sigs.k8s.io/structured-merge-diff/v4/schema"
	"sigs.k8s.io/structured-merge-diff/v4/typed"
)

// byName returns a type by which the items of a list that all have a name of their
// own are told apart by it.
func byName() *Type {
	name := "any"
	ref := schema.TypeRef{NamedType: &name}
	scalar := schema.Untyped
	return &Type{deduced: true, parseable: typed.ParseableType{TypeRef: ref, Schema: &schema.Schema{Types: []schema.TypeDef{{
		Name: name,
		Atom: schema.Atom{
			Scalar: &scalar,
			Map:    &schema.Map{ElementType: ref, ElementRelationship: schema.Separable},
			List:   &schema.List{ElementType: ref, ElementRelationship: schema.Associative, Keys: []string{"name"}},
		},
	}}}}}
}
