package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/plan/commitsig"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// signed is a commit of which it can be asked who signed it, or the tag that it was read by.
type signed struct {
	repository *repository
	opened     opened
}

var _ providers.Signed = (*signed)(nil)

// judgement is what was found out about signatures.
type judgement struct {
	signature source.Signature
	err       error
}

// Verify implements providers.Signed. It is the annotated tag that vouches for its commit
// where the revision is a tag, and the commit itself otherwise, or where the tag does not. A
// commit that was asked for by its id, as a lock file has it, is also vouched for by any
// annotated tag that leads to it.
func (s *signed) Verify(ctx context.Context, trust source.Trust, verified []string) (source.Signature, error) {
	r := s.repository
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return source.Signature{}, context.Cause(ctx)
	}
	key := fmt.Sprintf("%s %s %q %q %q %t %q %q", s.opened.object, s.opened.commit, s.opened.ref, trust.SSHKeys, trust.GPGKeys, trust.Strict, trust.Since, verified)
	if known, ok := r.judged[key]; ok {
		return known.signature, known.err
	}
	signature, err := s.verify(ctx, trust, verified)
	if err != nil {
		err = fmt.Errorf("git repository %s: %w", r.address.name, err)
	}
	if ctx.Err() == nil {
		if r.judged == nil {
			r.judged = map[string]judgement{}
		}
		r.judged[key] = judgement{signature, err}
	}
	return signature, err
}

func (s *signed) verify(ctx context.Context, trust source.Trust, verified []string) (source.Signature, error) {
	keys, err := commitsig.Parse(trust)
	if err != nil {
		return source.Signature{}, fmt.Errorf("whose signatures count cannot be read: %w", err)
	}
	signature, err := s.head(ctx, keys)
	if err != nil || !trust.Strict {
		return signature, err
	}
	signature.Strict = true
	return signature, s.repository.verifyHistory(ctx, keys, s.opened.commit, append(slices.Clone(verified), trust.Since...))
}

// head returns who vouches for the commit itself.
func (s *signed) head(ctx context.Context, keys *commitsig.Keys) (source.Signature, error) {
	r := s.repository
	var tagged error
	if s.opened.object != s.opened.commit {
		signature, err := r.tags(keys, s.opened.object, strings.TrimPrefix(s.opened.ref, "refs/tags/"))
		if err == nil || errors.Is(err, commitsig.ErrWrong) {
			return signature, err
		}
		tagged = err
	}
	signature, err := r.signer(keys, s.opened.commit)
	if err == nil || errors.Is(err, commitsig.ErrWrong) {
		return signature, err
	}
	if s.opened.ref == "" && s.opened.object == s.opened.commit && r.update(ctx) == nil {
		for _, name := range r.refs.below("refs/tags/") {
			tag := r.refs.byName["refs/tags/"+name]
			if to, failed := r.objects.peel(tag); failed != nil || to != s.opened.commit || tag == to {
				continue
			}
			if signature, failed := r.tags(keys, tag, name); failed == nil {
				return signature, nil
			}
		}
	}
	if tagged != nil {
		err = fmt.Errorf("%w; %w", tagged, err)
	}
	return source.Signature{}, err
}

// signer returns who signed a commit.
func (r *repository) signer(keys *commitsig.Keys, hash plumbing.Hash) (source.Signature, error) {
	commit, err := r.raw(hash)
	if err != nil {
		return source.Signature{}, fmt.Errorf("commit %s cannot be verified: %w", hash, err)
	}
	signature, err := keys.Verify(&commit.Signed, r.options.Now())
	if err != nil {
		return source.Signature{}, fmt.Errorf("commit %s: %w", hash, err)
	}
	signature.Of = "commit"
	return signature, nil
}

// raw reads a commit as its bytes have it, which must be as everything else here reads it.
func (r *repository) raw(hash plumbing.Hash) (*commitsig.Commit, error) {
	kind, content, err := r.objects.read(hash)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.CommitObject {
		return nil, fmt.Errorf("it is a %s", kind)
	}
	commit, err := commitsig.ParseCommit(content)
	if err != nil {
		return nil, err
	}
	decoded, err := r.objects.commit(hash)
	if err != nil {
		return nil, err
	}
	parents := make([]string, len(decoded.ParentHashes))
	for i, parent := range decoded.ParentHashes {
		parents[i] = parent.String()
	}
	if decoded.TreeHash.String() != commit.Tree || !slices.Equal(parents, commit.Parents) {
		return nil, errors.New("it can be read in two ways")
	}
	return commit, nil
}

// tags returns who signed a tag, or a tag that it leads to, of a name; an empty name is any.
func (r *repository) tags(keys *commitsig.Keys, hash plumbing.Hash, name string) (source.Signature, error) {
	var first error
	for range maxTags {
		kind, content, err := r.objects.read(hash)
		if err != nil {
			return source.Signature{}, err
		}
		if kind != plumbing.TagObject {
			break
		}
		tag, err := commitsig.ParseTag(content)
		if err != nil {
			return source.Signature{}, fmt.Errorf("tag %s cannot be verified: %w", hash, err)
		}
		signature, err := keys.Verify(&tag.Signed, r.options.Now())
		if err == nil && name != "" && tag.Name != name {
			err = fmt.Errorf("%w: what was signed is a tag %q", commitsig.ErrUntrusted, tag.Name)
		}
		switch {
		case err == nil:
			signature.Of = "tag " + tag.Name
			return signature, nil
		case errors.Is(err, commitsig.ErrWrong):
			return source.Signature{}, fmt.Errorf("tag %s: %w", tag.Name, err)
		}
		if first == nil {
			first = fmt.Errorf("tag %s: %w", cmp.Or(name, tag.Name), err)
		}
		hash, name = plumbing.NewHash(tag.Object), ""
	}
	return source.Signature{}, first
}
