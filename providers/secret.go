package providers

import (
	"context"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// Secrets reads credentials at the moment they are used. It is safe for concurrent
// use, and reads each once in its lifetime, which is one command's.
type Secrets interface {
	// Read returns the value of a secret. Its errors name the secret and say what is
	// wrong; they never hold the value or any part of it.
	Read(ctx context.Context, secret *target.Secret) (object.Sensitive, error)
}
