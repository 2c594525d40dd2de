package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/revision"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// revisionsIn keeps the revisions of applications in the store of some records.
func revisionsIn(records *state.Records) revision.Keeper {
	return revision.Keeper{Store: records.Store(), Lineage: records.Lineage()}
}

// identify gives a record that is new what tells it from others of its address.
func identify(r *state.Record) {
	if r.UID == "" {
		r.UID = strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	}
}

// keepRevision writes what was applied beside the record, and where it is into the newest
// entry of the history, which is to be written next. What goes wrong is told: the record
// without it is worth more than no record. The caller holds mu.
func (p *progress) keepRevision(ctx context.Context) *revision.Saved {
	entry := &p.record.History[len(p.record.History)-1]
	if entry.Outcome != OutcomeSucceeded || entry.Act != nil {
		return nil
	}
	keeper := revisionsIn(p.applying.records)
	keeper.New = p.first && len(p.record.History) == 1
	warn := func(err error) {
		p.tell(Event{Kind: EventWarning, Message: fmt.Sprintf("what was applied is not all in the history: %s", err)})
	}
	sealed, err := p.sealed()
	if err == nil {
		err = keeper.Migrate(ctx, p.record)
	}
	if err != nil {
		warn(err)
		return nil
	}
	saved, err := keeper.Save(ctx, p.record, sealed)
	if err != nil {
		warn(err)
		entry.Incomplete = true
		return nil
	}
	if saved.Lost != nil {
		warn(saved.Lost)
	}
	entry.Revision, entry.Incomplete = saved.Key, len(saved.Lacks) > 0
	return saved
}

// sealed is the application as it may be written: Secrets sealed, or left out where there
// is nobody to seal them to.
func (p *progress) sealed() (*plan.Application, error) {
	sealed, err := planfile.SealApplication(p.app, p.applying.engine.options.Recipient)
	if err != nil {
		return nil, err
	}
	for i := range sealed.Changes {
		if p.app.Changes[i].Secret != nil && sealed.Changes[i].Sealed == nil {
			sealed.Changes[i].Body = nil // fingerprints are nothing to put back
		}
	}
	return sealed, nil
}

// collectRevisions removes what no entry of the history needs any more, now that the
// record is written. What cannot be removed is left for the next apply.
func (p *progress) collectRevisions(ctx context.Context, saved *revision.Saved) {
	if saved == nil {
		return
	}
	if err := revisionsIn(p.applying.records).Collect(ctx, saved); err != nil {
		p.applying.engine.options.Log.Debug("old revisions stay in the state", "application", p.app.Address.String(), "error", err)
	}
}

// dropRevisions removes what is kept of an application that is no more.
func (p *progress) dropRevisions(ctx context.Context) {
	if err := revisionsIn(p.applying.records).Drop(ctx, p.record); err != nil {
		p.applying.engine.options.Log.Debug("revisions stay in the state", "application", p.app.Address.String(), "error", err)
	}
}

// lastApplied is the application as the newest apply that succeeded left it; nil where the
// history does not have it.
func (e *Engine) lastApplied(ctx context.Context, record *state.Record) (*plan.Application, error) {
	for i := range slices.Backward(record.History) {
		found, err := revisionsIn(e.options.Records).Load(ctx, &record.History[i], e.options.Identity)
		if err != nil {
			return nil, fmt.Errorf("revision %d: %w", record.History[i].ID, err)
		}
		if found != nil {
			return found.Application, nil
		}
	}
	return nil, nil
}

// isIncomplete reports whether the newest revision of an application lacks bodies.
func isIncomplete(record *state.Record) bool {
	last := record.LastApply()
	return last != nil && last.Incomplete
}

// noteRendered notes of each application what it is to have, all of it, as a digest: that
// is told later from what it was to have at another time.
func (p *planning) noteRendered() {
	for _, d := range p.drafts {
		if !d.failed() && !d.leaves() {
			d.rendered = p.engine.rendered(d)
		}
	}
}

func (e *Engine) rendered(d *draft) string {
	type key struct {
		id    object.ID
		phase plan.Phase
	}
	known := make(map[key]string, len(d.changes))
	if len(d.ignore) == 0 { // else what is sent depends on what is there
		for i := range d.changes {
			known[key{d.changes[i].ID, d.changes[i].Phase}] = d.changes[i].Desired
		}
	}
	lines := make([]string, 0, len(d.desired))
	for _, want := range d.desired {
		if want.whenAbsent {
			continue
		}
		id := want.object.ID()
		digest := known[key{id, want.phase}]
		switch {
		case digest != "":
		case want.placement.Hook:
			digest = e.differ.Digest(want.object)
		default:
			digest = e.differ.Digest(diff.Normalize(want.object))
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", id, want.phase, digest))
	}
	slices.Sort(lines)
	return e.options.Fingerprinter.Digest([]byte(strings.Join(lines, "\n")))
}
