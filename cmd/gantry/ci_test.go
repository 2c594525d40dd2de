package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/report"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// steps are the scripts of a file of docs/ci, whatever CI system it is for.
func steps(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch filepath.Ext(path) {
	case ".sh":
		return []string{string(text)}
	case "":
		var out []string
		for _, match := range regexp.MustCompile(`(?s)sh '''(.*?)'''`).FindAllStringSubmatch(string(text), -1) {
			out = append(out, match[1])
		}
		return out
	}
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out []string
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(key, inner)
			}
		case string:
			if key == "run" || key == "script" {
				out = append(out, v)
			}
		}
	}
	walk("", document)
	return out
}

// ciStep is a step of a file of docs/ci, run with the real program where there is neither a cluster
// nor a forge.
type ciStep struct {
	has   string            // what tells it from the other steps of the file
	env   map[string]string // beside that of every step
	fails bool              // it needs a cluster, a forge or a merged commit
	says  string
}

// ciFiles are all files of docs/ci with a shell, and their steps in order.
func ciFiles() map[string][]ciStep {
	const planned, notThere = "2 to create", "Application is not in the snapshot"
	login := ciStep{has: "umask 077"}
	stranger := map[string]string{"UNTRUSTED": "true", "STRANGER": "true", "HEAD_REPO_OWNER": "stranger"}
	return map[string][]ciStep{
		"github/action.yml": {
			{has: " plan ", env: map[string]string{"COMMENT": "false", "ARGUMENTS": "--offline"}, says: planned},
			{has: " plan ", env: map[string]string{"COMMENT": "true", "ARGUMENTS": ""}, fails: true, says: "Error: "},
			{has: " plan ", env: stranger, says: planned},
			{has: "--auto-approve", fails: true, says: "Error: "},
			{has: "snapshot.sh", says: notThere},
			{has: "::error::", fails: true, says: "must be plan, apply or snapshot"},
		},
		"github/plan.yml": {login}, "github/apply.yml": {login}, "github/snapshot.yml": {login}, "gitea/plan.yml": {login}, "gitea/apply.yml": {login},
		"github/plan-remote.yml": {{has: "--remote", fails: true, says: "Error: "}},
		"gitlab-remote.yml":      {{has: "--remote", fails: true, says: "Error: "}},
		"gitlab-ci.yml": {
			{has: "--comment", fails: true, says: "Error: "},
			{has: "--untrusted", says: planned},
			{has: "--auto-approve", fails: true, says: "Error: "},
			{has: "ci/snapshot.sh", says: notThere},
		},
		"Jenkinsfile": {
			{has: "--comment", fails: true, says: "Error: "},
			{has: "--untrusted", says: planned},
			{has: "--auto-approve", fails: true, says: "Error: "},
			{has: "ci/snapshot.sh", says: notThere},
		},
		"plan.sh": {
			{has: " plan ", says: planned}, // without a token
			{has: " plan ", env: map[string]string{"GANTRY_FORGE_TOKEN": "x", "PULL": "12"}, fails: true, says: "Error: "},
			{has: " plan ", env: map[string]string{"GANTRY_FORGE_TOKEN": "x", "STRANGER": "true"}, says: planned},
		},
		"apply.sh":    {{has: "--auto-approve", fails: true, says: "Error: "}},
		"snapshot.sh": {{has: "commit-tree", says: notThere}},
		"atlantis.yaml": {
			{has: " plan ", fails: true, says: "Error: "},
			{has: " plan ", env: stranger, says: planned},
			{has: " apply ", fails: true, says: "Error: "},
		},
	}
}

// TestFilesForCI runs the shell of docs/ci: what a stranger wrote is planned without anything of
// the machine, and every other step says what it wants. No step has anything of a pull request in
// its text, and every flag is one that there is.
func TestFilesForCI(t *testing.T) {
	t.Parallel()
	files := ciFiles()
	for _, path := range filesForCI(t) {
		file := filepath.ToSlash(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			left := steps(t, filepath.Join(ciRoot, path))
			if len(left) > 0 && files[file] == nil {
				t.Fatal("no step of it is tried")
			}
			for _, step := range files[file] {
				out, err := runStep(t, newCheckout(t), stepOf(t, file, step.has), step.env)
				if failed := err != nil; failed != step.fails || !strings.Contains(out, step.says) {
					t.Errorf("the step with %q ended with %v:\n%s", step.has, err, out)
				}
				left = slices.DeleteFunc(left, func(script string) bool { return strings.Contains(script, step.has) })
			}
			if len(left) > 0 {
				t.Errorf("steps that are not tried: %q", left)
			}
		})
	}
}

