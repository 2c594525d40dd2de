package evidence_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

const settings = `
gantry {
  identity {
    oidc { issuer = "https://token.example.com" }
  }
  protection {
    branches = ["main"]
    planners = ["https://token.example.com planner"]
    approvals {
      count      = %d
      groups     = ["example:sre"]
      not_author = true
    }
  }
}
cluster "main" {
  server = "https://main.example.com"
}
`

// application declares an application that has one ConfigMap with a value.
func application(name, value string) string {
	return fmt.Sprintf(`application %q {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = %q }, data = { value = %q } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "shop"
  }
}
`, name, name, value)
}

func address(name string) addr.Address { return addr.Address{Kind: "application", Name: name} }

// oneCluster is the only cluster there is.
type oneCluster struct{ *memory.Cluster }

func (c oneCluster) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c.Cluster, nil
}

// story is a repository with a forge, people, a planner, and a cluster.
type story struct {
	*testing.T
	bench *enginetest.Bench
	forge *forgetest.Forge
	by    *identity.Identity // who records
	// signers sign what is recorded; none do at first.
	signers []*signature.Signer
	now     time.Time
}

func tell(t *testing.T) *story {
	t.Helper()
	s := &story{
		T: t, forge: forgetest.New(), now: time.Now(),
		by: &identity.Identity{Name: "planner", Subject: "planner", Issuer: "https://token.example.com", Means: identity.OIDC, Verified: true},
	}
	s.bench = enginetest.New(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(settings, 2), "web.gantry.hcl": application("web", "1"), "db.gantry.hcl": application("db", "1")})
	cluster := memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})
	s.bench.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	origin := filepath.Join(t.TempDir(), "origin.git")
	s.git("init", "--quiet", "--bare", "--initial-branch=main", origin)
	s.git("init", "--quiet", "--initial-branch=main", ".")
	s.git("remote", "add", "origin", origin)
	s.commit("first")
	s.git("push", "--quiet", "--set-upstream", "origin", "main")
	s.forge.SetGroup("example:sre", "alice", "bob", "carol")
	s.forge.Commit("main", s.git("rev-parse", "HEAD"))
	// What is there from the beginning came before anybody had to approve it.
	standing, verdict, _ := s.judge()
	if err := s.gatherer().Accept(t.Context(), standing, verdict.Next, state.Holder{Who: "test"}); err != nil {
		t.Fatal(err)
	}
	p := s.bench.MustPlan(t, engine.PlanOptions{})
	_, diags := s.bench.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, OverrideApproval: "the beginning"})
	enginetest.Check(t, diags)
	return s
}

func (s *story) git(args ...string) string {
	s.Helper()
	return enginetest.Git(s.T, s.bench.Dir, args...)
}

func (s *story) commit(message string) string {
	s.Helper()
	s.git("add", "--all")
	s.git("commit", "--quiet", "--message", message)
	return s.git("rev-parse", "HEAD")
}

// open opens a pull request, with a commit for each of some files.
func (s *story) open(files ...map[string]string) int64 {
	s.Helper()
	s.git("checkout", "--quiet", "--detach", "main")
	for _, each := range files {
		s.bench.Write(s.T, each)
		s.commit("change")
	}
	return s.forge.SetPull(providers.PullRequest{Author: "dave", Head: s.git("rev-parse", "HEAD")})
}

func (s *story) head(number int64) string {
	s.Helper()
	pull, err := s.forge.Pull(s.Context(), number)
	if err != nil {
		s.Fatal(err)
	}
	return pull.Head
}

// record plans the head of a pull request, or with 0 what is checked out for a merge queue.
func (s *story) record(number int64) error {
	s.Helper()
	queue := "main"
	if number != 0 {
		queue = ""
		s.git("checkout", "--quiet", "--detach", s.head(number))
	}
	g := s.gatherer()
	r, err := g.Prepare(s.Context(), number, queue, "main")
	if err != nil {
		return err
	}
	p := s.bench.MustPlan(s.T, engine.PlanOptions{})
	_, err = g.Record(s.Context(), r, p, state.Holder{Who: "ci", Identity: s.by}, s.now.Add(time.Hour), s.signers)
	return err
}

func (s *story) mustRecord(number int64) {
	s.Helper()
	if err := s.record(number); err != nil {
		s.Fatal(err)
	}
}

func (s *story) approve(number int64, logins ...string) {
	for _, login := range logins {
		s.forge.Review(number, providers.Review{Login: login, Verdict: providers.Approved, At: s.now})
	}
}

