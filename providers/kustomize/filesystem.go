package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/gantrycd/gantry/providers/filetree"
)

// fileSystem shows a source's tree to Kustomize, read-only and rooted at "/",
// reading only what is asked for. Kustomizations go through the guard as they are
// read, so that nothing of one that is refused is ever looked at; the one that is
// rendered is replaced by an edited copy. It serves one rendering, in one
// goroutine.
type fileSystem struct {
	tree   fs.FS
	edited map[string][]byte // by path in the tree
	guard  *guard
	denied error // the first refusal, because Kustomize does not always pass it on
}

var _ filesys.FileSystem = (*fileSystem)(nil)

var errReadOnly = errors.New("a source is read-only")

// inTree turns a path that Kustomize uses into a path of the tree.
func (f *fileSystem) inTree(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
	if name == "" {
		return "."
	}
	return name
}

// ReadFile returns a file's content, or the reason why it is refused.
func (f *fileSystem) ReadFile(name string) ([]byte, error) {
	name = f.inTree(name)
	data, ok := f.edited[name]
	if !ok {
		var err error
		if data, err = f.read(name); err != nil {
			return nil, err
		}
	}
	if err := f.guard.check(name, data); err != nil {
		return nil, f.deny(err)
	}
	return data, nil
}

// deny keeps the first refusal.
func (f *fileSystem) deny(err error) error {
	if f.denied == nil {
		f.denied = err
	}
	return err
}

func (f *fileSystem) read(name string) ([]byte, error) {
	info, err := fs.Stat(f.tree, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%q is a folder", name)
	}
	data, err := filetree.ReadFile(f.tree, name)
	if err != nil { // it is there and cannot be read, which Kustomize takes for missing
		return nil, f.deny(err)
	}
	return data, nil
}

// CleanedAbs splits a path into its folder and file. Symbolic links are the
// tree's to resolve, inside it.
func (f *fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	name = f.inTree(name)
	info, err := f.stat(name)
	if err != nil {
		return "", "", fmt.Errorf("%q: %w", name, err)
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(absolute(name)), "", nil
	}
	return filesys.ConfirmedDir(absolute(path.Dir(name))), path.Base(name), nil
}

func absolute(name string) string { return path.Join("/", name) }

func (f *fileSystem) stat(name string) (fs.FileInfo, error) { return fs.Stat(f.tree, name) }

// IsDir reports whether a folder is there.
func (f *fileSystem) IsDir(name string) bool {
	info, err := f.stat(f.inTree(name))
	return err == nil && info.IsDir()
}

// Exists reports whether anything is there.
func (f *fileSystem) Exists(name string) bool {
	_, err := f.stat(f.inTree(name))
	return err == nil
}

// ReadDir lists a folder.
func (f *fileSystem) ReadDir(name string) ([]string, error) {
	entries, err := fs.ReadDir(f.tree, f.inTree(name))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// Glob finds the paths that match a pattern.
func (f *fileSystem) Glob(pattern string) ([]string, error) {
	matches, err := fs.Glob(f.tree, f.inTree(pattern))
	if err != nil {
		return nil, err
	}
	for i := range matches {
		matches[i] = absolute(matches[i])
	}
	return matches, nil
}

// Walk visits everything below a folder.
func (f *fileSystem) Walk(name string, walk filepath.WalkFunc) error {
	return fs.WalkDir(f.tree, f.inTree(name), func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return walk(absolute(name), nil, err)
		}
		info, err := entry.Info()
		return walk(absolute(name), info, err)
	})
}

// Open is not used by Kustomize for what is supported here.
func (f *fileSystem) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Create refuses.
func (f *fileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir refuses.
func (f *fileSystem) Mkdir(string) error { return errReadOnly }

// MkdirAll refuses.
func (f *fileSystem) MkdirAll(string) error { return errReadOnly }

// RemoveAll refuses.
func (f *fileSystem) RemoveAll(string) error { return errReadOnly }

// WriteFile refuses.
func (f *fileSystem) WriteFile(string, []byte) error { return errReadOnly }
