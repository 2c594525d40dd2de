package secret

import (
	"context"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// Sources is Source for sources by their types.
func Sources(inner map[source.Type]providers.Source, secrets providers.Secrets) map[source.Type]providers.Source {
	out := make(map[source.Type]providers.Source, len(inner))
	for of, s := range inner {
		out[of] = Source(s, secrets)
	}
	return out
}

// Source returns a source that reads the secrets of a location when it is opened,
// and opens it in another with their values.
func Source(inner providers.Source, secrets providers.Secrets) providers.Source {
	return secretSource{inner, secrets}
}

type secretSource struct {
	inner   providers.Source
	secrets providers.Secrets
}

func (s secretSource) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if !location.Auth.HasSecrets() {
		return s.inner.Open(ctx, location)
	}
	asWritten := location.Auth
	auth, err := location.Auth.Resolve(ctx, s.secrets.Read)
	if err != nil {
		return nil, err
	}
	location.Auth = auth
	snapshot, err := s.inner.Open(ctx, location)
	if err != nil || snapshot.Pin.Auth == nil {
		return snapshot, err
	}
	// What was read is kept for longer than the values may be.
	kept := *snapshot
	kept.Pin.Auth = asWritten
	return &kept, nil
}
