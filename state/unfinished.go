package state

import (
	"context"
	"errors"
	"fmt"
)

const unfinishedKey = "unfinished"

// unfinished is the plan whose apply was begun last and is not known to have finished.
type unfinished struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"` // of the installation
	ID            string `json:"id"`
	File          []byte `json:"file"` // a plan file
}

func (u *unfinished) format() int { return u.FormatVersion }

// KeepPlan keeps the file of a plan that is about to be applied, in place of any other's,
// so that the apply can be resumed. The caller holds the lease under which applications
// are applied.
func (r *Records) KeepPlan(ctx context.Context, id string, file []byte) error {
	_, version, err := r.store.Get(ctx, unfinishedKey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	text, err := encode(&unfinished{FormatVersion: FormatVersion, Lineage: r.lineage, ID: id, File: file})
	if err != nil {
		return err
	}
	_, err = r.store.Put(ctx, unfinishedKey, text, version)
	return err
}

// KeptPlan returns the ID and the file of the plan that is kept; "" and nil where none is.
func (r *Records) KeptPlan(ctx context.Context) (id string, file []byte, err error) {
	value, _, err := r.store.Get(ctx, unfinishedKey)
	if errors.Is(err, ErrNotFound) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	found := &unfinished{}
	if err := decode(unfinishedKey, value, found); err != nil {
		return "", nil, err
	}
	if found.Lineage != r.lineage {
		return "", nil, &BrokenError{Key: unfinishedKey, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	}
	return found.ID, found.File, nil
}

// DropPlan forgets the plan that is kept: it is applied, all of it.
func (r *Records) DropPlan(ctx context.Context) error {
	_, version, err := r.store.Get(ctx, unfinishedKey)
	if err == nil {
		err = r.store.Delete(ctx, unfinishedKey, version)
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// LastPlan returns what is known of the apply that was begun last; nil where there was
// none.
func (r *Records) LastPlan(ctx context.Context) (*AppliedPlan, error) {
	found, _, err := r.ledger(ctx)
	if err != nil || len(found.Plans) == 0 {
		return nil, err
	}
	last := found.Plans[len(found.Plans)-1]
	return &last, nil
}
