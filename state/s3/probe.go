package s3

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

const (
	// probeObject is no key's: it is written to find out whether conditions are kept.
	probeObject = "conditions!"
	// otherTag is the entity tag of nothing.
	otherTag = `"00000000000000000000000000000000"`

	// sweepAge is how old the object of a deleted key is when it is removed.
	sweepAge = time.Hour
	// sweepPause is how long a store does not sweep after it did.
	sweepPause = time.Minute
	// sweepLimit is how many objects are removed at once.
	sweepLimit = 500
)

// ensureConditions finds out, once before the first write, that the server keeps the
// conditions of writes. One that ignores them would have two writers lose each other's
// state.
func (s *Store) ensureConditions(ctx context.Context) error {
	s.probe.Lock()
	defer s.probe.Unlock()
	if s.checked {
		return nil
	}
	group, within := errgroup.WithContext(ctx)
	group.Go(func() error {
		// The first write may be what makes the object; the second must be refused.
		kept, err := s.keeps(within, func(in *awss3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
		if err == nil && !kept {
			kept, err = s.keeps(within, func(in *awss3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
		}
		return s.mustKeep("If-None-Match", kept, err)
	})
	group.Go(func() error {
		kept, err := s.keeps(within, func(in *awss3.PutObjectInput) { in.IfMatch = aws.String(otherTag) })
		return s.mustKeep("If-Match", kept, err)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	s.checked = true
	return nil
}

// keeps reports whether the server refuses a write of the probe.
func (s *Store) keeps(ctx context.Context, condition func(*awss3.PutObjectInput)) (bool, error) {
	kept := false
	err := s.repeat(ctx, func(ctx context.Context) error {
		in := &awss3.PutObjectInput{
			Bucket: &s.bucket, Key: aws.String(s.prefix + probeObject),
			Body: bytes.NewReader([]byte("whether conditions of writes are kept\n")),
		}
		condition(in)
		_, err := s.client.PutObject(ctx, in)
		if kept = kindOf(err) == isRefused && err != nil; kept {
			return nil
		}
		return err
	})
	return kept, err
}

func (s *Store) mustKeep(condition string, kept bool, err error) error {
	status, _ := statusOf(err)
	switch {
	case err == nil && !kept, status == http.StatusNotImplemented:
		return fmt.Errorf("the server of %s does not keep conditions of writes (%s): two writers would lose each other's state, so that nothing is written there. Use AWS, or a server that has conditional writes", s, condition)
	case err != nil:
		return s.explain("writing", err)
	}
	return nil
}

// remains is the object of a key that was deleted.
type remains struct {
	object, tag string
	modified    time.Time
}

// sweep removes the objects of keys that were deleted long ago, where the server keeps
// the conditions of deletions, too. Only a store that writes does so. What cannot be
// removed is left to the next.
func (s *Store) sweep(ctx context.Context, found []remains, now time.Time) {
	var old []remains
	for _, one := range found {
		if isTag(one.tag) && now.Sub(one.modified) >= sweepAge && len(old) < sweepLimit {
			old = append(old, one)
		}
	}
	if len(old) == 0 || !s.maySweep(ctx, now) {
		return
	}
	var group errgroup.Group
	group.SetLimit(readParallelism)
	for _, one := range old {
		group.Go(func() error {
			_ = s.remove(ctx, one.object, one.tag)
			return nil
		})
	}
	_ = group.Wait() // nothing fails
}

// maySweep reports whether it is time to sweep, and whether the server can.
func (s *Store) maySweep(ctx context.Context, now time.Time) bool {
	s.probe.Lock()
	defer s.probe.Unlock()
	if !s.checked || !s.tried.IsZero() && now.Sub(s.tried) < sweepPause {
		return false
	}
	s.tried = now
	if !s.sweeps {
		// A server that ignores the condition removes the probe, and nothing else.
		status, _ := statusOf(s.remove(ctx, probeObject, otherTag))
		s.sweeps = status == http.StatusPreconditionFailed
	}
	return s.sweeps
}

func (s *Store) remove(ctx context.Context, object, tag string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := s.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + object), IfMatch: &tag})
	return err
}
