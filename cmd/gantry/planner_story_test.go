package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// TestPlannerStory is CI without credentials of a cluster: a real planner, with the token of
// its service account and the printed rights, plans pull requests of a real forge on a real
// API server. CI asks with a credential that opens the namespace of requests, and nothing else.
func TestPlannerStory(t *testing.T) {
	t.Parallel()
	s := newPlannerStory(t)
	s.runsRestricted()
	s.requesterReachesNothing()

	s.push("web", map[string]string{"web.gantry.hcl": s.web("blue")}, false)
	number := s.open("web")

	// The same plan, and the same exit codes, as where the cluster is reached.
	local, code := s.try(s.author, program(t), "plan", "--full", "--detailed-exitcode")
	if code != exitChanges {
		t.Fatalf("the plan here ended with %d:\n%s", code, local)
	}
	file := filepath.Join(s.dir, "next.gantryplan")
	remote, said := s.ask(exitChanges, "--pull", fmt.Sprint(number), "--full", "--detailed-exitcode", "--out", file)
	if diff := cmp.Diff(planText(local), planText(remote)); diff != "" {
		t.Errorf("it is not the plan that is made here:\n%s", diff)
	}
	// How far it is is told where that lasts longer than the time between two looks.
	for _, want := range []string{"waiting for a planner", "Recorded for #1", "Posted the comment of pull request 1", "Saved to"} {
		if !strings.Contains(said, want) {
			t.Errorf("it is not told: %q in\n%s", want, said)
		}
	}
	s.commented(number, "2 to create", "ConfigMap")
	s.run(s.author, program(t), "show", file)
	text, _ := s.ask(exitDone, "--json")
	var made struct {
		Applications []struct{ Address, Digest string } `json:"applications"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || len(made.Applications) != 1 || made.Applications[0].Digest == "" {
		t.Errorf("%v: %s", err, text)
	}

	// The record is of the planner that the protection names, so that it is applied.
	s.approve(number)
	s.merge(number, "squash")
	s.apply(0)
	s.blue()

	// What is wrong is told as it is where the plan is made here, and in a comment.
	s.wrong("torn", strings.TrimSuffix(s.web("red"), "}\n"), "Unclosed configuration block", "web.gantry.hcl:1")
	broken := s.wrong("broken", strings.Replace(s.web("red"), "cluster.main", "cluster.mian", 1), "Reference to undeclared block", "web.gantry.hcl:6")
	s.elsewhere()

	// What is not the head of an open pull request is not planned.
	s.run(s.author, "git", "commit", "--quiet", "--allow-empty", "--message", "not pushed")
	if _, said = s.ask(exitUnapproved, "--pull", fmt.Sprint(broken)); !strings.Contains(said, "Superseded") {
		t.Errorf("a commit that is not the head:\n%s", said)
	}
	if _, said = s.ask(exitError); !strings.Contains(said, "is not the head of an open pull request") {
		t.Errorf("a commit of nothing:\n%s", said)
	}
	s.server.API(t, s.people["dave"], http.MethodPatch, fmt.Sprintf("/repos/%s/pulls/%d", storyRepository, broken), map[string]any{"state": "closed"}, nil)
	s.run(s.author, "git", "reset", "--quiet", "--hard", "origin/broken")
	if _, said = s.ask(exitError, "--pull", fmt.Sprint(broken)); !strings.Contains(said, "is not open") {
		t.Errorf("a pull request that is closed:\n%s", said)
	}
	s.endsInTheMiddle()
}

// wrong asks for the plan of a configuration that has errors: they are those of a plan that is
// made here, with the file, the line and what is there, and so is the exit code. The comment of
// the pull request, which it returns, says so, too.
func (s *plannerStory) wrong(branch, web, summary, where string) int64 {
	s.Helper()
	s.push(branch, map[string]string{"web.gantry.hcl": web}, false)
	number := s.open(branch)
	here, code := s.try(s.author, program(s.T), "plan")
	_, said := s.ask(code, "--pull", fmt.Sprint(number))
	if code != exitError || !strings.Contains(here, "Error: "+summary) {
		s.Errorf("the plan here ended with %d:\n%s", code, here)
	}
	if diff := cmp.Diff(errorsOf(here), errorsOf(said)); diff != "" {
		s.Errorf("%s: it is not what is told here:\n%s", branch, diff)
	}
	s.commented(number, "Nothing was planned", summary, where)
	s.run(s.applier, "git", "fetch", "--quiet", "origin")
	s.checked(s.headOf(branch), "gantry/plan", "failure")
	return number
}

// errorsOf is what is told of errors, from the first on.
func errorsOf(text string) string {
	_, found, _ := strings.Cut(text, "Error: ")
	return strings.TrimSpace(found)
}

// elsewhere: where a pull request names another forge, the token and the comment still go to
// that of the protected branch.
func (s *plannerStory) elsewhere() {
	s.Helper()
	var reached atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer other.Close()
	s.push("elsewhere", map[string]string{"main.gantry.hcl": strings.Replace(s.setup(), s.server.URL, other.URL, 1), "web.gantry.hcl": s.web("green")}, false)
	number := s.open("elsewhere")
	s.ask(exitDone, "--pull", fmt.Sprint(number))
	s.commented(number, "1 to update")
	if n := reached.Load(); n > 0 {
		s.Errorf("the other forge was asked %d times", n)
	}
}

// endsInTheMiddle ends each side while a plan is made: who asks by Ctrl-C, which withdraws the
// request, and the planner by SIGKILL, after which another one goes on.
func (s *plannerStory) endsInTheMiddle() {
	s.Helper()
	asked, release := make(chan struct{}, 100), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		http.NotFound(w, r)
	}))
	defer slow.Close()
	source := fmt.Sprintf("url      = %q\n    chart    = \"web\"\n    revision = \"1.0.0\"", slow.URL)
	s.push("slow", map[string]string{"web.gantry.hcl": regexp.MustCompile(`objects = .*`).ReplaceAllLiteralString(s.web("red"), source)}, false)
	number := s.open("slow")

	command, said := s.asking("--pull", fmt.Sprint(number))
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	<-asked
	if left := s.left(); len(left) == 0 {
		s.Error("there is no request while it is planned")
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		s.Fatal(err)
	}
	_ = command.Wait() // the exit code is looked at
	if code := command.ProcessState.ExitCode(); code != 128+int(syscall.SIGINT) {
		s.Errorf("who is interrupted ended with %d:\n%s", code, said.String())
	}
	for deadline := time.Now().Add(time.Minute); len(s.left()) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("an interrupted request leaves %q", s.left())
		}
	}

	for len(asked) > 0 {
		<-asked // of the plan that was given up
	}
	command, said = s.asking("--pull", fmt.Sprint(number))
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	<-asked
	s.kill()
	s.start()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), "for the second time"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("no other planner goes on:\n%s", said)
		}
	}
	close(release)
	_ = command.Wait() // the exit code is looked at
	if code := command.ProcessState.ExitCode(); code != exitError || !strings.Contains(said.String(), "404") {
		s.Errorf("it ended with %d:\n%s", code, said.String())
	}
}

// left are the requests, and the answers that are not given yet.
func (s *plannerStory) left() []string {
	s.Helper()
	client, server, token := s.client()
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, server+"/api/v1/namespaces/"+s.requests+"/secrets", http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var all struct{ Items []object.Object }
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		s.Fatal(err)
	}
	var out []string
	for _, o := range all.Items {
		if key := o.Annotation("gantry.dev/key"); strings.HasPrefix(key, "remote/requests/") {
			out = append(out, key)
		}
	}
	return out
}

// plannerStory is a forge, a cluster with a planner, and a CI without credentials of it.
type plannerStory struct {
	*pullStory
	name           string   // the beginning of names
	context        string   // of all kubeconfigs
	requests       string   // a namespace
	planner        string   // the namespace of the planner
	ci, plannerCfg string   // kubeconfigs
	asCI           []string // environment
	cluster        clustertest.Cluster
	// kill ends the planner at once, and all that it runs.
	kill func()
}

func newPlannerStory(t *testing.T) *plannerStory {
	t.Helper()
	s := &plannerStory{pullStory: newPullStory(t), cluster: clustertest.Shared(t)}
	s.name, s.requests, s.planner = s.namespace, s.namespace+"-requests", s.namespace+"-planner"
	s.ci, s.plannerCfg = filepath.Join(s.dir, "ci.kubeconfig"), filepath.Join(s.dir, "planner.kubeconfig")
	s.asCI = append(append([]string{}, s.environment...), "KUBECONFIG="+s.ci, "GANTRY_FORGE_TOKEN=", "HOME="+filepath.Join(s.dir, "ci"), "GANTRY_CACHE="+filepath.Join(s.dir, "ci-cache"))
	s.environment = append(s.environment, "KUBECONFIG="+s.kubeconfig)
	s.context = s.currentContext()
	s.push("main", map[string]string{"main.gantry.hcl": s.setup()}, false)
	s.run(s.applier, "git", "fetch", "--quiet", "origin")
	s.run(s.applier, "git", "checkout", "--quiet", "-B", "main", "origin/main")
	s.run(s.applier, program(t), "plan") // which begins the state
	admin := s.cluster.As(t, "admin")
	labels := map[string]any{"pod-security.kubernetes.io/enforce": "restricted"}
	for _, o := range s.printed() {
		if o.Kind() == "Namespace" {
			o["metadata"].(map[string]any)["labels"] = labels
		}
		admin.Apply(o)
	}
	s.tokens()
	s.start()
	return s
}

func (s *plannerStory) setup() string {
	return fmt.Sprintf(`gantry {
  backend "kubernetes" {
    context   = %[4]q
    namespace = "%[1]s-state"
  }
  forge "gitea" {
    url        = %[2]q
    repository = %[3]q
  }
  identity {
    kubernetes {
      cluster = cluster.main
    }
  }
  protection {
    branches = ["main"]
    planners = ["system:serviceaccount:%[1]s-planner:planner"]
    approvals {
      count      = 1
      groups     = ["example:sre"]
      not_author = true
    }
  }
}

cluster "main" {
  context = %[4]q
}
`, s.name, s.server.URL, storyRepository, s.context)
}

// printed is what an administrator prints and applies.
func (s *plannerStory) printed() []object.Object {
	s.Helper()
	command := exec.Command(program(s.T), "bootstrap", "planner", "--json", "--all", "--name", s.name, "--image", "registry.example.com/gantry:1.0",
		"--repository", s.server.URL+"/"+storyRepository+".git", "--planner-service-account", s.planner+"/planner", "--applier-service-account", s.planner+"/applier",
		"--state-namespace", s.name+"-state", "--requests-namespace", s.requests, "--requester-service-account", s.requests+"/ci")
	command.Dir, command.Env, command.Stderr = s.applier, s.environment, os.Stderr
	out, err := command.Output()
	if err != nil {
		s.Fatal(err)
	}
	var list struct {
		Items []object.Object `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(out, &list); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

// tokens gives CI and the planner what their pods would have.
func (s *plannerStory) tokens() {
	s.Helper()
	for file, who := range map[string][3]string{
		s.ci: {s.requests, "ci", ""}, s.plannerCfg: {s.planner, "planner", ""},
		filepath.Join(s.dir, "identity"): {s.planner, "planner", "gantry"},
	} {
		k, err := newKube(s.kubeconfig, who[0])
		if err != nil {
			s.Fatal(err)
		}
		token, err := k.token(s.Context(), s.kubeconfig, who[1], who[2])
		if err != nil {
			s.Fatal(err)
		}
		if strings.HasSuffix(file, "kubeconfig") {
			err = writeKubeconfig(s.kubeconfig, file, token)
		} else {
			err = os.WriteFile(file, []byte(token), 0o600)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

// start runs the planner until the test ends; told to end, it does so in order.
func (s *plannerStory) start() {
	s.Helper()
	command := exec.Command(program(s.T), "planner", "--repository", s.server.URL+"/"+storyRepository+".git",
		"--requests", "kubernetes", "--requests-config", "context="+s.context, "--requests-config", "namespace="+s.requests, "--work-dir", s.dir)
	command.Env = append(append([]string{}, s.environment...), "KUBECONFIG="+s.plannerCfg, "HOME="+filepath.Join(s.dir, "planner-home"),
		"GANTRY_IDENTITY_TOKEN_FILE="+filepath.Join(s.dir, "identity"), "GANTRY_REPOSITORY_USERNAME=gantry", "GANTRY_REPOSITORY_TOKEN="+s.people["gantry"].Token)
	var said bytes.Buffer
	command.Stderr = &said
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	killed := false
	s.kill = func() {
		killed = true
		if err := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); err != nil {
			s.Error(err)
		}
	}
	s.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil && !killed {
			s.Errorf("the planner ended: %v", err)
		}
		if strings.Contains(said.String(), s.people["gantry"].Token) {
			s.Error("the planner's log has a token")
		}
		if s.Failed() {
			s.Logf("the planner said:\n%s", said.String())
		}
	})
}

// ask is the job of CI for what is checked out by the author.
func (s *plannerStory) ask(want int, args ...string) (out, said string) {
	s.Helper()
	command, stderr := s.asking(args...)
	var stdout bytes.Buffer
	command.Stdout = &stdout
	if err := command.Run(); command.ProcessState == nil {
		s.Fatal(err)
	}
	if code := command.ProcessState.ExitCode(); code != want {
		s.Fatalf("plan --remote %s ended with %d, not %d:\n%s%s", strings.Join(args, " "), code, want, stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String()
}

// asking is the command of that job, and what it will say.
func (s *plannerStory) asking(args ...string) (*exec.Cmd, *lockedBuffer) {
	s.Helper()
	command := exec.Command(program(s.T), append([]string{"plan", "--remote", "--wait", "5m", "--requests", "kubernetes", "--requests-config", "context=" + s.context, "--requests-config", "namespace=" + s.requests}, args...)...)
	command.Dir, command.Env = s.author, s.asCI
	said := &lockedBuffer{}
	command.Stderr = said
	return command, said
}

// planText is a plan without what tells one from the next: lines of progress, IDs and times.
func planText(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimRight(line, " "); line != "" && !strings.Contains(line, "plan ID") {
			out = append(out, line)
		}
	}
	return out
}

// runsRestricted: what runs the planner is taken by the API server where only restricted pods
// may run, and its pod is made.
func (s *plannerStory) runsRestricted() {
	s.Helper()
	k, err := newKube(s.kubeconfig, s.planner)
	if err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		found, err := k.get(s.Context(), "Deployment", s.name+"-planner")
		if err != nil {
			s.Fatal(err)
		}
		if got, err := part(found, "status.replicas"); err == nil && got == "1" {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("no pod is made: %v", found["status"])
		}
	}
}

// requesterReachesNothing: with the credential of CI nothing can be read or written but the
// Secrets of the namespace of requests. Above all no record can be made.
func (s *plannerStory) requesterReachesNothing() {
	s.Helper()
	client, server, token := s.client()
	record := `{"apiVersion":"v1","kind":"Secret","type":"gantry.dev/state","metadata":{"name":"forged","annotations":{"gantry.dev/key":"approvals/pulls/1"}}}`
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/api/v1/namespaces/" + s.requests + "/secrets", "", http.StatusOK},
		{http.MethodGet, "/api/v1/namespaces", "", http.StatusForbidden},
		{http.MethodGet, "/api/v1/secrets", "", http.StatusForbidden},
		{http.MethodGet, "/api/v1/namespaces/default/configmaps", "", http.StatusForbidden},
		{http.MethodGet, "/api/v1/namespaces/" + s.requests + "/pods", "", http.StatusForbidden},
		{http.MethodGet, "/api/v1/namespaces/" + s.planner + "/secrets", "", http.StatusForbidden},
		{http.MethodGet, "/api/v1/namespaces/" + s.name + "-state/secrets", "", http.StatusForbidden},
		{http.MethodPost, "/api/v1/namespaces/" + s.name + "-state/secrets", record, http.StatusForbidden},
		{http.MethodPost, "/api/v1/namespaces/" + s.planner + "/serviceaccounts/planner/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`, http.StatusForbidden},
		{http.MethodPost, "/api/v1/namespaces/" + s.requests + "/pods", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[{"name":"x","image":"x"}]}}`, http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(s.Context(), c.method, server+c.path, strings.NewReader(c.body))
		if err != nil {
			s.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			s.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			s.Errorf("%s %s: %d, not %d: %s", c.method, c.path, answer.StatusCode, c.want, text)
		}
	}
}

// client speaks to the API server as CI.
func (s *plannerStory) client() (client *http.Client, server, token string) {
	s.Helper()
	client, server, err := clientOf(s.kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	client.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
	s.Cleanup(client.CloseIdleConnections)
	text, err := os.ReadFile(s.ci)
	if err != nil {
		s.Fatal(err)
	}
	var config struct {
		Users []struct {
			User struct {
				Token string `json:"token"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil || len(config.Users) != 1 {
		s.Fatalf("the kubeconfig of CI: %v", err)
	}
	return client, server, config.Users[0].User.Token
}

// currentContext is that of the cluster's kubeconfig.
func (s *plannerStory) currentContext() string {
	s.Helper()
	text, err := os.ReadFile(s.kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	var config struct {
		Current string `json:"current-context"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil || config.Current == "" {
		s.Fatalf("the kubeconfig has no context: %v", err)
	}
	return config.Current
}
