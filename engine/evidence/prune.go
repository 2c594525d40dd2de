package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const (
	// keptFor is how long a record is kept at least.
	keptFor = 30 * 24 * time.Hour
	// mostPruned is how many go at once, so that nobody waits long for it.
	mostPruned = 50
)

// Prune forgets old records that let nothing be applied any more: those that have expired, or
// are used up, or whose pull request was closed without a merge. Records of open pull
// requests stay, and those of an apply that can be resumed. The forge must be open.
func (g *Gatherer) Prune(ctx context.Context) error {
	recorded, err := g.Records.Recorded(ctx)
	if err != nil {
		return fmt.Errorf("what was recorded cannot be read: %w", err)
	}
	recorded = slices.DeleteFunc(recorded, func(r *state.Recorded) bool { return g.Now().Sub(r.RecordedAt) < keptFor })
	if len(recorded) == 0 {
		return nil
	}
	kept, err := g.Records.KeptPlans(ctx)
	if err != nil {
		return fmt.Errorf("what can be resumed cannot be read: %w", err)
	}
	open, err := g.Forge.OpenPulls(ctx)
	if err != nil {
		return fmt.Errorf("which pull requests are open: %w", err)
	}
	slices.SortFunc(recorded, func(a, b *state.Recorded) int {
		return cmp.Or(a.RecordedAt.Compare(b.RecordedAt), cmp.Compare(a.Key(), b.Key()))
	})
	pruned := 0
	for _, record := range recorded {
		if pruned == mostPruned {
			break
		}
		if slices.ContainsFunc(open, func(p providers.PullRequest) bool { return p.Number == record.Pull }) || resumes(record, kept) {
			continue
		}
		spent, err := g.spent(ctx, record)
		if err != nil {
			return err
		}
		if !spent {
			continue
		}
		pruned++
		if err := g.Records.DeleteRecorded(ctx, record); err != nil && !errors.Is(err, state.ErrConflict) {
			return fmt.Errorf("what was recorded for %s: %w", record, err)
		}
	}
	return nil
}

// resumes reports whether an apply that can be resumed has used a record and not ended.
func resumes(record *state.Recorded, kept []state.Unfinished) bool {
	return slices.ContainsFunc(record.Applications, func(app state.RecordedApplication) bool {
		return app.Use != nil && app.Use.DoneAt.IsZero() && slices.ContainsFunc(kept, func(u state.Unfinished) bool { return u.ID == app.Use.Plan })
	})
}

// spent reports whether a record lets nothing be applied any more.
func (g *Gatherer) spent(ctx context.Context, record *state.Recorded) (bool, error) {
	if !record.ExpiresAt.IsZero() && !g.Now().Before(record.ExpiresAt) {
		return true, nil
	}
	unused := func(app state.RecordedApplication) bool { return app.Use == nil || app.Use.DoneAt.IsZero() }
	if len(record.Applications) > 0 && !slices.ContainsFunc(record.Applications, unused) {
		return true, nil
	}
	if record.Pull == 0 {
		return false, nil
	}
	pull, err := g.Forge.Pull(ctx, record.Pull)
	if errors.Is(err, providers.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("pull request #%d: %w", record.Pull, err)
	}
	return !pull.Merged && !pull.Open, nil
}
