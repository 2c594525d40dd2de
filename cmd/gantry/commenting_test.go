package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/comment"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

// commenter runs a command that tells of a plan on a forge in memory.
type commenter struct {
	t       *testing.T
	forge   *forgetest.Forge
	env     map[string]string
	options commentOptions
	out     bytes.Buffer
	dir     string
}

const headCommit, nextCommit = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"

func newCommenter(t *testing.T) *commenter {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".git/HEAD": headCommit + "\n", ".git/config": "[core]\n\trepositoryformatversion = 0\n", "deploy/web.gantry.hcl": "# web\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	event := filepath.Join(dir, "event.json")
	if err := os.WriteFile(event, []byte(`{"pull_request": {"number": 1, "head": {"sha": "`+headCommit+`"}, "base": {"sha": "`+nextCommit+`", "ref": "main"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := forgetest.New()
	f.SetPull(providers.PullRequest{Head: headCommit})
	return &commenter{t: t, forge: f, dir: filepath.Join(dir, "deploy"), options: commentOptions{post: true}, env: map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": event, "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
	}}
}

// run is a command that makes a plan and ends so.
func (r *commenter) run(p *plan.Plan, ends error) error {
	c := &cli{getenv: func(name string) string { return r.env[name] }, out: &r.out, err: &r.out, dir: r.dir}
	r.options.forge = func(context.Context, *lang.Config) (providers.Forge, error) { return r.forge, nil }
	command := &cobra.Command{Use: "plan", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		if p != nil {
			c.heard.ofPlan(p)
		}
		return ends
	}}
	r.options.around(c, command)
	command.SetArgs(nil)
	return command.ExecuteContext(r.t.Context())
}

func ofOneUpdate() *plan.Plan {
	id := object.ID{Kind: "ConfigMap", Namespace: "web", Name: "settings"}
	return &plan.Plan{Clusters: []plan.Cluster{{Name: "eu"}}, Applications: []plan.Application{{
		Address: addr.Application("web"), Cluster: "eu", Digest: "sha256:x", Changes: []plan.Change{{ID: id, Action: plan.Update}},
		Risks: []plan.Risk{{Code: "pods-restart", Severity: plan.Medium, Detail: "Pods restart.", Range: "web.gantry.hcl:1,1"}},
	}}}
}

// TestCommentIsUpdated: one comment for all plans of a pull request, also when nothing is
// left to do and when there is no plan.
func TestCommentIsUpdated(t *testing.T) {
	r := newCommenter(t)
	nothing := ofOneUpdate()
	nothing.Applications[0].Changes[0].Action, nothing.Applications[0].Risks = plan.Unchanged, nil
	for _, c := range []struct {
		plan  *plan.Plan
		ends  error
		want  string
		state providers.CheckState
	}{
		{ofOneUpdate(), nil, "### Plan: 1 to update in 1 application", providers.CheckSuccess},
		{nothing, nil, "### Nothing to do: 1 object is as desired", providers.CheckSuccess},
		{nil, failure("State cannot be opened", errors.New("connection refused")), "State cannot be opened: Connection refused.", providers.CheckFailure},
		{ofOneUpdate(), exitCode(exitRisk), "### Plan: 1 to update in 1 application", providers.CheckFailure},
		{ofOneUpdate(), exitCode(exitChanges), "### Plan: 1 to update in 1 application", providers.CheckSuccess},
	} {
		if err := r.run(c.plan, c.ends); !errors.Is(err, c.ends) {
			t.Fatalf("it ended with %v, not with %v", err, c.ends)
		}
		all := r.forge.Comments(1)
		if len(all) != 1 || !strings.Contains(all[0].Body, c.want) || !strings.HasPrefix(all[0].Body, "<!-- gantry:plan v1 key=deploy -->\n<!-- gantry digest=") {
			t.Errorf("%d comments, not one with %q:\n%+v", len(all), c.want, all)
		}
		check := r.forge.Checks(headCommit)[planCheck]
		if check.State != c.state || check.URL == "" {
			t.Errorf("with %q the check is %+v", c.want, check)
		}
		if c.plan != nil && c.plan != nothing && (len(check.Annotations) != 1 || check.Annotations[0].Path != "deploy/web.gantry.hcl" || check.Annotations[0].Line != 1) {
			t.Errorf("the annotations are %+v", check.Annotations)
		}
	}
}

// TestOfACommandLineThatMakesNoSense nothing is told.
func TestOfACommandLineThatMakesNoSense(t *testing.T) {
	r := newCommenter(t)
	wrong := &usageError{command: "gantry plan", err: errors.New("no")}
	if err := r.run(nil, wrong); !errors.Is(err, wrong) || len(r.forge.Calls()) > 0 {
		t.Errorf("%v, and the forge was asked for %q", err, r.forge.Calls())
	}
}

// TestALateCommentIsNotPosted: a plan of a commit that is no longer the head leaves the
// comment to the plan of the head.
func TestALateCommentIsNotPosted(t *testing.T) {
	r := newCommenter(t)
	if err := r.run(ofOneUpdate(), nil); err != nil {
		t.Fatal(err)
	}
	r.forge.Push(1, nextCommit)
	if err := r.run(nil, failure("Late", errors.New("late"))); err == nil {
		t.Error("the error is lost")
	}
	if all := r.forge.Comments(1); len(all) != 1 || all[0].Edits != 0 {
		t.Errorf("%+v", all)
	}
	if check := r.forge.Checks(headCommit)[planCheck]; check.State != providers.CheckFailure {
		t.Errorf("%+v", check)
	}
}

// TestASpoofedCommentIsLeftAlone: that somebody else wrote the marker makes it none of ours.
func TestASpoofedCommentIsLeftAlone(t *testing.T) {
	r := newCommenter(t)
	fake := comment.Marker("deploy", false) + "\n### Nothing to do."
	r.forge.AddComment(1, "mallory", fake)
	if err := r.run(ofOneUpdate(), nil); err != nil {
		t.Fatal(err)
	}
	all := r.forge.Comments(1)
	if len(all) != 2 || all[0].Body != fake || !strings.Contains(all[1].Body, "1 to update") {
		t.Errorf("%+v", all)
	}
}

// TestTheCommentOfTenThousandObjects takes few calls, and fits.
func TestTheCommentOfTenThousandObjects(t *testing.T) {
	r := newCommenter(t)
	r.options.labels = true
	p := ofOneUpdate()
	for i := range 10_000 {
		id := object.ID{Kind: "ConfigMap", Namespace: "web", Name: fmt.Sprintf("settings-%d", i)}
		p.Applications[0].Changes = append(p.Applications[0].Changes, plan.Change{ID: id, Action: plan.Update, Fields: []plan.FieldChange{{Path: "data.x", Kind: plan.Changed, Before: i, After: i + 1}}})
	}
	p.Applications[0].Changes[3].Action = plan.Prune
	if err := r.run(p, nil); err != nil {
		t.Fatal(err)
	}
	if calls := r.forge.Calls(); len(calls) > 5 {
		t.Errorf("%d calls: %q", len(calls), calls)
	}
	pull, err := r.forge.Pull(t.Context(), 1)
	if err != nil || !slices.Equal(pull.Labels, []string{labelDestroys}) {
		t.Errorf("%v, %v", pull.Labels, err)
	}
	if all := r.forge.Comments(1); len(all) != 1 || !strings.Contains(all[0].Body, "objects not shown") {
		t.Error("nothing is said to be left out")
	}
}

// TestPullRequestsAreFound by what the CI system says, by a flag, and by the commit.
func TestPullRequestsAreFound(t *testing.T) {
	r := newCommenter(t)
	other := r.forge.SetPull(providers.PullRequest{Head: nextCommit})
	r.options.pull = other
	if err := r.run(ofOneUpdate(), nil); err != nil || len(r.forge.Comments(other)) != 0 || len(r.forge.Comments(1)) != 0 {
		t.Errorf("the plan of another commit is told of pull request %d: %v", other, err)
	}
	r.options.pull = 0
	r.env = map[string]string{}
	r.forge.SetPull(providers.PullRequest{Head: headCommit})
	if err := r.run(ofOneUpdate(), nil); err == nil || !strings.Contains(err.Error(), "--pull") {
		t.Errorf("of two pull requests one was taken: %v", err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want change
	}{
		"GitLab":    {map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": "a", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "b", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, change{pull: 7, head: "a", base: "b", branch: "main"}},
		"Bitbucket": {map[string]string{"BITBUCKET_BUILD_NUMBER": "3", "BITBUCKET_PR_ID": "7", "BITBUCKET_COMMIT": "a"}, change{pull: 7, head: "a"}},
		"Jenkins":   {map[string]string{"JENKINS_URL": "x", "CHANGE_ID": "7", "GIT_COMMIT": "a", "CHANGE_TARGET": "main"}, change{pull: 7, head: "a", branch: "main"}},
		"Atlantis":  {map[string]string{"ATLANTIS_TERRAFORM_VERSION": "1", "PULL_NUM": "7", "HEAD_COMMIT": "a", "BASE_BRANCH_NAME": "main"}, change{pull: 7, head: "a", branch: "main"}},
		"none":      {map[string]string{"CHANGE_ID": "7"}, change{}},
	} {
		got, err := (&cli{getenv: func(name string) string { return c.env[name] }}).changeOfJob()
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := (&cli{getenv: func(name string) string {
		return map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "-1; rm"}[name]
	}}).changeOfJob(); err == nil {
		t.Error("no error about a number that is none")
	}
}

// TestGitHubActionsAreTold, and nothing that is printed is taken for a command.
func TestGitHubActionsAreTold(t *testing.T) {
	r := newCommenter(t)
	r.options.actions = true
	if err := r.run(ofOneUpdate(), nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(r.out.String()), "\n")
	token, ok := strings.CutPrefix(lines[0], "::stop-commands::")
	if !ok || len(token) < 20 || !slices.Contains(lines, "::"+token+"::") {
		t.Errorf("commands are not stopped:\n%s", r.out.String())
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "::warning file=deploy/web.gantry.hcl,line=1,title=medium risk%3A pods-restart::") {
		t.Errorf("the last line is %q", last)
	}
	for name, want := range map[string]string{"GITHUB_STEP_SUMMARY": "### Plan: 1 to update", "GITHUB_OUTPUT": "has_changes<<gantry-"} {
		text, err := os.ReadFile(r.env[name])
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: no %q in %q, %v", name, want, text, err)
		}
	}
}
