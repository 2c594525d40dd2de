package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/providers/memory"
)

// signers are who signs commits in these tests: files of SSH keys, by name.
type signers map[string]string

func newSigners(t *testing.T, names ...string) signers {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, which git signs with, is not installed")
	}
	out := signers{}
	for _, name := range names {
		out[name] = filepath.Join(t.TempDir(), name)
		if said, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name+"@example.com", "-f", out[name]).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	return out
}

// public is a signer's key, as an element of a list in the configuration.
func (s signers) public(t *testing.T, name string) string {
	t.Helper()
	line, err := os.ReadFile(s[name] + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", strings.TrimSpace(string(line)))
}

// repo is a git repository with a work tree, whose content is one ConfigMap.
type repo struct{ dir string }

func newRepo(t *testing.T) repo {
	t.Helper()
	r := repo{t.TempDir()}
	enginetest.Git(t, r.dir, "init", "--quiet", "--initial-branch=main")
	return r
}

func (r repo) url() string { return "file://" + filepath.ToSlash(r.dir) }

// commit commits content, signed by whom the key file is of; an empty one signs nothing.
func (r repo) commit(t *testing.T, data, key string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "all.yaml"), []byte(configMap("web", data)), 0o600); err != nil {
		t.Fatal(err)
	}
	enginetest.Git(t, r.dir, "add", "--all")
	args := []string{"commit", "--quiet", "--allow-empty", "--message", data}
	if key != "" {
		args = append([]string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key}, append(args, "-S")...)
	}
	enginetest.Git(t, r.dir, args...)
	return enginetest.Git(t, r.dir, "rev-parse", "HEAD")
}

func (s *stage) reading(t *testing.T, r repo, project string) {
	t.Helper()
	s.Write(t, map[string]string{
		"web.gantry.hcl":     fmt.Sprintf("application \"web\" {\n project = project.web\n source {\n  url = %q\n }\n destination {\n  cluster = cluster.local\n  namespace = \"web\"\n }\n}\n", r.url()),
		"project.gantry.hcl": "project \"web\" {\n" + project + "\n}\n",
	})
}

// refusedPlan makes a plan in which the application is not, and returns why.
func (s *stage) refusedPlan(t *testing.T, want string) plan.Problem {
	t.Helper()
	p, diags := s.Plan(t, engine.PlanOptions{})
	if p == nil || len(p.Applications) > 0 || len(p.Problems) != 1 || p.Problems[0].Summary != "Signature not accepted" || !strings.Contains(p.Problems[0].Detail, want) {
		t.Fatalf("it is not refused for %q: %v", want, diags)
	}
	return p.Problems[0]
}

// TestSignedSources: a project's commits must be signed with its keys; who signed is in the
// plan and shown, and what is not is refused with the places of the source and the rule.
func TestSignedSources(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release", "stranger", "shop")
	s, r := newMemoryStage(t), newRepo(t)
	s.reading(t, r, "signature {\n ssh_keys = ["+keys.public(t, "release")+"]\n}")
	s.Write(t, map[string]string{"shop.gantry.hcl": "project \"shop\" {\n signature {\n  ssh_keys = [" + keys.public(t, "shop") + "]\n }\n}\n"})

	first := r.commit(t, "1", keys["release"])
	p := s.MustApply(t, engine.PlanOptions{})
	pin := p.Applications[0].Sources[0]
	if len(pin.Signatures) != 1 || pin.Signatures[0].Name != "release@example.com" || pin.Signatures[0].Of != "commit" || pin.Resolved != first {
		t.Errorf("the pin is %+v", pin)
	}
	if text := shownText(t, p); !strings.Contains(text, ", signed by release@example.com (SHA256:") {
		t.Errorf("the plan does not show who signed:\n%s", text)
	}

	r.commit(t, "2", "")
	problem := s.refusedPlan(t, "it is not signed")
	if !strings.Contains(problem.Range, "/web.gantry.hcl:3,") || !strings.Contains(problem.Rule, "/project.gantry.hcl:2,") {
		t.Errorf("it is at %q by the rule at %q", problem.Range, problem.Rule)
	}
	r.commit(t, "3", keys["stranger"])
	s.refusedPlan(t, "its signature does not count")
	r.commit(t, "4", keys["shop"])
	s.refusedPlan(t, "its signature does not count")

	// The newest commit alone counts, and a tag vouches for its commit.
	r.commit(t, "5", "")
	enginetest.Git(t, r.dir, "-c", "gpg.format=ssh", "-c", "user.signingkey="+keys["release"], "tag", "-s", "-m", "release", "v1.0.0")
	s.refusedPlan(t, "it is not signed")
	s.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf("application \"web\" {\n project = project.web\n source {\n  url = %q\n  revision = \"v1.0.0\"\n }\n destination {\n  cluster = cluster.local\n  namespace = \"web\"\n }\n}\n", r.url())})
	p = s.MustApply(t, engine.PlanOptions{})
	if text := shownText(t, p); !strings.Contains(text, " as tag v1.0.0") {
		t.Errorf("the plan does not show what was signed:\n%s", text)
	}
}

