package git

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxChanged is how many paths Changed returns.
const maxChanged = 10

// Changed returns paths whose content on disk, or in the index, is not that of a commit, sorted,
// the first few; and files that git neither tracks nor ignores below a directory, slashed, "."
// for all. What is below a name of except is passed over.
func (h *History) Changed(ctx context.Context, commit, below string, except ...string) ([]string, error) {
	found, err := h.objects.commit(plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	want := map[string]object.TreeEntry{}
	if err := h.files(ctx, found.TreeHash, "", want); err != nil {
		return nil, err
	}
	base, err := os.OpenRoot(h.root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = base.Close() }()
	var out []string
	known := indexed(filepath.Join(h.gitDir, "index"))
	for name, entry := range want {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !same(base, name, entry, known[name]) {
			out = append(out, name)
		}
	}
	for name := range known {
		if _, ok := want[name]; !ok {
			out = append(out, name)
		}
	}
	work, err := OpenWorkTree(h.root, Limits{})
	if err != nil {
		return nil, err
	}
	untracked, err := untracked(work.FS, below, want, except)
	if err != nil {
		return nil, err
	}
	out = append(out, untracked...)
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), maxChanged)], nil
}

// files lists the files of a tree by path.
func (h *History) files(ctx context.Context, hash plumbing.Hash, below string, into map[string]object.TreeEntry) error {
	if err := ctx.Err(); err != nil || hash == emptyTree {
		return err
	}
	kind, content, err := h.objects.read(hash)
	if err != nil {
		return err
	}
	var decoded object.Tree
	if err := decoded.Decode(memoryObject(kind, content)); err != nil {
		return fmt.Errorf("tree %s cannot be read: %w", hash, err)
	}
	for _, entry := range decoded.Entries {
		name := path.Join(below, entry.Name)
		switch entry.Mode {
		case filemode.Dir:
			if err := h.files(ctx, entry.Hash, name, into); err != nil {
				return err
			}
		case filemode.Submodule:
		default:
			into[name] = entry
		}
	}
	return nil
}

// indexed returns the entries of an index by path; nothing where it cannot be read.
func indexed(name string) map[string]*index.Entry {
	out := map[string]*index.Entry{}
	file, err := os.Open(name)
	if err != nil {
		return out
	}
	defer func() { _ = file.Close() }()
	var read index.Index
	if index.NewDecoder(file).Decode(&read) != nil {
		return out
	}
	for _, entry := range read.Entries {
		out[entry.Name] = entry
	}
	return out
}

// same reports whether a file on disk is as a commit has it. What the index says that it
// looked at, and that is as it was then, need not be read again.
func same(base *os.Root, name string, want object.TreeEntry, known *index.Entry) bool {
	local := filepath.FromSlash(name)
	info, err := base.Lstat(local)
	if err != nil {
		return false
	}
	if want.Mode == filemode.Symlink {
		target, err := base.Readlink(local)
		return err == nil && plumbing.ComputeHash(plumbing.BlobObject, []byte(filepath.ToSlash(target))) == want.Hash
	}
	if !info.Mode().IsRegular() {
		return false
	}
	if known != nil && known.Hash == want.Hash && int64(known.Size) == info.Size() && known.ModifiedAt.Equal(info.ModTime()) {
		return true
	}
	content, err := base.ReadFile(local)
	return err == nil && plumbing.ComputeHash(plumbing.BlobObject, content) == want.Hash
}

// untracked lists the files below a directory that a commit of everything would have, and
// want has not.
func untracked(files fs.FS, below string, want map[string]object.TreeEntry, except []string) ([]string, error) {
	var out []string
	err := fs.WalkDir(files, below, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(except, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		if _, ok := want[name]; !ok {
			out = append(out, name)
		}
		return nil
	})
	return out, err
}
