package diff

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/gantrycd/gantry/plan/object"
)

// Schemas holds the types of one cluster's kinds, made from its OpenAPI v3
// documents and from CustomResourceDefinitions that are only in the plan. It is
// safe for concurrent use.
type Schemas struct {
	mu       sync.RWMutex
	types    map[object.GVK]*Type
	declared map[object.GVK]*Type            // of CRDs
	hashes   map[[2]string][sha256.Size]byte // of documents, by group and version
}

// NewSchemas returns a Schemas without types.
func NewSchemas() *Schemas {
	return &Schemas{
		types:    map[object.GVK]*Type{},
		declared: map[object.GVK]*Type{},
		hashes:   map[[2]string][sha256.Size]byte{},
	}
}

// Has reports whether the document of a group and version was added.
func (s *Schemas) Has(group, version string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.hashes[[2]string{group, version}]
	return ok
}

// Add reads the OpenAPI v3 document of a group and version. The same document
// again costs a hash and no more; another one replaces it.
func (s *Schemas) Add(group, version string, document []byte) error {
	place, hash := [2]string{group, version}, sha256.Sum256(document)
	s.mu.RLock()
	known, ok := s.hashes[place]
	s.mu.RUnlock()
	if ok && known == hash {
		return nil
	}
	types, err := parseDocument(group, version, document)
	if err != nil {
		return fmt.Errorf("openapi document of %s: %w", object.GVK{Group: group, Version: version}.APIVersion(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for gvk := range s.types {
		if gvk.Group == group && gvk.Version == version {
			delete(s.types, gvk)
		}
	}
	for gvk, t := range types {
		s.types[gvk] = t
	}
	s.hashes[place] = hash
	return nil
}

// AddCRD adds the types that a CustomResourceDefinition (apiextensions.k8s.io/v1)
// declares; they win over the server's, which does not have them yet or has those
// of an older definition.
func (s *Schemas) AddCRD(crd object.Object) error {
	types, err := parseCRD(crd)
	if err != nil {
		return fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for gvk, t := range types {
		s.declared[gvk] = t
	}
	return nil
}

// Type returns the type of a kind. False means that no schema is known; the type
// then is deduced from values: lists are atomic and quantities are strings.
func (s *Schemas) Type(gvk object.GVK) (*Type, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, ok := s.declared[gvk]; ok {
		return t, true
	}
	if t, ok := s.types[gvk]; ok {
		return t, true
	}
	return Deduced(), false
}

// parseDocument makes the types of a document's own group and version.
func parseDocument(group, version string, document []byte) (map[object.GVK]*Type, error) {
	var openapi struct {
		Components struct {
			Schemas map[string]*spec.Schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &openapi); err != nil {
		return nil, fmt.Errorf("cannot be parsed: %w", err)
	}
	models := openapi.Components.Schemas
	schema, err := convertModels(models)
	if err != nil {
		return nil, fmt.Errorf("cannot be converted: %w", err)
	}
	types := map[object.GVK]*Type{}
	for name, model := range models {
		for _, gvk := range kindsOf(model) {
			if gvk.Group == group && gvk.Version == version {
				types[gvk] = namedType(schema, name)
			}
		}
	}
	return types, nil
}

// kindsOf reads a model's x-kubernetes-group-version-kind.
func kindsOf(model *spec.Schema) []object.GVK {
	list, _ := model.Extensions["x-kubernetes-group-version-kind"].([]any)
	var out []object.GVK
	for _, item := range list {
		m, _ := item.(map[string]any)
		group, _ := m["group"].(string)
		version, _ := m["version"].(string)
		kind, _ := m["kind"].(string)
		if kind != "" {
			out = append(out, object.GVK{Group: group, Version: version, Kind: kind})
		}
	}
	return out
}
