package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
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

// TestFilesForCI runs the shell of docs/ci with the real program, where there is neither a
// token nor a cluster: every step that plans does so offline, or says what it wants. No step has
// anything of a pull request in its text, and every flag is one that there is.
func TestFilesForCI(t *testing.T) {
	root := filepath.Join("..", "..", "docs", "ci")
	bin := t.TempDir()
	if err := os.Symlink(program(t), filepath.Join(bin, "gantry")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"github/action.yml": 2, "github/plan.yml": 1, "github/plan-remote.yml": 1, "gitlab-remote.yml": 1, "github/apply.yml": 1, "gitea/plan.yml": 1, "gitlab-ci.yml": 2, "Jenkinsfile": 2, "plan.sh": 1, "atlantis.yaml": 2} {
		t.Run(file, func(t *testing.T) {
			found := steps(t, filepath.Join(root, filepath.FromSlash(file)))
			if len(found) != want {
				t.Errorf("%d steps, not %d", len(found), want)
			}
			for _, script := range found {
				runStep(t, bin, script)
			}
		})
	}
}

func runStep(t *testing.T, bin, script string) {
	t.Helper()
	if strings.Contains(script, "${{") {
		t.Errorf("a step has an expression in its text:\n%s", script)
	}
	home := t.TempDir()
	config := filepath.Join(home, "deploy; touch injected")
	if err := os.CopyFS(config, os.DirFS(filepath.Join("..", "..", "examples", "objects"))); err != nil {
		t.Fatal(err)
	}
	arguments := "--offline"
	if strings.Contains(script, " apply ") {
		arguments = "--require-approved"
	}
	command := exec.Command("bash", "-c", script)
	command.Dir = config
	command.Env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "GITHUB_ACTIONS=true", "DIRECTORY=" + config, "COMMENT=false", "ARGUMENTS=" + arguments, "GANTRY_FORGE_TOKEN=",
		"GITHUB_STEP_SUMMARY=" + filepath.Join(home, "summary"), "GITHUB_OUTPUT=" + filepath.Join(home, "output"), "GITHUB_ENV=" + filepath.Join(home, "env"),
		"RUNNER_TEMP=" + home, "PLANNER_KUBECONFIG=x", "APPLIER_KUBECONFIG=x", "PLANFILE=" + filepath.Join(home, "plan"), "KUBECONFIG=" + filepath.Join(home, "none"),
	}
	out, err := command.CombinedOutput()
	for _, never := range []string{"unknown flag", "unknown command", "command not found", "unbound variable", "syntax error"} {
		if strings.Contains(string(out), never) {
			t.Errorf("%s:\n%s\n%s", never, script, out)
		}
	}
	// What needs a cluster, a token or a merged commit cannot succeed here.
	needs := strings.Contains(script, " apply ") || strings.Contains(script, "--out ") || strings.Contains(script, "plan --no-input --comment")
	if failed := err != nil; failed != needs {
		t.Errorf("it ended with %v:\n%s\n%s", err, script, out)
	}
	if !needs && strings.Contains(script, "gantry ") && !strings.Contains(string(out), "2 to create") {
		t.Errorf("it planned nothing:\n%s\n%s", script, out)
	}
	if _, err := os.Stat(filepath.Join(config, "injected")); err == nil {
		t.Errorf("a name was run by\n%s", script)
	}
}