// merge merges a pull request in one of the ways that forges have.
func (s *story) merge(number int64, how string) {
	s.Helper()
	head := s.head(number)
	s.git("checkout", "--quiet", "main")
	switch how {
	case "squash":
		s.git("merge", "--quiet", "--squash", head)
		s.git("commit", "--quiet", "--message", "squashed")
	case "rebase":
		s.git("checkout", "--quiet", "--detach", head)
		s.git("rebase", "--quiet", "--force-rebase", "main")
		rebased := s.git("rev-parse", "HEAD")
		s.git("checkout", "--quiet", "main")
		s.git("merge", "--quiet", "--ff-only", rebased)
	case "merge":
		s.git("merge", "--quiet", "--no-ff", "--no-edit", head)
	default:
		s.git("merge", "--quiet", "--ff-only", how) // a merge queue's
	}
	s.push()
	s.forge.Merge(number, s.git("rev-parse", "HEAD"))
}

func (s *story) push() {
	s.Helper()
	s.git("push", "--quiet", "origin", "main")
	s.forge.Commit("main", strings.Fields(s.git("rev-list", "main"))...)
}

func (s *story) gatherer() *evidence.Gatherer {
	s.Helper()
	repository, err := against.OpenRepository(s.bench.Dir)
	if err != nil {
		s.Fatal(err)
	}
	history, err := git.OpenHistory(repository.Root())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = history.Close() })
	return &evidence.Gatherer{
		History: history, Records: s.bench.Records, Now: func() time.Time { return s.now },
		Open: func(context.Context, *lang.Config) (providers.Forge, error) { return s.forge, nil },
		Config: func(ctx context.Context, commit string) (*lang.Config, error) {
			revision, err := repository.At(ctx, commit)
			if err != nil {
				return nil, err
			}
			tree, _ := revision.Configuration()
			module, diags := lang.Load(s.bench.Dir, lang.LoadOptions{FS: tree, OpenDir: revision.OpenDir})
			config, more := module.Evaluate(ctx, lang.EvalOptions{})
			if diags = append(diags, more...); diags.HasErrors() {
				return nil, diags
			}
			return config, nil
		},
	}
}

func (s *story) judge() (*evidence.Standing, *evidence.Verdict, *engine.ApplyOptions) {
	s.Helper()
	g := s.gatherer()
	standing, err := g.Stand(s.Context(), ".", ".gantry")
	if err != nil {
		s.Fatal(err)
	}
	p := s.bench.MustPlan(s.T, engine.PlanOptions{})
	verdict, err := g.Judge(s.Context(), standing, p)
	if err != nil {
		s.Fatal(err)
	}
	return standing, verdict, &engine.ApplyOptions{By: state.Holder{Who: "test"}, Approved: verdict.Approved}
}

// apply applies what is approved of main, and returns "applied" or why not, by name.
func (s *story) apply() map[string]string {
	s.Helper()
	s.git("checkout", "--quiet", "main")
	g := s.gatherer()
	standing, verdict, options := s.judge()
	if err := g.Accept(s.Context(), standing, verdict.Next, options.By); err != nil {
		s.Fatal(err)
	}
	if err := g.TakeTurn(s.Context(), standing, nil, "test"); err != nil {
		s.Fatal(err)
	}
	p := s.bench.MustPlan(s.T, engine.PlanOptions{})
	out := map[string]string{}
	for _, decision := range verdict.Decisions {
		if !decision.Allowed() {
			out[decision.Address.Name] = string(decision.Reason)
		}
	}
	result, diags := s.bench.Engine().Apply(s.Context(), p, *options)
	if result == nil {
		if len(out) == 0 && diags.HasErrors() {
			s.Fatal(diags)
		}
		return out
	}
	for _, outcome := range result.Applications {
		if outcome.Outcome == engine.OutcomeSucceeded {
			out[outcome.Address.Name] = "applied"
		}
	}
	return out
}

func (s *story) expect(want map[string]string) {
	s.Helper()
	if got := s.apply(); fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%v, expected %v", got, want)
	}
}

func file(name, text string) map[string]string { return map[string]string{name + ".gantry.hcl": text} }

func TestMerging(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"squash", "rebase", "merge"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			one := s.open(file("web", application("web", "2")), file("web", application("web", "3")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			// The base moves, by what is of no application.
			s.git("checkout", "--quiet", "main")
			s.bench.Write(t, map[string]string{"README.md": "hello"})
			s.commit("readme")
			s.push()
			s.merge(one, how)
			s.expect(map[string]string{"web": "applied"})
			s.expect(map[string]string{})
		})
	}
}

