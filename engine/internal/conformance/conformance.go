// Package conformance reads the recorded answers of Argo CD that tests compare
// ours with. Only tests import it.
package conformance

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Cases reads a file of cases, one JSON document a line. It skips the test where
// the data are not there: in $GANTRY_CONFORMANCE (relative to the module's root),
// by default ../shared/conformance.
func Cases[T any](t *testing.T, name string) []T {
	t.Helper()
	file, err := os.Open(Path(t, name))
	if err != nil {
		t.Skipf("conformance data are not here: %v", err)
	}
	defer func() { _ = file.Close() }()
	var out []T
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c T
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no cases", name)
	}
	return out
}

// Unlisted reports a case that differs from Argo CD and is not listed as deliberate. In
// the data that lists were made for, which have so many cases, that is a failure; more
// cases have others that nobody has looked at, and these are told of.
func Unlisted(t *testing.T, cases, known int, format string, args ...any) {
	t.Helper()
	if cases <= known {
		t.Errorf(format, args...)
		return
	}
	t.Logf("not as Argo CD, and not listed: "+format, args...)
}

// Path returns where a file of the conformance data is.
func Path(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("GANTRY_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "shared", "conformance")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root(t), dir)
	}
	return filepath.Join(dir, name)
}

// root finds the module's root above the test's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