// TestSignaturesOfOtherSources: what has no signatures is refused where they are demanded.
func TestSignaturesOfOtherSources(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release")
	for name, test := range map[string]struct{ source, rule, want string }{
		"chart":           {"url = \"https://charts.example.com\"\n  chart = \"web\"\n  revision = \"1.0.0\"", "", `what is of type "helm" has no signatures`},
		"registry":        {"url = \"oci://registry.example.com/web\"\n  revision = \"1.0.0\"", "", `what is of type "oci" has no signatures`},
		"another is fine": {"url = \"https://charts.example.com\"\n  chart = \"web\"\n  revision = \"1.0.0\"", `repositories = ["https://git.example.com/**"]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStage(t)
			s.Adapt = func(o *engine.Options) {
				files := anywhere{os.DirFS(filepath.Join(s.Dir, "files"))}
				o.Sources[source.Helm], o.Sources[source.OCI] = files, files
			}
			s.Write(t, map[string]string{
				"files/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
				"files/templates/all.yaml": configMap("web", "1"),
				"web.gantry.hcl":           "application \"web\" {\n project = project.web\n source {\n  " + test.source + "\n }\n destination {\n  cluster = cluster.local\n  namespace = \"web\"\n }\n}\n",
				"project.gantry.hcl":       "project \"web\" {\n signature {\n  " + test.rule + "\n  ssh_keys = [" + keys.public(t, "release") + "]\n }\n}\n",
			})
			if test.want == "" {
				s.MustPlan(t, engine.PlanOptions{})
				return
			}
			s.refusedPlan(t, test.want)
		})
	}
}

// TestSignaturesAtApply: a plan is refused whose sources were not verified with a key that
// counts where it is applied, whatever rules it has itself.
func TestSignaturesAtApply(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release", "next")
	s, r := newMemoryStage(t), newRepo(t)
	r.commit(t, "1", keys["release"])
	rule := func(name, more string) string {
		return "signature {\n ssh_keys = [" + keys.public(t, name) + "]\n" + more + "\n}"
	}
	s.reading(t, r, rule("release", ""))
	good := s.saved(t, s.MustPlan(t, engine.PlanOptions{}))
	guards := guardsOf(t, s.Bench)

	s.reading(t, r, rule("next", ""))
	rotated := guardsOf(t, s.Bench)
	s.reading(t, r, rule("release", "mode = \"strict\""))
	strict := guardsOf(t, s.Bench)
	s.reading(t, r, "")
	without := s.saved(t, s.MustPlan(t, engine.PlanOptions{}))
	s.Write(t, map[string]string{"repository.gantry.hcl": fmt.Sprintf("repository \"web\" {\n url = %q\n verify {\n  ssh_keys = [%s]\n }\n}\n", r.url()+"/", keys.public(t, "release"))})
	repository := guardsOf(t, s.Bench)

	stripped := *good
	stripped.Applications = []plan.Application{good.Applications[0]}
	stripped.Applications[0].Sources = []source.Pin{good.Applications[0].Sources[0]}
	stripped.Applications[0].Sources[0].Signatures = nil
	for name, test := range map[string]struct {
		p      *plan.Plan
		guards *engine.Guards
	}{
		"taken out of the plan":       {&stripped, nil},
		"made without the rule":       {without, guards},
		"made without the repository": {without, repository},
		"the key is another now":      {good, rotated},
		"the history counts now":      {good, strict},
	} {
		_, _, said := s.applyWith(t, test.p, engine.ApplyOptions{Guards: test.guards})
		if !strings.Contains(said, "Signature not accepted") || !strings.Contains(said, "Nothing of the plan was applied") {
			t.Errorf("%s: %q", name, said)
		}
	}
	wantNothingWritten(t, "local", s.cluster.(*memory.Cluster))
	if done, _, said := s.applyWith(t, good, engine.ApplyOptions{Guards: guards}); done["web"].Outcome != engine.OutcomeSucceeded {
		t.Errorf("a good plan: %+v %s", done, said)
	}
}

// TestStrictSignatures: every commit since the last that was applied must be signed.
func TestStrictSignatures(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release")
	s, r := newMemoryStage(t), newRepo(t)
	old := r.commit(t, "0", "")
	r.commit(t, "1", keys["release"])
	rule := func(more string) string {
		return "signature {\n mode = \"strict\"\n ssh_keys = [" + keys.public(t, "release") + "]\n" + more + "\n}"
	}
	s.reading(t, r, rule(""))
	s.refusedPlan(t, "it is in the history of")
	s.reading(t, r, rule(fmt.Sprintf("since = [%q]", old)))
	p := s.MustApply(t, engine.PlanOptions{})
	if text := shownText(t, p); !strings.Contains(text, ", with its history") {
		t.Errorf("the plan does not show that the history was verified:\n%s", text)
	}

	// What was applied is where the next begins, and since is not needed any more.
	s.reading(t, r, rule(""))
	r.commit(t, "2", keys["release"])
	s.MustApply(t, engine.PlanOptions{})
	slipped := r.commit(t, "3", "")
	r.commit(t, "4", keys["release"])
	if problem := s.refusedPlan(t, "it is not signed"); !strings.Contains(problem.Detail, "commit "+slipped) {
		t.Errorf("it does not name the commit: %s", problem.Detail)
	}
}

// TestVerifiedRepositories: what a repository demands holds for all who read it, by name or
// by URL, for generators too.
func TestVerifiedRepositories(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release")
	s, r := newMemoryStage(t), newRepo(t)
	s.reading(t, r, "")
	s.Write(t, map[string]string{"repository.gantry.hcl": fmt.Sprintf("repository \"web\" {\n url = %q\n verify {\n  ssh_keys = [%s]\n }\n}\n", r.url()+".git", keys.public(t, "release"))})
	r.commit(t, "1", "")
	problem := s.refusedPlan(t, "repository.web demands")
	if !strings.Contains(problem.Rule, "/repository.gantry.hcl:3,") {
		t.Errorf("the rule is at %q", problem.Rule)
	}
	r.commit(t, "2", keys["release"])
	s.MustApply(t, engine.PlanOptions{})

	s.Write(t, map[string]string{
		"web.gantry.hcl": "",
		"generator.gantry.hcl": fmt.Sprintf("generator \"git\" \"files\" {\n url = %q\n files {\n  path = \"*.yaml\"\n }\n}\n", r.url()) +
			"application \"made\" {\n for_each = generator.git.files\n source {\n  objects = []\n }\n destination {\n  cluster = cluster.local\n  namespace = \"web\"\n }\n}\n",
	})
	s.MustPlan(t, engine.PlanOptions{})
	r.commit(t, "3", "")
	p, diags := s.Plan(t, engine.PlanOptions{})
	if p != nil || !strings.Contains(diags.Error(), "A generator or a module was read from "+r.url()) {
		t.Errorf("a generator reads what is not signed: %v", diags)
	}
}

// TestRollbackToUnsigned: what was applied before signatures were demanded is nothing to go
// back to.
func TestRollbackToUnsigned(t *testing.T) {
	t.Parallel()
	keys := newSigners(t, "release")
	s, r := newMemoryStage(t), newRepo(t)
	r.commit(t, "1", "")
	s.reading(t, r, "")
	s.MustApply(t, engine.PlanOptions{})
	r.commit(t, "2", keys["release"])
	s.reading(t, r, "signature {\n ssh_keys = ["+keys.public(t, "release")+"]\n}")
	s.MustApply(t, engine.PlanOptions{})
	e := s.Engine()
	config, diags := s.Config(t, e)
	enginetest.Check(t, diags)
	p, diags := e.Rollback(t.Context(), config, addr.Address{Kind: "application", Name: "web"}, 0)
	if p == nil || len(p.Applications) > 0 || !strings.Contains(diags.Error(), "Signature not accepted") {
		t.Errorf("it may be rolled back: %v", diags)
	}
}

// TestFrozenProject: what would change of a frozen project is blocked, and refused where a
// plan was made before; what would not is as it is, and other projects go on.
func TestFrozenProject(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	s.application(t, "web", "project = project.web", configMap("web", "1"))
	s.application(t, "other", "", configMap("other", "1"))
	project := func(frozen string) {
		s.Write(t, map[string]string{"project.gantry.hcl": "project \"web\" {\n" + frozen + "\n}\n"})
	}
	project("")
	early := s.saved(t, s.MustPlan(t, engine.PlanOptions{}))
	project(`frozen = "the database moves until Monday"`)
	guards := guardsOf(t, s.Bench)
	if _, _, said := s.applyWith(t, early, engine.ApplyOptions{Guards: guards}); !strings.Contains(said, "Nothing of project.web may be applied: the database moves until Monday.") {
		t.Errorf("a plan from before: %s", said)
	}
	wantNothingWritten(t, "local", s.cluster.(*memory.Cluster))

	p, diags := s.Plan(t, engine.PlanOptions{})
	web := p.Applications[1]
	if len(p.Applications) != 2 || len(web.Blocked) != 1 || web.Blocked[0].Summary != "Project is frozen" || !strings.Contains(web.Blocked[0].Range, "/web.gantry.hcl:") || !strings.Contains(web.Blocked[0].Rule, "/project.gantry.hcl:1,") {
		t.Fatalf("it is not blocked: %+v, %v", web.Blocked, diags)
	}
	if done, _, said := s.applyWith(t, p, engine.ApplyOptions{Guards: guards}); done["other"].Outcome != engine.OutcomeSucceeded || done["web"].Outcome == engine.OutcomeSucceeded {
		t.Errorf("%+v: %s", done, said)
	}
	web.Blocked = nil
	forged := *p
	forged.Applications = []plan.Application{web}
	if _, _, said := s.applyWith(t, &forged, engine.ApplyOptions{}); !strings.Contains(said, "Project is frozen") {
		t.Errorf("with the block taken out: %s", said)
	}

	project("")
	s.MustApply(t, engine.PlanOptions{})
	project(`frozen = "the database moves until Monday"`)
	s.MustApply(t, engine.PlanOptions{}) // nothing changes, and nothing is refused
	_, diags = s.Plan(t, engine.PlanOptions{Destroy: true})
	if !strings.Contains(diags.Error(), "Project is frozen") {
		t.Errorf("it may be destroyed: %v", diags)
	}
}

// shownText is a plan as a terminal shows it.
func shownText(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var out strings.Builder
	if err := view.Text(&out, p, view.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
