package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binaryFolder is where provide puts the gantry that scripts and documentation run.
var binaryFolder string

// provide puts the real program into binaryFolder, built once and only if a test
// needs it. GANTRY_BINARY names one that is built already.
var provide = sync.OnceValue(func() error { return provideBinary(binaryFolder) })

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gantry-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binaryFolder = folder
	return m.Run()
}

// program returns the path of the real program.
func program(t testing.TB) string {
	t.Helper()
	if err := provide(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(binaryFolder, "gantry")
}

func provideBinary(folder string) error {
	path := filepath.Join(folder, "gantry")
	if built := os.Getenv("GANTRY_BINARY"); built != "" {
		absolute, err := filepath.Abs(built)
		if err != nil {
			return err
		}
		return os.Symlink(absolute, path)
	}
	build := exec.Command("go", "build", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gantry: %w\n%s", err, out)
	}
	return nil
}
