// Package enginetest puts together a whole engine for tests: the real sources,
// renderers and clusters, and a state in memory or in a directory. Only tests
// import it.
package enginetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/helmrepo"
	"github.com/gantrycd/gantry/providers/jsonnet"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/localdir"
	"github.com/gantrycd/gantry/providers/manifests"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// Bench is a configuration in a directory of its own, with a state, and what is
// needed to plan and apply it as often as a test likes. Every Plan and Apply has an
// engine of its own, as every command has.
type Bench struct {
	Dir      string // the root module
	Records  *state.Records
	Identity *seal.Identity
	Events   func(engine.Event)
	// Wrap, where set, stands between the engine and its clusters: for faults.
	Wrap func(providers.Clusters) providers.Clusters
	// Parallelism is engine.Options.Parallelism.
	Parallelism int
	// Adapt, where set, changes what an engine works with.
	Adapt func(*engine.Options)
	// Remotes is engine.Options.Remotes.
	Remotes func(context.Context, lang.RemoteState) (*published.Document, error)

	cache string
}

// New returns a Bench whose configuration is in files, by name.
func New(t testing.TB, files map[string]string) *Bench {
	t.Helper()
	b := &Bench{Dir: t.TempDir(), cache: t.TempDir()}
	b.Write(t, files)
	store := memory.New()
	var err error
	if b.Records, err = state.Open(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if b.Identity, err = seal.GenerateIdentity(); err != nil {
		t.Fatal(err)
	}
	return b
}

// Write writes files into the configuration's directory.
func (b *Bench) Write(t testing.TB, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(b.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Engine returns a new engine over the bench's state.
func (b *Bench) Engine() *engine.Engine { return engine.New(b.Options()) }

// Options are what an engine over the bench's state works with.
func (b *Bench) Options() engine.Options {
	var clusters providers.Clusters = kubernetes.New(kubernetes.Options{BaseDir: b.Dir})
	if b.Wrap != nil {
		clusters = b.Wrap(clusters)
	}
	options := engine.Options{
		Sources: map[source.Type]providers.Source{
			source.Git:       git.New(git.Options{CacheDir: filepath.Join(b.cache, "git")}),
			source.Helm:      helmrepo.New(helmrepo.Options{}),
			source.Directory: localdir.New(localdir.Options{Root: b.Dir}),
		},
		Renderers: engine.Renderers{
			Manifests: manifests.New(), Helm: helm.New(), Kustomize: kustomize.New(), Jsonnet: jsonnet.New(),
		},
		Clusters:      clusters,
		Records:       b.Records,
		Fingerprinter: b.Records.Fingerprinter(),
		Identity:      b.Identity,
		Recipient:     b.Identity.Recipient(),
		Version:       "test",
		Parallelism:   b.Parallelism,
		Remotes:       b.Remotes,
		Events:        b.Events,
	}
	if b.Adapt != nil {
		b.Adapt(&options)
	}
	return options
}

// Config loads and evaluates the configuration.
func (b *Bench) Config(t testing.TB, e *engine.Engine) (*lang.Config, hcl.Diagnostics) {
	t.Helper()
	module, diags := lang.Load(b.Dir, lang.LoadOptions{})
	if module == nil {
		return nil, diags
	}
	config, more := module.Evaluate(t.Context(), lang.EvalOptions{Reader: e.Reader()})
	return config, append(diags, more...)
}

// Plan makes a plan and returns it with everything that was said.
func (b *Bench) Plan(t testing.TB, options engine.PlanOptions) (*plan.Plan, hcl.Diagnostics) {
	t.Helper()
	e := b.Engine()
	config, diags := b.Config(t, e)
	if config == nil {
		return nil, diags
	}
	p, more := e.Plan(t.Context(), config, options)
	return p, append(diags, more...)
}

// MustPlan is Plan for a test that expects no error.
func (b *Bench) MustPlan(t testing.TB, options engine.PlanOptions) *plan.Plan {
	t.Helper()
	p, diags := b.Plan(t, options)
	Check(t, diags)
	return p
}

// Apply applies a plan.
func (b *Bench) Apply(ctx context.Context, t testing.TB, p *plan.Plan) (*engine.Result, hcl.Diagnostics) {
	t.Helper()
	return b.Engine().Apply(ctx, p, engine.ApplyOptions{By: state.Holder{Who: "test"}})
}

// MustApply plans and applies, and fails the test on any error.
func (b *Bench) MustApply(t testing.TB, options engine.PlanOptions) *plan.Plan {
	t.Helper()
	p := b.MustPlan(t, options)
	_, diags := b.Apply(t.Context(), t, p)
	Check(t, diags)
	return p
}

// Check fails the test if there are errors among the diagnostics.
func Check(t testing.TB, diags hcl.Diagnostics) {
	t.Helper()
	if !diags.HasErrors() {
		return
	}
	for _, diag := range diags {
		t.Logf("%s: %s", diag.Summary, diag.Detail)
	}
	t.FailNow()
}

// Change returns the change of an object, by its ID as it prints, nil if the
// application has none.
func Change(p *plan.Plan, address addr.Address, id string) *plan.Change {
	for i := range p.Applications {
		if p.Applications[i].Address != address {
			continue
		}
		for j := range p.Applications[i].Changes {
			if c := &p.Applications[i].Changes[j]; c.ID.String() == id {
				return c
			}
		}
	}
	return nil
}

// Repository makes a bare git repository of a directory's content and returns
// its URL.
func Repository(t testing.TB, content string) string {
	t.Helper()
	bare := filepath.Join(t.TempDir(), "repository.git")
	Git(t, "", "init", "--quiet", "--bare", "--initial-branch=main", bare)
	Git(t, content, "--git-dir", bare, "--work-tree", content, "add", "--force", "--all")
	Git(t, content, "--git-dir", bare, "--work-tree", content, "commit", "--quiet", "--message", "content")
	return "file://" + bare
}

// Git runs the git program in a directory, with nothing of the user's
// configuration, and returns what it prints.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %s\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
