// Package tree is the read-only file system that sources hand to renderers: a
// tree of files, directories and symbolic links that exists in memory or in a
// git object database, never as files that could change while they are read.
//
// Paths cannot leave a tree, and symbolic links are resolved inside it or fail.
// It knows nothing of where content comes from, and imports nothing of Gantry.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Reasons why an entry of a tree cannot be read. They come wrapped in an
// *fs.PathError that names the path.
var (
	ErrOutside  = errors.New("symbolic link points outside of the source")
	ErrLoop     = errors.New("too many symbolic links")
	ErrTooLarge = errors.New("too large")
)

// maxLinks is how many symbolic links one path may go through, as in Linux.
const maxLinks = 40

// Directory is the content of one directory. Implementations are safe for
// concurrent use.
type Directory interface {
	// Entries returns what is in the directory; the order does not matter.
	// Names are single path elements, each at most once.
	Entries() ([]Entry, error)
}

// File is the content of one file, or the target of a symbolic link.
// Implementations are safe for concurrent use.
type File interface {
	Size() (int64, error)
	// Read returns the content; the caller owns it.
	Read() ([]byte, error)
}

// Entry is one name in a directory. Exactly one of Directory, File, Link and
// Refused is set.
type Entry struct {
	Name       string
	Directory  Directory
	File       File
	Executable bool  // of a File
	Link       File  // a symbolic link; its content is the target
	Refused    error // something that cannot be read, such as a submodule, and why
}

// FS is a tree. It implements fs.ReadFileFS, fs.ReadDirFS and fs.StatFS, and is
// safe for concurrent use.
//
// ReadDir shows a symbolic link to a file as that file, so that what walks a
// tree and reads its files needs to know nothing of links; every other link is
// shown with fs.ModeSymlink and is not walked into. Refused entries are shown
// with fs.ModeIrregular.
type FS struct {
	root       Directory
	maxEntries int

	mu      sync.Mutex
	dirs    map[string][]Entry // directories read so far, by path without links, sorted by name
	entries int
}

var (
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
)

// New returns the tree below root. Reading fails with ErrTooLarge once more
// than maxEntries entries were seen; 0 is no limit.
func New(root Directory, maxEntries int) *FS {
	return &FS{root: root, maxEntries: maxEntries, dirs: map[string][]Entry{}}
}

// Open opens a file or directory.
func (f *FS) Open(name string) (fs.File, error) {
	e, err := f.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if e.Directory != nil {
		list, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDirectory{info: info{name: path.Base(name), entry: e.Entry}, list: list}, nil
	}
	data, err := e.File.Read()
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return newOpenFile(info{name: path.Base(name), entry: e.Entry, size: int64(len(data))}, data), nil
}

// ReadFile returns the content of a file; the caller owns it.
func (f *FS) ReadFile(name string) ([]byte, error) {
	e, err := f.lookup("read", name)
	if err != nil {
		return nil, err
	}
	if e.Directory != nil {
		return nil, pathError("read", name, errors.New("is a directory"))
	}
	data, err := e.File.Read()
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

// ReadDir lists a directory, sorted by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if e.Directory == nil {
		return nil, pathError("readdir", name, errors.New("not a directory"))
	}
	entries, err := f.list(e.path, e.Directory)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	list := make([]fs.DirEntry, 0, len(entries))
	for _, entry := range entries {
		if entry.Link != nil {
			target, err := f.lookup("readdir", path.Join(e.path, entry.Name))
			if err == nil && target.File != nil {
				target.Name = entry.Name
				entry = target.Entry
			}
		}
		list = append(list, dirEntry{entry})
	}
	return list, nil
}

// ContentID returns the identity of the content of the file that a path leads to: two
// files of one identity have the same content. It is empty for folders, and where the
// content would have to be read to know.
func (f *FS) ContentID(name string) (string, error) {
	e, err := f.lookup("stat", name)
	if err != nil {
		return "", err
	}
	known, ok := e.File.(interface{ ContentID() string })
	if !ok {
		return "", nil
	}
	return known.ContentID(), nil
}

// Resolve returns where a path leads, through symbolic links: a path without any.
func (f *FS) Resolve(name string) (string, error) {
	e, err := f.lookup("stat", name)
	return e.path, err
}

// Stat describes what a path leads to, through symbolic links.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	e, err := f.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	i, err := infoOf(path.Base(name), e.Entry)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return i, nil
}

// found is an entry and its path without links.
type found struct {
	Entry
	path string
}

// top is the root as an entry.
func (f *FS) top() found {
	return found{Entry: Entry{Name: ".", Directory: f.root}, path: "."}
}

// lookup walks from the root to name, through links.
func (f *FS) lookup(op, name string) (found, error) {
	if !fs.ValidPath(name) {
		return found{}, pathError(op, name, fs.ErrInvalid)
	}
	at, err := f.walk(elements(name))
	if err == nil {
		err = at.Refused
	}
	if err != nil {
		return found{}, pathError(op, name, err)
	}
	return at, nil
}

func (f *FS) walk(rest []string) (found, error) {
	at := f.top()
	for links := 0; len(rest) > 0; {
		next, err := f.child(at, rest[0])
		if err != nil {
			return found{}, err
		}
		rest = rest[1:]
		if next.Link == nil {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return found{}, ErrLoop
		}
		target, err := next.Link.Read()
		if err != nil {
			return found{}, err
		}
		resolved, err := resolve(at.path, string(target))
		if err != nil {
			return found{}, fmt.Errorf("%w: %s -> %s", err, next.path, target)
		}
		rest = slices.Concat(elements(resolved), rest)
		at = f.top()
	}
	return at, nil
}

func elements(name string) []string {
	if name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

// child returns an entry of a directory.
func (f *FS) child(parent found, name string) (found, error) {
	if parent.Refused != nil {
		return found{}, parent.Refused
	}
	if parent.Directory == nil {
		return found{}, fs.ErrNotExist
	}
	entries, err := f.list(parent.path, parent.Directory)
	if err != nil {
		return found{}, err
	}
	i, ok := slices.BinarySearchFunc(entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return found{}, fs.ErrNotExist
	}
	return found{Entry: entries[i], path: path.Join(parent.path, name)}, nil
}

// list returns the sorted entries of a directory, read once. Counting by path
// and not by content stops trees that repeat themselves endlessly.
func (f *FS) list(at string, directory Directory) ([]Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if entries, ok := f.dirs[at]; ok {
		return entries, nil
	}
	entries, err := directory.Entries()
	if err != nil {
		return nil, err
	}
	if f.maxEntries > 0 && f.entries+len(entries) > f.maxEntries {
		return nil, fmt.Errorf("the source is %w: more than %d files and directories", ErrTooLarge, f.maxEntries)
	}
	f.entries += len(entries)
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	f.dirs[at] = entries
	return entries, nil
}

// resolve returns where a link in dir leads, as a path from the root.
//
// A target's ".." is taken by its text. That differs from Linux only where a
// directory in the target is itself a link, and never leads out of the tree.
func resolve(dir, target string) (string, error) {
	if target == "" {
		return "", fs.ErrNotExist
	}
	joined := path.Join(dir, target)
	if path.IsAbs(target) || strings.Contains(target, "\x00") || !fs.ValidPath(joined) {
		return "", ErrOutside
	}
	return joined, nil
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
