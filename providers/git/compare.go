package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/gantrycd/gantry/providers/tree"
)

// Comparison is how a work tree, as it is on disk, differs from a commit. It is safe for
// concurrent use.
type Comparison struct {
	// Commit is what the work tree was compared with.
	Commit string
	// Changed are the files that are not as the commit has them, sorted: changed, added,
	// removed, committed or not.
	Changed []string
	// Ignored are the files and folders that git ignores and does not track, sorted. What is
	// in such a folder is not listed.
	Ignored []string

	objects *objects
	tree    plumbing.Hash
	work    *workFiles
	exclude *workDirectory

	mu      sync.Mutex
	listed  map[plumbing.Hash][]tree.Entry // of the directories that Before has gone through
	befores map[string]side
	afters  map[afterKey]side
}

// side is a directory on one side, or why it cannot be read.
type side struct {
	files fs.FS
	err   error
}

type afterKey struct {
	dir string
	all bool
}

// Compare compares the work tree with a commit. A file that the index says is as it was when
// git last looked at it is not read again.
func (h *History) Compare(ctx context.Context, commit string) (_ *Comparison, err error) {
	found, err := h.objects.commit(plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	work, err := OpenWorkTree(h.root, Limits{})
	if err != nil {
		return nil, err
	}
	out := &Comparison{Commit: commit, objects: h.objects, tree: found.TreeHash, work: work.files, exclude: work.top}
	want := map[string]object.TreeEntry{}
	if err := h.files(ctx, found.TreeHash, "", want); err != nil {
		return nil, err
	}
	walk := comparing{Comparison: out, ctx: ctx, want: want, known: trusted(filepath.Join(h.gitDir, "index")), ids: make(map[string]string, len(want))}
	if err := walk.directory(work.top); err != nil {
		return nil, err
	}
	for name := range want {
		if _, here := walk.ids[name]; !here {
			out.Changed = append(out.Changed, name)
		}
	}
	slices.Sort(out.Changed)
	slices.Sort(out.Ignored)
	out.work.ids = walk.ids
	return out, nil
}

// comparing is a comparison in the making.
type comparing struct {
	*Comparison
	ctx   context.Context
	want  map[string]object.TreeEntry
	known map[string]*index.Entry
	ids   map[string]string // of the files on disk, by path
}

func (c *comparing) directory(at *workDirectory) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	entries, ignored, err := at.read()
	if err != nil {
		return err
	}
	c.Ignored = append(c.Ignored, ignored...)
	for _, entry := range entries {
		name := path.Join(append(slices.Clone(at.at), entry.Name)...)
		switch {
		case entry.Directory != nil:
			if err := c.directory(entry.Directory.(*workDirectory)); err != nil {
				return err
			}
		case entry.Refused != nil:
			c.Changed, c.ids[name] = append(c.Changed, name), ""
		default:
			if err := c.file(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// file notes what a file on disk is, and whether the commit has it so.
func (c *comparing) file(name string) error {
	if want, ok := c.want[name]; ok && same(c.work.root, name, want, c.known[name]) {
		c.ids[name] = want.Hash.String()
		return nil
	}
	c.Changed = append(c.Changed, name)
	id, err := c.work.id(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.ids[name] = id
	return nil
}

// id is the id that git would give the content of a file on disk, or the target of a link;
// empty where it is too large to be read.
func (w *workFiles) id(name string) (string, error) {
	local := filepath.FromSlash(name)
	info, err := w.root.Lstat(local)
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := w.root.Readlink(local)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(filepath.ToSlash(target))).String(), err
	}
	if !info.Mode().IsRegular() || info.Size() > w.limit {
		return "", nil
	}
	content, err := w.root.ReadFile(local)
	return plumbing.ComputeHash(plumbing.BlobObject, content).String(), err
}

// trusted returns the entries of an index whose files were not changed in the moment in which
// it was written: of the others, an equal time and size say nothing.
func trusted(name string) map[string]*index.Entry {
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	out := indexed(name)
	for path, entry := range out {
		if !entry.ModifiedAt.Before(info.ModTime().Truncate(time.Microsecond)) {
			delete(out, path)
		}
	}
	return out
}

// Touches reports whether anything below a directory is not as the commit has it. With all,
// what git ignores counts, too.
func (c *Comparison) Touches(dir string, all bool) bool {
	return touches(c.Changed, dir) || all && touches(c.Ignored, dir)
}

// touches reports whether sorted paths have one that is below a directory, or above it.
func touches(paths []string, dir string) bool {
	if dir == "." {
		return len(paths) > 0
	}
	at, found := slices.BinarySearch(paths, dir)
	if found {
		return true
	}
	// Names such as "dir-x" come between "dir" and "dir/".
	below, _ := slices.BinarySearch(paths[at:], dir+"/")
	if at += below; at < len(paths) && strings.HasPrefix(paths[at], dir+"/") {
		return true
	}
	for above := path.Dir(dir); above != "."; above = path.Dir(above) {
		if _, found := slices.BinarySearch(paths, above); found {
			return true
		}
	}
	return false
}

// errNoDirectory says that a path leads to no directory, or through a link.
var errNoDirectory = errors.New("it is no directory, or a symbolic link leads there")

// Before returns a directory as the commit has it, by itself: links out of it fail. All who
// ask for one directory share it, with what was listed in it.
func (c *Comparison) Before(dir string) (fs.FS, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.befores[dir]
	if !ok {
		found.files, found.err = c.before(dir)
		if c.befores == nil {
			c.befores = map[string]side{}
		}
		c.befores[dir] = found
	}
	return found.files, found.err
}

func (c *Comparison) before(dir string) (fs.FS, error) {
	at := &directory{objects: c.objects, hash: c.tree}
	for _, element := range elementsOf(dir) {
		entries, err := c.entries(at)
		if err != nil {
			return nil, err
		}
		found := slices.IndexFunc(entries, func(e tree.Entry) bool { return e.Name == element })
		if found < 0 {
			return nil, fs.ErrNotExist
		}
		next, ok := entries[found].Directory.(*directory)
		if !ok {
			return nil, errNoDirectory
		}
		at = next
	}
	return tree.New(at, DefaultFiles), nil
}

// entries lists a directory of the commit once: a thousand sources may have one above them.
func (c *Comparison) entries(at *directory) ([]tree.Entry, error) {
	if entries, ok := c.listed[at.hash]; ok {
		return entries, nil
	}
	entries, err := at.Entries()
	if err != nil {
		return nil, err
	}
	if c.listed == nil {
		c.listed = map[plumbing.Hash][]tree.Entry{}
	}
	c.listed[at.hash] = entries
	return entries, nil
}

// After returns a directory as it is on disk, by itself: links out of it fail. With all, what
// git ignores is in it. All who ask for one directory share it, with what was listed in it.
func (c *Comparison) After(dir string, all bool) (fs.FS, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := afterKey{dir, all}
	found, ok := c.afters[key]
	if !ok {
		found.files, found.err = c.after(dir, all)
		if c.afters == nil {
			c.afters = map[afterKey]side{}
		}
		c.afters[key] = found
	}
	return found.files, found.err
}

func (c *Comparison) after(dir string, all bool) (fs.FS, error) {
	at := &workDirectory{files: c.work, patterns: c.exclude.patterns, all: all}
	for _, element := range elementsOf(dir) {
		at = &workDirectory{files: c.work, at: append(slices.Clone(at.at), element), patterns: at.below(), all: all}
		info, err := c.work.root.Lstat(filepath.Join(at.at...))
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, errNoDirectory
		}
	}
	return tree.New(at, 0), nil
}

func elementsOf(dir string) []string {
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}

// ContentID is the id that git gives the content, where the comparison has found it; the
// same id is the same content.
func (f *workFile) ContentID() string { return f.files.ids[f.name] }
