package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTheListOfAttacks holds docs/attacks.md to the truth: every attack names tests, and every
// test that it names is there, subtests included.
func TestTheListOfAttacks(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "attacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := testFiles(t, root)
	named := regexp.MustCompile("`(Test[^`/]*)(?:/([^`]*))?`")
	attacks := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 || strings.HasPrefix(line, "|--") || strings.TrimSpace(cells[0]) == "attack" {
			continue
		}
		attacks++
		found := named.FindAllStringSubmatch(cells[2], -1)
		if len(found) == 0 {
			t.Errorf("no test is named for %q", cells[0])
		}
		for _, test := range found {
			if !hasTest(files, test[1], test[2]) {
				t.Errorf("%q names %s, which there is not", cells[0], strings.Trim(test[0], "`"))
			}
		}
	}
	if attacks < 25 {
		t.Errorf("%d attacks are listed", attacks)
	}
	for name, want := range map[string]bool{"TestTheListOfAttacks": true, "TestTheListOfNothing": false} {
		if hasTest(files, name, "") != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if hasTest(files, "TestScripts", "none of "+strconv.Itoa(attacks)) || hasTest(files, "TestTheListOfAttacks", "none of "+strconv.Itoa(attacks)) {
		t.Error("any subtest is there")
	}
	if !strings.Contains(string(page), fmt.Sprintf("a host: %d ways", len(ways()))) {
		t.Errorf("the page does not say that there are %d ways", len(ways()))
	}
}

// hasTest reports whether a file has a test, and the name of its subtest: of scripts, whether
// there is that script.
func hasTest(files []string, name, sub string) bool {
	if name == "TestScripts" && sub != "" {
		_, err := os.Stat(filepath.Join("testdata", "script", sub+".txtar"))
		return err == nil
	}
	for _, text := range files {
		if strings.Contains(text, "\nfunc "+name+"(t *testing.T)") && (sub == "" || strings.Contains(text, strconv.Quote(sub))) {
			return true
		}
	}
	return false
}

// testFiles are the texts of all files with tests.
func testFiles(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	for _, folder := range []string{"cmd", "engine", "lang", "plan", "providers", "state"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			out = append(out, string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
