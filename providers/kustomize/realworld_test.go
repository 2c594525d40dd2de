package kustomize_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/rendertest"
)

// TestEqualsKustomizeBuild builds every kustomization of other people's
// configurations and compares with Kustomize's own command.
func TestEqualsKustomizeBuild(t *testing.T) {
	root := rendertest.Realworld(t)
	command := rendertest.Kustomize(t)
	tree := os.DirFS(root)
	compared := 0
	for _, dir := range rendertest.Find(t, root, "kustomization.yaml", "kustomization.yml", "Kustomization") {
		t.Run(dir, func(t *testing.T) {
			output, failed := rendertest.Run(t, command, "build", filepath.Join(root, dir))
			got, err := kustomize.New().Render(context.Background(), providers.Input{
				Tree: tree, Name: "web", Spec: source.Spec{Path: dir},
			})
			if failed != nil {
				t.Logf("kustomize fails: %s", output)
				t.Logf("gantry fails:    %v", err)
				if err == nil {
					t.Error("kustomize fails and gantry does not")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if rendertest.Equal(t, rendertest.Objects(t, output), got) > 0 { // a component alone makes none
				compared++
			}
		})
	}
	if compared < 15 {
		t.Errorf("compared %d kustomizations, expected at least 15", compared)
	}
}
