package localdir

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/providers/tree"
)

// reader reads a directory into memory.
type reader struct {
	root   *os.Root
	limits tree.Limits
	tree   *tree.Memory
	digest *digest
	files  int
	bytes  int64
}

func newReader(root *os.Root, limits tree.Limits) *reader {
	return &reader{root: root, limits: limits, tree: &tree.Memory{}, digest: newDigest()}
}

// skipped are directories that are never content.
func skipped(name string) bool { return name == ".git" || name == ".gantry" }

// directory reads a directory and what is below it, in order of names.
func (r *reader) directory(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	entries, err := r.list(name)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if skipped(entry.Name()) {
			continue
		}
		if r.files++; r.files > r.limits.Files {
			return fmt.Errorf("it is %w: more than %d files and directories", tree.ErrTooLarge, r.limits.Files)
		}
		if err := r.entry(ctx, path.Join(name, entry.Name()), entry.Type()); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) list(name string) ([]fs.DirEntry, error) {
	directory, err := r.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = directory.Close() }()
	entries, err := directory.ReadDir(-1)
	if err != nil {
		return nil, fileError(err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (r *reader) entry(ctx context.Context, name string, kind fs.FileMode) error {
	switch {
	case kind.IsDir():
		if err := r.tree.AddDirectory(name); err != nil {
			return err
		}
		return r.directory(ctx, name)
	case kind.IsRegular():
		return r.file(name)
	case kind&fs.ModeSymlink != 0:
		target, err := r.root.Readlink(filepath.FromSlash(name))
		if err != nil {
			return fileError(err)
		}
		r.digest.add("link", name, []byte(target))
		return r.tree.AddLink(name, filepath.ToSlash(target))
	default:
		r.digest.add("special", name, nil)
		return r.tree.AddRefused(name, errors.New("is neither a file nor a directory"))
	}
}

func (r *reader) file(name string) error {
	content, mode, err := readFile(r.root, name, r.limits.FileBytes)
	if err != nil {
		return err
	}
	if r.bytes += int64(len(content)); r.bytes > r.limits.Bytes {
		return fmt.Errorf("it is %w: its files are more than %d bytes", tree.ErrTooLarge, r.limits.Bytes)
	}
	executable := mode&0o111 != 0
	kind := "file"
	if executable {
		kind = "executable"
	}
	r.digest.add(kind, name, content)
	return r.tree.AddFile(name, content, executable)
}

// digest is over kinds, paths and contents, in the order in which the directory
// is read: by name, a directory's content in its place. Each part is preceded by
// its length, so that no two directories have the same input.
type digest struct{ hash hash.Hash }

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) add(kind, name string, content []byte) {
	for _, part := range [][]byte{[]byte(kind), []byte(name), content} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		d.hash.Write(length[:])
		d.hash.Write(part)
	}
}

func (d *digest) String() string { return "sha256:" + hex.EncodeToString(d.hash.Sum(nil)) }
