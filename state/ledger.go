package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const ledgerKey = "plans"

// maxLedger is how many applies of plans are remembered. A plan older than that is
// refused all the same, by the serials of the records that it was made from.
const maxLedger = 1000

// AppliedPlan is an apply of a saved plan.
type AppliedPlan struct {
	ID      string    `json:"id"`
	BegunAt time.Time `json:"begunAt"`
	DoneAt  time.Time `json:"doneAt,omitzero"` // zero: it did not finish, and may be applied again
	By      string    `json:"by,omitempty"`    // who applied it: user@host, or what CI says
}

// ledger is what is known of the plans that were applied, oldest first.
type ledger struct {
	FormatVersion int           `json:"formatVersion"`
	Lineage       string        `json:"lineage"` // of the installation
	Plans         []AppliedPlan `json:"plans"`
}

func (l *ledger) format() int { return l.FormatVersion }

// AppliedPlan returns what is known of the apply of a plan; nil where it was never
// begun, or so long ago that it is forgotten.
func (r *Records) AppliedPlan(ctx context.Context, id string) (*AppliedPlan, error) {
	found, _, err := r.ledger(ctx)
	if err != nil {
		return nil, err
	}
	if i := found.find(id); i >= 0 {
		return &found.Plans[i], nil
	}
	return nil, nil
}

// BeginPlan records that a plan is being applied. One that was begun before is begun
// anew. The caller holds the lease under which applications are applied.
func (r *Records) BeginPlan(ctx context.Context, id, by string) error {
	return r.writeLedger(ctx, func(l *ledger) {
		if i := l.find(id); i >= 0 {
			l.Plans = slices.Delete(l.Plans, i, i+1)
		}
		l.Plans = append(l.Plans, AppliedPlan{ID: id, BegunAt: stamp(r.clock.Now()), By: by})
		if more := len(l.Plans) - maxLedger; more > 0 {
			l.Plans = slices.Delete(l.Plans, 0, more)
		}
	})
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

func (r *Records) writeLedger(ctx context.Context, change func(*ledger)) error {
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
