package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/state"
)

// rename lets what the state knows go on under the addresses that moved blocks give
// it. The state itself is written when the plan is applied.
func (p *planning) rename() {
	set := &p.config.Refactoring
	p.moved = map[addr.Address]addr.Address{}
	p.finishMoves()
	if len(set.Moved) == 0 {
		return
	}
	addresses := make([]addr.Address, 0, len(p.records))
	for address := range p.records {
		addresses = append(addresses, address)
	}
	slices.SortFunc(addresses, addr.Address.Compare)
	now := make(map[addr.Address]*state.Record, len(p.records))
	for _, address := range addresses { // those that stay come first: they have their address
		if set.Current(address) == address {
			now[address] = p.records[address]
		}
	}
	for _, address := range addresses {
		to := set.Current(address)
		if to == address {
			continue
		}
		have, taken := now[to]
		switch {
		case !taken:
			renamed := *p.records[address]
			renamed.Address = to
			now[to] = &renamed
			p.moved[to] = address
		case have.MovedFrom == address:
			p.moved[to] = address // an apply was interrupted between writing the one and deleting the other
		default:
			p.diags = append(p.diags, bothThere(set, address, to))
		}
	}
	for address, record := range now {
		for i, on := range record.DependsOn {
			if to := set.Current(on); to != on {
				renamed := *record
				renamed.DependsOn = slices.Clone(record.DependsOn)
				renamed.DependsOn[i] = to
				record, now[address] = &renamed, &renamed
			}
		}
	}
	p.records = now
}

// finishMoves leaves out of what the state knows what lives on under another address, and
// was not deleted under the one that it had: what moved it was cut off.
func (p *planning) finishMoves() {
	for address, record := range p.records {
		if old := p.records[record.MovedFrom]; state.Leftover(old, record) {
			delete(p.records, record.MovedFrom)
			p.moved[address] = record.MovedFrom
		}
	}
}

// bothThere is the diagnostic about two applications in the state that would have
// one address.
func bothThere(set *refactor.Set, from, to addr.Address) *hcl.Diagnostic {
	diag := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Address is taken",
		Detail: fmt.Sprintf("%s cannot be %s now: the state has both, each with its objects. Remove the moved block, and say with a removed block what becomes of %s.", from, to, from),
	}
	for i := range set.Moved {
		if refactor.Covers(set.Moved[i].From, from) {
			diag.Subject = &set.Moved[i].Range
		}
	}
	return diag
}

// asRemoved is a record with the settings that a removed block gives to what
// leaves; without one it is the record itself.
func (p *planning) asRemoved(address addr.Address, record *state.Record) *state.Record {
	said := p.config.Refactoring.Leaves(address)
	if said == nil {
		return record
	}
	current := *record
	current.Settings.NoDestroy = false
	if current.Settings.OnDestroy != "confirm" { // what needs to be confirmed still does
		current.Settings.OnDestroy = "delete"
	}
	if !said.Destroy {
		current.Settings.OnDestroy, current.Settings.PreventDestroy = "orphan", false
	}
	return &current
}

// claim reads the application's record: where it has moved, the one under the
// address that it had, which is deleted as soon as it is written under the new one.
func (p *progress) claim(ctx context.Context) (*state.Record, string, error) {
	records := p.applying.records
	record, version, err := records.Get(ctx, p.app.Address)
	if err != nil || p.app.MovedFrom.IsZero() {
		return record, version, err
	}
	old, oldVersion, err := records.Get(ctx, p.app.MovedFrom)
	switch {
	case err != nil:
		return nil, "", err
	case old == nil && (record == nil || record.Serial < p.app.Serial):
		return nil, "", staleError(fmt.Sprintf("%s was to be moved from %s, which is no longer in the state", p.app.Address, p.app.MovedFrom))
	case old == nil:
		return record, version, nil
	case record == nil:
		p.left = oldVersion
		moved := *old
		moved.MovedFrom = old.Address
		return &moved, "", nil
	case record.MovedFrom != old.Address:
		return nil, "", staleError(fmt.Sprintf("%s was to be moved from %s, and is in the state itself by now", p.app.Address, p.app.MovedFrom))
	}
	p.left = oldVersion
	return record, version, nil
}

// leave deletes the record under the address that the application had. It is called
// once the record is written under the one that it has now.
func (p *progress) leave(ctx context.Context) error {
	if p.left == "" {
		return nil
	}
	p.applying.engine.probe(PointBeforeMove)
	if err := p.applying.records.MoveHold(ctx, p.app.MovedFrom, p.app.Address); err != nil {
		return fmt.Errorf("the hold of %s, which is %s now, cannot be moved: %w", p.app.MovedFrom, p.app.Address, err)
	}
	err := p.applying.records.Delete(ctx, p.app.MovedFrom, p.left)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("the record of %s, which is %s now, cannot be deleted: %w", p.app.MovedFrom, p.app.Address, err)
	}
	p.left, p.record.MovedFrom = "", addr.Address{}
	return nil
}
