package affected_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/affected"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/memory"
)

// world is clusters in memory, by name, and which of them were connected to.
type world struct {
	mu       sync.Mutex
	clusters map[string]*memory.Cluster
	asked    map[string]bool
}

func (w *world) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[name] = true
	if w.clusters[name] == nil {
		w.clusters[name] = memory.New(memory.Options{Name: name, Resource: engine.GuessResource})
	}
	return w.clusters[name], nil
}

// repo is a configuration in a git repository, with clusters and a state in memory.
type repo struct {
	*enginetest.Bench
	*world
	base string
}

// newRepo makes a repository of files, and commits them.
func newRepo(t *testing.T, files func(dir string) map[string]string) *repo {
	t.Helper()
	r := &repo{Bench: enginetest.New(t, nil), world: &world{clusters: map[string]*memory.Cluster{}, asked: map[string]bool{}}}
	r.Wrap = func(providers.Clusters) providers.Clusters { return r.world }
	r.Write(t, files(r.Dir))
	enginetest.Git(t, r.Dir, "init", "--quiet", "--initial-branch", "main")
	r.commit(t)
	r.Adapt = func(o *engine.Options) {
		file, _, diags := lockfile.Read(r.Dir)
		enginetest.Check(t, diags)
		o.Lock = sourcelock.New(file, sourcelock.Keep)
	}
	return r
}

func (r *repo) commit(t *testing.T) {
	t.Helper()
	enginetest.Git(t, r.Dir, "add", "--all")
	enginetest.Git(t, r.Dir, "commit", "--quiet", "--allow-empty", "--message", "change")
	r.base = enginetest.Git(t, r.Dir, "rev-parse", "HEAD")
}

// find compares what is on disk with the last commit.
func (r *repo) find(t *testing.T) (*plan.Affected, *lang.Config) {
	t.Helper()
	repository, err := against.OpenRepository(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	revision, err := repository.At(t.Context(), r.base)
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := revision.Configuration()
	then := r.Options()
	then.Sources = revision.Before(then.Sources)
	then.Lock = sourcelock.New(lockIn(t, revision), sourcelock.Keep)
	was := engine.New(then)
	module, diags := lang.Load(r.Dir, lang.LoadOptions{FS: tree, OpenDir: revision.OpenDir})
	enginetest.Check(t, diags)
	variables, diags := lang.ReadVariables(module, lang.VarArgs{})
	enginetest.Check(t, diags)
	before, diags := module.Evaluate(t.Context(), lang.EvalOptions{Reader: was.Reader(), Variables: variables})
	enginetest.Check(t, diags)
	is := r.Engine()
	module, diags = lang.Load(r.Dir, lang.LoadOptions{})
	enginetest.Check(t, diags)
	variables, diags = lang.ReadVariables(module, lang.VarArgs{})
	enginetest.Check(t, diags)
	after, diags := module.Evaluate(t.Context(), lang.EvalOptions{Reader: is.Reader(), Variables: variables})
	enginetest.Check(t, diags)
	history, err := git.OpenHistory(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = history.Close() }()
	files, err := history.Compare(t.Context(), r.base)
	if err != nil {
		t.Fatal(err)
	}
	found, err := affected.Find(t.Context(), affected.Side{Config: before, Engine: was}, affected.Side{Config: after, Engine: is},
		affected.Options{Ref: "main", Files: files, Below: ".", Parallelism: 2, Tracks: func(l source.Location) bool { return revision.Tracks(l, "main") }})
	if err != nil {
		t.Fatal(err)
	}
	return found, after
}

func lockIn(t *testing.T, revision *against.Revision) *lockfile.File {
	t.Helper()
	tree, _ := revision.Configuration()
	file, err := tree.Open(lockfile.Name)
	if err != nil {
		return &lockfile.File{}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	src := make([]byte, info.Size())
	if _, err := file.Read(src); err != nil {
		t.Fatal(err)
	}
	parsed, diags := lockfile.Parse(src, lockfile.Name)
	enginetest.Check(t, diags)
	return parsed
}

// touched lists the names of the applications that are touched.
func touched(found *plan.Affected) string {
	var out []string
	for _, a := range found.Touched {
		out = append(out, strings.TrimPrefix(a.Address.String(), "application."))
	}
	return strings.Join(out, " ")
}

// edit is a change of files; nil content removes one.
type edit map[string]*string

func (r *repo) edit(t *testing.T, files edit) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if files[name] != nil {
			r.Write(t, map[string]string{name: *files[name]})
		} else if err := os.Remove(filepath.Join(r.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
