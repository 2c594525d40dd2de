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

// Read returns a file of the conformance data that is one document. It skips the test
// where the data are not there.
func Read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Skipf("conformance data are not here: %v", err)
	}
	return content
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
