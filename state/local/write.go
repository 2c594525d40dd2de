package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// put writes a value in the place of a file: its ticket is a file with the value, flushed.
func (s *Store) put(path string, value []byte) write {
	return write{
		issue: func(ticket string) error {
			if err := makeDir(filepath.Dir(path)); err != nil {
				return err
			}
			s.sweep()
			file, err := os.OpenFile(ticket, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			if _, err := file.Write(value); err != nil {
				return errors.Join(err, file.Close())
			}
			if err := file.Sync(); err != nil {
				return errors.Join(err, file.Close())
			}
			return file.Close()
		},
		commit: os.Rename,
	}
}

// removal removes a file: its ticket is a directory, into which that goes.
func removal() write {
	return write{
		issue:  func(ticket string) error { return os.Mkdir(ticket, 0o700) },
		commit: func(ticket, path string) error { return os.Rename(path, filepath.Join(ticket, "removed")) },
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
