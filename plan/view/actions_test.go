package view_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// TestEachActionHasAGolden shows a plan of each action by itself.
func TestEachActionHasAGolden(t *testing.T) {
	examples := actionExamples()
	for _, action := range plan.Actions() {
		p := examples[action]
		if p == nil {
			t.Errorf("no example of %s", action)
			continue
		}
		var got bytes.Buffer
		if err := view.Text(&got, p, view.Options{ShowUnchanged: action == plan.Unchanged}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "actions", string(action)+".txt")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s differs; -update rewrites it (-want +got):\n%s", path, diff)
		}
	}
}
