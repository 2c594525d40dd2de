package diff

import (
	"sigs.k8s.io/structured-merge-diff/v4/schema"
	"sigs.k8s.io/structured-merge-diff/v4/typed"
)

// ByName returns a type for kinds without a schema that is only for showing what
// changes: the items of a list that all have a name of their own are told apart by
// it, as almost all lists of Kubernetes' own kinds are.
func ByName() *Type {
	const any = "any"
	name := any
	ref := schema.TypeRef{NamedType: &name}
	scalar := schema.Untyped
	return &Type{deduced: true, parseable: typed.ParseableType{TypeRef: ref, Schema: &schema.Schema{Types: []schema.TypeDef{{
		Name: any,
		Atom: schema.Atom{
			Scalar: &scalar,
			Map:    &schema.Map{ElementType: ref, ElementRelationship: schema.Separable},
			List:   &schema.List{ElementType: ref, ElementRelationship: schema.Associative, Keys: []string{"name"}},
		},
	}}}}}
}
