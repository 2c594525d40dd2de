package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestDemo walks through the demo as `make demo` does where nobody watches, and
// looks for what it leaves behind.
func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	demo := exec.CommandContext(t.Context(), filepath.Join(examplesFolder, "quickstart", "demo.sh"))
	demo.Env = append(os.Environ(), "TMPDIR="+temporary, "NO_COLOR=1")
	out, err := demo.CombinedOutput()
	text := string(out)
	if err != nil {
		t.Fatalf("the demo failed: %v\n%s", err, text)
	}
	rest := text
	for _, step := range []string{ // in this order
		"The configuration is valid",
		"generator.matrix.services",
		"gantry plan --offline",
		"gantry plan --out first.gantryplan",
		`application.service["production/apps/web"]`,
		"gantry apply first.gantryplan",
		`application.service["production/apps/web"]: Deployment.apps web/web: healthy`,
		"gantry plan --out second.gantryplan",
		"registry.example.com/shop/web:v1.5.0",
		"gantry apply second.gantryplan",
		"gantry plan --out third.gantryplan",
		"changed by kubectl-",
		"registry.example.com/shop/web:hotfix",
		"gantry apply third.gantryplan",
		"gantry destroy --auto-approve",
		"docs/first-hour.md",
	} {
		_, after, found := strings.Cut(rest, step)
		if !found {
			t.Fatalf("%q is missing, or not in its place:\n%s", step, text)
		}
		rest = after
	}
	if strings.Contains(text, "not-a-real-token") {
		t.Error("the value of a Secret was shown")
	}
	left, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("the demo left %s", entry.Name())
	}
	for _, process := range processesWith(t, temporary) {
		t.Errorf("the demo left a process: %s", process)
	}
}

// processesWith returns the command lines that name a path.
func processesWith(t *testing.T, path string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if line := strings.ReplaceAll(string(text), "\x00", " "); strings.Contains(line, path) {
			found = append(found, line)
		}
	}
	return found
}
