package kubernetes

import (
	"context"

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
