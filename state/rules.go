package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

const (
	rulesKey   = approvalPrefix + "/rules"
	turnPrefix = approvalPrefix + "/turns"
)

// Protection is what must be so before a change is applied, as rules in force have it.
type Protection struct {
	Branches  []string         `json:"branches,omitempty"` // globs; nil is any
	Approvals *ApprovalsNeeded `json:"approvals,omitempty"`
	Planners  []string         `json:"planners,omitempty"`
	Signers   []string         `json:"signers,omitempty"`
}

// ApprovalsNeeded says who must have approved a change.
type ApprovalsNeeded struct {
	Count     int      `json:"count"`
	Groups    []string `json:"groups,omitempty"`
	NotAuthor bool     `json:"notAuthor,omitempty"`
}

// IsZero reports whether nothing is asked for.
func (p *Protection) IsZero() bool {
	return p == nil || len(p.Branches)+len(p.Planners)+len(p.Signers) == 0 && p.Approvals == nil
}

// Rules are those that were in force when the protected branch was applied last. They count
// until others are accepted: a change of the rules is judged by those before it.
type Rules struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"` // of the installation
	Commit        string `json:"commit"`  // of the protected branch, that has them
	// Digest is "sha256:…" over all that says who may apply what: protection, identities,
	// roles, projects, windows, policies, the forge and the backend.
	Digest     string      `json:"digest"`
	Protection *Protection `json:"protection,omitempty"` // nil: nothing is asked for
	AcceptedAt time.Time   `json:"acceptedAt"`
	By         string      `json:"by,omitempty"`
	// Pull is the pull request that they came with; 0 where they are the first.
	Pull int64 `json:"pull,omitempty"`
}

func (r *Rules) format() int { return r.FormatVersion }

// Rules returns the rules in force; nil where none were accepted yet.
func (r *Records) Rules(ctx context.Context) (*Rules, error) {
	found, _, err := r.rules(ctx)
	return found, err
}

func (r *Records) rules(ctx context.Context) (*Rules, string, error) {
	value, version, err := r.store.Get(ctx, rulesKey)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &Rules{}
	if err := decode(rulesKey, value, found); err != nil {
		return nil, "", err
	}
	if found.Lineage != r.lineage {
		return nil, "", &BrokenError{Key: rulesKey, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	}
	return found, version, nil
}

// AcceptRules puts rules in force, in place of those with a digest; empty is none. ErrConflict
// where others are in force by now.
func (r *Records) AcceptRules(ctx context.Context, next Rules, before string) error {
	next.FormatVersion, next.Lineage, next.AcceptedAt = FormatVersion, r.lineage, stamp(r.clock.Now())
	found, version, err := r.rules(ctx)
	if err != nil {
		return err
	}
	if digest := digestOf(found); digest != before {
		return fmt.Errorf("%w: other rules are in force", ErrConflict)
	}
	text, err := encode(&next)
	if err != nil {
		return err
	}
	_, err = putOnce(ctx, r.store, r.clock, rulesKey, text, version)
	return err
}

func digestOf(rules *Rules) string {
	if rules == nil {
		return ""
	}
	return rules.Digest
}

// Turn is the newest commit of a protected branch that an apply has begun with.
type Turn struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"` // of the installation
	Branch        string `json:"branch"`
	Commit        string `json:"commit"`
	// Applications are those that it decides about; nil is all.
	Applications []addr.Address `json:"applications,omitempty"`
	At           time.Time      `json:"at"`
	By           string         `json:"by,omitempty"`
}

func (t *Turn) format() int { return t.FormatVersion }

// Concerns reports whether it decides about one of some applications; nil is all.
func (t *Turn) Concerns(applications []addr.Address) bool {
	if t.Applications == nil || applications == nil {
		return true
	}
	return slices.ContainsFunc(applications, func(a addr.Address) bool { return slices.Contains(t.Applications, a) })
}

// Turn returns the newest commit of a branch that an apply has begun with; nil where there
// was none.
func (r *Records) Turn(ctx context.Context, branch string) (*Turn, error) {
	found, _, err := r.turn(ctx, branch)
	return found, err
}

func (r *Records) turn(ctx context.Context, branch string) (*Turn, string, error) {
	key := turnPrefix + "/" + EscapeSegment(branch)
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &Turn{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	if found.Lineage != r.lineage || found.Branch != branch {
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("it is of branch %q of the installation %q", found.Branch, found.Lineage)}
	}
	return found, version, nil
}

// TakeTurn notes that an apply has begun with a commit of a branch: allowed is asked about
// what is noted, nil where nothing is, and an error of it ends it. It may be called again.
func (r *Records) TakeTurn(ctx context.Context, next Turn, allowed func(*Turn) error) error {
	next.FormatVersion, next.Lineage, next.At = FormatVersion, r.lineage, stamp(r.clock.Now())
	return swap(ctx, r.clock, func() error {
		found, version, err := r.turn(ctx, next.Branch)
		if err != nil {
			return err
		}
		if err := allowed(found); err != nil {
			return err
		}
		text, err := encode(&next)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, turnPrefix+"/"+EscapeSegment(next.Branch), text, version)
		return err
	})
}
