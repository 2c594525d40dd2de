package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gantrycd/gantry/state"
)

// errRefused means that the server refused a write, since its condition does not hold.
var errRefused = errors.New("the condition of the write does not hold")

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, expected string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	if expected != "" && !isTag(expected) {
		return "", conflict(key)
	}
	if err := s.ensureConditions(ctx); err != nil {
		return "", err
	}
	next := content{nonce: newNonce(), key: key, value: value}
	if len(value) > unseen {
		return s.putLarge(ctx, next, expected)
	}
	tag, err := s.write(ctx, next, expected)
	if errors.Is(err, errRefused) && expected == "" {
		// There is an object: of a value, or of a key that was deleted.
		found, old, err := s.read(ctx, key)
		if err != nil {
			return "", err
		}
		if old == "" || !found.deleted {
			return "", conflict(key)
		}
		tag, err = s.write(ctx, next, old)
		return tag, refused(key, err)
	}
	return tag, refused(key, err)
}

// unseen is the most bytes that are sent without looking at what is there. A server may
// refuse a write before it has read it, and close the connection: of what does not fit
// into the buffers of a connection, that answer is lost.
const unseen = 32 << 10

// putLarge is Put of a large value: it is sent where its condition holds, as far as can
// be told before.
func (s *Store) putLarge(ctx context.Context, next content, expected string) (string, error) {
	found, there, err := s.read(ctx, next.key)
	if err != nil {
		return "", err
	}
	if expected == "" && found.deleted {
		expected = there
	}
	if there != expected {
		return "", conflict(next.key)
	}
	tag, err := s.write(ctx, next, expected)
	return tag, refused(next.key, err)
}

// Delete implements state.Store. It writes that the key has no value any more, for a
// condition of a write holds on every server, and one of a deletion does not.
func (s *Store) Delete(ctx context.Context, key, expected string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if isTag(expected) {
		if err := s.ensureConditions(ctx); err != nil {
			return err
		}
		_, err := s.write(ctx, content{nonce: newNonce(), key: key, deleted: true}, expected)
		if !errors.Is(err, errRefused) {
			return err
		}
	}
	if _, _, err := s.Get(ctx, key); err != nil {
		return err
	}
	return conflict(key)
}

func conflict(key string) error { return fmt.Errorf("%s: %w", key, state.ErrConflict) }

func refused(key string, err error) error {
	if errors.Is(err, errRefused) {
		return conflict(key)
	}
	return err
}

// isTag reports whether a version is one of an object.
func isTag(version string) bool {
	return len(version) > 2 && version[0] == '"' && version[len(version)-1] == '"'
}

// write writes a key's object if it is still at an entity tag, or if there is none where
// that is empty, and returns the new tag. It is errRefused where the condition does not
// hold, and state.ErrUnknown where nobody can tell whether the write took place.
//
// It is repeated where that is safe: the same bytes under the same condition take place
// once. What was repeated after an answer was lost may be refused because of the one
// before, which the nonce tells.
func (s *Store) write(ctx context.Context, next content, expected string) (string, error) {
	object, _ := name(next.key)
	body := next.encode()
	var uncertain error
	for attempt := 1; ; attempt++ {
		tag, err := s.send(ctx, object, body, expected)
		if err == nil {
			return tag, nil
		}
		switch kind := kindOf(err); {
		case kind == isRefused && uncertain == nil:
			return "", errRefused
		case kind == isRefused:
			return s.settle(ctx, next, uncertain)
		case kind == isFinal && uncertain == nil:
			return "", s.explain("writing", err)
		case kind == isFinal:
			return s.settle(ctx, next, err)
		case kind == isUncertain:
			uncertain = err
		}
		if attempt == attempts || wait(ctx, attempt) != nil {
			if uncertain == nil {
				return "", s.explain("writing", errors.Join(ctx.Err(), err))
			}
			return s.settle(ctx, next, uncertain)
		}
	}
}

func (s *Store) send(ctx context.Context, object string, body []byte, expected string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	in := &awss3.PutObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + object), Body: bytes.NewReader(body),
		ContentLength: aws.Int64(int64(len(body))), ContentType: aws.String("application/octet-stream"),
	}
	if expected == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &expected
	}
	out, err := s.client.PutObject(ctx, in)
	if err != nil {
		return "", err
	}
	if tag := aws.ToString(out.ETag); isTag(tag) {
		return tag, nil
	}
	return "", fmt.Errorf("the server tells no entity tag of what it wrote")
}

// settleTimeout is how long is looked whether a write took place that nobody answered.
const settleTimeout = 10 * time.Second

// settle finds out whether a write took place whose answer was lost.
func (s *Store) settle(ctx context.Context, next content, why error) (string, error) {
	if err := ctx.Err(); err != nil {
		why = errors.Join(err, why)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	found, tag, err := s.read(ctx, next.key)
	if err == nil && tag != "" && found.nonce == next.nonce {
		return tag, nil
	}
	// Someone may have written over it since, or it may still be on its way.
	return "", fmt.Errorf("%s: %w: %w", next.key, state.ErrUnknown, s.explain("writing", errors.Join(why, err)))
}
