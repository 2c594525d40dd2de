package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/gantrycd/gantry/state"
)

// readParallelism is how many objects are read at once.
const readParallelism = 32

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	found, tag, err := s.read(ctx, key)
	if err != nil {
		return nil, "", err
	}
	if tag == "" || found.deleted {
		return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	return found.value, tag, nil
}

// read returns what a key's object holds and its entity tag, which is empty where there
// is no object.
func (s *Store) read(ctx context.Context, key string) (content, string, error) {
	object, _ := name(key)
	data, tag, err := s.fetch(ctx, object)
	if err != nil || tag == "" {
		return content{}, "", err
	}
	found, err := decode(key, data)
	return found, tag, err
}

// fetch returns an object and its entity tag, which is empty where there is none. A
// server that keeps objects as files may answer with the tag of one write and the bytes
// of the next: where a tag is not that of the bytes, the object is read again, until
// they are or the same come twice, as where tags are made otherwise.
func (s *Store) fetch(ctx context.Context, object string) ([]byte, string, error) {
	var before []byte
	var beforeTag string
	for range fetches {
		data, tag, err := s.get(ctx, object)
		if err != nil || tag == "" || s.opaque.Load() {
			return data, tag, err
		}
		if sum := md5.Sum(data); tag == `"`+hex.EncodeToString(sum[:])+`"` {
			return data, tag, nil
		}
		if tag == beforeTag && bytes.Equal(data, before) {
			s.opaque.Store(true)
			return data, tag, nil
		}
		before, beforeTag = data, tag
	}
	return nil, "", s.explain("reading", fmt.Errorf("%s is written so often that it cannot be read", object))
}

// fetches is how often an object is read that is written meanwhile.
const fetches = 50

// get asks for an object once.
func (s *Store) get(ctx context.Context, object string) (data []byte, tag string, err error) {
	err = s.repeat(ctx, func(ctx context.Context) error {
		out, err := s.client.GetObject(ctx, &awss3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + object)})
		if isMissing(err) {
			data, tag = nil, ""
			return nil
		}
		if err != nil {
			return err
		}
		defer func() { _ = out.Body.Close() }()
		if data, err = io.ReadAll(out.Body); err != nil {
			return err
		}
		if tag = aws.ToString(out.ETag); tag == "" {
			return fmt.Errorf("the server tells no entity tag of %s", object)
		}
		return nil
	})
	if err != nil {
		return nil, "", s.explain("reading", err)
	}
	return data, tag, nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	found, err := s.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(found))
	for i, one := range found {
		keys[i] = one.key
	}
	return keys, nil
}

// GetAll implements state.BulkReader.
func (s *Store) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	found, err := s.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	items := make([]state.Item, len(found))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readParallelism)
	for i, one := range found {
		group.Go(func() error {
			read, tag, err := s.read(ctx, one.key)
			if err == nil && tag != "" && !read.deleted {
				items[i] = state.Item{Key: one.key, Value: read.value, Version: tag}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(items, func(i state.Item) bool { return i.Key == "" }), nil
}

// listed is an object that holds a value.
type listed struct{ key, object string }

// list returns the keys below a prefix that have values, sorted.
func (s *Store) list(ctx context.Context, prefix string) ([]listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	below, exact := folder(prefix)
	var found []listed
	var unnamed []string
	var deleted []remains
	var token *string
	for {
		page, err := s.page(ctx, below, token)
		if err != nil {
			return nil, err
		}
		for _, one := range page.Contents {
			if old, ok := s.remainsOf(one); ok {
				deleted = append(deleted, old)
				continue
			}
			object := strings.TrimPrefix(aws.ToString(one.Key), s.prefix)
			if key, ok := keyOf(object); ok && exact {
				found = append(found, listed{key, object})
			} else if strings.HasSuffix(object, hashed) {
				unnamed = append(unnamed, object)
			}
		}
		if token = page.NextContinuationToken; token == nil || !aws.ToBool(page.IsTruncated) {
			break
		}
	}
	named, err := s.named(ctx, unnamed, prefix)
	if err != nil {
		return nil, err
	}
	found = append(found, named...)
	slices.SortFunc(found, func(a, b listed) int { return strings.Compare(a.key, b.key) })
	s.sweep(ctx, deleted, time.Now())
	return found, nil
}

// page reads a part of the listing of the objects whose names begin with folder.
func (s *Store) page(ctx context.Context, folder string, token *string) (page *awss3.ListObjectsV2Output, err error) {
	err = s.repeat(ctx, func(ctx context.Context) (err error) {
		page, err = s.client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(s.prefix + folder), ContinuationToken: token})
		return err
	})
	if err != nil {
		return nil, s.explain("listing", err)
	}
	return page, nil
}

// remainsOf returns what a listed object is where it is that of a deleted key.
func (s *Store) remainsOf(one types.Object) (remains, bool) {
	object := strings.TrimPrefix(aws.ToString(one.Key), s.prefix)
	return remains{object, aws.ToString(one.ETag), aws.ToTime(one.LastModified)},
		strings.HasSuffix(object, leaf) && aws.ToInt64(one.Size) <= int64(deletedSize)
}

// named reads which keys objects are of whose names do not tell, and returns those below
// a prefix.
func (s *Store) named(ctx context.Context, objects []string, prefix string) ([]listed, error) {
	keys := make([]string, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readParallelism)
	for i, object := range objects {
		if known, ok := s.names.Load(object); ok {
			keys[i], _ = known.(string)
			continue
		}
		group.Go(func() error {
			data, tag, err := s.fetch(ctx, object)
			if err != nil || tag == "" {
				return err
			}
			read, err := decode("", data)
			if err != nil || read.deleted {
				return err
			}
			if again, _ := name(read.key); again != object {
				return &state.BrokenError{Key: read.key, Reason: "its object has the name of another: " + object}
			}
			keys[i] = read.key
			s.names.Store(object, read.key)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []listed
	for i, key := range keys {
		if key != "" && (prefix == "" || strings.HasPrefix(key, prefix+"/")) {
			out = append(out, listed{key, objects[i]})
		}
	}
	return out, nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}
