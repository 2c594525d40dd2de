package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/state"
)

// parallel is how many chunks are read or written at once.
const parallel = 8

// errGone means that a chunk is not there: the head that names it was replaced after it
// was read, or it is broken.
var errGone = errors.New("a part of the value is missing")

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	before := ""
	for {
		secret, err := s.read(ctx, s.headName(key))
		if isMissing(err) {
			return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
		}
		var h head
		if err == nil {
			h, err = s.headOf(&secret.ObjectMeta)
		}
		var value []byte
		if err == nil {
			value, err = s.value(ctx, h, secret.Data[dataKey])
		}
		switch version := h.String(); {
		case err == nil:
			return value, version, nil
		case errors.Is(err, errGone) && version != before:
			before = version // it may have been replaced: look again
		case errors.Is(err, errGone):
			return nil, "", &state.BrokenError{Key: key, Reason: err.Error()}
		default:
			return nil, "", fmt.Errorf("reading %s from Kubernetes: %w", key, err)
		}
	}
}

// read reads one Secret.
func (s *Store) read(ctx context.Context, name string) (*corev1.Secret, error) {
	var secret *corev1.Secret
	_, err := s.send(ctx, func(ctx context.Context) error {
		secret = &corev1.Secret{}
		return s.secrets(get).Name(name).Do(ctx).Into(secret)
	})
	return secret, err
}

// value returns the value of a head, from what the head itself has of it. The error is
// errGone where a part of it is not there.
func (s *Store) value(ctx context.Context, h head, packed []byte) ([]byte, error) {
	if h.chunks > 0 {
		parts := make([][]byte, h.chunks)
		readers, ctx := errgroup.WithContext(ctx)
		readers.SetLimit(parallel)
		for i := range parts {
			readers.Go(func() error {
				name := chunkName(s.headName(h.key), h.mark, i)
				chunk, err := s.read(ctx, name)
				if isMissing(err) {
					return fmt.Errorf("%w: there is no Secret %s in namespace %s", errGone, name, s.namespace)
				}
				parts[i] = chunk.Data[dataKey]
				return err
			})
		}
		if err := readers.Wait(); err != nil {
			return nil, err
		}
		packed = bytes.Join(parts, nil)
	}
	return h.unpack(packed)
}
