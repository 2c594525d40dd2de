package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// SupersededError says that a newer commit of the branch is applied, or was, so that an older
// one is not any more.
type SupersededError struct {
	Turn *state.Turn
	Ours string
}

// Error implements error.
func (e *SupersededError) Error() string {
	return fmt.Sprintf("%.8s of %q, which is newer than %.8s, has been applied or waits to be, since %s: it decides about the same applications, so this apply gives up",
		e.Turn.Commit, e.Turn.Branch, e.Ours, e.Turn.At.UTC().Format(time.RFC3339))
}

// errKept ends the taking of a turn that changes nothing.
var errKept = errors.New("the newer turn is about other applications")

// TakeTurn notes that a commit is being applied, so that older ones that wait give up. It is a
// *SupersededError where a newer one was there first. applications are those that are decided
// about; nil is all.
func (g *Gatherer) TakeTurn(ctx context.Context, s *Standing, applications []addr.Address, by string) error {
	next := state.Turn{Branch: s.Branch, Commit: s.Commit, Applications: applications, By: by}
	err := g.Records.TakeTurn(ctx, next, func(found *state.Turn) error {
		newer, err := g.isNewer(ctx, s, found)
		switch {
		case err != nil || !newer:
			return err
		case found.Concerns(applications):
			return &SupersededError{Turn: found, Ours: s.Commit}
		}
		return errKept
	})
	if errors.Is(err, errKept) {
		return nil
	}
	return err
}

// Superseded is a *SupersededError where a newer commit has had its turn meanwhile.
func (g *Gatherer) Superseded(ctx context.Context, s *Standing, applications []addr.Address) error {
	found, err := g.Records.Turn(ctx, s.Branch)
	if err != nil {
		return err
	}
	newer, err := g.isNewer(ctx, s, found)
	if err == nil && newer && found.Concerns(applications) {
		return &SupersededError{Turn: found, Ours: s.Commit}
	}
	return err
}

// isNewer reports whether a turn is of a newer commit than what is applied: it is on the
// branch, and not in the history here.
func (g *Gatherer) isNewer(ctx context.Context, s *Standing, turn *state.Turn) (bool, error) {
	if turn == nil || turn.Commit == s.Commit {
		return false, nil
	}
	before, err := g.History.Contains(ctx, s.Commit, turn.Commit)
	if err != nil || before {
		return false, err
	}
	on, err := g.Forge.Contains(ctx, s.Branch, turn.Commit)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil // the branch was written anew without it
	}
	return on, err
}

// Watch returns a context that ends with a *SupersededError as its cause once a newer commit
// has its turn; stop ends the watch, and waits for it. What cannot be read is looked at again.
func (g *Gatherer) Watch(ctx context.Context, s *Standing, applications []addr.Address, every time.Duration) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	stopping, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-stopping:
				return
			case <-watched.Done():
				return
			}
			var superseded *SupersededError
			if errors.As(g.Superseded(watched, s, applications), &superseded) {
				cancel(superseded)
				return
			}
		}
	}()
	stopped := false
	return watched, func() {
		if !stopped {
			stopped = true
			close(stopping)
		}
		<-ended
	}
}

// Accept puts the rules that a verdict lets be in force into the state.
func (g *Gatherer) Accept(ctx context.Context, s *Standing, next *state.Rules, by state.Holder) error {
	if next == nil {
		return nil
	}
	before := s.Rules.Digest
	if s.First {
		before = ""
	}
	next.By = by.Who
	message := fmt.Sprintf("the rules of %.8s", next.Commit)
	if next.Pull != 0 {
		message += fmt.Sprintf(", which came with #%d", next.Pull)
	}
	if err := g.Records.Audit(ctx, state.Event{Kind: state.EventRules, By: by, Message: message}); err != nil {
		return fmt.Errorf("that other rules are in force cannot be written into the audit log, so they are not: %w", err)
	}
	return g.Records.AcceptRules(ctx, *next, before)
}
