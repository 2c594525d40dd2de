package against

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

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
)

// Repository is the git repository that a configuration is in. Nothing but this
// machine's disk is read of it, and nothing is checked out.
type Repository struct {
	root  string // its work tree
	dir   string // the configuration's directory, as it was given
	below string // the same below root, slashed; "." at the root
	git   *git.Source
	work  *git.WorkTree
}

// ErrNoRepository means that a directory is in no work tree.
var ErrNoRepository = errors.New("it is in no git repository, so that there is no revision to compare with")

// OpenRepository opens the repository that a configuration's directory is in.
func OpenRepository(dir string) (*Repository, error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		return nil, err
	}
	root := resolved
	for {
		if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return nil, ErrNoRepository
		}
		root = parent
	}
	work, err := git.OpenWorkTree(root, git.Limits{})
	if err != nil {
		return nil, fmt.Errorf("git repository %s: %w", root, err)
	}
	below, err := filepath.Rel(root, resolved)
	if err != nil {
		return nil, err
	}
	return &Repository{root: root, dir: dir, below: filepath.ToSlash(below), git: git.New(git.Options{}), work: work}, nil
}

// Root is the directory of its work tree.
func (r *Repository) Root() string { return r.root }

// Below is the configuration's directory below Root, slashed; "." at the root.
func (r *Repository) Below() string { return r.below }

// Default is the default branch of what it is a clone of, "" where that is not known.
func (r *Repository) Default() string { return r.work.Default }

// Origin is the URL of what it is a clone of, "" where that is not known, or is several.
func (r *Repository) Origin() string {
	if len(r.work.Remotes) != 1 {
		return ""
	}
	return r.work.Remotes[0]
}

// Revision is the repository at a revision.
type Revision struct {
	Ref    string // as asked for
	Commit string
	name   string // the full name that it came to, "" for a commit
	tree   fs.FS  // the repository's
	of     *Repository
}

