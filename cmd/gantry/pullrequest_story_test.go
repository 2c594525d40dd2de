package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers/forge/giteatest"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// TestPullRequestStory is what a team does every day, on a real forge and a real cluster: a
// pull request is planned and told of, reviewed, merged and applied; what was pushed after the
// review is not applied, and says so where people look. `make demo-pr` runs it and shows the
// story.
func TestPullRequestStory(t *testing.T) {
	t.Parallel()
	s := newPullStory(t)

	s.tell("The protected branch has the rules, and no application yet. The first apply takes the rules.")
	s.people["sam"] = s.server.User(t, "sam")
	s.server.Team(t, "example", "security", s.people["gantry"], s.people["sam"])
	s.server.API(t, s.server.Admin, http.MethodPut, "/repos/"+storyRepository+"/teams/security", nil, nil)
	s.push("main", map[string]string{"main.gantry.hcl": s.rules(), "policy.gantry.hcl": noisy}, false)
	s.apply(0)

	s.tell("dave opens a pull request with an application.")
	s.push("web", map[string]string{"web.gantry.hcl": s.web("blue")}, false)
	first := s.open("web")
	s.tell("The planner plans its head, records what would be done, and comments.")
	s.plan(first)
	s.commented(first, "2 to create", "Namespace", "ConfigMap")
	s.tell("alice approves, and it is merged.")
	s.approve(first)
	s.merge(first, "squash")
	s.apply(0)
	s.blue()
	s.checked(s.headOf("main"), "gantry/apply", "success")

	s.tell("Another pull request is approved, and pushed to after that.")
	s.push("green", map[string]string{"web.gantry.hcl": s.web("green")}, false)
	second := s.open("green")
	s.plan(second)
	s.commented(second, "blue", "green")
	s.approve(second)
	s.push("green", map[string]string{"web.gantry.hcl": s.web("red")}, true)
	s.merge(second, "squash")
	said := s.apply(3)
	if !strings.Contains(said, "not what was recorded") {
		t.Errorf("it does not say why nothing is applied:\n%s", said)
	}
	s.blue()
	s.commented(second, "application.web")

	s.tell("A third one is merged, and nobody has reviewed it.")
	s.push("yellow", map[string]string{"web.gantry.hcl": s.web("yellow")}, false)
	third := s.open("yellow")
	s.plan(third)
	s.merge(third, "merge")
	if said := s.apply(3); !strings.Contains(said, "approve") {
		t.Errorf("it does not say who has to approve:\n%s", said)
	}
	s.blue()

	s.tell("A fourth one violates a policy that wants an approval of security, and alice is not of that.")
	s.push("noisy", map[string]string{"web.gantry.hcl": s.web("noisy pink")}, false)
	fourth := s.open("noisy")
	s.plan(fourth)
	s.commented(fourth, "1 application needs approval", "policy.noisy", "needs 1 approval by members of example:security")
	s.approve(fourth)
	s.merge(fourth, "squash")
	if said := s.apply(3); !strings.Contains(said, "policy.noisy needs 1 approval by members of example:security") || !strings.Contains(said, "0 of 1 approvals") {
		t.Errorf("it does not say whose approval is needed:\n%s", said)
	}
	s.blue()
	s.commented(fourth, "policy.noisy needs 1 approval by members of example:security")

	s.tell("A fifth one is approved by both.")
	s.push("noisier", map[string]string{"web.gantry.hcl": s.web("noisy orange")}, false)
	fifth := s.open("noisier")
	s.plan(fifth)
	s.approve(fifth)
	s.approveAs("sam", fifth)
	s.merge(fifth, "squash")
	s.apply(0)
	s.checked(s.headOf("main"), "gantry/apply", "success")
}

// noisy is a policy that wants what is noisy approved by security.
const noisy = `policy "noisy" {
  enforcement = "approve"
  violated    = startswith(try(object.data.colour, ""), "noisy")
  message     = "${object.metadata.name} is noisy"

  approvals {
    groups = ["example:security"]
  }
}
`

// pullStory is a forge with people, a cluster, and what a planner and an applier have.
type pullStory struct {
	*testing.T
	server                   *giteatest.Server
	people                   map[string]giteatest.User
	dir, kubeconfig, keys    string
	namespace                string
	environment              []string
	author, planner, applier string // clones
}

const storyRepository = "example/deploy"

