package lsp

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a directory with unsaved documents over its files.
type overlay struct {
	disk      fs.FS
	documents map[string][]byte // by slash-separated path in the directory
}

// Open opens a file, or a directory as it is on disk.
func (o overlay) Open(name string) (fs.File, error) {
	if content, ok := o.documents[name]; ok {
		return &unsaved{Reader: bytes.NewReader(content), info: unsavedInfo{path.Base(name), int64(len(content))}}, nil
	}
	return o.disk.Open(name)
}

// ReadFile reads a file.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if content, ok := o.documents[name]; ok {
		return slices.Clone(content), nil
	}
	return fs.ReadFile(o.disk, name)
}

// Stat describes a file.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	if content, ok := o.documents[name]; ok {
		return unsavedInfo{path.Base(name), int64(len(content))}, nil
	}
	return fs.Stat(o.disk, name)
}

// ReadDir lists a directory, and the documents that are only open in it.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
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
