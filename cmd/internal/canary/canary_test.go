package canary

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// TestNoSecretInAnyOutput puts a secret into every input, one at a time, and looks for
// it in every encoding in everything that gantry then writes, on a real cluster. A test
// for that it would be found is TestFinding.
func TestNoSecretInAnyOutput(t *testing.T) {
	binary, cluster := build(t), clustertest.Shared(t)
	made := &run{t: t, dir: t.TempDir(), binary: binary, kubeconfig: cluster.Kubeconfig, namespace: fmt.Sprintf("canary-%d", os.Getpid())}
	made.listen()
	all := inputs(t, serveGit(t))
	made.begin(fmt.Sprintf(space, len(all)))
	made.gantry("apply", "--no-input", "--auto-approve")
	t.Cleanup(func() { made.gantry("destroy", "--no-input", "--auto-approve") })
	var mu sync.Mutex
	looked, outputs := 0, map[string]bool{}
	t.Run("inputs", func(t *testing.T) {
		for i, in := range all {
			t.Run(in.name, func(t *testing.T) {
				t.Parallel()
				r := &run{t: t, dir: t.TempDir(), binary: binary, kubeconfig: cluster.Kubeconfig, input: in, namespace: fmt.Sprintf("%s-%d", made.namespace, i)}
				r.listen()
				r.all()
				mu.Lock()
				defer mu.Unlock()
				looked += r.looked
				for _, name := range r.outputs {
					outputs[name] = true
				}
			})
		}
	})
	t.Logf("%d inputs, %d kinds of output, %d encodings: looked %d times", len(all), len(outputs), len(encodings()), looked)
	if len(outputs) < 20 || looked < len(all)*len(encodings())*10 {
		t.Errorf("only %d kinds of output were looked at, %d times: the test shows nothing", len(outputs), looked)
	}
}

// TestFinding: each encoding is found where it is, also within other text.
func TestFinding(t *testing.T) {
	secret := secretOf(1)
	for _, e := range encodings() {
		for _, form := range e.forms(secret) {
			if name := find([]byte("some text "+form+" and more"), secret); name == "" {
				t.Errorf("%s is not found as %s", e.name, form)
			}
		}
	}
	if name := find([]byte("nothing of it: ‹9f3c21ab04d1e877›"), secret); name != "" {
		t.Errorf("%s is found where there is nothing", name)
	}
}

// secretOf is the n-th secret of an input: of characters that each encoding writes in
// another way.
func secretOf(n int) string { return fmt.Sprintf(`c4nary"<&>+/ü-7f3a91e2-%d`, n) }

// find returns the encoding in which a secret is in some bytes, "" where it is not.
// What is compressed there is looked into.
func find(in []byte, secret string) string {
	for _, e := range encodings() {
		for _, form := range e.forms(secret) {
			if bytes.Contains(in, []byte(form)) {
				return e.name
			}
		}
	}
	for at := 0; ; {
		next := bytes.Index(in[at:], []byte{0x1f, 0x8b, 0x08})
		if next < 0 {
			return ""
		}
		at += next
		if content, err := gzip.NewReader(bytes.NewReader(in[at:])); err == nil {
			content.Multistream(false)
			if inner, err := io.ReadAll(content); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				if name := find(inner, secret); name != "" {
					return name + ", compressed"
				}
			}
		}
		at++
	}
}

// run is everything that is done with one input.
type run struct {
	t          *testing.T
	dir        string
	binary     string
	kubeconfig string
	namespace  string
	input      input
	n          int // which of its secrets is there now
	carries    bool

	looked  int
	outputs []string

	listener string // the URL that messages go to
	mu       sync.Mutex
	messages [][]byte
}

const common = `
variable "namespace" {
  type = string
}
variable "listener" {
  type    = string
  default = "http://127.0.0.1:1"
}
cluster "main" {
  kubeconfig = "kubeconfig"
}
notifier "webhook" "listener" {
  url = var.listener
}
trigger "ended" {
  when    = app.operation.phase != "running"
  message = "${app.name}: ${jsonencode(app)}"
}
`

// space makes a namespace for each input: what another has in the clear, on purpose, is nothing
// that it reads.
const space = `
application "space" {
  source {
    objects = [for n in range(%d) : { apiVersion = "v1", kind = "Namespace", metadata = { name = "${var.namespace}-${n}" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "default"
  }
}
`

// begin writes a configuration.
func (r *run) begin(blocks string) {
	r.check(os.MkdirAll(filepath.Join(r.dir, "tmp"), 0o755))
	kubeconfig, err := os.ReadFile(r.kubeconfig)
	r.check(err)
	r.write("config/kubeconfig", string(kubeconfig))
	r.write("config/.gitignore", ".gantry/\nkubeconfig\n")
	r.write("config/main.gantry.hcl", common+blocks)
}