func newPullStory(t *testing.T) *pullStory {
	t.Helper()
	dir := t.TempDir()
	s := &pullStory{
		T: t, server: giteatest.Start(t), people: map[string]giteatest.User{}, dir: dir, kubeconfig: clustertest.Shared(t).Kubeconfig,
		keys: filepath.Join(dir, "planner-key"), namespace: fmt.Sprintf("story-%d", time.Now().UnixNano()%1e9),
		author: filepath.Join(dir, "author"), planner: filepath.Join(dir, "planner"), applier: filepath.Join(dir, "applier"),
	}
	for _, name := range []string{"gantry", "dave", "alice"} {
		s.people[name] = s.server.User(t, name)
	}
	s.server.Team(t, "example", "developers", s.people["gantry"], s.people["dave"], s.people["alice"])
	s.server.Team(t, "example", "sre", s.people["gantry"], s.people["alice"])
	s.server.API(t, s.server.Admin, http.MethodPost, "/orgs/example/repos", map[string]any{"name": "deploy", "auto_init": true, "default_branch": "main"}, nil)
	for _, team := range []string{"developers", "sre"} {
		s.server.API(t, s.server.Admin, http.MethodPut, "/repos/"+storyRepository+"/teams/"+team, nil, nil)
	}
	s.run(dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.keys)
	s.environment = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "HOME="+dir, "GANTRY_NO_INPUT=1", "SSH_AUTH_SOCK=",
		"GANTRY_FORGE_TOKEN="+s.people["gantry"].Token, "GANTRY_CACHE="+filepath.Join(dir, "cache"),
		"GIT_AUTHOR_NAME=dave", "GIT_AUTHOR_EMAIL=dave@example.com", "GIT_COMMITTER_NAME=dave", "GIT_COMMITTER_EMAIL=dave@example.com",
	)
	for clone, who := range map[string]string{s.author: "dave", s.planner: "gantry", s.applier: "gantry"} {
		login := s.login(who)
		header := "http.extraHeader=Authorization: Basic " + login
		s.run(dir, "git", "-c", header, "clone", "--quiet", s.server.URL+"/"+storyRepository+".git", clone)
		s.run(clone, "git", "config", "http.extraHeader", "Authorization: Basic "+login)
	}
	s.run(s.dir, program(t), "-C", s.author, "version")
	t.Cleanup(func() {
		s.run(s.applier, program(t), "destroy", "--auto-approve", "--override-approval", "--reason", "the story is over")
	})
	return s
}

// login is what logs in somebody over http.
func (s *pullStory) login(who string) string {
	return base64.StdEncoding.EncodeToString([]byte(who + ":" + s.people[who].Token))
}

// rules is the configuration of the protected branch.
func (s *pullStory) rules() string {
	public, err := os.ReadFile(s.keys + ".pub")
	if err != nil {
		s.Fatal(err)
	}
	return fmt.Sprintf(`gantry {
  backend "local" {
    path = %q
  }
  forge "gitea" {
    url        = %q
    repository = %q
  }
  identity {
    ssh {
      name = "planner"
      key  = %q
    }
  }
  protection {
    branches = ["main"]
    planners = ["ssh planner"]
    approvals {
      count      = 1
      groups     = ["example:sre"]
      not_author = true
    }
  }
}

cluster "main" {
  kubeconfig = %q
}
`, filepath.Join(s.dir, "state"), s.server.URL, storyRepository, strings.TrimSpace(string(public)), s.kubeconfig)
}

func (s *pullStory) web(colour string) string {
	return fmt.Sprintf(`application "web" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" }, data = { colour = %q } }]
  }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
  sync {
    create_namespace = true
  }
}
`, colour, s.namespace)
}

// tell shows a step of the story to who runs the demo.
func (s *pullStory) tell(text string) {
	if os.Getenv("GANTRY_STORY") != "" {
		fmt.Printf("\n== %s\n", text)
	}
}

func (s *pullStory) shown(command string, output []byte) {
	if os.Getenv("GANTRY_STORY") != "" {
		fmt.Printf("\n$ %s\n%s", command, output)
	}
}

// run runs a command that must succeed, and returns what it printed.
func (s *pullStory) run(dir, name string, args ...string) string {
	s.Helper()
	out, code := s.try(dir, name, args...)
	if code != 0 {
		s.Fatalf("%s %s ended with %d:\n%s", name, strings.Join(args, " "), code, out)
	}
	return strings.TrimSpace(out)
}

func (s *pullStory) try(dir, name string, args ...string) (string, int) {
	s.Helper()
	command := exec.Command(name, args...)
	command.Dir, command.Env = dir, s.environment
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); command.ProcessState == nil {
		s.Fatal(err)
	}
	return out.String(), command.ProcessState.ExitCode()
}

// push commits files to a branch of the forge, which begins at main where it is new or rewritten.
func (s *pullStory) push(branch string, files map[string]string, rewritten bool) {
	s.Helper()
	s.run(s.author, "git", "fetch", "--quiet", "origin")
	s.run(s.author, "git", "checkout", "--quiet", "-B", branch, "origin/main")
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.author, name), []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	s.run(s.author, "git", "add", "--all")
	s.run(s.author, "git", "commit", "--quiet", "--message", "change")
	args := []string{"push", "--quiet", "origin", branch}
	if rewritten {
		args = append(args, "--force")
	}
	s.run(s.author, "git", args...)
}

func (s *pullStory) open(branch string) int64 {
	s.Helper()
	var made struct {
		Number int64 `json:"number"`
	}
	s.server.API(s.T, s.people["dave"], http.MethodPost, "/repos/"+storyRepository+"/pulls", map[string]any{"title": branch, "head": branch, "base": "main"}, &made)
	return made.Number
}

