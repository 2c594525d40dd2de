package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed is what `go list` tells of one package.
type listed struct {
	ImportPath string
	Imports    []string
}

// TestImports holds the import directions of every package's own files; tests
// may import what they need.
func TestImports(t *testing.T) {
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages; it cannot have looked at the module", len(packages))
	}
	for _, p := range packages {
		relative := strings.TrimPrefix(p.ImportPath, modulePath+"/")
		for _, problem := range problems(relative, p.Imports) {
			t.Error(problem)
		}
	}
}

// TestRules shows that a broken rule is found, and named.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		pkg, path, rule string
	}{
		{"lang", modulePath + "/plan", "lang imports leaves only"},
		{"lang", modulePath + "/plan/object", ""},
		{"lang/addr", modulePath + "/lang", "a leaf"},
		{"plan/view", modulePath + "/state", "plan imports leaves"},
		{"plan/planfile", modulePath + "/plan", ""},
		{"state", modulePath + "/plan/view", "state imports leaves, plan and plan/seal only"},
		{"state/local", modulePath + "/state", ""},
		{"providers/git", modulePath + "/providers/helm", "never engine, lang or another provider"},
		{"providers/git", modulePath + "/engine", "never engine, lang or another provider"},
		{"providers/git", modulePath + "/providers/tree", ""},
		{"providers/git/mirror", modulePath + "/providers/git", ""},
		{"providers/tree", modulePath + "/providers/git", "serves providers"},
		{"engine/apply", modulePath + "/cmd/gantry", "engine imports everything but cmd"},
		{"engine", modulePath + "/lang", ""},
		{"plan", "k8s.io/client-go/dynamic", "k8s.io/client-go is only for"},
		{"engine/live", "k8s.io/client-go/dynamic", "k8s.io/client-go is only for"},
		{"providers/kubernetes", "k8s.io/client-go/dynamic", ""},
		{"engine", "github.com/spf13/cobra", "cobra is only for cmd"},
		{"engine/live", "sigs.k8s.io/structured-merge-diff/v4/fieldpath", "only for engine/diff"},
		{"providers/helm", "github.com/hashicorp/hcl/v2", "only for lang, engine, cmd"},
		{"lang/addr", "github.com/hashicorp/hcl/v2", ""},
		{"tools/x", "fmt", "none of the folders"},
	} {
		found := strings.Join(problems(c.pkg, []string{c.path}), "\n")
		if c.rule == "" && found != "" {
			t.Errorf("%s imports %s: unexpected: %s", c.pkg, c.path, found)
		}
		if c.rule != "" && !strings.Contains(found, c.rule) {
			t.Errorf("%s imports %s: got %q, want the rule %q", c.pkg, c.path, found, c.rule)
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	command.Dir = root(t)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// root returns the repository's root.
func root(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