// At reads a revision: a branch, also "origin/main", a tag or a commit.
func (r *Repository) At(ctx context.Context, ref string) (*Revision, error) {
	snapshot, err := r.open(ctx, ref)
	if err != nil && errors.Is(err, providers.ErrNotFound) {
		// Of a clone, most branches are only there as the remote's.
		for _, name := range []string{"refs/remotes/" + ref, "refs/remotes/origin/" + ref} {
			if remote, remoteErr := r.open(ctx, name); remoteErr == nil {
				return r.revision(ref, remote), nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return r.revision(ref, snapshot), nil
}

func (r *Repository) revision(ref string, snapshot *providers.Snapshot) *Revision {
	return &Revision{Ref: ref, Commit: snapshot.Pin.Resolved, name: snapshot.Ref, tree: snapshot.FS, of: r}
}

func (r *Repository) open(ctx context.Context, revision string) (*providers.Snapshot, error) {
	return r.git.Open(ctx, source.Location{Type: source.Git, URL: "file://" + filepath.ToSlash(r.root), Revision: revision})
}

// Below is the configuration's directory in the repository, slashed; "." at its root.
func (v *Revision) Below() string { return v.of.below }

// Configuration is the configuration's directory at the revision. Where there was
// none, it is empty, and ok is false.
func (v *Revision) Configuration() (files fs.FS, ok bool) {
	if info, err := fs.Stat(v.tree, v.of.below); err != nil || !info.IsDir() {
		return noFiles{}, false
	}
	sub, err := fs.Sub(v.tree, v.of.below)
	if err != nil {
		return noFiles{}, false
	}
	return sub, true
}

// OpenDir opens the directory of a module by its place on disk, as it was: also one
// beside the configuration, as long as it is in the repository.
func (v *Revision) OpenDir(dir string) (fs.FS, error) {
	relative, err := filepath.Rel(v.of.dir, dir)
	if err != nil {
		return nil, err
	}
	name := path.Join(v.of.below, filepath.ToSlash(relative))
	if !fs.ValidPath(name) {
		return nil, errors.New("it is outside of the repository")
	}
	if _, err := fs.Stat(v.tree, name); err != nil {
		return nil, err
	}
	return fs.Sub(v.tree, name)
}

// noFiles is a directory with nothing in it.
type noFiles struct{}

// Open implements fs.FS.
func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS.
func (noFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "." {
		return nil, nil
	}
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
}

// Before returns what the sources are read with of the configuration as it was:
// directories beside it, and the repository itself, as they were.
func (v *Revision) Before(sources map[source.Type]providers.Source) map[source.Type]providers.Source {
	out := map[source.Type]providers.Source{}
	for kind, inner := range sources {
		out[kind] = inner
	}
	files, _ := v.Configuration()
	out[source.Directory] = Directories{files}
	out[source.Git] = ownSource{inner: sources[source.Git], at: v, snapshot: func(location source.Location) *providers.Snapshot {
		return &providers.Snapshot{Pin: source.Pin{Location: location, Resolved: v.Commit}, Ref: v.nameOr("HEAD"), FS: v.tree}
	}}
	return out
}

// After returns what they are read with of the configuration as it is on disk: the
// repository itself is its work tree.
func (v *Revision) After(sources map[source.Type]providers.Source) map[source.Type]providers.Source {
	out := map[source.Type]providers.Source{}
	for kind, inner := range sources {
		out[kind] = inner
	}
	out[source.Git] = ownSource{inner: sources[source.Git], at: v, snapshot: func(location source.Location) *providers.Snapshot {
		return &providers.Snapshot{Pin: source.Pin{Location: location, Resolved: WorkTree}, Ref: "HEAD", FS: v.of.work.FS}
	}}
	return out
}

// WorkTree is what a pin came to that was read from the work tree.
const WorkTree = "work tree"

func (v *Revision) nameOr(otherwise string) string {
	if v.name == "" {
		return otherwise
	}
	return v.name
}

// ownSource reads git repositories; the one that the configuration is in is the one
// that is compared.
type ownSource struct {
	inner    providers.Source
	at       *Revision
	snapshot func(source.Location) *providers.Snapshot
}

// Open implements providers.Source. Of the configuration's own repository, what
// follows the branch that is compared is the side's own tree. What is pinned, by a
// tag or a commit, is read as it is pinned, from this machine where it is here.
func (s ownSource) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if !s.at.of.isOwn(location) {
		return s.inner.Open(ctx, location)
	}
	if s.at.follows(location.Revision) {
		return s.snapshot(location), nil
	}
	here, err := s.at.of.open(ctx, location.Revision)
	if err == nil && (here.Ref == "" || strings.HasPrefix(here.Ref, "refs/tags/")) {
		here.Pin.Location = location
		return here, nil
	}
	return s.inner.Open(ctx, location)
}

// isOwn reports whether a location is the repository itself.
func (r *Repository) isOwn(location source.Location) bool {
	return git.SameRepository(location.URL, "file://"+filepath.ToSlash(r.root)) ||
		slices.ContainsFunc(r.work.Remotes, func(remote string) bool { return git.SameRepository(remote, location.URL) })
}

// Tracks reports whether a location is the repository itself, at a revision that moves with
// what is compared, or at one of some branches.
func (v *Revision) Tracks(location source.Location, branches ...string) bool {
	if location.Type != source.Git || !v.of.isOwn(location) {
		return false
	}
	return v.follows(location.Revision) || slices.Contains(branches, strings.TrimPrefix(location.Revision, "refs/heads/"))
}

// follows reports whether a revision of the repository itself moves with what is
// compared: the default branch, the one that is compared with, or the one that is
// checked out.
func (v *Revision) follows(revision string) bool {
	if revision == "" || revision == "HEAD" {
		return true
	}
	branch := strings.TrimPrefix(revision, "refs/heads/")
	return branch != "" && slices.Contains([]string{v.of.work.Branch, v.of.work.Default, v.branch(v.name)}, branch)
}

// branch is the short name of a branch, also of a remote's; "" for what is none.
func (v *Revision) branch(name string) string {
	if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		return short
	}
	if short, ok := strings.CutPrefix(name, "refs/remotes/"); ok {
		_, short, _ = strings.Cut(short, "/")
		return short
	}
	return ""
}

// Directories opens directories of a tree, as those beside a configuration.
type Directories struct{ Tree fs.FS }

// Open implements providers.Source.
func (s Directories) Open(_ context.Context, location source.Location) (*providers.Snapshot, error) {
	name := path.Clean(filepath.ToSlash(location.URL))
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%w: directory %s is not in the configuration's directory", providers.ErrUnsupported, location.URL)
	}
	if info, err := fs.Stat(s.Tree, name); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("directory %s: %w at that revision", location.URL, providers.ErrNotFound)
	}
	tree, err := fs.Sub(s.Tree, name)
	return &providers.Snapshot{Pin: source.Pin{Location: location}, FS: tree}, err
}
