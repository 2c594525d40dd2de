package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTopLevelFolders: whoever reads only the folder list can tell the story.
func TestTopLevelFolders(t *testing.T) {
	want := []string{"cmd", "docs", "engine", "examples", "lang", "plan", "providers", "state"}
	built := []string{"bin", "dist"} // never committed
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(built, entry.Name()) {
			got = append(got, entry.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("top-level folders are %v, the architecture has %v", got, want)
	}
}

// TestPackageComments: every package of both modules says what it is for.
func TestPackageComments(t *testing.T) {
	packages := 0
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		if name := entry.Name(); path != root(t) && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		files, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil || len(files) == 0 {
			return err
		}
		packages++
		relative, err := filepath.Rel(root(t), path)
		if err != nil {
			return err
		}
		checkPackageComment(t, relative, files)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 10 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

func checkPackageComment(t *testing.T, folder string, files []string) {
	t.Helper()
	var name string
	var comments []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		if external := strings.HasSuffix(parsed.Name.Name, "_test"); external {
			continue
		}
		name = parsed.Name.Name
		if text := comment(parsed.Doc); text != "" {
			comments = append(comments, text)
		}
	}
	switch {
	case name == "":
		return // tests of another package
	case len(comments) == 0:
		t.Errorf("%s: package %s has no package comment", folder, name)
	case len(comments) > 1:
		t.Errorf("%s: package %s has %d package comments, in different files", folder, name, len(comments))
	case name != "main" && !strings.HasPrefix(comments[0], "Package "+name+" "):
		t.Errorf("%s: the package comment must start with %q", folder, "Package "+name+" ")
	}
}

// comment returns the text of a package comment, without build constraints and
// generated-code markers.
func comment(doc *ast.CommentGroup) string {
	if doc == nil {
		return ""
	}
	return doc.Text()
}