var ciRoot = filepath.Join("..", "..", "docs", "ci")

// filesForCI are the files of docs/ci that are no pages.
func filesForCI(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(ciRoot, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) != ".md" {
			path, err = filepath.Rel(ciRoot, path)
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) < 10 {
		t.Fatalf("%q %v", out, err)
	}
	return out
}

// stepOf is the one step of a file that has a text.
func stepOf(t *testing.T, file, has string) string {
	t.Helper()
	found := slices.DeleteFunc(steps(t, filepath.Join(ciRoot, filepath.FromSlash(file))), func(script string) bool { return !strings.Contains(script, has) })
	if len(found) != 1 {
		t.Fatalf("%d steps of %s have %q", len(found), file, has)
	}
	return found[0]
}

// checkout is what a job of CI has checked out: a repository with a name that no shell must take
// for a command, and its origin.
type checkout struct{ home, dir, origin string }

func newCheckout(t *testing.T) checkout {
	t.Helper()
	home := t.TempDir()
	c := checkout{home: home, dir: filepath.Join(home, "deploy; touch injected"), origin: filepath.Join(home, "origin.git")}
	if err := os.CopyFS(c.dir, os.DirFS(filepath.Join("..", "..", "examples", "objects"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(c.dir, "ci"), 0o755); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(ciRoot, "snapshot.sh"))
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "ci", "snapshot.sh"), script, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.git(t, "init", "--quiet", "--bare", "--initial-branch=main", c.origin)
	c.git(t, "init", "--quiet", "--initial-branch=main", ".")
	c.git(t, "remote", "add", "origin", c.origin)
	c.commit(t)
	return c
}

