package value_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gantrycd/gantry/lang/value"
)

func TestFileFault(t *testing.T) {
	dir := t.TempDir()
	_, missing := os.ReadFile(filepath.Join(dir, "missing"))
	_, directory := os.ReadFile(dir)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, below := os.ReadFile(filepath.Join(dir, "file", "below"))
	for want, err := range map[string]error{
		"it does not exist":                  fmt.Errorf("reading: %w", missing),
		"it is a directory":                  directory,
		"a part of its path is no directory": below,
		"the disk is full":                   &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
		"it is torn":                         &fs.PathError{Op: "read", Path: "x", Err: errors.New("it is torn")},
		"it has 3 bytes":                     errors.New("it has 3 bytes"),
	} {
		if got := value.FileFault(err).Error(); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
