package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/state"
)

// Recording is what a plan is recorded for.
type Recording struct {
	// Pull is the pull request; nil for a commit that a merge queue has made.
	Pull *providers.PullRequest
	Head string // the commit that reviewers see
	Base string // the protected branch
	// BaseCommit is what that has, and Config the configuration there: its rules say who may
	// record, and who vouches for them.
	BaseCommit string
	Config     *lang.Config

	rules  string // the digest of the rules that the head has
	before string // that of the rules that its change begins at; empty where that is not known
}

// Prepare finds out what HEAD is to be recorded for: the head of the pull request of a number,
// or with 0 of the one open pull request whose head it is; or for a merge queue a commit for a
// branch, whose name is queue. The forge is the one that the configuration of the branch main
// names, and is open from when that is known, also where there is an error: of the
// configuration of HEAD that is a *HeadError.
func (g *Gatherer) Prepare(ctx context.Context, number int64, queue, main string) (*Recording, error) {
	head, err := g.History.Head()
	if err != nil {
		return nil, err
	}
	tip := g.History.Branch(main)
	if tip == "" {
		return nil, fmt.Errorf("the branch %q is not in this clone, and it says which forge is asked: fetch it, or name another with --base", main)
	}
	config, err := g.Config(ctx, tip)
	if err != nil {
		return nil, fmt.Errorf("the configuration of %q: %w", main, err)
	}
	if err := g.open(ctx, config); err != nil {
		return nil, err
	}
	out := &Recording{Head: head, Base: queue}
	if queue == "" {
		if out.Pull, err = g.pull(ctx, number, head); err != nil {
			return nil, err
		}
		out.Head, out.Base = out.Pull.Head, out.Pull.Base
	}
	if out.BaseCommit = g.History.Branch(out.Base); out.BaseCommit == "" {
		return nil, fmt.Errorf("the branch %q is not in this clone, and its rules say who may record: fetch it", out.Base)
	}
	if queue != "" {
		on, err := g.History.Contains(ctx, out.BaseCommit, head)
		if err != nil {
			return nil, err
		}
		if on {
			return nil, fmt.Errorf("%.8s is on %q already, so that nobody could review its plan any more", head, queue)
		}
		from, err := g.History.Contains(ctx, head, out.BaseCommit)
		if err != nil {
			return nil, err
		}
		if !from {
			return nil, fmt.Errorf("%.8s does not come from %q as it was fetched: it is no commit of a merge queue for it, or the clone has too little of the history", head, queue)
		}
	} else if head != out.Pull.Head {
		if err := g.isMerge(ctx, head, out); err != nil {
			return nil, err
		}
	}
	if out.Config, err = g.Config(ctx, out.BaseCommit); err != nil {
		return nil, fmt.Errorf("the configuration of %q: %w", out.Base, err)
	}
	at, err := g.Config(ctx, head)
	if err != nil {
		return nil, &HeadError{Commit: head, Err: err}
	}
	if was, is := out.Config.Settings.Backend, at.Settings.Backend; was.Type != is.Type || !maps.Equal(was.Arguments, is.Arguments) {
		return nil, fmt.Errorf("the backend is not the one of %q: a plan is recorded in the state that the branch has. Move the state first, with \"gantry init --migrate-state\"", out.Base)
	}
	out.rules = RulesDigest(at)
	return out, g.begun(ctx, out, head)
}

// begun finds out which rules the change begins at: those of the protected branch where HEAD
// came from it, or was merged with it.
func (g *Gatherer) begun(ctx context.Context, r *Recording, head string) error {
	if r.before = RulesDigest(r.Config); r.before == r.rules || r.Pull == nil {
		return nil
	}
	from := ""
	if head != r.Pull.Head { // a merge that the forge tries
		parents, err := g.History.Parents(head)
		if err != nil {
			return err
		}
		from = parents[0]
	} else {
		var err error
		from, err = g.History.MergeBase(ctx, head, r.BaseCommit)
		if errors.Is(err, git.ErrUnrelated) || errors.Is(err, git.ErrShallow) {
			r.before = "" // it brings rules that cannot come into force
			return nil
		}
		if err != nil {
			return fmt.Errorf("where %.8s comes from %q: %w", head, r.Base, err)
		}
	}
	config, err := g.Config(ctx, from)
	if err != nil {
		return fmt.Errorf("the configuration of %q at %.8s: %w", r.Base, from, err)
	}
	r.before = RulesDigest(config)
	return nil
}

// HeadError says that the configuration of what is to be recorded cannot be told.
type HeadError struct {
	Commit string
	Err    error
}

// Error implements error.
func (e *HeadError) Error() string {
	return fmt.Sprintf("the configuration at %.8s: %s", e.Commit, e.Err)
}

// Unwrap returns why.
func (e *HeadError) Unwrap() error { return e.Err }

