// Package overlay is directories on disk with the unsaved documents of an editor over
// their files, as file systems. It reads, and never writes. lang/lsp imports it, and cmd for
// what an edit would come to.
package overlay

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tree is a directory with unsaved documents over its files.
type tree struct {
	disk      fs.FS
	documents map[string][]byte // by slash-separated path in the directory
}

// Layers opens directories with unsaved documents over them. It is not safe for
// concurrent use.
type Layers struct {
	documents map[string][]byte // by path
	roots     []*os.Root
	opened    []string
}

// New returns the layers of some documents, by path.
func New(documents map[string][]byte) *Layers { return &Layers{documents: documents} }

// Open opens a directory. One that is only open in the editor need not be on disk.
func (l *Layers) Open(dir string) (fs.FS, error) {
	over := tree{disk: nothing{}, documents: map[string][]byte{}}
	for path, content := range l.documents {
		if relative, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(relative) {
			over.documents[filepath.ToSlash(relative)] = content
		}
	}
	root, err := os.OpenRoot(dir)
	switch {
	case err == nil:
		l.roots = append(l.roots, root)
		over.disk = root.FS()
	case len(over.documents) == 0:
		return nil, err
	}
	l.opened = append(l.opened, dir)
	return over, nil
}

// Opened returns the directories that were opened.
func (l *Layers) Opened() []string { return l.opened }

// Close closes all directories.
func (l *Layers) Close() {
	for _, root := range l.roots {
		_ = root.Close() // it was only read
	}
}

// Open opens a file, or a directory as it is on disk.
func (o tree) Open(name string) (fs.File, error) {
	if content, ok := o.documents[name]; ok {
		return &unsaved{Reader: bytes.NewReader(content), info: unsavedInfo{path.Base(name), int64(len(content))}}, nil
	}
	return o.disk.Open(name)
}

// ReadFile reads a file.
func (o tree) ReadFile(name string) ([]byte, error) {
	if content, ok := o.documents[name]; ok {
		return slices.Clone(content), nil
	}
	return fs.ReadFile(o.disk, name)
}

// Stat describes a file.
func (o tree) Stat(name string) (fs.FileInfo, error) {
	if content, ok := o.documents[name]; ok {
		return unsavedInfo{path.Base(name), int64(len(content))}, nil
	}
	return fs.Stat(o.disk, name)
}

// ReadDir lists a directory, and the documents that are only open in it.
func (o tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.disk, name)
	added := false
	for document, content := range o.documents {
		base := path.Base(document)
		if path.Dir(document) != name || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == base }) {
			continue
		}
		entries = append(entries, fs.FileInfoToDirEntry(unsavedInfo{base, int64(len(content))}))
		added = true
	}
	if added {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		return entries, nil
	}
	return entries, err
}

// unsaved is an open document as a file.
type unsaved struct {
	*bytes.Reader
	info unsavedInfo
}

// Stat describes the document.
func (u *unsaved) Stat() (fs.FileInfo, error) { return u.info, nil }

// Close does nothing.
func (u *unsaved) Close() error { return nil }

// unsavedInfo describes an open document.
type unsavedInfo struct {
	name string
	size int64
}

func (i unsavedInfo) Name() string     { return i.name }
func (i unsavedInfo) Size() int64      { return i.size }
func (unsavedInfo) Mode() fs.FileMode  { return 0o644 }
func (unsavedInfo) ModTime() time.Time { return time.Time{} }
func (unsavedInfo) IsDir() bool        { return false }
func (unsavedInfo) Sys() any           { return nil }

// nothing is a directory that is not there.
type nothing struct{}

// Open finds nothing.
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
