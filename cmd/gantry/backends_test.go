package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/state/http/gitlabtest"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/s3/s3test"
)

// shell runs gantry in directories below one home.
type shell struct {
	home string
	env  []string
}

func newShell(t *testing.T, env ...string) *shell {
	t.Helper()
	home := t.TempDir()
	return &shell{home: home, env: append([]string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GANTRY_CACHE=" + filepath.Join(home, "cache"), "AWS_EC2_METADATA_DISABLED=true",
	}, env...)}
}

// write writes a file of a directory.
func (s *shell) write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.home, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(s.home, dir, name), text)
}

// run runs gantry and returns what it prints; it must exit as wanted.
func (s *shell) run(t *testing.T, dir string, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	command := exec.CommandContext(t.Context(), program(t), args...)
	command.Dir, command.Stdout, command.Stderr, command.Env = filepath.Join(s.home, dir), &out, &out, s.env
	err := command.Run()
	if code := command.ProcessState.ExitCode(); code != want {
		t.Fatalf("gantry %s: exit code %d (%v), want %d\n%s", strings.Join(args, " "), code, err, want, out.String())
	}
	return out.String()
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range wanted {
		if !strings.Contains(flat, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

const outputOnly = "output \"zone\" {\n  value = \"eu-1\"\n}\n"

// TestBackends goes the way of a state in each remote backend: begun by init, moved there
// from a directory, read by another configuration, and found by a saved plan. What logs
// in is nowhere on disk.
func TestBackends(t *testing.T) {
	t.Parallel()
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		server := gitlabtest.Start(t)
		testBackend(t, "http", gitlabtest.Password.Reveal(), func(name string) string {
			return fmt.Sprintf("address = %q\n lock_method = \"POST\"\n unlock_method = \"DELETE\"\n username = %q\n password = secret.environment.state\n", server.Address(name), gitlabtest.Username)
		}, "GANTRY_BACKEND_PASSWORD")
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		server := s3test.Start(t)
		testBackend(t, "s3", s3test.SecretKey.Reveal(), func(name string) string {
			return fmt.Sprintf("bucket = %q\n prefix = %q\n endpoint = %q\n path_style = true\n access_key = %q\n secret_key = secret.environment.state\n", s3test.Bucket, name, server.Endpoint(), s3test.AccessKey)
		}, "GANTRY_BACKEND_ACCESS_KEY="+s3test.AccessKey+" GANTRY_BACKEND_SECRET_KEY")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := pgtest.Start(t)
		testBackend(t, "postgres", server.URL(), func(name string) string {
			return fmt.Sprintf("url = secret.environment.state\n schema = %q\n", name)
		}, "GANTRY_BACKEND_URL")
	})
}

func testBackend(t *testing.T, kind, password string, arguments func(name string) string, variable string) {
	s := newShell(t, "STATE_PASSWORD="+password)
	declared := "secret \"environment\" \"state\" {\n  variable = \"STATE_PASSWORD\"\n}\n"
	block := func(name string) string { return fmt.Sprintf("backend %q {\n %s}\n", kind, arguments(name)) }

	s.write(t, "web", "main.gantry.hcl", outputOnly+declared+"gantry {\n"+block("web")+"}\n")
	contains(t, s.run(t, "web", 0, "init"), "The identity that opens this state's secrets is in .gantry/identity")
	s.run(t, "web", 0, "apply", "--auto-approve")
	if out := s.run(t, "web", 0, "output", "--raw", "zone"); out != "eu-1" && out != "eu-1\n" {
		t.Errorf("the output is %q", out)
	}

	// Another configuration reads it.
	s.write(t, "other", "main.gantry.hcl", declared+"remote \"web\" {\n"+block("web")+"}\noutput \"theirs\" {\n  value = remote.web.outputs.zone\n}\n")
	contains(t, s.run(t, "other", 0, "plan", "--no-input"), "+ theirs: eu-1")

	// A saved plan finds its state by itself, with what logs in from the environment.
	s.run(t, "web", 0, "plan", "--out", "web.gantryplan")
	s.write(t, "elsewhere", ".keep", "")
	elsewhere := *s
	elsewhere.env = append(elsewhere.env, "GANTRY_IDENTITY_FILE="+filepath.Join(s.home, "web", ".gantry", "identity"))
	elsewhere.env = append(elsewhere.env, strings.Fields(variable+"="+password)...)
	if strings.Contains(password, " ") {
		t.Fatal("the password has a blank")
	}
	elsewhere.run(t, "elsewhere", 0, "apply", "../web/web.gantryplan")

	// A state that was beside its configuration moves there.
	s.write(t, "moving", "main.gantry.hcl", outputOnly)
	s.run(t, "moving", 0, "apply", "--auto-approve")
	s.write(t, "moving", "main.gantry.hcl", outputOnly+declared+"gantry {\n"+block("moving")+"}\n")
	contains(t, s.run(t, "moving", 1, "plan", "--no-input"), "The state of this directory was in .gantry, and is to be in", "gantry init --migrate-state")
	contains(t, s.run(t, "moving", 0, "init", "--migrate-state", "--dry-run"), "Would move the state from .gantry to")
	contains(t, s.run(t, "moving", 0, "init", "--migrate-state"), "Moved the state from .gantry to", "read back and the same", "What is left in .gantry/state is marked as moved")
	contains(t, s.run(t, "moving", 0, "output", "zone"), "eu-1")
	s.write(t, "moving", "main.gantry.hcl", outputOnly)
	contains(t, s.run(t, "moving", 1, "plan", "--no-input"), "the state was moved to")
	// And back, which needs to know where it is, and what logs in there.
	from := []string{"init", "--migrate-state", "--json"}
	for _, assignment := range strings.Fields(variable + "=" + password) {
		name, value, _ := strings.Cut(strings.TrimPrefix(assignment, "GANTRY_BACKEND_"), "=")
		from = append(from, "--from-config", strings.ToLower(name)+"="+value)
	}
	if kind == "http" {
		from = append(from, "--from-config", "username="+gitlabtest.Username)
	}
	var moved struct {
		Backend   struct{ Type string }
		Migration struct{ Keys, Verified int }
	}
	if err := json.Unmarshal([]byte(s.run(t, "moving", 0, from...)), &moved); err != nil || moved.Backend.Type != "local" || moved.Migration.Keys == 0 || moved.Migration.Keys != moved.Migration.Verified {
		t.Errorf("back: %+v, %v", moved, err)
	}
	contains(t, s.run(t, "moving", 0, "output", "zone"), "eu-1")
	nowhere(t, s.home, password)
}

// nowhere holds that a secret is in no file.
func nowhere(t *testing.T, root, secret string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds what logs in", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBackendOverrides has flags come before the environment, and that before the
// configuration.
func TestBackendOverrides(t *testing.T) {
	t.Parallel()
	named := place{}
	named.Type, named.Arguments = "s3", map[string]string{"bucket": "b", "prefix": "configured", "region": "eu-1"}
	environment := map[string]string{"prefix": "environment", "region": "eu-2", "schema": "of no s3", "secret_key": "hunter2", "access_key": "id"}
	flags := backendFlags{settings: []string{"region=eu-3"}}
	got, err := flags.over(named, environment, "")
	if err != nil || got.String() != "s3://b/environment" || got.Arguments["region"] != "eu-3" || got.credentials["secret_key"].Value.Reveal() != "hunter2" || len(got.Arguments) != 3 {
		t.Errorf("%+v, %v", got.Arguments, err)
	}
	if named.Arguments["region"] != "eu-1" || strings.Contains(fmt.Sprintf("%v", got), "hunter2") {
		t.Error("what was named is changed, or a credential is shown")
	}
	flags = backendFlags{kind: "local", settings: []string{"path=x"}}
	if got, err := flags.over(named, environment, "postgres"); err != nil || got.String() != "x" || len(got.credentials) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "backend.hcl")
	writeText(t, file, "address = \"https://state.example.com/web\"\nusername = \"me\"\npassword = \"hunter2\"\n")
	flags = backendFlags{kind: "http", settings: []string{file}}
	if got, err := flags.over(named, nil, ""); err != nil || got.String() != "https://state.example.com/web" || got.credentials["password"].Value != "hunter2" {
		t.Errorf("%+v, %v", got, err)
	}
	for want, flags := range map[string]backendFlags{
		`no backend of type "s4"`:    {kind: "s4"},
		`has no argument "paht"`:     {kind: "local", settings: []string{"paht=x"}},
		"no file that can be read":   {settings: []string{"nowhere.hcl"}},
		`needs the argument "bucket`: {kind: "s3", settings: []string{"region=x"}},
		"is true or false":           {kind: "s3", settings: []string{"bucket=b", "path_style=maybe"}},
		"cannot hold a password":     {kind: "http", settings: []string{"address=https://me:hunter2@state.example.com"}},
		"needs \"password\" beside":  {kind: "http", settings: []string{"address=https://state.example.com", "username=me"}},
	} {
		if _, err := flags.over(place{}, nil, ""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	c := &cli{environ: func() []string { return []string{"GANTRY_BACKEND=s3", "GANTRY_BACKEND_BUKET=x"} }}
	if _, err := c.backendEnvironment(); err == nil || !strings.Contains(err.Error(), "GANTRY_BACKEND_BUCKET") {
		t.Errorf("a variable that is mistyped: %v", err)
	}
}
