package rendercache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// write writes a file as a whole: who reads it sees all of it or nothing.
func write(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// makeRoom removes the files of a folder that were used longest ago, but for some.
func makeRoom(folder string, left int) error {
	infos, err := filesOf(folder)
	if err != nil || len(infos) <= left {
		return err
	}
	for _, info := range infos[:len(infos)-left] {
		err = errors.Join(err, remove(filepath.Join(folder, info.Name())))
	}
	return err
}

// filesOf lists the files of a folder, those that were used longest ago first.
func filesOf(folder string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	return out, nil
}

// remove removes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// stale is after how long a file counts as unused, and fresh how long it does not
// matter that it was used again.
const (
	stale = 14 * 24 * time.Hour
	fresh = 24 * time.Hour
)

// touch notes that a file was used. It is no matter if it cannot be.
func touch(path string) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > fresh {
		now := time.Now()
		_ = os.Chtimes(path, now, now)
	}
}

// Prune removes what has not been used for two weeks, if that was not done within the
// last day. It costs a look at one file where there is nothing to do, and it is no
// matter if it fails.
func (c *Cache) Prune() {
	if c == nil {
		return
	}
	marker := filepath.Join(c.dir, "pruned")
	if info, err := os.Stat(marker); err == nil && time.Since(info.ModTime()) < fresh {
		return
	}
	before := time.Now().Add(-stale)
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.ModTime().Before(before) {
			err = remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err == nil {
		err = os.WriteFile(marker, nil, 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing was ever kept
		c.log.Debug("old renderings are not removed", "error", err.Error())
	}
}
