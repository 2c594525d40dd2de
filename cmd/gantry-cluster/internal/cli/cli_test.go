package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/kubeconfig"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/pki"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// run carries out a command line with a folder for clusters of its own.
func run(t *testing.T, stateDir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	args = append([]string{"gantry-cluster", "--state-dir", stateDir}, args...)
	status = Run(args, Programs{}, &out, &errors)
	return status, out.String(), errors.String()
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"up --name A", `the cluster name "A" is not valid`},
		{"up --name ../x", `the cluster name "../x" is not valid`},
		{"up --nodes 0", "--nodes is 0, at least 1 is needed"},
		{"up --nodes 1001", "at most 1000 are possible"},
		{"up --nodes x", `invalid argument "x" for "--nodes"`},
		{"up --nodes 2 --control-plane-only", "exclude each other"},
		{"up --timeout 0s", "--timeout is 0s"},
		{"up --parent-pid 1073741824", "find the process 1073741824"},
		{"up", "this binary was built without its servers"},
		{"up extra", "unknown command"},
		{"down", `no cluster is called "default"; there is none`},
		{"down --name a --all", "exclude each other"},
		{"kubeconfig --name nobody", `no cluster is called "nobody"; there is none`},
		{"frobnicate", `unknown command "frobnicate"`},
		{"run nothing", `there is no program "nothing" in this binary`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			dir := t.TempDir() + "/home"
			status, stdout, stderr := run(t, dir, strings.Fields(tt.args)...)
			if status != 1 || !strings.Contains(stderr, tt.want) || stdout != "" {
				t.Errorf("status %d\nstdout: %s\nstderr: %s\nwant status 1 and %q in stderr alone", status, stdout, stderr, tt.want)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("the mistake left something behind: %v", err)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	dir := t.TempDir() + "/home"
	if status, stdout, _ := run(t, dir, "list"); status != 0 || !strings.Contains(stdout, "There are no clusters") {
		t.Errorf("list: status %d, %q", status, stdout)
	}
	if status, stdout, _ := run(t, dir, "list", "--json"); status != 0 || stdout != "[]\n" {
		t.Errorf("list --json: status %d, %q", status, stdout)
	}
	if status, stdout, _ := run(t, dir, "down", "--all"); status != 0 || !strings.Contains(stdout, "no clusters") {
		t.Errorf("down --all: status %d, %q", status, stdout)
	}
}

// save writes the record of a cluster and returns its folder.
func save(t *testing.T, stateDir string, r home.Record) home.Dir {
	t.Helper()
	h, err := home.New(stateDir)
	if err != nil {
		t.Fatal(err)
	}
	dir := h.Dir(r.Name)
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Save(r); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListAndRemove(t *testing.T) {
	stateDir := t.TempDir()
	created := time.Now().Add(-time.Hour)
	self, err := process.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ready := save(t, stateDir, home.Record{
		Name: "web", Phase: home.Ready, Nodes: 3, Created: created, Supervisor: self,
		Version: "v1.37.2", Server: "https://127.0.0.1:1",
	})
	if err := home.WriteFile(ready.Kubeconfig(), []byte("kind: Config\n")); err != nil {
		t.Fatal(err)
	}
	save(t, stateDir, home.Record{Name: "broken", Phase: home.Failed, Message: "etcd has ended: exit status 1", Created: created})
	save(t, stateDir, home.Record{Name: "killed", Phase: home.Ready, Created: created})

	_, stdout, _ := run(t, stateDir, "list")
	for _, want := range []string{
		"web      ready    3       v1.37.2   60m", "broken   failed", "killed   dead",
		"broken: etcd has ended: exit status 1\nIts logs are in " + stateDir + "/broken/logs",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("list printed\n%s\nwithout %q", stdout, want)
		}
	}
	_, stdout, _ = run(t, stateDir, "list", "--json")
	var clusters []listed
	if err := json.Unmarshal([]byte(stdout), &clusters); err != nil {
		t.Fatal(err)
	}
	if len(clusters) != 3 || clusters[2].Name != "web" || clusters[2].Kubeconfig != ready.Kubeconfig() || clusters[0].Status != home.Failed {
		t.Errorf("list --json printed %s", stdout)
	}

	if status, stdout, _ := run(t, stateDir, "kubeconfig", "--name", "web"); status != 0 || stdout != "kind: Config\n" {
		t.Errorf("kubeconfig: status %d, %q", status, stdout)
	}
	if status, stdout, _ := run(t, stateDir, "kubeconfig", "--name", "web", "--path"); status != 0 || stdout != ready.Kubeconfig()+"\n" {
		t.Errorf("kubeconfig --path: status %d, %q", status, stdout)
	}
	for name, want := range map[string]string{"broken": "has failed: etcd has ended", "killed": "have been killed", "other": "there is broken, killed, web"} {
		if status, _, stderr := run(t, stateDir, "kubeconfig", "--name", name); status != 1 || !strings.Contains(stderr, want) {
			t.Errorf("kubeconfig of %s: status %d, %q, want %q", name, status, stderr, want)
		}
	}

	for _, name := range []string{"broken", "killed"} {
		if status, stdout, _ := run(t, stateDir, "down", "--name", name); status != 0 || !strings.Contains(stdout, "What was left of cluster \""+name+"\" is removed") {
			t.Errorf("down of %s: status %d, %q", name, status, stdout)
		}
		if _, err := os.Stat(stateDir + "/" + name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestCopyLeavesOtherFilesAlone(t *testing.T) {
	mine, err := kubeconfig.Render("web", "https://127.0.0.1:1", "admin", nil, pki.Pair{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		content []byte
		ok      bool
	}{
		"empty":                      {nil, true},
		"a former one":               {mine, true},
		"one of another cluster":     {bytes.ReplaceAll(mine, []byte("gantry-web"), []byte("gantry-shop")), false},
		"no kubeconfig":              {[]byte("notes: [mine]\n"), false},
		"one that cannot be decoded": {[]byte("\x00{"), false},
	}
	for name, tt := range tests {
		file := t.TempDir() + "/config"
		if err := os.WriteFile(file, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkCopy(file, "web"); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want it to pass: %t", name, err, tt.ok)
		}
	}
	if err := checkCopy(t.TempDir()+"/missing/config", "web"); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}

	file := t.TempDir() + "/config"
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	stateDir := t.TempDir() + "/home"
	status, _, stderr := run(t, stateDir, "up", "--kubeconfig", file)
	if _, err := os.Stat(stateDir); status != 1 || !strings.Contains(stderr, "is left as it is") || !os.IsNotExist(err) {
		t.Errorf("up: status %d, %q, state folder: %v", status, stderr, err)
	}
}

func TestShellQuote(t *testing.T) {
	tests := map[string]string{
		"/a/b-c_d.e": "/a/b-c_d.e",
		"/a b":       "'/a b'",
		"/it's":      `'/it'\''s'`,
		"/$HOME":     "'/$HOME'",
	}
	for in, want := range tests {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) is %s, want %s", in, got, want)
		}
	}
}

func TestVersionAndCompletion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if status, stdout, _ := run(t, t.TempDir(), args...); status != 0 || !strings.HasPrefix(stdout, "Kubernetes v") {
			t.Errorf("%v: status %d, %q", args, status, stdout)
		}
	}
	if status, stdout, _ := run(t, t.TempDir(), "completion", "bash"); status != 0 || !strings.Contains(stdout, "gantry-cluster") {
		t.Errorf("completion: status %d", status)
	}
	stateDir := t.TempDir()
	save(t, stateDir, home.Record{Name: "web", Phase: home.Ready})
	if _, stdout, _ := run(t, stateDir, "__complete", "down", "--name", ""); !strings.Contains(stdout, "web\n") {
		t.Errorf("the names to complete --name with are %q", stdout)
	}
}
