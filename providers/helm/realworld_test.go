package helm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/rendertest"
)

// withoutTests are the charts that are compared without their test hooks, and why.
var withoutTests = map[string]string{
	"podinfo/charts/podinfo": "the names of its test pods end in randAlphaNum",
}

// notHere are the charts that neither renders without a download.
var notHere = map[string]string{
	"argocd-example-apps/helm-dependency": "its dependency is in a repository",
}

// TestEqualsHelmTemplate renders every chart of other people's configurations,
// with its own values and with each set of values that its authors test it with,
// and compares with Helm's own command.
func TestEqualsHelmTemplate(t *testing.T) {
	root := rendertest.Realworld(t)
	command := rendertest.Helm(t)
	tree := os.DirFS(root)
	compared := 0
	for _, dir := range rendertest.Find(t, root, "Chart.yaml") {
		if strings.Contains(dir, "/charts/crds") { // part of another chart
			continue
		}
		values, err := filepath.Glob(filepath.Join(root, dir, "ci", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		more, err := filepath.Glob(filepath.Join(root, dir, "values*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(append(values, more...), "") {
			t.Run(filepath.Join(dir, filepath.Base(file)), func(t *testing.T) {
				options := &source.HelmOptions{}
				args := []string{"template", "web", filepath.Join(root, dir), "--namespace", "apps", "--include-crds"}
				if file != "" {
					relative, err := filepath.Rel(filepath.Join(root, dir), file)
					if err != nil {
						t.Fatal(err)
					}
					options.ValueFiles = []string{filepath.ToSlash(relative)}
					args = append(args, "--values", file)
				}
				if reason := withoutTests[dir]; reason != "" {
					t.Logf("without test hooks: %s", reason)
					options.SkipTests = true
					args = append(args, "--skip-tests")
				}
				in := providers.Input{
					Tree: tree, Name: "web", Namespace: "apps",
					Spec: source.Spec{Path: dir, Helm: options},
				}
				if compare(t, command, args, in) > 0 {
					compared++
				} else if notHere[dir] == "" {
					t.Error("nothing was compared")
				}
			})
		}
	}
	if compared < 40 {
		t.Errorf("compared %d renderings, expected at least 40", compared)
	}
}

func compare(t *testing.T, command string, args []string, in providers.Input) int {
	t.Helper()
	output, failed := rendertest.Run(t, command, args...)
	got, err := helm.New().Render(context.Background(), in)
	if failed != nil {
		t.Logf("helm fails:   %s", output)
		t.Logf("gantry fails: %v", err)
		if err == nil {
			t.Error("helm fails and gantry does not")
		}
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return rendertest.Equal(t, rendertest.Objects(t, output), got)
}
