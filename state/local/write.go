package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gantrycd/gantry/state"
)

// replace puts a value in the place of a file, in one step. The caller holds
// the lock of the file's key.
func (s *Store) replace(held *lock, path string, value []byte) (err error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	prefix := ".tmp-" + held.name + "-"
	s.clean(prefix)
	file, err := os.CreateTemp(s.dir, prefix)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if err != nil && !renamed {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if _, err := file.Write(value); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	renamed = true
	// From here on the new value is in place; whether it stays if power is lost now, only
	// the disk knows.
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", state.ErrUnknown, err)
	}
	return nil
}

// clean removes what a process left that died while it wrote. Whoever holds
// the lock is the only one with temporary files of that name; one that cannot be
// removed now is tried again at the next write.
func (s *Store) clean(prefix string) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			_ = os.Remove(filepath.Join(s.dir, entry.Name()))
		}
	}
}

// makeDir makes a directory and those above it so that they survive a loss of
// power.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was faster
		}
		return err
	}
	return syncDir(parent)
}

// isMissing reports whether a file is not there, also because a directory on
// the way to it is none.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
