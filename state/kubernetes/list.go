package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"

	"github.com/gantrycd/gantry/state"
)

const (
	metadataPage = 1000 // Secrets in a page of their metadata
	// A page of values begins with as many Secrets as firstPage, and goes on with as many
	// as have pageBytes.
	firstPage, maxPage = 200, 1000
	pageBytes          = 8 << 20
	// onlyMetadata has the server leave out what Secrets hold, and metadataOfOne what one does.
	metadataOfOne = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1," +
		"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	onlyMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
		"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	selector, err := s.heads(ctx, prefix)
	if err != nil {
		return nil, err
	}
	found, err := s.metadata(ctx, selector)
	if err != nil {
		return nil, fmt.Errorf("listing the state in Kubernetes: %w", err)
	}
	var keys []string
	for i := range found {
		h, err := s.headOf(&found[i].ObjectMeta)
		if err != nil {
			return nil, err
		}
		if isBelow(h.key, prefix) {
			keys = append(keys, h.key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// GetAll implements state.BulkReader.
func (s *Store) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	selector, err := s.heads(ctx, prefix)
	if err != nil {
		return nil, err
	}
	limit := firstPage
	found, err := pages(ctx, s, selector, func() int { return limit }, func(ctx context.Context, request *rest.Request) ([]corev1.Secret, string, error) {
		page := &corev1.SecretList{}
		if err := request.Do(ctx).Into(page); err != nil {
			return nil, "", err
		}
		bytes := 1
		for i := range page.Items {
			bytes += len(page.Items[i].Data[dataKey])
		}
		limit = min(max(pageBytes*len(page.Items)/bytes, 10), maxPage)
		return page.Items, page.Continue, nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the state from Kubernetes: %w", err)
	}
	items := make([]state.Item, len(found))
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(max(runtime.GOMAXPROCS(0), 2))
	for i := range found {
		readers.Go(func() error {
			h, err := s.headOf(&found[i].ObjectMeta)
			if err != nil || !isBelow(h.key, prefix) {
				return err
			}
			value, err := s.value(ctx, h, found[i].Data[dataKey])
			version := h.String()
			if errors.Is(err, errGone) { // it may have been replaced since
				value, version, err = s.Get(ctx, h.key)
				if errors.Is(err, state.ErrNotFound) {
					return nil
				}
			}
			items[i] = state.Item{Key: h.key, Value: value, Version: version}
			found[i].Data = nil
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(item state.Item) bool { return item.Key == "" })
	slices.SortFunc(items, func(a, b state.Item) int { return cmp.Compare(a.Key, b.Key) })
	return items, nil
}

// heads returns what selects the heads that may be below a prefix.
func (s *Store) heads(ctx context.Context, prefix string) (selector string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return "", err
	}
	wanted := labels.Set{stateLabel: s.name, partLabel: headPart}
	if prefix != "" {
		wanted[groupLabel] = group(prefix)
	}
	return wanted.String(), nil
}

// metadata returns the metadata of the Secrets that a selector selects.
func (s *Store) metadata(ctx context.Context, selector string) ([]metav1.PartialObjectMetadata, error) {
	return pages(ctx, s, selector, func() int { return metadataPage }, func(ctx context.Context, request *rest.Request) ([]metav1.PartialObjectMetadata, string, error) {
		page := &metav1.PartialObjectMetadataList{}
		err := request.SetHeader("Accept", onlyMetadata).Do(ctx).Into(page)
		return page.Items, page.Continue, err
	})
}

// pages returns what a list has on all its pages, each of them as long as limit says.
func pages[T any](ctx context.Context, s *Store, selector string, limit func() int, ask func(context.Context, *rest.Request) ([]T, string, error)) ([]T, error) {
	var found []T
	next := ""
	for again := 0; ; {
		var page []T
		var after string
		_, err := s.send(ctx, func(ctx context.Context) (err error) {
			request := s.secrets(get).Param("labelSelector", selector).Param("limit", strconv.Itoa(limit()))
			if next != "" {
				request.Param("continue", next)
			}
			page, after, err = ask(ctx, request)
			return err
		})
		if apierrors.IsResourceExpired(err) && next != "" && again < fewAttempts {
			// The server has forgotten what the list began with: it is begun again.
			found, next = nil, ""
			again++
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
		if after == "" {
			return found, nil
		}
		next = after
	}
}

// isBelow reports whether a key is below a prefix.
func isBelow(key, prefix string) bool {
	return prefix == "" || strings.HasPrefix(key, prefix) && strings.HasPrefix(key[len(prefix):], "/")
}