// pull is the open pull request that a commit is planned for.
func (g *Gatherer) pull(ctx context.Context, number int64, head string) (*providers.PullRequest, error) {
	if number == 0 {
		pulls, err := g.Forge.Pulls(ctx, head)
		if err != nil {
			return nil, err
		}
		pulls = slices.DeleteFunc(pulls, func(p providers.PullRequest) bool { return !p.Open || p.Head != head })
		if len(pulls) != 1 {
			return nil, fmt.Errorf("%.8s is the head of %d open pull requests: say which is meant, with --pull, or that a merge queue made it, with --merge-queue", head, len(pulls))
		}
		return &pulls[0], nil
	}
	pull, err := g.Forge.Pull(ctx, number)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, fmt.Errorf("the forge has no pull request #%d", number)
	case err != nil:
		return nil, err
	case !pull.Open:
		return nil, fmt.Errorf("#%d is not open, so that nobody reviews its plan any more", number)
	}
	return pull, nil
}

// isMerge makes sure that HEAD is what the forge makes to try a merge: of the pull request's
// head, and of a commit of its base.
func (g *Gatherer) isMerge(ctx context.Context, head string, r *Recording) error {
	parents, err := g.History.Parents(head)
	if err != nil {
		return err
	}
	if len(parents) == 2 && parents[1] == r.Pull.Head {
		on, err := g.History.Contains(ctx, r.BaseCommit, parents[0])
		if err != nil || on {
			return err
		}
	}
	return fmt.Errorf("the head of #%d is %.8s, and %.8s is checked out: it was pushed to meanwhile, or another commit is here", r.Pull.Number, r.Pull.Head, head)
}

// Record writes down what a plan does, for those who review it: who does it must be a planner,
// where the rules of the base name any. Expires may be zero, for never.
func (g *Gatherer) Record(ctx context.Context, r *Recording, p *plan.Plan, by state.Holder, expires time.Time, signers []*signature.Signer) (*state.Recorded, error) {
	if protection := approval.Of(r.Config.Settings.Protection); protection != nil && protection.Planners != nil {
		if why := approval.Refused(protection.Planners, &r.Config.Settings.Identity, by.Identity); why != "" {
			err := fmt.Errorf("the protection of %q names who may record plans, and %s: %s", r.Base, by.Identity, why)
			event := state.Event{Kind: state.EventRefused, By: by, Plan: p.ID, Act: "plan --record", Message: why}
			if auditErr := g.Records.Audit(ctx, event); auditErr != nil {
				err = errors.Join(err, fmt.Errorf("that it was refused is not in the audit log: %w", auditErr))
			}
			return nil, err
		}
	}
	if r.Pull != nil {
		now, err := g.Forge.Pull(ctx, r.Pull.Number)
		if err != nil {
			return nil, err
		}
		if !now.Open || now.Head != r.Head || now.Base != r.Base {
			return nil, fmt.Errorf("#%d has moved on while it was planned: it is at %.8s now, and %.8s was planned. Plan that", now.Number, now.Head, r.Head)
		}
	}
	made := &state.Recorded{
		Lineage: g.Records.Lineage(), Head: r.Head, Base: r.BaseCommit, Plan: p.ID, InputDigest: p.InputDigest, Rules: r.rules, RulesBefore: r.before,
		RecordedAt: g.Now(), ExpiresAt: expires,
	}
	if by.Identity != nil {
		made.By = *by.Identity
	}
	if r.Pull != nil {
		made.Pull = r.Pull.Number
	}
	for i := range p.Applications {
		if app := &p.Applications[i]; app.HasChanges() && !app.IsBlocked() {
			one := state.RecordedApplication{Address: app.Address, Digest: app.Digest}
			for _, need := range app.NeedsApproval() {
				one.Policies = append(one.Policies, need.Policy)
			}
			one.Policies = slices.Compact(one.Policies)
			made.Applications = append(made.Applications, one)
		}
	}
	event := state.Event{Kind: state.EventRecorded, By: by, Plan: p.ID, Message: "for " + made.String()}
	for _, app := range made.Applications {
		event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest})
	}
	if err := g.Records.Audit(ctx, event); err != nil {
		return nil, fmt.Errorf("that a plan is recorded cannot be written into the audit log, so it is not: %w", err)
	}
	if len(signers) == 0 {
		return made, g.Records.PutRecorded(ctx, made)
	}
	return made, g.Records.PutSigned(ctx, made, func(before *state.Recorded) error { return g.sign(r, made, before, signers) })
}

// sign signs a record. Where the rules name signers, what the state says of the time before
// counts as far as that is signed, too: who can write the state could say that nothing else was
// planned, and so have an approval of that count for this. An approval then counts from when
// this was recorded at the head for the first time.
func (g *Gatherer) sign(r *Recording, made, before *state.Recorded, signers []*signature.Signer) error {
	if protection := approval.Of(r.Config.Settings.Protection); protection != nil && protection.Signers != nil && made.Pull != 0 {
		known := before != nil && before.Head == made.Head && len(signedBy(before, signerKeys(protection.Signers), g.Now())) > 0
		for i := range made.Applications {
			switch app := &made.Applications[i]; {
			case !known:
				app.Since = made.RecordedAt
			case app.Since.IsZero():
				app.Since = before.RecordedAt
			}
		}
	}
	statement, err := made.Statement()
	if err == nil {
		made.Signed, err = signature.SignStatement(statement, signers)
	}
	if err != nil {
		return fmt.Errorf("signing what is recorded: %w", err)
	}
	return nil
}
