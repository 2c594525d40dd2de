// Package crdschema checks custom resources against a CustomResourceDefinition that
// no server has yet, the way the server will once it has it: defaults, the structural
// schema with its values, lists that are sets or maps, and the CEL rules
// (x-kubernetes-validations), transition rules included.
//
// It is the API server's own code (k8s.io/apiextensions-apiserver) behind a small
// door, and its only home. It asks no server, prunes nothing (a field that is not in
// the schema is refused by server-side apply, which engine/diff tells), and does not
// judge the definition itself: the server does. Only engine imports it.
package crdschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/gantrycd/gantry/plan/object"
)

// Definition is a CustomResourceDefinition to check resources against. It is safe for
// concurrent use; the zero value is not usable.
type Definition struct {
	versions map[string]*version
	// converts tells that a webhook converts between its versions: what an object of
	// one is in another cannot be told.
	converts bool
}

// version is one served version; its checks are made when they are first needed.
type version struct {
	props  *apiextensionsv1.JSONSchemaProps
	status bool // it has a status subresource: writes to the object leave the status alone

	once   sync.Once
	err    error
	schema *schema.Structural
	values validation.SchemaValidator
	rules  *cel.Validator // nil: there are none
}

// New reads a definition (apiextensions.k8s.io/v1).
func New(crd object.Object) (*Definition, error) {
	text, err := json.Marshal(crd)
	if err != nil {
		return nil, err
	}
	var read apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name(), err)
	}
	d := &Definition{
		versions: map[string]*version{},
		converts: read.Spec.Conversion != nil && read.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter,
	}
	for i := range read.Spec.Versions {
		v := &read.Spec.Versions[i]
		if !v.Served {
			continue
		}
		made := &version{status: v.Subresources != nil && v.Subresources.Status != nil}
		if v.Schema != nil {
			made.props = v.Schema.OpenAPIV3Schema
		}
		d.versions[v.Name] = made
	}
	return d, nil
}

var (
	errNotServed = errors.New("the version is not served")
	errNoSchema  = errors.New("the version has no schema")
)

// ready returns a version with its checks made; an error where it cannot be checked:
// it is not served, has no schema, or one that no server would take.
func (d *Definition) ready(name string) (*version, error) {
	v := d.versions[name]
	if v == nil {
		return nil, errNotServed
	}
	v.once.Do(func() { v.err = v.prepare() })
	if v.err != nil {
		return nil, v.err
	}
	return v, nil
}

func (v *version) prepare() error {
	if v.props == nil {
		return errNoSchema
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.props, &internal, nil); err != nil {
		return err
	}
	structural, err := schema.NewStructural(&internal)
	if err != nil {
		return fmt.Errorf("the schema is not structural: %w", err)
	}
	if errs := schema.ValidateStructural(nil, structural); len(errs) > 0 {
		return fmt.Errorf("the schema is not structural: %w", errs.ToAggregate())
	}
	if err := defaulting.PruneDefaults(structural); err != nil {
		return fmt.Errorf("defaults: %w", err)
	}
	if v.values, _, err = validation.NewSchemaValidator(&internal); err != nil {
		return err
	}
	v.schema = structural
	v.rules = cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return nil
}