func (r *run) all() {
	r.begin(r.input.blocks)
	r.put(1)
	r.git("init", "--quiet", "--initial-branch", "main")
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", "one")

	r.gantry("plan", "--no-input")
	r.gantry("plan", "--no-input", "--verbose", "--show-unchanged")
	r.gantry("plan", "--no-input", "--json")
	r.gantry("plan", "--no-input", "--offline", "--json")
	r.gantry("validate")
	r.gantry("plan", "--no-input", "--out", "../first.gantryplan")
	r.gantry("apply", "--no-input", "--auto-approve", "--verbose")
	r.file("first.gantryplan")
	r.put(2)
	r.gantry("plan", "--no-input", "--against", "HEAD", "--verbose")
	r.gantry("plan", "--no-input", "--against", "HEAD", "--json")
	if !r.input.fails {
		r.gantry("show", "../first.gantryplan")
		r.gantry("show", "--json", "../first.gantryplan")
		r.gantry("show", "--full", "--no-pager", "../first.gantryplan")
		r.gantry("show", "--comment", "../first.gantryplan")
		for _, view := range []string{"--html", "--markdown", "--junit", "--sarif", "--gitlab-report"} {
			r.gantry("show", view, "-", "../first.gantryplan")
		}
		r.gantry("verify", "../first.gantryplan")
		r.gantry("drift", "--json")
		r.gantry("plan", "--no-input", "--events", "-")
		r.gantry("plan", "--no-input", "--verbose")
		r.gantry("plan", "--no-input", "--json")
		r.gantry("snapshot", "--out", "../taken.gantrysnapshot")
		r.file("taken.gantrysnapshot")
		r.gantry("plan", "--offline", "--snapshot", "../taken.gantrysnapshot", "--verbose")
		r.gantry("plan", "--offline", "--snapshot", "../taken.gantrysnapshot", "--json")
		r.gantry("apply", "--no-input", "--auto-approve", "--json", "--events", "../events.ndjson")
		r.file("events.ndjson")
		r.gantry("output")
		r.gantry("output", "--json")
		r.gantry("status", "--json")
		r.gantry("state", "pull")
		r.gantry("notify", "test", "webhook.listener", "--trigger", "ended", "--application", "application."+r.input.label())
	}
	r.gantry("notify", "history")
	r.gantry("notify", "history", "--json")
	r.review()
	r.gantry("destroy", "--no-input", "--auto-approve")
	r.gantry("log", "--json")
	r.folder("config/.gantry", "state")
	r.folder("cache", "cache")
	r.folder("tmp", "temporary files")
	r.heard()
}

// put puts the n-th secret where the input has it.
func (r *run) put(n int) {
	r.n = n
	if r.input.files == nil {
		return
	}
	for name, content := range r.input.files(secretOf(n)) {
		r.write("config/"+name, content)
	}
}

func (r *run) write(name, content string) {
	path := filepath.Join(r.dir, name)
	r.check(os.MkdirAll(filepath.Dir(path), 0o755))
	r.check(os.WriteFile(path, []byte(content), 0o600))
}

func (r *run) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) command(name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = filepath.Join(r.dir, "config")
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GANTRY_CACHE=" + filepath.Join(r.dir, "cache"),
		"GANTRY_VAR_namespace=" + r.namespace, "GANTRY_VAR_listener=" + r.listener, "TMPDIR=" + filepath.Join(r.dir, "tmp"), "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com",
	}
	command.Env = append(command.Env, r.input.environment...)
	if r.carries {
		command.Env = append(command.Env, "GANTRY_VAR_carried="+secretOf(r.n))
	}
	if r.input.env != "" {
		command.Env = append(command.Env, "GANTRY_VAR_"+r.input.env+"="+secretOf(r.n))
	}
	return command
}

func (r *run) git(args ...string) {
	r.t.Helper()
	if out, err := r.command("git", args...).CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// gantry runs gantry and looks at what it prints. What plans fails where planning must.
func (r *run) gantry(args ...string) {
	r.t.Helper()
	out, err := r.tried(args...)
	if plans := slices.Contains(args, "plan") || slices.Contains(args, "apply") || slices.Contains(args, "snapshot"); plans && (err != nil) != r.input.fails &&
		!(r.input.fails && slices.ContainsFunc(args, func(a string) bool { return a == "--offline" || a == "--against" })) {
		r.t.Errorf("gantry %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// tried runs gantry, looks at what it prints, and returns that and how it ended.
func (r *run) tried(args ...string) (string, error) {
	r.t.Helper()
	command := r.command(r.binary, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	name := strings.Join(args, " ")
	r.look("stdout of "+name, stdout.Bytes())
	r.look("stderr of "+name, stderr.Bytes())
	return stdout.String() + stderr.String(), err
}

// file looks at a file, which need not be there where planning fails.
func (r *run) file(name string) {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if r.input.fails && errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.check(err)
	r.look(name, content)
}

// folder looks at all files of a folder.
func (r *run) folder(name, what string) {
	r.t.Helper()
	err := filepath.WalkDir(filepath.Join(r.dir, name), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			r.look(what, content)
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		r.check(err)
	}
}

// look looks for both secrets.
func (r *run) look(where string, in []byte) {
	r.t.Helper()
	r.outputs = append(r.outputs, where)
	for n := 1; n <= 2; n++ {
		r.looked += len(encodings())
		if name := find(in, secretOf(n)); name != "" {
			r.t.Errorf("the secret (%s) is in %s:\n%.2000s", name, where, in)
		}
	}
	for _, key := range r.input.keys {
		if name := find(in, key); name != "" {
			r.t.Errorf("the key (%s) is in %s:\n%.2000s", name, where, in)
		}
	}
}

// build returns the program, built once.
func build(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("GANTRY_TEST_BINARY"); binary != "" {
		return binary
	}
	binary := filepath.Join(t.TempDir(), "gantry")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/gantrycd/gantry/cmd/gantry").CombinedOutput()
	if err != nil {
		t.Fatalf("building gantry: %v\n%s", err, out)
	}
	return binary
}
