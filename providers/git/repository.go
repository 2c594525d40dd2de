package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

// repository is one repository during one plan. All but address, auth and
// options belong to whoever holds turn.
type repository struct {
	address address
	auth    *source.Auth
	options Options

	turn    chan struct{} // holds one while someone works on the repository
	mirror  *mirror       // nil for one on disk
	objects *objects      // nil until there is something to read
	refs    *references   // nil until they were read from upstream
	failed  error         // why they could not be; the same for the whole plan
	trees   map[plumbing.Hash]*tree.FS
	judged  map[string]judgement // signatures that were verified, by what was asked
}

// opened is what a revision is: the object that it names, a commit or a tag, the commit
// that this comes to, the full name that led to it, if any, and its tree.
type opened struct {
	object plumbing.Hash
	commit plumbing.Hash
	ref    string
	files  *tree.FS
}

// open returns what a revision is.
func (r *repository) open(ctx context.Context, revision string) (opened, error) {
	if err := ctx.Err(); err != nil {
		return opened{}, context.Cause(ctx)
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return opened{}, context.Cause(ctx)
	}
	found, err := r.read(ctx, revision)
	if errors.Is(err, errDamaged) && r.mirror != nil {
		// The objects are marked as damaged by now: fetching makes the mirror anew.
		r.refs, r.trees = nil, map[plumbing.Hash]*tree.FS{}
		if err := r.closeObjects(); err != nil {
			return opened{}, err
		}
		found, err = r.read(ctx, revision)
	}
	return found, err
}

func (r *repository) read(ctx context.Context, revision string) (opened, error) {
	base, back := revision, 0
	if r.address.scheme == "file" {
		base, back = ancestor(revision)
	}
	object, ref, err := r.object(ctx, base)
	if err != nil {
		return opened{}, err
	}
	commit, err := r.objects.peel(object)
	if err != nil {
		return opened{}, fmt.Errorf("revision %q: %w", base, err)
	}
	for range back {
		decoded, err := r.objects.commit(commit)
		if err != nil {
			return opened{}, err
		}
		if len(decoded.ParentHashes) == 0 {
			return opened{}, fmt.Errorf("revision %q is %w: %s is the first commit", revision, providers.ErrNotFound, commit)
		}
		commit, ref = decoded.ParentHashes[0], ""
		object = commit
	}
	if files := r.trees[commit]; files != nil {
		return opened{object, commit, ref, files}, nil
	}
	decoded, err := r.objects.commit(commit)
	if err != nil {
		return opened{}, err
	}
	files := tree.New(&directory{objects: r.objects, hash: decoded.TreeHash}, r.options.Limits.Files)
	if _, err := files.ReadDir("."); err != nil {
		return opened{}, err
	}
	r.trees[commit] = files
	return opened{object, commit, ref, files}, nil
}

// object finds the object of a revision and the name that leads to it, fetching
// what is needed for it.
func (r *repository) object(ctx context.Context, revision string) (plumbing.Hash, string, error) {
	if isFullHash(revision) {
		hash := plumbing.NewHash(revision)
		if err := r.openExisting(); err != nil {
			return plumbing.ZeroHash, "", err
		}
		if r.objects != nil && r.objects.has(hash) {
			return hash, "", nil
		}
	}
	if err := r.update(ctx); err != nil {
		return plumbing.ZeroHash, "", err
	}
	hash, ref, err := r.resolve(revision)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	if !r.objects.has(hash) {
		if err := r.fetchObject(ctx, hash, revision); err != nil {
			return plumbing.ZeroHash, "", err
		}
	}
	return hash, ref, nil
}

// openExisting opens what is on disk already, if there is something.
func (r *repository) openExisting() error {
	if r.objects != nil || r.address.scheme == "file" {
		return nil
	}
	if err := r.openMirror(); err != nil {
		return err
	}
	objects, err := r.mirror.open(r.options.Limits)
	if err == nil {
		r.objects = objects
	} else if !errors.Is(err, errDamaged) && !errors.Is(err, errNoMirror) {
		return err
	}
	return nil
}

func (r *repository) openMirror() error {
	if r.mirror != nil {
		return nil
	}
	mirror, err := newMirror(r.options.CacheDir, r.address)
	r.mirror = mirror
	return err
}

// update reads the references of upstream and fetches what they lead to, once.
func (r *repository) update(ctx context.Context) error {
	if r.refs != nil {
		return nil
	}
	if r.failed != nil {
		return r.failed
	}
	err := r.updateNow(ctx)
	if err != nil && ctx.Err() == nil {
		r.failed = err // one attempt per plan; a caller's own end is not upstream's fault
	}
	return err
}

func (r *repository) updateNow(ctx context.Context) error {
	if r.address.scheme == "file" {
		local, err := openLocal(r.address.path, r.options.Limits)
		if err != nil {
			return err
		}
		r.objects, r.refs = local.objects, local.references
		return nil
	}
	if r.options.Offline {
		return fmt.Errorf("%w: it would have to be fetched", providers.ErrNotCached)
	}
	if err := r.openMirror(); err != nil {
		return err
	}
	fetched, err := r.mirror.fetch(ctx, r.dial, nil, r.options.Limits)
	if err != nil {
		return err
	}
	return r.use(fetched)
}

// fetchObject fetches a commit that no branch or tag leads to.
func (r *repository) fetchObject(ctx context.Context, hash plumbing.Hash, revision string) error {
	if r.mirror == nil || (!r.refs.anyObject && !r.refs.advertises(hash)) {
		return r.notFound(revision)
	}
	fetched, err := r.mirror.fetch(ctx, r.dial, []plumbing.Hash{hash}, r.options.Limits)
	if errors.Is(err, errRefused) {
		return r.notFound(revision)
	}
	if err != nil {
		return err
	}
	fetched.refs = r.refs // the plan's view stays what it was
	return r.use(fetched)
}

// use takes over what was fetched. Snapshots of this plan that were opened
// before read from the same objects, or from the ones they hold.
func (r *repository) use(fetched *fetched) error {
	r.refs = fetched.refs
	if r.objects != nil && r.objects.path == fetched.objects.path {
		r.objects.reload()
		return fetched.objects.close()
	}
	r.objects = fetched.objects
	return nil
}

func (r *repository) dial(ctx context.Context) (remote, error) {
	return dial(ctx, r.address, r.auth, r.options)
}

// close waits for whoever works on the repository.
func (r *repository) close() error {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	return r.closeObjects()
}

func (r *repository) closeObjects() error {
	if r.objects == nil {
		return nil
	}
	objects := r.objects
	r.objects = nil
	return objects.close()
}

func (r *repository) notFound(revision string) error {
	return fmt.Errorf("revision %q is %w%s", revision, providers.ErrNotFound, r.refs.hint(revision))
}
