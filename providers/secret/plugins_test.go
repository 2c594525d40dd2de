package secret_test

import (
	"context"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/secret"
)

// called is a plugin that keeps what it was called with.
type called struct{ auth *source.Auth }

func (c *called) Call(_ context.Context, call providers.PluginCall) ([]byte, error) {
	c.auth = call.Auth
	return []byte("answer"), nil
}

func TestPlugins(t *testing.T) {
	r, _ := reader(t, &clusters{})
	inner := &called{}
	with := func(variable string) *source.Auth {
		return &source.Auth{CAData: "CA", Secrets: target.Secrets{Token: &target.Secret{
			Address: address(variable), Environment: &target.EnvironmentSecret{Variable: variable},
		}}}
	}
	auth := with("TOKEN")
	answer, err := secret.Plugins(inner, r).Call(t.Context(), providers.PluginCall{Auth: auth})
	if err != nil || string(answer) != "answer" || *inner.auth != (source.Auth{CAData: "CA", Token: value}) || auth.Token != "" {
		t.Errorf("got %q, %v, called with %+v", answer, err, inner.auth)
	}
	if _, err := secret.Plugins(inner, r).Call(t.Context(), providers.PluginCall{}); err != nil || inner.auth != nil {
		t.Error(inner.auth, err)
	}
	if _, err := secret.Plugins(inner, r).Call(t.Context(), providers.PluginCall{Auth: with("NOTHING")}); err == nil {
		t.Error("called without the secret")
	}
}