// plan is the planner's job for a pull request.
func (s *pullStory) plan(number int64, more ...string) {
	s.Helper()
	s.run(s.planner, "git", "fetch", "--quiet", "origin", "main", fmt.Sprintf("pull/%d/head", number))
	s.run(s.planner, "git", "checkout", "--quiet", "--detach", "FETCH_HEAD")
	s.run(s.planner, "git", "fetch", "--quiet", "origin", fmt.Sprintf("pull/%d/head", number))
	s.run(s.planner, "git", "checkout", "--quiet", "--detach", "FETCH_HEAD")
	args := append([]string{"plan", "--record", "--comment", "--pull", fmt.Sprint(number), "--identity-ssh-key", s.keys}, more...)
	out := s.run(s.planner, program(s.T), args...)
	s.shown("gantry plan --record --comment --pull "+fmt.Sprint(number), []byte(out+"\n"))
}

// apply is the applier's job on the protected branch.
func (s *pullStory) apply(want int) string {
	s.Helper()
	s.run(s.applier, "git", "fetch", "--quiet", "origin")
	s.run(s.applier, "git", "checkout", "--quiet", "-B", "main", "origin/main")
	out, code := s.try(s.applier, program(s.T), "apply", "--require-approved", "--auto-approve")
	s.shown("gantry apply --require-approved", []byte(out))
	if code != want {
		s.Fatalf("the apply ended with %d, want %d:\n%s", code, want, out)
	}
	return out
}

// approve is a review of alice, who may.
func (s *pullStory) approve(number int64) {
	s.Helper()
	s.approveAs("alice", number)
}

func (s *pullStory) approveAs(name string, number int64) {
	s.Helper()
	s.server.API(s.T, s.people[name], http.MethodPost, fmt.Sprintf("/repos/%s/pulls/%d/reviews", storyRepository, number), map[string]any{"event": "APPROVED", "body": "good"}, nil)
}

func (s *pullStory) merge(number int64, style string) {
	s.Helper()
	path := fmt.Sprintf("/repos/%s/pulls/%d", storyRepository, number)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var pull struct {
			Mergeable bool `json:"mergeable"`
			Head      struct {
				SHA string `json:"sha"`
			} `json:"head"`
		}
		s.server.API(s.T, s.server.Admin, http.MethodGet, path, nil, &pull)
		if pull.Mergeable && pull.Head.SHA == s.run(s.author, "git", "rev-parse", "HEAD") {
			break
		}
		if time.Now().After(deadline) {
			s.Fatalf("#%d cannot be merged", number)
		}
	}
	s.server.API(s.T, s.server.Admin, http.MethodPost, path+"/merge", map[string]any{"Do": style}, nil)
}

// commented: the one comment of a pull request has some texts.
func (s *pullStory) commented(number int64, texts ...string) {
	s.Helper()
	var all []struct {
		Body string `json:"body"`
	}
	s.server.API(s.T, s.server.Admin, http.MethodGet, fmt.Sprintf("/repos/%s/issues/%d/comments", storyRepository, number), nil, &all)
	var bodies []string
	for _, one := range all {
		bodies = append(bodies, one.Body)
	}
	joined := strings.Join(bodies, "\n----\n")
	s.shown(fmt.Sprintf("the comments of #%d", number), []byte(joined+"\n"))
	if len(all) == 0 {
		s.Errorf("#%d has no comment", number)
	}
	for _, text := range texts {
		if !strings.Contains(joined, text) {
			s.Errorf("the comments of #%d do not say %q:\n%s", number, text, joined)
		}
	}
}

func (s *pullStory) headOf(branch string) string {
	s.Helper()
	return s.run(s.applier, "git", "rev-parse", "origin/"+branch)
}

// checked: a commit shows a result.
func (s *pullStory) checked(commit, name, state string) {
	s.Helper()
	var got struct {
		Statuses []struct {
			Context string `json:"context"`
			Status  string `json:"status"`
		} `json:"statuses"`
	}
	s.server.API(s.T, s.server.Admin, http.MethodGet, "/repos/"+storyRepository+"/commits/"+commit+"/status", nil, &got)
	for _, one := range got.Statuses {
		if one.Context == name && one.Status == state {
			return
		}
	}
	s.Errorf("the commit has no %s %s: %+v", state, name, got.Statuses)
}

// blue: the cluster has what was applied.
func (s *pullStory) blue() {
	s.Helper()
	k, err := newKube(s.kubeconfig, s.namespace)
	if err != nil {
		s.Fatal(err)
	}
	found, err := k.get(s.Context(), "ConfigMap", "web")
	if err != nil {
		s.Fatal(err)
	}
	if got, err := part(found, "data.colour"); err != nil || got != "blue" {
		s.Errorf("the colour is %s (%v), want blue", got, err)
	}
}
