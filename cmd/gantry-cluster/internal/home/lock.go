package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrLocked means that another process runs the cluster or works on it.
var ErrLocked = errors.New("the cluster is in use by another process")

const lockName = "lock"

// Lock is the right to change a cluster's folder. It lasts until Release or
// Remove, or until the last process that has the lock's file open has ended:
// handing File to a child hands the lock on.
type Lock struct {
	dir  Dir
	file *os.File
}

// Lock makes the folder if it is not there and locks it, or returns ErrLocked
// at once.
func (d Dir) Lock() (*Lock, error) {
	for {
		if err := os.MkdirAll(d.path, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of cluster %s: %w", d.name, err)
		}
		file, err := os.OpenFile(d.Path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody has removed the folder just now
		}
		if err != nil {
			return nil, fmt.Errorf("lock cluster %s: %w", d.name, err)
		}
		lock, again, err := d.lock(file)
		if again {
			continue
		}
		return lock, err
	}
}

// lock takes the lock of an open file. again means that the file is no longer
// the one in the folder.
func (d Dir) lock(file *os.File) (lock *Lock, again bool, err error) {
	defer func() {
		if lock == nil {
			_ = file.Close() // nothing was written to it
		}
	}()
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, false, ErrLocked
	}
	if err != nil {
		return nil, false, fmt.Errorf("lock cluster %s: %w", d.name, err)
	}
	opened, err := file.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("lock cluster %s: %w", d.name, err)
	}
	present, err := os.Stat(file.Name())
	if err != nil || !os.SameFile(opened, present) {
		return nil, true, nil
	}
	return &Lock{dir: d, file: file}, false, nil
}

// Inherit returns the lock that a parent process has handed on as an open file.
func (d Dir) Inherit(file *os.File) *Lock { return &Lock{dir: d, file: file} }

// File is the open file that carries the lock.
func (l *Lock) File() *os.File { return l.file }

// Release lets the lock go and leaves the folder.
func (l *Lock) Release() error { return l.file.Close() }

// Clear removes everything in the folder but the lock.
func (l *Lock) Clear() error {
	entries, err := os.ReadDir(l.dir.path)
	if err != nil {
		return fmt.Errorf("clear the folder of cluster %s: %w", l.dir.name, err)
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(l.dir.Path(e.Name())); err != nil {
			return fmt.Errorf("clear the folder of cluster %s: %w", l.dir.name, err)
		}
	}
	return nil
}

// Remove removes the folder, and the folder of all clusters if this was the
// last, and lets the lock go.
func (l *Lock) Remove() error {
	if err := l.Clear(); err != nil {
		return err
	}
	if err := os.RemoveAll(l.dir.path); err != nil {
		return fmt.Errorf("remove the folder of cluster %s: %w", l.dir.name, err)
	}
	_ = os.Remove(filepath.Dir(l.dir.path)) // fails while it has other clusters
	return l.Release()
}
