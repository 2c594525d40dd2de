package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const ledgerKey = "plans"

// maxLedger is how many applies of plans are remembered. Which plans may have been
// forgotten is told by when they were made.
const maxLedger = 1000

// ErrForgotten is that a plan is as old as those whose applies are forgotten, so that
// nobody can tell whether it was applied.
var ErrForgotten = errors.New("the plan is too old to tell whether it was applied")

// AppliedPlan is an apply of a saved plan.
type AppliedPlan struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt,omitzero"` // when the plan was made
	BegunAt   time.Time `json:"begunAt"`
	DoneAt    time.Time `json:"doneAt,omitzero"` // zero: it did not finish, and may be applied again
	By        string    `json:"by,omitempty"`    // who applied it: user@host, or what CI says
	Act       bool      `json:"act,omitempty"`   // what was done was no apply of the configuration
}

// ledger is what is known of the plans that were applied, oldest first.
type ledger struct {
	FormatVersion int           `json:"formatVersion"`
	Lineage       string        `json:"lineage"` // of the installation
	Plans         []AppliedPlan `json:"plans"`
	// Forgotten is when the newest plan that is no longer among Plans was made.
	Forgotten time.Time `json:"forgotten,omitzero"`
}

func (l *ledger) format() int { return l.FormatVersion }

// AppliedPlan returns what is known of the apply of a plan that was made at a time; nil
// where it was never begun, and ErrForgotten where that cannot be told any more.
func (r *Records) AppliedPlan(ctx context.Context, id string, created time.Time) (*AppliedPlan, error) {
	found, _, err := r.ledger(ctx)
	if err != nil {
		return nil, err
	}
	if i := found.find(id); i >= 0 {
		return &found.Plans[i], nil
	}
	if !created.After(found.Forgotten) && !found.Forgotten.IsZero() {
		return nil, ErrForgotten
	}
	return nil, nil
}

// BeginPlan records that a plan is being applied, from now on. One that was begun before
// is begun anew. The caller holds the lease under which applications are applied.
func (r *Records) BeginPlan(ctx context.Context, begun AppliedPlan) error {
	begun.CreatedAt, begun.BegunAt, begun.DoneAt = begun.CreatedAt.UTC(), stamp(r.clock.Now()), time.Time{}
	return r.writeLedger(ctx, func(l *ledger) {
		if i := l.find(begun.ID); i >= 0 {
			l.Plans = slices.Delete(l.Plans, i, i+1)
		}
		l.Plans = append(l.Plans, begun)
		for len(l.Plans) > r.ledgerLimit {
			l.forget()
		}
	})
}

// forget leaves out the oldest plan of those that are finished, for the others may be
// resumed. Where these are the more, the oldest of them has to go: plans that nobody
// will resume must not have new ones forgotten as soon as they are finished.
func (l *ledger) forget() {
	finished := func(p AppliedPlan) bool { return !p.DoneAt.IsZero() }
	count := 0
	for _, p := range l.Plans {
		if finished(p) {
			count++
		}
	}
	less := count < len(l.Plans)-count
	i := slices.IndexFunc(l.Plans, func(p AppliedPlan) bool { return finished(p) != less })
	made := l.Plans[i].CreatedAt
	if made.IsZero() { // written before this was known: a plan is made before it is begun
		made = l.Plans[i].BegunAt
	}
	if made.After(l.Forgotten) {
		l.Forgotten = made
	}
	l.Plans = slices.Delete(l.Plans, i, i+1)
}

// EndPlan records that a plan that was begun is applied, all of it.
func (r *Records) EndPlan(ctx context.Context, id string) error {
	return r.writeLedger(ctx, func(l *ledger) {
		if i := l.find(id); i >= 0 {
			l.Plans[i].DoneAt = stamp(r.clock.Now())
		}
	})
}

func (l *ledger) find(id string) int {
	return slices.IndexFunc(l.Plans, func(p AppliedPlan) bool { return p.ID == id })
}

// writeLedger changes the ledger, from how it is now; change may be called again where
// someone else was faster.
func (r *Records) writeLedger(ctx context.Context, change func(*ledger)) error {
	return swap(ctx, r.clock, func() error {
		found, version, err := r.ledger(ctx)
		if err != nil {
			return err
		}
		change(found)
		text, err := encode(found)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, ledgerKey, text, version)
		return err
	})
}

// ledger reads the ledger; where there is none yet it is empty.
func (r *Records) ledger(ctx context.Context) (*ledger, string, error) {
	value, version, err := r.store.Get(ctx, ledgerKey)
	if errors.Is(err, ErrNotFound) {
		return &ledger{FormatVersion: FormatVersion, Lineage: r.lineage}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &ledger{}
	if err := decode(ledgerKey, value, found); err != nil {
		return nil, "", err
	}
	if found.Lineage != r.lineage {
		return nil, "", &BrokenError{Key: ledgerKey, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	}
	return found, version, nil
}
