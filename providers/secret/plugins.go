package secret

import (
	"context"

	"github.com/gantrycd/gantry/providers"
)

// Plugins returns what asks services with the values of the secrets in a call.
func Plugins(inner providers.Plugins, secrets providers.Secrets) providers.Plugins {
	return secretPlugins{inner, secrets}
}

type secretPlugins struct {
	inner   providers.Plugins
	secrets providers.Secrets
}

func (p secretPlugins) Call(ctx context.Context, call providers.PluginCall) ([]byte, error) {
	if call.Auth.HasSecrets() {
		auth, err := call.Auth.Resolve(ctx, p.secrets.Read)
		if err != nil {
			return nil, err
		}
		call.Auth = auth
	}
	return p.inner.Call(ctx, call)
}
