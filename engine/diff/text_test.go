package diff_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// TestTextsQuoteNeitherWhatWasNorWhatWillBe: a webhook may answer with both values.
func TestTextsQuoteNeitherWhatWasNorWhatWillBe(t *testing.T) {
	secret := func(value string) object.Object {
		return object.Object{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}, "stringData": map[string]any{"p": value}}
	}
	fingerprinter, err := seal.NewFingerprinter([]byte(strings.Repeat("k", seal.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	differ := diff.New("gantry", fingerprinter)
	got := differ.Text("p cannot change from old-password to new-password", secret("new-password"), secret("old-password"), nil)
	if strings.Contains(got, "old-password") || strings.Contains(got, "new-password") || !strings.HasPrefix(got, "p cannot change from ‹") {
		t.Errorf("told is %q", got)
	}
}
