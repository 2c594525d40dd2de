package configtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/localdir"
	"github.com/gantrycd/gantry/providers/tree"
)

// errNoFixture marks a source that a test would have had to read over the network.
var errNoFixture = errors.New("tests read nothing over the network")

// sources opens locations: directories beside the configuration, and what fixtures
// give for others.
type sources struct {
	local    *localdir.Source
	fixtures []*sourceFixture // those of the run first
}

// sourceFixture is what one repository holds.
type sourceFixture struct {
	*fixture
	revision, chart string
	path            string
	files           map[string]string
}

// serve returns the sources of all types.
func (s *sources) serve() map[source.Type]providers.Source {
	return map[source.Type]providers.Source{source.Git: s, source.Helm: s, source.OCI: s, source.Directory: s}
}

// Open implements providers.Source.
func (s *sources) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	for _, f := range s.fixtures {
		if f.matches(location) {
			f.used.Store(true)
			return f.open(ctx, s.local, location)
		}
	}
	if location.Type == source.Directory {
		return s.local.Open(ctx, location)
	}
	return nil, s.missing(location)
}

func (f *sourceFixture) matches(location source.Location) bool {
	return sameURL(f.name, location.URL) &&
		(f.revision == "" || f.revision == location.Revision) && (f.chart == "" || f.chart == location.Chart)
}

// sameURL compares URLs as people write them.
func sameURL(a, b string) bool {
	plain := func(url string) string { return strings.TrimSuffix(strings.TrimRight(url, "/"), ".git") }
	return plain(a) == plain(b)
}

func (f *sourceFixture) open(ctx context.Context, local *localdir.Source, location source.Location) (*providers.Snapshot, error) {
	pin := source.Pin{Location: location, Resolved: "fixture"}
	if f.path != "" {
		snapshot, err := local.Open(ctx, source.Location{Type: source.Directory, URL: f.path})
		if err != nil {
			return nil, fmt.Errorf("the fixture at %s: %w", f.header, err)
		}
		return &providers.Snapshot{FS: snapshot.FS, Pin: pin}, nil
	}
	root := &tree.Memory{}
	for _, name := range schema.SortedKeys(f.files) {
		if err := root.AddFile(strings.TrimPrefix(name, "./"), []byte(f.files[name]), false); err != nil {
			return nil, fmt.Errorf("the fixture at %s: %w", f.header, err)
		}
	}
	return &providers.Snapshot{FS: tree.New(root, 0), Pin: pin}, nil
}

// missing says which fixture to write.
func (s *sources) missing(location source.Location) error {
	var urls []string
	for _, f := range s.fixtures {
		if sameURL(f.name, location.URL) {
			return fmt.Errorf("%s: %w, and the fixture at %s is for another revision or chart than %s",
				location.URL, errNoFixture, f.header, describe(location))
		}
		urls = append(urls, f.name)
	}
	hint := ""
	if near := schema.Suggest(location.URL, urls); near != "" {
		hint = fmt.Sprintf(". There is a fixture for %q, which may be meant", near)
	}
	return fmt.Errorf("%s: %w. Say what is there: fixture \"source\" %q { path = \"testdata/...\" }, or with files in it%s", location.URL, errNoFixture, location.URL, hint)
}

// describe says which part of a repository a location is.
func describe(location source.Location) string {
	text := "the default revision"
	if location.Revision != "" {
		text = fmt.Sprintf("revision %q", location.Revision)
	}
	if location.Chart != "" {
		text = fmt.Sprintf("chart %q in %s", location.Chart, text)
	}
	return text
}
