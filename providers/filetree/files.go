// Package filetree finds and reads files in the tree of a source: paths that cannot
// leave it, limits on what is read, and errors that name what is there instead.
//
// It is a leaf: it knows no renderer and no source. Every renderer reads through
// it, so that one place decides what a path may be.
package filetree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

// MaxFile is the largest file that is read, in bytes. It is far above what an
// API server takes, and keeps a mistake from taking the machine's memory.
const MaxFile = 32 << 20

// ErrEscape is a path that leads out of the source.
var ErrEscape = errors.New("path leads out of the source")

// Clean returns a slash-separated path below a tree's root in the form that
// fs.FS takes: "" and "/" become ".". A path that leads out of the tree, has a
// NUL or a backslash, or looks like a URL is an error.
func Clean(name string) (string, error) {
	return Join(".", strings.TrimLeft(name, "/"))
}

// Join resolves a reference made in the folder base: relative to it, or with a
// leading slash from the tree's root. It may climb with ".." as long as it stays
// in the tree.
func Join(base, name string) (string, error) {
	if scheme, _, ok := strings.Cut(name, "://"); ok {
		return "", fmt.Errorf("%q: %w: rendering reads no %s URLs", name, ErrEscape, scheme)
	}
	if strings.ContainsAny(name, "\x00\\") {
		return "", fmt.Errorf("%q: a path has slashes and no backslash or NUL", name)
	}
	if strings.HasPrefix(name, "/") {
		base, name = ".", strings.TrimLeft(name, "/")
	}
	clean := path.Join(base, name)
	if clean == "" {
		clean = "."
	}
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("%q: %w", name, ErrEscape)
	}
	return clean, nil
}

// Rel returns a path of the tree as seen from the folder base, which holds it;
// a path that is not below base is returned as it is.
func Rel(base, name string) string {
	if base == "." {
		return name
	}
	return strings.TrimPrefix(name, base+"/")
}

// Stat describes a file or folder. One that is not there is an ErrNotFound that
// names what is there instead.
func Stat(tree fs.FS, name string) (fs.FileInfo, error) {
	info, err := fs.Stat(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, NotFound(tree, name)
	}
	return info, err
}

// Dir cleans a path and makes sure that it is a folder of the tree.
func Dir(tree fs.FS, name string) (string, error) {
	clean, err := Clean(name)
	if err != nil {
		return "", err
	}
	info, err := Stat(tree, clean)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("path %q is a file, expected a folder", clean)
	}
	return clean, nil
}

// Exists reports whether a regular file is there.
func Exists(tree fs.FS, name string) (bool, error) {
	info, err := fs.Stat(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// ReadFile reads a file of at most MaxFile bytes. One that is not there is an
// ErrNotFound that names what is there instead.
func ReadFile(tree fs.FS, name string) ([]byte, error) {
	file, err := tree.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, NotFound(tree, name)
	}
	if err != nil {
		return nil, err
	}
	data, err := read(file, name)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	return data, err
}

func read(file fs.File, name string) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%q is larger than %d MiB", name, MaxFile>>20)
	}
	return data, nil
}

// maxNamed is how many names of a folder a message lists.
const maxNamed = 8

// whatIsIn says what a folder has, for who looked for something else in it.
func whatIsIn(dir string, names []string) string {
	where := fmt.Sprintf("the folder %q", dir)
	if dir == "." {
		where = "the source's top folder"
	}
	switch more := len(names) - maxNamed; {
	case len(names) == 0:
		return where + " is empty"
	case more > 0:
		return fmt.Sprintf("%s has %s and %d more", where, strings.Join(names[:maxNamed], ", "), more)
	}
	return where + " has " + strings.Join(names, ", ")
}

// NotFound is the error for a path that is not in the tree, with the names that
// are like the one asked for, or else what there is.
func NotFound(tree fs.FS, name string) error {
	dir, missing := ".", name
	for i, part := range strings.Split(name, "/") {
		next := path.Join(dir, part)
		if _, err := fs.Stat(tree, next); err != nil {
			missing = part
			break
		}
		if i == 0 || next != "." {
			dir = next
		}
	}
	err := fmt.Errorf("path %q: %w", name, providers.ErrNotFound)
	entries, readErr := fs.ReadDir(tree, dir)
	if readErr != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	near := Near(missing, names)
	if len(near) == 0 {
		return fmt.Errorf("%w; %s", err, whatIsIn(dir, names))
	}
	for i := range near {
		near[i] = path.Join(dir, near[i])
	}
	return fmt.Errorf("%w; there is %s", err, strings.Join(near, ", "))
}
