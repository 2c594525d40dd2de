package git

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/plan/commitsig"
)

// maxVerified is how many commits are verified at most.
const maxVerified = 100_000

// verifyHistory verifies every commit that leads to one, itself aside, but for those that
// some commits have in their history and these themselves. Without such, it is all of them.
func (r *repository) verifyHistory(ctx context.Context, keys *commitsig.Keys, head plumbing.Hash, known []string) error {
	w := &walk{repository: r, queued: map[plumbing.Hash]bool{}, known: map[plumbing.Hash]bool{}}
	for _, id := range known {
		hash := plumbing.NewHash(id)
		if !isFullHash(id) || !r.objects.has(hash) {
			continue // a history that is gone vouches for nothing
		}
		if err := w.add(hash, true); err != nil {
			return err
		}
	}
	if err := w.add(head, false); err != nil {
		return err
	}
	var unknown []plumbing.Hash
	for w.open > 0 {
		next, err := w.step(ctx)
		if err != nil {
			return err
		}
		if !w.known[next] && next != head {
			unknown = append(unknown, next)
		}
		if len(unknown) > maxVerified {
			return fmt.Errorf("more than %d commits would have to be verified: name one whose history is taken as it is, in since", maxVerified)
		}
	}
	for _, hash := range unknown {
		_, unsigned := r.signer(keys, hash)
		for unsigned != nil && !w.known[hash] && len(w.queue) > 0 { // where dates are wrong, it may be known after all
			if _, err := w.step(ctx); err != nil {
				return err
			}
		}
		if unsigned != nil && !w.known[hash] {
			return fmt.Errorf("%w; it is in the history of %s, of which every commit must be signed", unsigned, head)
		}
	}
	return nil
}

// walk goes through commits from the newest to the oldest, by their dates. Where dates are
// wrong, commits may be found to be known only later, and none that is not ever is.
type walk struct {
	repository *repository
	queue      visits
	queued     map[plumbing.Hash]bool
	known      map[plumbing.Hash]bool // in the history of what is known; false for others that were seen
	open       int                    // commits in the queue that are not known
}

// visit is a commit to go on from.
type visit struct {
	hash    plumbing.Hash
	at      time.Time
	parents []plumbing.Hash
}

// step goes on from the newest commit, and returns it.
func (w *walk) step(ctx context.Context) (plumbing.Hash, error) {
	if ctx.Err() != nil {
		return plumbing.ZeroHash, context.Cause(ctx)
	}
	next := heap.Pop(&w.queue).(visit)
	w.queued[next.hash] = false
	known := w.known[next.hash]
	if !known {
		w.open--
	}
	for _, parent := range next.parents {
		if err := w.add(parent, known); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return next.hash, nil
}

// add puts a commit into the queue that was not seen before, or was not as known.
func (w *walk) add(hash plumbing.Hash, known bool) error {
	was, seen := w.known[hash]
	if seen && (was || !known) {
		return nil
	}
	w.known[hash] = known
	if w.queued[hash] {
		w.open-- // it is there already, and known from now on
		return nil
	}
	next := visit{hash: hash}
	if known {
		commit, err := w.repository.objects.commit(hash)
		if err != nil {
			return err
		}
		next.at, next.parents = commit.Committer.When, commit.ParentHashes
	} else {
		commit, err := w.repository.raw(hash)
		if err != nil {
			return fmt.Errorf("commit %s cannot be verified: %w", hash, err)
		}
		next.at = commit.At
		for _, parent := range commit.Parents {
			next.parents = append(next.parents, plumbing.NewHash(parent))
		}
		w.open++
	}
	w.queued[hash] = true
	heap.Push(&w.queue, next)
	return nil
}

// visits are a heap, the newest first.
type visits []visit

// Len implements heap.Interface.
func (v visits) Len() int { return len(v) }

// Less implements heap.Interface.
func (v visits) Less(i, j int) bool { return v[i].at.After(v[j].at) }

// Swap implements heap.Interface.
func (v visits) Swap(i, j int) { v[i], v[j] = v[j], v[i] }

// Push implements heap.Interface.
func (v *visits) Push(x any) { *v = append(*v, x.(visit)) }

// Pop implements heap.Interface.
func (v *visits) Pop() any {
	last := (*v)[len(*v)-1]
	*v = (*v)[:len(*v)-1]
	return last
}
