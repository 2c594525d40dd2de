package rest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

// MaxPages is how many pages of a list are read at most.
const MaxPages = 100

// Pages says how a list is read in pages.
type Pages struct {
	// Size is the name of the argument that says how many elements a page has, and
	// PerPage how many it has at most.
	Size    string
	PerPage int
	// Most bounds the pages; MaxPages where 0. Cut says that what is beyond is left out:
	// else it is an ErrTooMany.
	Most int
	Cut  bool
}

// List reads the pages of a list, the first first, until there are no more, or until see
// returns false for an element.
func List[T any](ctx context.Context, c *Client, pages Pages, path string, query url.Values, see func(T) bool) error {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	most := pages.Most
	if most == 0 {
		most = MaxPages
	}
	query.Set(pages.Size, strconv.Itoa(pages.PerPage))
	seen := 0
	for page := 1; page <= most; page++ {
		query.Set("page", strconv.Itoa(page))
		var elements []T
		header, err := c.Do(ctx, Request{Path: path, Query: query}, &elements)
		if err != nil {
			return err
		}
		for _, element := range elements {
			if !see(element) {
				return nil
			}
		}
		seen += len(elements)
		if len(elements) == 0 || !more(header, seen) {
			return nil
		}
	}
	if pages.Cut {
		return nil
	}
	return fmt.Errorf("%s/%s: %w: the list has more than %d pages", c.base, strings.TrimPrefix(path, "/"), providers.ErrTooMany, most)
}

// more reports whether there is another page: by the links to others, or by how many
// elements there are in all.
func more(header http.Header, seen int) bool {
	for _, links := range header.Values("Link") {
		for link := range strings.SplitSeq(links, ",") {
			if _, attributes, ok := strings.Cut(link, ">"); ok && strings.Contains(attributes, `rel="next"`) {
				return true
			}
		}
	}
	for _, name := range []string{"X-Total-Count", "X-Total"} {
		if total, err := strconv.Atoi(header.Get(name)); err == nil {
			return seen < total
		}
	}
	return false
}

// All reads all elements of a list.
func All[T any](ctx context.Context, c *Client, pages Pages, path string, query url.Values) ([]T, error) {
	var all []T
	err := List(ctx, c, pages, path, query, func(element T) bool {
		all = append(all, element)
		return true
	})
	return all, err
}
