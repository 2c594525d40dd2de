// Package local is a state store in a directory of this machine, usually
// .gantry/state beside the configuration.
//
// Each key is a file, readable by its owner only. A write goes to a temporary
// file that is flushed to disk and then renamed over the old one, so that a file is
// the old value or the new one, whatever happens in between; a lock that the
// operating system releases when its holder dies keeps processes apart, and from one that
// is stopped in the middle of a write the lock is taken, and the write with it. The
// directory must be on one file system that has such locks.
package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/state"
)

// Store is a state.Store in a directory. A value's version is the SHA-256 of
// its content.
type Store struct {
	dir   string
	locks locks
}

var _ state.Store = (*Store)(nil)

// New returns the store in a directory, which the first write creates.
func New(dir string) *Store {
	return &Store{dir: dir, locks: newLocks(filepath.Join(dir, ".locks"))}
}

// Dir returns the directory that the store is in.
func (s *Store) Dir() string { return s.dir }

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	value, err := os.ReadFile(s.path(key))
	if isMissing(err) {
		return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading state: %w", err)
	}
	return value, version(value), nil
}

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, expected string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	path := s.path(key)
	if err := s.change(ctx, key, expected, s.put(path, value)); err != nil {
		if errors.Is(err, state.ErrConflict) {
			return "", err
		}
		return "", fmt.Errorf("writing state: %w", err)
	}
	// The new value is in place; whether it stays if power is lost now, only the disk knows.
	if err := syncDir(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("writing state: %w: %w", state.ErrUnknown, err)
	}
	return version(value), nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	root := s.dir
	if prefix != "" {
		root = filepath.Join(s.dir, filepath.FromSlash(dirName(prefix)))
	}
	var keys []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if isMissing(err) {
				return nil // never written, or removed while walking
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if path != s.dir && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		name, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		if key, ok := keyOf(filepath.ToSlash(name)); ok {
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing state: %w", err)
	}
	slices.Sort(keys)
	return keys, nil
}

// Delete implements state.Store.
func (s *Store) Delete(ctx context.Context, key, expected string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if err := s.change(ctx, key, expected, removal()); err != nil {
		if _, _, missing := s.Get(ctx, key); errors.Is(missing, state.ErrNotFound) {
			return missing
		}
		if errors.Is(err, state.ErrConflict) {
			return err
		}
		return fmt.Errorf("deleting state: %w", err)
	}
	if err := syncDir(filepath.Dir(s.path(key))); err != nil {
		return fmt.Errorf("deleting state: %w: %w", state.ErrUnknown, err)
	}
	return nil
}

// expect holds a key to a version; "" is that of one that has no value.
func (s *Store) expect(ctx context.Context, key, expected string) error {
	_, found, err := s.Get(ctx, key)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	if found != expected {
		return fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	return nil
}

func (s *Store) path(key string) string {
	return filepath.Join(s.dir, filepath.FromSlash(fileName(key)))
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}

func version(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}
