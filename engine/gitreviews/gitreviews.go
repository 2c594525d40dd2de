// Package gitreviews is a repository that is at no forge as if it were at one: each commit is
// a pull request for the base branch, merged once that has it, and reviews are tags.
//
// A review is a statement of one head, signed with an SSH key that the configuration's
// identity block lists; the tag only carries it. Whose name a tag, a commit or a file says
// proves nothing. There is nowhere for comments and labels, which are
// providers.ErrUnsupported, nor for checks, which are left out. cmd imports it.
package gitreviews

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/commitsig"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/clone"
)

// Forge is the repository. Its reviewers are those of the configuration that it was made with,
// which must be that of the protected branch.
type Forge struct {
	clone *clone.Clone
	base  string
	now   func() time.Time

	keys    *signature.Keys
	commits *commitsig.Keys
	names   map[string]string          // by the ID of a key
	groups  map[string]map[string]bool // by group, then by name in lower case
}

var _ providers.Forge = (*Forge)(nil)

// New returns the repository of a clone, whose changes go to a branch. Nothing is read yet.
func New(from *clone.Clone, base string, trust *identity.Trust, now func() time.Time) (*Forge, error) {
	f := &Forge{clone: from, base: base, now: now, keys: &signature.Keys{}, names: map[string]string{}, groups: map[string]map[string]bool{}}
	var ssh []string
	for _, key := range trust.Keys {
		parsed, err := signature.ParseKeys([]byte(key.PublicKey))
		if err != nil {
			return nil, fmt.Errorf("the SSH key of %q: %w", key.Name, err)
		}
		f.keys.Add(parsed)
		ssh = append(ssh, key.PublicKey)
		for _, id := range parsed.IDs() {
			f.names[id] = key.Name
		}
		for _, group := range key.Groups {
			if f.groups[group] == nil {
				f.groups[group] = map[string]bool{}
			}
			f.groups[group][strings.ToLower(key.Name)] = true
		}
	}
	var err error
	f.commits, err = commitsig.Parse(source.Trust{SSHKeys: ssh})
	return f, err
}

// digits is how many digits of a commit's ID are the number of its pull request.
const digits = 15

// Number is the number of the pull request that a commit is.
func Number(commit string) (int64, error) {
	if len(commit) < digits {
		return 0, fmt.Errorf("%q is no commit: %w", commit, providers.ErrInvalid)
	}
	number, err := strconv.ParseInt(commit[:digits], 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no commit: %w", commit, providers.ErrInvalid)
	}
	return number, nil
}

// Pulls implements providers.Forge.
func (f *Forge) Pulls(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	head, err := f.clone.Resolve(ctx, commit)
	if errors.Is(err, providers.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pull, err := f.pull(ctx, head)
	if err != nil {
		return nil, err
	}
	return []providers.PullRequest{*pull}, nil
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	if number < 0 {
		return nil, fmt.Errorf("%w: the number %d", providers.ErrNotFound, number)
	}
	head, err := f.clone.Resolve(ctx, fmt.Sprintf("%0*x", digits, number))
	if err != nil {
		return nil, err
	}
	return f.pull(ctx, head)
}

// OpenPulls implements providers.Forge: the branches that the base does not have.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	refs, err := f.clone.Refs(ctx, branches+"*")
	if err != nil {
		return nil, err
	}
	var out []providers.PullRequest
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		if ref == branches+f.base {
			continue
		}
		if err := f.fetch(ctx, ref, refs[ref]); err != nil {
			return nil, err
		}
		pull, err := f.pullOf(ctx, refs[ref], refs)
		if err != nil {
			return nil, err
		}
		if pull.Open && !slices.ContainsFunc(out, func(p providers.PullRequest) bool { return p.Head == pull.Head }) {
			out = append(out, *pull)
		}
	}
	slices.SortStableFunc(out, func(a, b providers.PullRequest) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, nil
}

const branches = "refs/heads/"

func (f *Forge) fetch(ctx context.Context, ref, id string) error {
	if f.clone.Has(ctx, id) {
		return nil
	}
	return f.clone.Fetch(ctx, ref)
}

func (f *Forge) pull(ctx context.Context, head string) (*providers.PullRequest, error) {
	refs, err := f.clone.Refs(ctx, branches+"*")
	if err != nil {
		return nil, err
	}
	return f.pullOf(ctx, head, refs)
}

func (f *Forge) pullOf(ctx context.Context, head string, refs map[string]string) (*providers.PullRequest, error) {
	merged, err := f.contains(ctx, refs, f.base, head)
	if err != nil {
		return nil, err
	}
	raw, err := f.clone.Object(ctx, "commit", head)
	if err != nil {
		return nil, err
	}
	commit, err := commitsig.ParseCommit(raw)
	if err != nil {
		return nil, fmt.Errorf("the commit %.8s: %w", head, err)
	}
	out := &providers.PullRequest{Head: head, Base: f.base, Open: !merged, Merged: merged, CreatedAt: commit.At, Title: subject(raw)}
	if out.Number, err = Number(head); err != nil {
		return nil, err
	}
	if merged {
		out.MergedAs = head
	}
	// Anybody may write any name into a commit: who signed it is who made it.
	if signed, err := f.commits.Verify(&commit.Signed, f.now()); err == nil {
		out.Author = f.names[signed.Key]
	}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		if refs[ref] == head && ref != branches+f.base {
			out.Branch = strings.TrimPrefix(ref, branches)
			break
		}
	}
	return out, nil
}

// subject is the first line of a commit's message.
func subject(raw []byte) string {
	_, message, _ := strings.Cut(string(raw), "\n\n")
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return line
}

// Contains implements providers.Forge: as the origin has its branches now.
func (f *Forge) Contains(ctx context.Context, branch, commit string) (bool, error) {
	refs, err := f.clone.Refs(ctx, branches+branch)
	if err != nil {
		return false, err
	}
	return f.contains(ctx, refs, branch, commit)
}

func (f *Forge) contains(ctx context.Context, refs map[string]string, branch, commit string) (bool, error) {
	ref := branches + branch
	tip := refs[ref]
	if tip == "" {
		return false, fmt.Errorf("%w: the origin has no branch %q", providers.ErrNotFound, branch)
	}
	if err := f.fetch(ctx, ref, tip); err != nil {
		return false, err
	}
	if !f.clone.Has(ctx, commit) {
		return false, nil
	}
	return f.clone.Contains(ctx, tip, commit)
}

// Member implements providers.Forge: groups are those of the keys.
func (f *Forge) Member(_ context.Context, group, login string) (bool, error) {
	members := f.groups[group]
	if members == nil {
		return false, fmt.Errorf("%w: no key is of the group %q", providers.ErrNotFound, group)
	}
	return members[strings.ToLower(login)], nil
}

var errNowhere = fmt.Errorf("there is no forge to show it: %w", providers.ErrUnsupported)

// Comment implements providers.Forge.
func (f *Forge) Comment(context.Context, int64, string, string) (providers.Comment, error) {
	return providers.Comment{}, errNowhere
}

// MaxComment implements providers.Forge.
func (f *Forge) MaxComment() int { return 1 << 16 }

// Check implements providers.Forge. What the command prints is all that there is.
func (f *Forge) Check(context.Context, string, providers.Check) error { return nil }

// Label implements providers.Forge.
func (f *Forge) Label(context.Context, int64, []string, []string) error { return errNowhere }

// Propose implements providers.Forge.
func (f *Forge) Propose(context.Context, providers.Proposal) (*providers.PullRequest, error) {
	return nil, errNowhere
}
