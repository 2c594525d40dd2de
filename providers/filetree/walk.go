package filetree

import (
	"context"
	"fmt"
	"io/fs"
	"path"
)

// Limits of Walk: what no sane source exceeds, and a cycle of symbolic links does.
const (
	MaxDepth = 64
	MaxFiles = 100_000
)

// Walk calls visit for every regular file below dir in lexical order of its
// path, files before the folders that sort after them as one list; with recurse
// off only for those of dir itself. Symbolic links are followed as far as the
// tree allows. The folder .git is never entered.
func Walk(ctx context.Context, tree fs.FS, dir string, recurse bool, visit func(name string) error) error {
	w := walker{tree: tree, recurse: recurse, visit: visit}
	return w.walk(ctx, dir, 0)
}

type walker struct {
	tree    fs.FS
	recurse bool
	visit   func(name string) error
	files   int
}

func (w *walker) walk(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > MaxDepth {
		return fmt.Errorf("%q is more than %d folders deep; symbolic links may form a cycle", dir, MaxDepth)
	}
	entries, err := fs.ReadDir(w.tree, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := w.entry(ctx, path.Join(dir, entry.Name()), entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, name string, entry fs.DirEntry, depth int) error {
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := fs.Stat(w.tree, name)
		if err != nil {
			return fmt.Errorf("symbolic link %q: %w", name, err)
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode.IsDir():
		if !w.recurse || entry.Name() == ".git" {
			return nil
		}
		return w.walk(ctx, name, depth+1)
	case mode.IsRegular():
		if w.files++; w.files > MaxFiles {
			return fmt.Errorf("more than %d files", MaxFiles)
		}
		return w.visit(name)
	default:
		return nil
	}
}
