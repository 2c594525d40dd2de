package git

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

// directory is a tree in an object database.
type directory struct {
	objects *objects
	hash    plumbing.Hash
}

// emptyTree is the id of a tree without entries, which git knows without having it.
var emptyTree = plumbing.ComputeHash(plumbing.TreeObject, nil)

// Entries implements tree.Directory.
func (d *directory) Entries() ([]tree.Entry, error) {
	if d.hash == emptyTree {
		return nil, nil
	}
	kind, content, err := d.objects.read(d.hash)
	if err != nil {
		return nil, err
	}
	var decoded object.Tree
	if err := decoded.Decode(memoryObject(kind, content)); err != nil {
		return nil, fmt.Errorf("tree %s cannot be read: %w", d.hash, err)
	}
	seen := make(map[string]bool, len(decoded.Entries))
	entries := make([]tree.Entry, 0, len(decoded.Entries))
	for _, e := range decoded.Entries {
		// git itself never writes such names; a crafted tree may hold them.
		if !fs.ValidPath(e.Name) || strings.Contains(e.Name, "/") || e.Name == "." || seen[e.Name] {
			return nil, fmt.Errorf("tree %s holds the name %q, which no file can have, or twice", d.hash, e.Name)
		}
		seen[e.Name] = true
		entries = append(entries, d.entry(e))
	}
	return entries, nil
}

func (d *directory) entry(e object.TreeEntry) tree.Entry {
	file := &blob{objects: d.objects, hash: e.Hash}
	switch e.Mode {
	case filemode.Dir:
		return tree.Entry{Name: e.Name, Directory: &directory{objects: d.objects, hash: e.Hash}}
	case filemode.Regular, filemode.Deprecated:
		return tree.Entry{Name: e.Name, File: file}
	case filemode.Executable:
		return tree.Entry{Name: e.Name, File: file, Executable: true}
	case filemode.Symlink:
		return tree.Entry{Name: e.Name, Link: file}
	case filemode.Submodule:
		return tree.Entry{Name: e.Name, Refused: fmt.Errorf("%w: it is a submodule, at commit %s, and submodules are not read; use a source of its own for its repository", providers.ErrUnsupported, e.Hash)}
	case filemode.Empty:
	}
	return tree.Entry{Name: e.Name, Refused: fmt.Errorf("%w: it has the unknown file mode %s", providers.ErrUnsupported, e.Mode)}
}

// blob is a file or the target of a link in an object database.
type blob struct {
	objects *objects
	hash    plumbing.Hash
}

// lfsPointer is how every pointer file of Git LFS starts.
var lfsPointer = []byte("version https://git-lfs.github.com/spec/v1\n")

// ContentID is the hash of the content, which names it in every repository.
func (b *blob) ContentID() string { return b.hash.String() }

// Size implements tree.File.
func (b *blob) Size() (int64, error) { return b.objects.size(b.hash) }

// Read implements tree.File.
func (b *blob) Read() ([]byte, error) {
	kind, content, err := b.objects.read(b.hash)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.BlobObject {
		return nil, fmt.Errorf("is a %s in the repository, not a file", kind)
	}
	if bytes.HasPrefix(content, lfsPointer) {
		return nil, fmt.Errorf("%w: it is kept in Git LFS, which is not read", providers.ErrUnsupported)
	}
	return content, nil
}
