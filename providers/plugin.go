package providers

import (
	"context"
	"time"

	"github.com/gantrycd/gantry/plan/source"
)

// Plugins asks services what generators give. It is safe for concurrent use.
type Plugins interface {
	// Call posts a request and returns the answer to it, whole. What is not an answer
	// with status 200 is an error, as those of a Source.
	Call(ctx context.Context, call PluginCall) ([]byte, error)
}

// PluginCall is one request to a service.
type PluginCall struct {
	URL     string
	Auth    *source.Auth // its token, and whom to trust; nil for none
	Body    []byte       // JSON
	Timeout time.Duration
}
