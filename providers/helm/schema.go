package helm

import (
	"bytes"
	"context"
	"fmt"
	"path"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/gantrycd/gantry/providers"
)

const (
	schemaFile = "values.schema.json"
	schemaURL  = "file:///" + schemaFile
	// maxReferences is how many references a schema may have: the time to compile
	// one grows with their third power.
	maxReferences = 2_000
)

// validate holds values against the schema of a chart and those of its
// dependencies. Helm's own validation fetches what a schema refers to; this one
// refuses.
func validate(ctx context.Context, c *chart.Chart, values map[string]any, place string) error {
	if len(c.Schema) > 0 {
		_, err := await(ctx, func() (struct{}, error) { return struct{}{}, validateOne(c.Schema, values) })
		if err != nil {
			return &providers.RenderError{File: path.Join(place, schemaFile), Err: fmt.Errorf("values of chart %s: %w", c.Name(), err)}
		}
	}
	for _, child := range c.Dependencies() {
		if values[child.Name()] == nil {
			continue
		}
		childValues, ok := asMap(values[child.Name()])
		if !ok {
			return fmt.Errorf("values of chart %s: %s is a %T, expected a map", c.Name(), child.Name(), values[child.Name()])
		}
		if err := validate(ctx, child, childValues, path.Join(place, "charts", child.Name())); err != nil {
			return err
		}
	}
	return nil
}

func asMap(value any) (map[string]any, bool) {
	if values, ok := value.(interface{ AsMap() map[string]any }); ok {
		return values.AsMap(), true
	}
	m, ok := value.(map[string]any)
	return m, ok
}

func validateOne(schema []byte, values map[string]any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the schema cannot be used: %v", r)
		}
	}()
	if n := bytes.Count(schema, []byte(`"$ref"`)); n > maxReferences {
		return fmt.Errorf("the schema has %d references, expected at most %d; its validation can be skipped", n, maxReferences)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("the schema is no JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return fmt.Errorf("the schema is not valid: %w", err)
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return fmt.Errorf("the schema is not valid: %w", err)
	}
	if err := compiled.Validate(values); err != nil {
		return violations(err)
	}
	return nil
}

// noLoader refuses to read what a schema refers to outside of itself.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%w: rendering reads no other schema (%s)", providers.ErrUnsupported, url)
}
