package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

// Checkout makes a clone of a repository with a commit checked out, in a directory that is
// empty or not there: its branches are remote-tracking ones, as they are upstream now, and
// branch is the default one. The commit is given in full. Objects are shared with the cache
// where the file system can. No hook, filter or submodule is run, and a link that leads out of
// the repository is left out.
func (s *Source) Checkout(ctx context.Context, location source.Location, commit, branch, dir string) error {
	if !isFullHash(commit) {
		return fmt.Errorf("%q is not a commit in full", commit)
	}
	at, err := parseAddress(location.URL)
	if err != nil {
		return err
	}
	r := s.repository(at, location.Auth)
	if err := r.checkout(ctx, commit, branch, dir); err != nil {
		return fmt.Errorf("git repository %s: %w", at.name, err)
	}
	return nil
}

func (r *repository) checkout(ctx context.Context, commit, branch, dir string) error {
	found, err := r.current(ctx, commit, branch)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the directory %s is not empty", dir)
	}
	gitDir := filepath.Join(dir, ".git")
	if err := initialise(gitDir); err != nil {
		return err
	}
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	if err := linkAll(ctx, filepath.Join(r.objects.path, "objects"), filepath.Join(gitDir, "objects")); err != nil {
		return fmt.Errorf("sharing its objects: %w", err)
	}
	if err := r.writeClone(gitDir, commit, branch); err != nil {
		return err
	}
	decoded, err := r.objects.commit(found.commit)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	w := writing{ctx: ctx, root: root, files: found.files, left: r.options.Limits.Files}
	return errors.Join(w.directory(&directory{objects: r.objects, hash: decoded.TreeHash}, "."), root.Close())
}

// current opens a commit with the references as they are upstream now, whatever the cache has.
func (r *repository) current(ctx context.Context, commit, branch string) (opened, error) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return opened{}, context.Cause(ctx)
	}
	err := r.update(ctx)
	if err == nil {
		if _, ok := r.refs.byName["refs/heads/"+branch]; !ok {
			err = fmt.Errorf("branch %q is %w%s", branch, providers.ErrNotFound, r.refs.hint(branch))
		}
	}
	<-r.turn
	if err != nil {
		return opened{}, err
	}
	return r.open(ctx, commit)
}

// writeClone writes the references and what else makes a clone of a git directory.
func (r *repository) writeClone(gitDir, commit, branch string) error {
	var names []string
	for name := range r.refs.byName {
		if mirrored(name) && validRef(name) {
			names = append(names, name)
		}
	}
	tracking := func(name string) string {
		if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			return "refs/remotes/origin/" + short
		}
		return name
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(tracking(a), tracking(b)) })
	var packed bytes.Buffer
	packed.WriteString("# pack-refs with: sorted\n")
	for _, name := range names {
		fmt.Fprintf(&packed, "%s %s\n", r.refs.byName[name], tracking(name))
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote \"origin\"]\n\turl = " + quotedURL(r.address.name) + "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
	origin := filepath.Join(gitDir, "refs", "remotes", "origin")
	return errors.Join(
		os.MkdirAll(origin, 0o700),
		os.WriteFile(filepath.Join(gitDir, packedRefs), packed.Bytes(), 0o600),
		os.WriteFile(filepath.Join(gitDir, "config"), []byte(config), 0o600),
		os.WriteFile(filepath.Join(origin, "HEAD"), []byte("ref: refs/remotes/origin/"+branch+"\n"), 0o600),
		os.WriteFile(filepath.Join(gitDir, "HEAD"), []byte(commit+"\n"), 0o600),
	)
}

// quotedURL is a value of git's configuration.
func quotedURL(url string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", "").Replace(url) + `"`
}

// linkAll gives a directory the files of another: the same ones where the file system can have
// a file in two places, else copies. Objects never change.
func linkAll(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, below)
		switch {
		case entry.IsDir():
			return os.MkdirAll(at, 0o700)
		case !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), "tmp_"):
			return nil
		case os.Link(name, at) == nil:
			return nil
		}
		return copyFile(name, at)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // git has repacked: what was in it is elsewhere
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// writing writes a tree to disk. Nothing is written outside of root.
type writing struct {
	ctx   context.Context
	root  *os.Root
	files *tree.FS
	left  int // files that may still be written
}

func (w *writing) directory(d *directory, at string) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	entries, err := d.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if at == "." && strings.EqualFold(e.Name, ".git") {
			return fmt.Errorf("it holds the name %q, which no work tree can have", e.Name)
		}
		if w.left--; w.left < 0 {
			return fmt.Errorf("it has more files than can be checked out: %w", tree.ErrTooLarge)
		}
		if err := w.entry(e, path.Join(at, e.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) entry(e tree.Entry, name string) error {
	local := filepath.FromSlash(name)
	switch {
	case e.Directory != nil:
		if err := w.root.Mkdir(local, 0o700); err != nil {
			return err
		}
		return w.directory(e.Directory.(*directory), name)
	case e.File != nil:
		content, err := e.File.(*blob).raw()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		mode := fs.FileMode(0o600)
		if e.Executable {
			mode = 0o700
		}
		file, err := w.root.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		return errors.Join(err, file.Close())
	case e.Link != nil:
		return w.link(e.Link.(*blob), name, local)
	}
	return nil // a submodule, which is not fetched
}

// link writes a symbolic link that stays within the repository; others are left out, so that
// nothing of this machine is read by them.
func (w *writing) link(of *blob, name, local string) error {
	if _, err := w.files.Stat(name); err != nil {
		return nil
	}
	target, err := of.raw()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.root.Symlink(filepath.FromSlash(string(target)), local)
}

// raw is the content as the repository has it, also where it stands for another.
func (b *blob) raw() ([]byte, error) {
	kind, content, err := b.objects.read(b.hash)
	if err == nil && kind != plumbing.BlobObject {
		err = fmt.Errorf("is a %s in the repository, not a file", kind)
	}
	return content, err
}
