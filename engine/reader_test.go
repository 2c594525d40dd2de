package engine_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// tagged is a git source with one tag and one commit, that counts what is opened.
type tagged struct {
	mu     sync.Mutex
	opened []string
	files  fstest.MapFS
}

const taggedCommit = "1111111111111111111111111111111111111111"

func (s *tagged) Open(_ context.Context, location source.Location) (*providers.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, location.URL+"@"+location.Revision)
	if location.Revision == "gone" {
		return nil, providers.ErrNotFound
	}
	snapshot := &providers.Snapshot{Pin: source.Pin{Location: location, Resolved: taggedCommit}, FS: s.files}
	if location.Revision != taggedCommit {
		snapshot.Ref = "refs/tags/v1.0.0"
	}
	return snapshot, nil
}

func TestReadModule(t *testing.T) {
	t.Parallel()
	from := &tagged{files: fstest.MapFS{
		"README.md":                      {Data: []byte("x")},
		"modules/network/m.gantry.hcl":   {Data: []byte("# network")},
		"modules/networks/m.gantry.hcl":  {Data: []byte("# networks")},
		"modules/database/db.gantry.hcl": {Data: []byte("# db")},
	}}
	lock := sourcelock.New(&lockfile.File{}, sourcelock.Record)
	reader := engine.New(engine.Options{Sources: map[source.Type]providers.Source{source.Git: from}, Lock: lock}).Reader()
	read := func(text, version string) (fs.FS, source.Pin, error) {
		t.Helper()
		parsed, local, err := lang.ParseModuleSource(text, version)
		if err != nil || local {
			t.Fatal(local, err)
		}
		return reader.ReadModule(t.Context(), parsed)
	}
	tree, pin, err := read("https://git.example.com/modules.git//modules/network", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := fs.ReadFile(tree, "m.gantry.hcl"); err != nil || string(content) != "# network" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := fs.ReadFile(tree, "../networks/m.gantry.hcl"); err == nil {
		t.Error("a module reads what is beside it")
	}
	want := source.Pin{Location: source.Location{Type: source.Git, URL: "https://git.example.com/modules.git", Revision: "=1.0.0"}, Resolved: taggedCommit, Path: "modules/network"}
	if diff := cmp.Diff(want, pin); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	recorded, _ := lock.Result(true)
	entry := lockfile.Entry{Key: lockfile.Key{Kind: lockfile.Module, URL: want.URL, Requested: "=1.0.0"}, Version: "v1.0.0", Revision: taggedCommit}
	if diff := cmp.Diff([]lockfile.Entry{entry}, recorded.Entries()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		text, want string
		is         error
	}{
		{"https://git.example.com/modules.git//modules/netwrk", "the directory modules/netwrk is not found; did you mean modules/network", providers.ErrNotFound},
		{"https://git.example.com/modules.git//nowhere/at/all", "the directory nowhere/at/all is not found", providers.ErrNotFound},
		{"https://git.example.com/modules.git//README.md", "README.md is a file", nil},
		{"https://git.example.com/modules.git?ref=gone", "not found", providers.ErrNotFound},
		{"oci://registry.example.com/x:1.0.0", "no source of type \"oci\"", providers.ErrUnsupported},
	} {
		_, _, err := read(test.text, "")
		if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v", test.text, err)
		}
	}
}

// needing is a renderer of files that need a chart.
type needing struct{ providers.Renderer }

func (needing) Detect(fs.FS, string) (bool, error) { return true, nil }

func (needing) Needs(in providers.Input) ([]source.Location, error) {
	if in.Spec.Path == "broken" {
		return nil, errors.New("the chart is broken")
	}
	return []source.Location{{Type: source.Git, URL: "https://git.example.com/dependency.git", Revision: "^1.0"}}, nil
}

func TestFetch(t *testing.T) {
	t.Parallel()
	from := &tagged{files: fstest.MapFS{"a": {}}}
	lock := sourcelock.New(&lockfile.File{}, sourcelock.Record)
	e := engine.New(engine.Options{
		Sources: map[source.Type]providers.Source{source.Git: from}, Lock: lock,
		Renderers: engine.Renderers{Helm: needing{}}, Parallelism: 1,
	})
	web := lang.Source{Spec: source.Spec{Location: source.Location{Type: source.Git, URL: "https://git.example.com/web.git", Revision: "v1.0.0"}, Path: "chart"}}
	values, inline := web, lang.Source{Spec: source.Spec{Location: source.Location{Type: source.Inline}}}
	values.Path, values.Ref, values.URL = "", "values", "https://git.example.com/values.git"
	config := &lang.Config{Applications: []*lang.Application{
		{Name: "a", Sources: []lang.Source{web, values}}, {Name: "b", Sources: []lang.Source{web, inline}},
	}}
	if diags := e.Fetch(t.Context(), config); diags.HasErrors() {
		t.Fatal(diags)
	}
	slices.Sort(from.opened)
	want := []string{"https://git.example.com/dependency.git@^1.0", "https://git.example.com/values.git@v1.0.0", "https://git.example.com/web.git@v1.0.0"}
	if diff := cmp.Diff(want, from.opened); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	if recorded, _ := lock.Result(true); len(recorded.Entries()) != 3 {
		t.Errorf("recorded %v", recorded.Entries())
	}

	broken, gone := web, web
	broken.Path, gone.Revision = "broken", "gone"
	broken.Range.Filename, gone.Range.Filename = "broken.hcl", "gone.hcl"
	config.Applications = append(config.Applications, &lang.Application{Name: "c", Sources: []lang.Source{broken, gone}})
	diags := e.Fetch(t.Context(), config)
	if len(diags) != 2 || diags[0].Subject.Filename != "broken.hcl" || diags[1].Subject.Filename != "gone.hcl" {
		t.Errorf("got %v", diags)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if diags := e.Fetch(stopped, config); !diags.HasErrors() || !strings.Contains(diags.Error(), "Interrupted") {
		t.Errorf("interrupted: %v", diags)
	}
}
