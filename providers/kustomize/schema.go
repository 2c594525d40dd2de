package kustomize

import (
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/gantrycd/gantry/providers"
)

// schemas guards the one OpenAPI schema that kyaml has for the whole process.
// Renderings that use the built-in schema share it; one that brings its own has
// the process for itself and puts the built-in one back. It cannot belong to a
// Renderer, because what it guards does not.
var schemas schemaGate

type schemaGate struct {
	lock   sync.RWMutex
	parsed sync.Once // kyaml would parse the built-in schema while others read it
}

func withoutSchema(run func(allowSchemas bool) ([]providers.Rendered, error)) ([]providers.Rendered, error) {
	schemas.parsed.Do(func() { openapi.Schema() })
	schemas.lock.RLock()
	defer schemas.lock.RUnlock()
	return run(false)
}

func withSchema(run func(allowSchemas bool) ([]providers.Rendered, error)) ([]providers.Rendered, error) {
	schemas.lock.Lock()
	defer schemas.lock.Unlock()
	openapi.ResetOpenAPI()
	defer func() {
		openapi.ResetOpenAPI()
		openapi.Schema()
	}()
	return run(true)
}
