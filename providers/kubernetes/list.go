package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// List reads all objects of a kind in a namespace, in pages of one consistent
// snapshot of the cluster.
func (c *cluster) List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	objects, _, err := c.list(ctx, resource, namespace, options)
	return objects, err
}

// list reads all objects, and the version of the collection they were read at.
// Where a snapshot is compacted away between two pages, everything is read again
// in one piece, which cannot happen to it.
func (c *cluster) list(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, string, error) {
	path, err := collectionPath(resource, namespace)
	if err != nil {
		return nil, "", err
	}
	objects, version, err := c.listPages(ctx, resource, path, options, c.pageSize)
	if isExpired(err) {
		return c.listPages(ctx, resource, path, options, 0)
	}
	return objects, version, err
}

// listPages reads page by page; limit 0 is one page of everything.
func (c *cluster) listPages(ctx context.Context, resource providers.Resource, path string, options providers.ListOptions, limit int) ([]object.Object, string, error) {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if options.LabelSelector != "" {
		query.Set("labelSelector", options.LabelSelector)
	}
	if options.FieldSelector != "" {
		query.Set("fieldSelector", options.FieldSelector)
	}
	accept := ""
	if options.MetadataOnly {
		accept = typeMetadataList
	}
	var objects []object.Object
	for {
		answer, err := c.do(ctx, request{verb: verbList, path: path, query: query, accept: accept, resource: &resource})
		if err != nil {
			return nil, "", err
		}
		read, err := decodePage(answer.body, resource)
		if err != nil {
			return nil, "", c.notKubernetes(answer, err)
		}
		objects = append(objects, read.items...)
		if options.AtMost > 0 && int64(len(objects))+read.left > int64(options.AtMost) {
			return nil, "", fmt.Errorf("cluster %q at %s: %w: %s", c.name, c.server, providers.ErrTooMany, resource.GVK)
		}
		if read.next == "" {
			return objects, read.version, nil
		}
		if read.next == query.Get("continue") {
			return nil, "", fmt.Errorf("cluster %q at %s: the list of %s does not advance", c.name, c.server, resource.GVK)
		}
		query.Set("continue", read.next)
	}
}

// isExpired tells that a page's snapshot, or the version to watch from, is no
// longer there.
func isExpired(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.code == http.StatusGone
}

// Get reads one object.
func (c *cluster) Get(ctx context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	path, err := objectPath(resource, namespace, name)
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, request{verb: verbGet, path: path, resource: &resource})
	if err != nil {
		return nil, err
	}
	return c.object(answer)
}

// object decodes the object that a server answered with.
func (c *cluster) object(answer response) (object.Object, error) {
	decoded, err := decodeObject(answer.body)
	if err != nil {
		return nil, c.notKubernetes(answer, err)
	}
	return decoded, nil
}