func (c checkout) commit(t *testing.T) {
	t.Helper()
	c.git(t, "add", "--all")
	c.git(t, "-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "--quiet", "--message", "a commit")
}

func (c checkout) git(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Env = c.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "GIT_CONFIG_NOSYSTEM=1"}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// runStep runs a step in a checkout, as CI systems do.
func runStep(t *testing.T, c checkout, script string, more map[string]string) (string, error) {
	t.Helper()
	if strings.Contains(script, "${{") {
		t.Errorf("a step has an expression in its text:\n%s", script)
	}
	bin := filepath.Join(c.home, "bin")
	if _, err := os.Stat(bin); err != nil {
		if err := errors.Join(os.Mkdir(bin, 0o755), os.Symlink(program(t), filepath.Join(bin, "gantry"))); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{
		"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": c.home, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
		"DIRECTORY": c.dir, "KUBECONFIG": filepath.Join(c.home, "none"), "GANTRY_FORGE_TOKEN": "", "RUNNER_TEMP": c.home,
		"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": filepath.Join(c.dir, "ci"),
		"GITHUB_STEP_SUMMARY": filepath.Join(c.home, "summary"), "GITHUB_OUTPUT": filepath.Join(c.home, "output"), "GITHUB_ENV": filepath.Join(c.home, "env"),
		"COMMENT": "false", "UNTRUSTED": "false", "ARGUMENTS": "", "SNAPSHOT_BRANCH": "gantry-snapshot",
		"PLANNER_KUBECONFIG": "x", "APPLIER_KUBECONFIG": "x", "PLANFILE": filepath.Join(c.home, "plan"),
		"CI_MERGE_REQUEST_PROJECT_URL": strings.TrimSuffix(c.origin, ".git"), "SNAPSHOT_PUSH_URL": c.origin, "GIT_COMMIT": c.git(t, "rev-parse", "HEAD"),
		"HEAD_REPO_OWNER": "example", "HEAD_REPO_NAME": "deploy", "BASE_REPO_OWNER": "example", "BASE_REPO_NAME": "deploy",
	}
	maps.Copy(env, more)
	command := exec.Command("bash", "-c", script)
	command.Dir = c.dir
	for _, name := range slices.Sorted(maps.Keys(env)) {
		command.Env = append(command.Env, name+"="+env[name])
	}
	out, err := command.CombinedOutput()
	for _, never := range []string{"unknown flag", "unknown command", "command not found", "unbound variable", "syntax error", "Usage:"} {
		if strings.Contains(string(out), never) {
			t.Errorf("%s:\n%s\n%s", never, script, out)
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "injected")); err == nil {
		t.Errorf("a name was run by\n%s", script)
	}
	return string(out), err
}

// TestStrangersPlanWithTheSnapshot is from the publishing of a snapshot, of a real cluster, to the
// plans of strangers: each file's job for them finds it, and plans with it and nothing else.
func TestStrangersPlanWithTheSnapshot(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	c := newCheckout(t)
	config := fmt.Sprintf("cluster \"main\" {\n  kubeconfig = %q\n}\napplication \"web\" {\n  source {\n    objects = [{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"web\" }, data = { colour = \"blue\" } }]\n  }\n  destination {\n    cluster   = cluster.main\n    namespace = \"default\"\n  }\n}\n", cluster.Kubeconfig)
	for _, old := range []string{"*.hcl", "*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(strings.ReplaceAll(c.dir, ";", "?"), old))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range found {
			if err := os.Remove(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir, "main.gantry.hcl"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c.commit(t)
	for _, file := range []string{"snapshot.sh", "gitlab-ci.yml", "Jenkinsfile", "github/action.yml"} {
		has := map[string]string{"snapshot.sh": "commit-tree"}[file]
		if has == "" {
			has = "snapshot.sh"
		}
		if out, err := runStep(t, c, stepOf(t, file, has), nil); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, out)
		}
		if got := c.git(t, "--git-dir", c.origin, "ls-tree", "--name-only", "gantry-snapshot"); got != "clusters.gantrysnapshot" {
			t.Errorf("%s published %q", file, got)
		}
		if n := c.git(t, "--git-dir", c.origin, "rev-list", "--count", "gantry-snapshot"); n != "1" {
			t.Errorf("the branch has %s commits: each keeps what was in an older snapshot", n)
		}
	}
	if status := c.git(t, "status", "--porcelain", "--untracked-files=no"); status != "" {
		t.Errorf("publishing changed the checkout: %s", status)
	}
	// What a stranger cannot have: nothing of it is used, and its being there changes nothing.
	env := map[string]string{"UNTRUSTED": "true", "STRANGER": "true", "HEAD_REPO_OWNER": "stranger", "GANTRY_FORGE_TOKEN": "hunter2", "KUBECONFIG": "/nowhere"}
	for file, has := range map[string]string{"github/action.yml": " plan ", "gitlab-ci.yml": "--untrusted", "Jenkinsfile": "--untrusted", "plan.sh": " plan "} {
		out, err := runStep(t, c, stepOf(t, file, has), env)
		if err != nil || !strings.Contains(out, "1 to create") || !strings.Contains(out, "snapshot") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

// TestFilesForCIArePinned: actions of others are those of a commit, and no expression has a text
// that somebody else wrote.
func TestFilesForCIArePinned(t *testing.T) {
	t.Parallel()
	harmless := regexp.MustCompile(`^(inputs\.[a-z-]+|steps\.plan\.outputs\.[a-z_]+|secrets\.[A-Z_]+|github\.token|github\.event\.number|runner\.temp)$`)
	pinned := regexp.MustCompile(`^\./|^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, path := range filesForCI(t) {
		text, err := os.ReadFile(filepath.Join(ciRoot, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\$\{\{(.*?)\}\}`).FindAllStringSubmatch(string(text), -1) {
			if expression := strings.TrimSpace(match[1]); !harmless.MatchString(expression) {
				t.Errorf("%s: the expression %q may be somebody else's text", path, expression)
			}
		}
		for _, match := range regexp.MustCompile(`(?m)uses: (\S+)`).FindAllStringSubmatch(string(text), -1) {
			if !pinned.MatchString(match[1]) {
				t.Errorf("%s: %s is not pinned to a commit", path, match[1])
			}
		}
	}
}

// TestTheActionHandsOnAllOutputs: the action's outputs are those that a plan has.
func TestTheActionHandsOnAllOutputs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(ciRoot, "github", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs  map[string]struct{ Description string }
		Outputs map[string]struct{ Description, Value string }
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"comment_url": "${{ steps.plan.outputs.comment_url }}"}
	for _, output := range report.Outputs(&plan.Plan{}) {
		want[output.Name] = "${{ steps.plan.outputs." + output.Name + " }}"
	}
	got := map[string]string{}
	for name, output := range action.Outputs {
		got[name] = output.Value
		if output.Description == "" {
			t.Errorf("the output %s is not described", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, input := range action.Inputs {
		if input.Description == "" || !strings.Contains(string(text), "inputs."+name) {
			t.Errorf("the input %s is not described, or not used", name)
		}
	}
}
