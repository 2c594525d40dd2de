package kubernetes

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/providers"
)

// openAPIIndex is the server's list of OpenAPI documents: "apis/apps/v1" to
// where it is.
type openAPIIndex struct {
	Paths map[string]struct {
		ServerRelativeURL string `json:"serverRelativeURL"`
	} `json:"paths"`
}

// document is one OpenAPI document.
type document struct {
	body []byte
	hash string
}

// documents keeps one memo for each address of a document. An address holds the
// hash of what is there, where the server gives one.
type documents struct {
	mu    sync.Mutex
	known map[string]*memo[document]
}

func (d *documents) of(address string) *memo[document] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[string]*memo[document]{}
	}
	if d.known[address] == nil {
		d.known[address] = &memo[document]{}
	}
	return d.known[address]
}

// forgetUnhashed drops the documents that may have changed at their address.
func (d *documents) forgetUnhashed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for address := range d.known {
		if _, hash := splitAddress(address); hash == "" {
			delete(d.known, address)
		}
	}
}

// OpenAPI returns the server's OpenAPI v3 document of a group and version. It
// returns an ErrUnknownKind (wrapped) where the server has none. The document
// is shared; the caller must not change it.
func (c *cluster) OpenAPI(ctx context.Context, group, version string) (body []byte, hash string, err error) {
	key := strings.TrimPrefix(versionPath(group, version), "/")
	address, err := c.documentAddress(ctx, key)
	if err != nil {
		return nil, "", err
	}
	found, err := c.documents.of(address).get(ctx, func(ctx context.Context) (document, error) {
		return c.readDocument(ctx, key, address)
	})
	if path, hash := splitAddress(address); err != nil && hash != "" {
		// A definition has changed since the server made the index that was read. The
		// document is at the address of another hash by now, and as it is without any.
		c.index.forget()
		found, err = c.readDocument(ctx, key, path)
	}
	if err != nil {
		return nil, "", err
	}
	return found.body, found.hash, nil
}

// documentAddress looks up where a document is; key is such as "apis/apps/v1".
func (c *cluster) documentAddress(ctx context.Context, key string) (string, error) {
	index, err := c.index.get(ctx, c.readIndex)
	if err != nil {
		return "", err
	}
	entry, ok := index.Paths[key]
	if !ok {
		version := strings.TrimPrefix(strings.TrimPrefix(key, "apis/"), "api/")
		return "", &reasonError{providers.ErrUnknownKind, fmt.Sprintf("cluster %q has no OpenAPI document of %s", c.name, version)}
	}
	return entry.ServerRelativeURL, nil
}

func (c *cluster) readIndex(ctx context.Context) (openAPIIndex, error) {
	var index openAPIIndex
	if err := c.getJSON(ctx, request{verb: verbOpenAPI, path: "/openapi/v3"}, &index); err != nil {
		return openAPIIndex{}, fmt.Errorf("reading the index of OpenAPI documents: %w", err)
	}
	return index, nil
}

func (c *cluster) readDocument(ctx context.Context, key, address string) (document, error) {
	path, hash := splitAddress(address)
	if !strings.HasPrefix(path, "/") {
		return document{}, fmt.Errorf("cluster %q: the index of OpenAPI documents has an address that is no path: %q", c.name, address)
	}
	stored := c.documentFile(key, hash)
	if body, ok := stored.read(); ok {
		return document{body: body, hash: hash}, nil
	}
	r := request{verb: verbOpenAPI, path: path}
	if hash != "" {
		r.query = url.Values{"hash": {hash}}
	}
	answer, err := c.do(ctx, r)
	if err != nil {
		return document{}, fmt.Errorf("reading the OpenAPI document of %s: %w", key, err)
	}
	stored.write(answer.body)
	return document{body: answer.body, hash: hash}, nil
}

// splitAddress splits "/openapi/v3/apis/apps/v1?hash=ABC".
func splitAddress(address string) (path, hash string) {
	path, query, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return path, ""
	}
	return path, values.Get("hash")
}
