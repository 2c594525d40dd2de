package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaryFolder holds the gantry that scripts and documentation run: the real
// program, built once. GANTRY_BINARY names one that is built already.
var binaryFolder string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gantry-test-")
	if err == nil {
		defer os.RemoveAll(folder)
		binaryFolder, err = folder, provideBinary(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
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