func TestSeveralMergedAtOnce(t *testing.T) {
	t.Parallel()
	s := tell(t)
	one := s.open(file("web", application("web", "2")))
	two := s.open(file("db", application("db", "2")))
	s.mustRecord(one)
	s.mustRecord(two)
	s.approve(one, "alice", "bob")
	s.approve(two, "alice")
	s.merge(one, "squash")
	s.merge(two, "merge")
	s.expect(map[string]string{"web": "applied", "db": "not approved"})
	s.approve(two, "carol")
	s.expect(map[string]string{"db": "applied"})
}

// Two pull requests of one application: the second is stale, unless what both do together was
// recorded for the merge queue's commit.
func TestMergeQueue(t *testing.T) {
	t.Parallel()
	for name, queued := range map[string]bool{"a combined plan": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			one := s.open(file("web", strings.Replace(application("web", "1"), `data = {`, `data = { a = "1",`, 1)))
			two := s.open(file("web", application("web", "2")), file("extra", application("extra", "1")))
			s.mustRecord(one)
			s.mustRecord(two)
			s.approve(one, "alice", "bob")
			s.approve(two, "alice", "carol")
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(t, file("web", strings.Replace(application("web", "1"), `data = {`, `data = { a = "1",`, 1)))
			first := s.commit("queue: one")
			s.bench.Write(t, file("web", strings.Replace(application("web", "2"), `data = {`, `data = { a = "1",`, 1)))
			s.bench.Write(t, file("extra", application("extra", "1")))
			second := s.commit("queue: two")
			if queued {
				s.mustRecord(0)
			}
			s.merge(one, first)
			s.merge(two, second)
			want := map[string]string{"web": "another change", "extra": "applied"}
			if queued {
				want["web"] = "applied"
			}
			s.expect(want)
		})
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	weak := fmt.Sprintf(settings, 1)
	for name, c := range map[string]struct {
		attack func(s *story)
		want   map[string]string
	}{
		"a pull request's own job records a digest": {func(s *story) {
			s.by = &identity.Identity{Subject: "repo:pull_request", Issuer: "https://token.example.com", Means: identity.OIDC, Verified: true}
			one := s.open(file("web", application("web", "evil")))
			if err := s.record(one); err == nil || !strings.Contains(err.Error(), "none of the planners") {
				s.Errorf("recorded: %v", err)
			}
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "not recorded"}},
		"its own job writes the record into the state": {func(s *story) {
			one := s.open(file("web", application("web", "evil")))
			s.mustRecord(one)
			recorded, err := s.bench.Records.Recorded(s.Context())
			if err != nil {
				s.Fatal(err)
			}
			recorded[0].By.Subject = "repo:pull_request"
			if err := s.bench.Records.PutRecorded(s.Context(), recorded[0]); err != nil {
				s.Fatal(err)
			}
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "not a planner"}},
		"protection and a harmful change in one pull request": {func(s *story) {
			one := s.open(map[string]string{"main.gantry.hcl": weak, "web.gantry.hcl": application("web", "evil")})
			s.mustRecord(one)
			s.approve(one, "alice")
			s.merge(one, "squash")
		}, map[string]string{"web": "not approved"}},
		"protection first, then a harmful change": {func(s *story) {
			one := s.open(map[string]string{"main.gantry.hcl": weak})
			s.mustRecord(one)
			s.merge(one, "squash")
			s.expect(map[string]string{})
			two := s.open(file("web", application("web", "evil")))
			s.mustRecord(two)
			s.approve(two, "alice")
			s.merge(two, "squash")
		}, map[string]string{"web": "not approved"}},
		"protection that nobody approved, brought along by an approved change": {func(s *story) {
			one := s.open(map[string]string{"main.gantry.hcl": weak})
			s.mustRecord(one)
			s.merge(one, "squash")
			s.expect(map[string]string{})
			two := s.open(file("web", application("web", "2"))) // its diff has nothing of the protection
			s.mustRecord(two)
			s.approve(two, "alice", "bob")
			s.merge(two, "squash")
			s.expect(map[string]string{"web": "applied"})
			three := s.open(file("db", application("db", "evil")))
			s.mustRecord(three)
			s.approve(three, "alice")
			s.merge(three, "squash")
		}, map[string]string{"db": "not approved"}},
		"protection that nobody approved, brought along by an approved change of other rules": {func(s *story) {
			one := s.open(map[string]string{"main.gantry.hcl": weak})
			s.mustRecord(one)
			s.merge(one, "squash")
			two := s.open(map[string]string{"main.gantry.hcl": strings.Replace(weak, "not_author = true", "not_author = false", 1)})
			s.mustRecord(two)
			s.approve(two, "alice", "bob")
			s.merge(two, "squash")
			s.expect(map[string]string{})
			three := s.open(file("db", application("db", "evil")))
			s.mustRecord(three)
			s.approve(three, "alice")
			s.merge(three, "squash")
		}, map[string]string{"db": "not approved"}},
		"a planner of one's own, added in the pull request": {func(s *story) {
			s.by = &identity.Identity{Subject: "mallory", Issuer: "https://token.example.com", Means: identity.OIDC, Verified: true}
			one := s.open(map[string]string{"main.gantry.hcl": strings.Replace(weak, "example.com planner", "example.com mallory", 1), "web.gantry.hcl": application("web", "evil")})
			if err := s.record(one); err == nil {
				s.Error("recorded")
			}
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "not recorded"}},
		"a backend of one's own, added in the pull request": {func(s *story) {
			one := s.open(map[string]string{"main.gantry.hcl": strings.Replace(weak, "gantry {", "gantry {\n backend \"local\" { path = \"elsewhere\" }\n", 1)})
			if err := s.record(one); err == nil || !strings.Contains(err.Error(), "backend") {
				s.Errorf("recorded: %v", err)
			}
			s.git("checkout", "--quiet", "--force", "main")
		}, map[string]string{}},
		"a force-push between plan and approval": {func(s *story) {
			one := s.open(file("web", application("web", "2")))
			s.mustRecord(one)
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(s.T, file("web", application("web", "evil")))
			s.forge.Push(one, s.commit("evil"))
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "another change"}},
		"a force-push between approval and merge": {func(s *story) {
			one := s.open(file("web", application("web", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(s.T, file("web", application("web", "evil")))
			s.forge.Push(one, s.commit("evil"))
			s.mustRecord(one)
			s.merge(one, "squash")
		}, map[string]string{"web": "not approved"}},
		"a push straight to the branch": {func(s *story) {
			s.git("checkout", "--quiet", "main")
			s.bench.Write(s.T, file("web", application("web", "evil")))
			s.commit("evil")
			s.push()
		}, map[string]string{"web": "not recorded"}},
		"an old record": {func(s *story) {
			one := s.open(file("web", application("web", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
			s.now = s.now.Add(2 * time.Hour)
		}, map[string]string{"web": "expired"}},
		"a late record of an older head": {func(s *story) {
			one := s.open(file("web", application("web", "2")))
			old := s.head(one)
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(s.T, file("web", application("web", "3")))
			s.forge.Push(one, s.commit("newer"))
			s.mustRecord(one)
			s.git("checkout", "--quiet", "--detach", old)
			if _, err := s.gatherer().Prepare(s.Context(), one, "", "main"); err == nil || !strings.Contains(err.Error(), "pushed to meanwhile") {
				s.Errorf("recorded: %v", err)
			}
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "applied"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			c.attack(s)
			s.expect(c.want)
		})
	}
}

// What protection asks for holds for a plan that is made another way.
func TestWithoutApproval(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.bench.Write(t, file("web", application("web", "by hand")))
	p := s.bench.MustPlan(t, engine.PlanOptions{})
	for name, options := range map[string]engine.ApplyOptions{
		"nothing":  {},
		"nobody":   {Approved: &engine.Approved{}},
		"unsigned": {File: []byte("x"), Verified: "somebody"},
	} {
		options.By.Who = "test"
		result, diags := s.bench.Engine().Apply(t.Context(), p, options)
		if result != nil || !diags.HasErrors() || diags[0].Summary != "Not approved" {
			t.Errorf("%s: %v %v", name, result, diags)
		}
	}
	_, diags := s.bench.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, OverrideApproval: "break the glass"})
	enginetest.Check(t, diags)
	found := false
	for entry, err := range s.bench.Records.AuditLog(t.Context()) {
		found = found || err == nil && entry.Kind == state.EventUnapproved && entry.Reason == "break the glass"
	}
	if !found {
		t.Error("that approval was overridden is not in the audit log")
	}
}

func TestNotTheProtectedBranch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *story)
		want   string
	}{
		"a branch of a pull request": {func(s *story) { s.open(file("web", application("web", "2"))) }, "on no protected branch"},
		"a branch that only this clone calls main": {func(s *story) {
			s.bench.Write(s.T, file("web", application("web", "2")))
			s.git("update-ref", "refs/remotes/origin/main", s.commit("mine"))
		}, "on no protected branch"},
		"a file that is edited": {func(s *story) { s.bench.Write(s.T, file("web", application("web", "2"))) }, "not what"},
		"a file that is added":  {func(s *story) { s.bench.Write(s.T, file("more", application("more", "2"))) }, "more.gantry.hcl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			c.change(s)
			if _, err := s.gatherer().Stand(t.Context(), ".", ".gantry"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
