package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
)

// TestGeneratedPage: the tables of the page are those of the results that are written
// down, which the tests of each set hold.
func TestGeneratedPage(t *testing.T) {
	recorded, err := conformance.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaced(string(text), recorded)
	if err != nil {
		t.Fatal(err)
	}
	if want != string(text) {
		t.Errorf("%s is not what is written down: make conformance-record", page)
	}
	for _, set := range conformance.Sets() {
		switch result, found := recorded[set.ID]; {
		case !found || result.Cases() == 0:
			t.Errorf("there is no result of %s", set.ID)
		case result.Failed > 0:
			t.Errorf("a result of %s with %d failures is written down", set.ID, result.Failed)
		}
	}
	if len(recorded) != len(conformance.Sets()) {
		t.Errorf("%d results are written down, of %d sets", len(recorded), len(conformance.Sets()))
	}
}

// TestEveryFileIsOfASet: no file of the data is passed over without a word.
func TestEveryFileIsOfASet(t *testing.T) {
	known := map[string]string{}
	for _, set := range conformance.Sets() {
		for _, file := range set.Files {
			known[file] = set.About
		}
	}
	root := conformance.Path(t, ".")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("conformance data are not here: %v", err)
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name == filepath.Join("health", "input"):
			return fs.SkipDir // the objects of health/cases.jsonl
		case !entry.IsDir() && known[filepath.ToSlash(name)] == "" && strings.HasSuffix(name, ".jsonl"):
			t.Errorf("%s is of no set", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTable(t *testing.T) {
	all := results{conformance.Ordering: {Agree: 3, Different: map[string]int{"so it is": 1}}, conformance.Retry: {Agree: 1, Failed: 1}}
	text := table(all)
	for _, want := range []string{"order of a sync", "75.0 %", "all of sync and health", "66.7 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	made, err := replaced("before\n"+begin+"old\n"+end+"after\n", all)
	if err != nil || !strings.HasPrefix(made, "before\n"+begin) || !strings.HasSuffix(made, end+"after\n") || !strings.Contains(made, "- 1: so it is.\n") || strings.Contains(made, "old") {
		t.Errorf("%v\n%s", err, made)
	}
	if _, err := replaced("no place", all); err == nil {
		t.Error("a page without a place for the tables was changed")
	}
	if err := differences(all); err == nil || !strings.Contains(err.Error(), "retry: 1 failed") {
		t.Errorf("differences: %v", err)
	}
	if _, err := gather(t.TempDir()); err == nil || !strings.Contains(err.Error(), "are the data there?") {
		t.Errorf("gather: %v", err)
	}
}
