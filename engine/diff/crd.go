package diff

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/gantrycd/gantry/plan/object"
)

// parseCRD makes the types of the versions that a CustomResourceDefinition serves.
// A version without a schema gets a deduced type.
func parseCRD(crd object.Object) (map[object.GVK]*Type, error) {
	group, _ := crd.Get("spec", "group")
	kind, _ := crd.Get("spec", "names", "kind")
	versions, _ := crd.Get("spec", "versions")
	groupName, _ := group.(string)
	kindName, _ := kind.(string)
	list, _ := versions.([]any)
	if groupName == "" || kindName == "" || len(list) == 0 {
		return nil, errors.New("spec.group, spec.names.kind and spec.versions are required")
	}
	types := map[object.GVK]*Type{}
	for _, item := range list {
		version, _ := item.(map[string]any)
		name, _ := version["name"].(string)
		if name == "" {
			return nil, errors.New("a version of spec.versions has no name")
		}
		if served, ok := version["served"].(bool); ok && !served {
			continue
		}
		t, err := versionType(object.Object(version))
		if err != nil {
			return nil, fmt.Errorf("schema of version %s: %w", name, err)
		}
		types[object.GVK{Group: groupName, Version: name, Kind: kindName}] = t
	}
	return types, nil
}

// resourceModel is the name under which a CRD's schema is converted.
const resourceModel = "resource"

// metadataModel is the name of ObjectMeta in OpenAPI documents.
const metadataModel = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

func versionType(version object.Object) (*Type, error) {
	schema, ok := version.Get("schema", "openAPIV3Schema")
	root, isMap := schema.(map[string]any)
	if !ok || !isMap {
		return Deduced(), nil
	}
	root = object.DeepCopyValue(root).(map[string]any)
	embed(root)
	text, err := json.Marshal(map[string]any{resourceModel: root, metadataModel: metadataSchema()})
	if err != nil {
		return nil, err
	}
	var models map[string]*spec.Schema
	if err := json.Unmarshal(text, &models); err != nil {
		return nil, err
	}
	converted, err := convertModels(models)
	if err != nil {
		return nil, err
	}
	return namedType(converted, resourceModel), nil
}

// embed adds what the server adds to a CRD's schema: the type and metadata of the
// object itself, and of each embedded resource.
func embed(schema map[string]any) {
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		if schema["x-kubernetes-preserve-unknown-fields"] != true && schema["additionalProperties"] != nil {
			return
		}
		properties = map[string]any{}
		schema["properties"] = properties
	}
	properties["apiVersion"] = map[string]any{"type": "string"}
	properties["kind"] = map[string]any{"type": "string"}
	properties["metadata"] = map[string]any{"$ref": "#/components/schemas/" + metadataModel}
	for name, property := range properties {
		if name != "metadata" {
			embedBelow(property)
		}
	}
}

func embedBelow(schema any) {
	switch v := schema.(type) {
	case map[string]any:
		if v["x-kubernetes-embedded-resource"] == true {
			delete(v, "x-kubernetes-embedded-resource")
			embed(v)
			return
		}
		for key, child := range v {
			if key != "default" && key != "example" && key != "enum" {
				embedBelow(child)
			}
		}
	case []any:
		for _, child := range v {
			embedBelow(child)
		}
	}
}

// metadataSchema is the part of ObjectMeta's schema that field ownership needs.
func metadataSchema() map[string]any {
	text := map[string]any{"type": "string"}
	boolean := map[string]any{"type": "boolean"}
	texts := map[string]any{"type": "object", "additionalProperties": text}
	return map[string]any{
		"type": "object",
		"properties": map[string]any{
			"annotations":                texts,
			"labels":                     texts,
			"name":                       text,
			"namespace":                  text,
			"generateName":               text,
			"creationTimestamp":          text,
			"deletionTimestamp":          text,
			"deletionGracePeriodSeconds": map[string]any{"type": "integer"},
			"generation":                 map[string]any{"type": "integer"},
			"resourceVersion":            text,
			"selfLink":                   text,
			"uid":                        text,
			"finalizers": map[string]any{
				"type": "array", "items": text, "x-kubernetes-list-type": "set",
			},
			"managedFields": map[string]any{
				"type": "array", "x-kubernetes-list-type": "atomic",
				"items": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
			},
			"ownerReferences": map[string]any{
				"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": []any{"uid"},
				"items": map[string]any{
					"type": "object", "x-kubernetes-map-type": "atomic",
					"properties": map[string]any{
						"apiVersion": text, "kind": text, "name": text, "uid": text,
						"controller": boolean, "blockOwnerDeletion": boolean,
					},
				},
			},
		},
	}
}
