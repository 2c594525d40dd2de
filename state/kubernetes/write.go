package kubernetes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/gantrycd/gantry/state"
)

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	old, ok := parseVersion(version)
	if version != "" && !ok {
		return "", fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	written, err := s.swap(ctx, key, value, old)
	if err != nil {
		return "", err
	}
	// What follows is tidying: that the value is written does not depend on it.
	s.drop(ctx, key, old)
	if written.chunks > 0 {
		s.sweep.Do(func() { s.collect(ctx) })
	}
	return written.String(), nil
}

// swap puts a value in the place of a head that was read, or of none.
func (s *Store) swap(ctx context.Context, key string, value []byte, old head) (head, error) {
	packed, encoding, err := pack(value)
	if err != nil {
		return head{}, fmt.Errorf("compressing %s: %w", key, err)
	}
	next := head{key: key, mark: s.mark()}
	secret := s.secret(s.headName(key), key, headPart, next.mark)
	secret.Annotations[digestAnnotation] = digest(value)
	if encoding != "" {
		secret.Annotations[encodingAnnotation] = encoding
	}
	if len(packed) <= chunkSize {
		secret.Data = map[string][]byte{dataKey: packed}
	} else {
		began := s.now()
		next.chunks = (len(packed) + chunkSize - 1) / chunkSize
		secret.Annotations[chunksAnnotation] = fmt.Sprint(next.chunks)
		err := s.writeChunks(ctx, next, packed)
		if now := s.now(); err == nil && max(now.Sub(began), now.Round(0).Sub(began.Round(0))) > chunksLast {
			err = fmt.Errorf("its parts took longer than %s to write", chunksLast)
		}
		if err != nil {
			s.drop(ctx, key, next)
			return head{}, fmt.Errorf("writing %s to Kubernetes: %w", key, err)
		}
	}
	lost, err := s.writeHead(ctx, secret, old)
	if isStale(err) && lost != nil {
		// The answer to an earlier attempt was lost: it may be what this one has met.
		var found *corev1.Secret
		if found, err = s.read(ctx, secret.Name); err == nil && found.Annotations[markAnnotation] == next.mark {
			secret.ObjectMeta = found.ObjectMeta
		} else {
			if err == nil || isMissing(err) {
				err = lost // another has written it since
			}
			return head{}, fmt.Errorf("%s: %w: %w", key, state.ErrUnknown, err)
		}
	}
	switch {
	case err == nil:
		next.resourceVersion, next.uid = secret.ResourceVersion, secret.UID
		return next, nil
	case lost != nil: // its chunks stay, for it may be there
		return head{}, fmt.Errorf("writing %s to Kubernetes: %w: %w", key, state.ErrUnknown, err)
	}
	s.drop(ctx, key, next)
	if isStale(err) {
		return head{}, fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	return head{}, fmt.Errorf("writing %s to Kubernetes: %w", key, err)
}

// writeHead writes the Secret of a key, and fills in what the server says of it. lost is
// why an answer did not come, where that may have been to a write that took place.
func (s *Store) writeHead(ctx context.Context, secret *corev1.Secret, old head) (lost, err error) {
	secret.ResourceVersion, secret.UID = old.resourceVersion, old.uid
	if old.uid == "" {
		return s.create(ctx, secret)
	}
	return s.send(ctx, func(ctx context.Context) error {
		return fill(ctx, secret, s.secrets(put).Name(secret.Name))
	})
}

// fill writes a Secret, and puts what the server says of it into it: its metadata, for what
// it holds is known.
func fill(ctx context.Context, secret *corev1.Secret, request *rest.Request) error {
	written := &metav1.PartialObjectMetadata{}
	err := request.SetHeader("Accept", metadataOfOne).Body(secret).Do(ctx).Into(written)
	if err == nil {
		secret.ObjectMeta = written.ObjectMeta
	}
	return err
}

// create makes a Secret, and the namespace where it is missing.
func (s *Store) create(ctx context.Context, secret *corev1.Secret) (lost, err error) {
	send := func() (lost, err error) {
		return s.send(ctx, func(ctx context.Context) error {
			return fill(ctx, secret, s.secrets(post))
		})
	}
	lost, err = send()
	if !isMissing(err) {
		return lost, err
	}
	if err := s.createNamespace(ctx); err != nil {
		return nil, err
	}
	if lost, err = send(); isMissing(err) { // which is no word on the key
		err = fmt.Errorf("the namespace %q is being made and deleted at once", s.namespace)
	}
	return lost, err
}

// createNamespace makes the namespace, if nobody else does at the same time.
func (s *Store) createNamespace(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace, Labels: map[string]string{managedLabel: "gantry"}}}
	_, err := s.send(ctx, func(ctx context.Context) error {
		return s.client.Post().Resource("namespaces").MaxRetries(0).Body(namespace).Do(ctx).Error()
	})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return fmt.Errorf("there is no namespace %q for the state, and it cannot be made; make it, or name another: %w", s.namespace, err)
}

// Delete implements state.Store. Where the answer to a deletion was lost, and the key is
// gone, it counts as this one's.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	name := s.headName(key)
	old, ok := parseVersion(version)
	var lost, err error
	if ok {
		options := &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &old.uid, ResourceVersion: &old.resourceVersion}}
		lost, err = s.send(ctx, func(ctx context.Context) error {
			return s.secrets(remove).Name(name).Body(options).Do(ctx).Error()
		})
	} else if _, err = s.read(ctx, name); err == nil {
		return fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	switch {
	case err == nil, isMissing(err) && lost != nil:
		s.drop(ctx, key, old)
		return nil
	case isMissing(err):
		return fmt.Errorf("%s: %w", key, state.ErrNotFound)
	case lost != nil:
		return fmt.Errorf("deleting %s in Kubernetes: %w: %w", key, state.ErrUnknown, err)
	case isStale(err):
		return fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	return fmt.Errorf("deleting %s in Kubernetes: %w", key, err)
}
