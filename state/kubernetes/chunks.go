package kubernetes

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Chunks have the mark of their write in their names, so that no two writes share one, and
// what was named by a head that is gone is never named again. Whoever takes a head's place
// removes its chunks. Those of a writer that was killed before it wrote its head are
// removed by a later one: when they are older than any writer lets its chunks become.
const (
	// chunksLast is how old the chunks of a head may be when it is sent.
	chunksLast = time.Hour
	// chunksAbandoned is how much older than the newest the chunks of nobody are when they
	// are removed, by the clock of the server.
	chunksAbandoned = 24 * time.Hour
)

// writeChunks writes the chunks of a head.
func (s *Store) writeChunks(ctx context.Context, h head, packed []byte) error {
	name := s.headName(h.key)
	unchanging := true
	write := func(ctx context.Context, i int) error {
		chunk := s.secret(chunkName(name, h.mark, i), h.key, chunkPart, h.mark)
		chunk.Immutable = &unchanging
		chunk.Data = map[string][]byte{dataKey: packed[i*chunkSize : min((i+1)*chunkSize, len(packed))]}
		lost, err := s.create(ctx, chunk)
		if apierrors.IsAlreadyExists(err) && lost != nil {
			return nil // it was this write: nobody else has its name
		}
		return err
	}
	if err := write(ctx, 0); err != nil { // the namespace may have to be made first
		return err
	}
	writers, ctx := errgroup.WithContext(ctx)
	writers.SetLimit(parallel)
	for i := 1; i < h.chunks; i++ {
		writers.Go(func() error { return write(ctx, i) })
	}
	return writers.Wait()
}

// tidying is how long the removal of what nobody names any more may take.
const tidying = 10 * time.Second

// drop removes the chunks of a head that is not there, or not any more. What it cannot
// remove, collect will.
func (s *Store) drop(ctx context.Context, key string, h head) {
	if h.chunks == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	removers, ctx := errgroup.WithContext(ctx)
	removers.SetLimit(parallel)
	for i := range h.chunks {
		removers.Go(func() error { return s.removeSecret(ctx, chunkName(s.headName(key), h.mark, i)) })
	}
	_ = removers.Wait()
}

// collect removes the chunks that killed writers left: old ones that no head names. A
// head that is to name them would have been sent long ago.
func (s *Store) collect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	chunks, err := s.metadata(ctx, labels.Set{stateLabel: s.name, partLabel: chunkPart}.String())
	if err != nil {
		return
	}
	var newest metav1.Time
	for i := range chunks {
		if newest.Before(&chunks[i].CreationTimestamp) {
			newest = chunks[i].CreationTimestamp
		}
	}
	named := map[string]string{} // the mark of each head that was looked at
	for i := range chunks {
		chunk := &chunks[i]
		if newest.Sub(chunk.CreationTimestamp.Time) < s.abandoned {
			continue
		}
		name := s.headName(chunk.Annotations[keyAnnotation])
		mark, looked := named[name]
		if !looked {
			secret, err := s.read(ctx, name)
			if err != nil && !isMissing(err) {
				return
			}
			mark = secret.Annotations[markAnnotation]
			named[name] = mark
		}
		if chunk.Annotations[markAnnotation] == mark {
			continue
		}
		if s.removeSecret(ctx, chunk.Name) != nil {
			return
		}
	}
}

func (s *Store) removeSecret(ctx context.Context, name string) error {
	_, err := s.send(ctx, func(ctx context.Context) error {
		return s.secrets(remove).Name(name).Do(ctx).Error()
	})
	if isMissing(err) {
		return nil
	}
	return err
}
