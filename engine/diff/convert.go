package diff

import (
	"fmt"

	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v4/schema"
	schemav6 "sigs.k8s.io/structured-merge-diff/v6/schema"
)

// convertModels makes a schema of OpenAPI models. The library panics on some models
// that are none (a null schema): documents come from servers, and such a one is an
// error like any other.
func convertModels(models map[string]*spec.Schema) (out *schema.Schema, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			out, err = nil, fmt.Errorf("a schema is malformed: %v", cause)
		}
	}()
	converted, err := schemaconv.ToSchemaFromOpenAPI(models, false)
	if err != nil {
		return nil, err
	}
	return convertSchema(converted), nil
}

// convertSchema turns the schema that kube-openapi makes, whose types are of
// another major version of structured-merge-diff, into ours. A reference that
// overrides the relationship of the type it names becomes a type of its own: so
// nothing of the result is ever copied again while it is in use.
func convertSchema(in *schemav6.Schema) *schema.Schema {
	c := converter{in}
	out := &schema.Schema{Types: make([]schema.TypeDef, len(in.Types))}
	for i := range in.Types {
		out.Types[i] = schema.TypeDef{Name: in.Types[i].Name, Atom: c.atom(in.Types[i].Atom)}
	}
	return out
}

type converter struct{ in *schemav6.Schema }

func (c converter) atom(in schemav6.Atom) schema.Atom {
	var out schema.Atom
	if in.Scalar != nil {
		scalar := schema.Scalar(*in.Scalar)
		out.Scalar = &scalar
	}
	if in.List != nil {
		out.List = &schema.List{
			ElementType:         c.ref(in.List.ElementType),
			ElementRelationship: schema.ElementRelationship(in.List.ElementRelationship),
			Keys:                in.Keys,
		}
	}
	if in.Map != nil {
		out.Map = c.mapType(in.Map)
	}
	return out
}

func (c converter) mapType(in *schemav6.Map) *schema.Map {
	out := &schema.Map{
		ElementType:         c.ref(in.ElementType),
		ElementRelationship: schema.ElementRelationship(in.ElementRelationship),
	}
	for _, field := range in.Fields {
		out.Fields = append(out.Fields, schema.StructField{Name: field.Name, Type: c.ref(field.Type), Default: field.Default})
	}
	return out
}

func (c converter) ref(in schemav6.TypeRef) schema.TypeRef {
	if in.ElementRelationship != nil {
		if atom, ok := c.in.Resolve(in); ok {
			return schema.TypeRef{Inlined: c.atom(atom)}
		}
	}
	return schema.TypeRef{NamedType: in.NamedType, Inlined: c.atom(in.Inlined)}
}
