package main

import (
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/providers/git/gittest"
	"github.com/gantrycd/gantry/providers/ociregistry/registrytest"
)

// Modules that init fetched are read without network, as the lock file says, and
// those that it did not fetch are errors that say what to do.
func TestModulesOffline(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	c := &cli{getenv: func(string) string { return "" }, cacheDir: t.TempDir()}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", "main", "modules"},
		{"-C", "modules", "add", "--all"},
		{"-C", "modules", "commit", "--quiet", "--message", "one"},
		{"-C", "modules", "tag", "v1.0.0"},
	} {
		if args[0] == "-C" && args[2] == "add" {
			writeText(t, filepath.Join(root, "modules", "network", "main.gantry.hcl"), "# from git\n")
		}
		command := exec.Command("git", args...)
		command.Dir = root
		command.Env = append(os.Environ(), "HOME="+root)
		for name, value := range gitEnvironment() {
			command.Env = append(command.Env, name+"="+value)
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	web := httptest.NewServer(gittest.Handler(t, root, "", ""))
	registry := registrytest.New(t, false)
	registry.Publish(t, "modules/database", "1.0.0", map[string]string{"main.gantry.hcl": "# from a registry\n"})
	git, oci := web.URL+"/modules/.git//network", "oci://"+registry.Host()+"/modules/database"

	read := func(reader lang.ModuleReader, text, version string) (string, error) {
		t.Helper()
		from, local, err := lang.ParseModuleSource(text, version)
		if err != nil || local {
			t.Fatal(local, err)
		}
		tree, _, err := reader.ReadModule(t.Context(), from)
		if err != nil {
			return "", err
		}
		content, err := fs.ReadFile(tree, "main.gantry.hcl")
		return string(content), err
	}
	offline := func() lang.ModuleReader {
		t.Helper()
		reader, _, diags := c.moduleReader(dir, nil, &inputs{}, nil)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return reader
	}
	for _, text := range []string{git, oci} {
		if _, err := read(offline(), text, "^1.0"); err == nil || !strings.Contains(err.Error(), `run "gantry init"`) {
			t.Errorf("%s, before init: %v", text, err)
		}
	}

	// What init does.
	lock := sourcelock.New(&lockfile.File{}, sourcelock.Record)
	online := engine.New(engine.Options{Sources: c.sources(dir, c.cacheDir, false), Lock: lock}).Reader()
	for text, want := range map[string]string{git: "# from git\n", oci: "# from a registry\n"} {
		if got, err := read(online, text, "^1.0"); err != nil || got != want {
			t.Fatalf("%s: %q, %v", text, got, err)
		}
	}
	recorded, _ := lock.Result(true)
	if err := lockfile.Write(dir, recorded); err != nil {
		t.Fatal(err)
	}

	web.Close()
	registry.Close()
	for text, want := range map[string]string{git: "# from git\n", oci: "# from a registry\n"} {
		if got, err := read(offline(), text, "^1.0"); err != nil || got != want {
			t.Errorf("%s, offline: %q, %v", text, got, err)
		}
		if _, err := read(offline(), text, "^2.0"); err == nil || !strings.Contains(err.Error(), `run "gantry init"`) {
			t.Errorf("%s, another range: %v", text, err)
		}
	}

	// A lock file that is wrong is told once, and nothing is read in spite of it.
	writeText(t, filepath.Join(dir, lockfile.Name), "modul {}\n")
	reader, files, diags := c.moduleReader(dir, nil, &inputs{}, nil)
	if !diags.HasErrors() || len(files) != 1 {
		t.Errorf("a lock file that is wrong: %v, %v", diags, files)
	}
	if _, err := read(reader, git, "^1.0"); err == nil {
		t.Error("a module is read although the lock file is wrong")
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
