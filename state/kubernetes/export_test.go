package kubernetes

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// RemoveNamespace deletes the store's namespace, if it is there.
func (s *Store) RemoveNamespace() error {
	err := s.client.Delete().Resource("namespaces").Name(s.namespace).Do(context.Background()).Error()
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// Abandon has the store take chunks for abandoned that are so much older than the newest.
func (s *Store) Abandon(after time.Duration) { s.abandoned = after }

// At has the store take the time from a clock.
func (s *Store) At(now func() time.Time) { s.now = now }

// SecretOf returns the name of a key's Secret.
func (s *Store) SecretOf(key string) string { return s.headName(key) }

// Parts returns the names of the Secrets that hold parts of values.
func (s *Store) Parts(ctx context.Context) ([]string, error) {
	found, err := s.metadata(ctx, partLabel+"="+chunkPart+","+stateLabel+"="+s.name)
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].Name
	}
	return names, err
}

// RemoveSecret removes a Secret behind the store's back.
func (s *Store) RemoveSecret(ctx context.Context, name string) error {
	return s.removeSecret(ctx, name)
}

// Change changes a Secret behind the store's back.
func (s *Store) Change(ctx context.Context, name string, change func(*corev1.Secret)) error {
	secret, err := s.read(ctx, name)
	if err != nil {
		return err
	}
	change(secret)
	return s.secrets(put).Name(name).Body(secret).Do(ctx).Error()
}
