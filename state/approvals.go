package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

const (
	approvalPrefix = "approvals"
	pullPrefix     = approvalPrefix + "/pulls"
	queuePrefix    = approvalPrefix + "/commits"
)

// Recorded is what a planner wrote down of the plan of a pull request's head, or of a
// commit that a merge queue has made: what reviewers approve. There is one for each pull
// request; a newer one takes the place of the older.
type Recorded struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"` // of the installation
	// Pull is the number of the pull request; 0 says that Head is a merge queue's commit.
	Pull int64  `json:"pull,omitempty"`
	Head string `json:"head"` // the commit that was planned
	// Base is what the protected branch had when it was planned.
	Base        string `json:"base,omitempty"`
	Plan        string `json:"plan"` // the plan's ID
	InputDigest string `json:"inputDigest"`
	// Rules is the digest of the rules that the head has: see Rules.
	Rules string `json:"rules,omitempty"`
	// RulesBefore is the digest of the rules that the change begins at: those who review it see
	// what it makes of these. Empty where that is not known.
	RulesBefore  string                `json:"rulesBefore,omitempty"`
	By           plan.Identity         `json:"by"`
	RecordedAt   time.Time             `json:"recordedAt"`
	ExpiresAt    time.Time             `json:"expiresAt,omitzero"`     // zero is never
	Applications []RecordedApplication `json:"applications,omitempty"` // sorted by address
	// Signed is the statement with its signatures, a DSSE envelope; empty where there are none.
	Signed []byte `json:"signed,omitempty"`
}

// RecordedApplication is what was planned of one application.
type RecordedApplication struct {
	Address addr.Address `json:"address"`
	Digest  string       `json:"digest"` // the change digest
	// Policies are those that ask for an approval of it, and were shown to who approves:
	// addresses, sorted.
	Policies []string `json:"policies,omitempty"`
	// Since is when this took the place of something else that was planned for the pull
	// request: what was approved before is not this. Zero: nothing else was.
	Since time.Time `json:"since,omitzero"`
	// Use is the apply that it was used for; nil where there was none.
	Use *Use `json:"use,omitempty"`
}

// Use is the apply that a recorded digest was used for.
type Use struct {
	Plan   string    `json:"plan"` // the ID of the plan that was applied
	At     time.Time `json:"at"`
	DoneAt time.Time `json:"doneAt,omitzero"` // zero: it did not come to its end
	By     string    `json:"by,omitempty"`
	// Policies are the approvals that policies ask for and that there were, as
	// plan.PolicyNeed has them; sorted.
	Policies []string `json:"policies,omitempty"`
}

func (r *Recorded) format() int { return r.FormatVersion }

// Key is where the record is.
func (r *Recorded) Key() string {
	if r.Pull == 0 {
		return queuePrefix + "/" + EscapeSegment(r.Head)
	}
	return pullPrefix + "/" + strconv.FormatInt(r.Pull, 10)
}

// String names what it is of, for people: "#12 at 3f2a9c1b".
func (r *Recorded) String() string {
	if r.Pull == 0 {
		return "the merge queue's " + short(r.Head)
	}
	return fmt.Sprintf("#%d at %s", r.Pull, short(r.Head))
}

// Find returns what was planned of an application; nil where that is nothing.
func (r *Recorded) Find(address addr.Address) *RecordedApplication {
	for i := range r.Applications {
		if r.Applications[i].Address == address {
			return &r.Applications[i]
		}
	}
	return nil
}

// Statement is what signers sign: all that is recorded, but for what becomes of it later.
func (r *Recorded) Statement() ([]byte, error) {
	out := *r
	out.FormatVersion, out.Signed = 0, nil
	out.RecordedAt, out.ExpiresAt = stamp(out.RecordedAt), stampOrZero(out.ExpiresAt)
	out.Applications = slices.Clone(out.Applications)
	for i := range out.Applications {
		out.Applications[i].Use = nil
	}
	return encode(&out)
}

func stampOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return stamp(t)
}

// short is a commit for people.
func short(commit string) string { return commit[:min(len(commit), 8)] }

// ErrUsed means that a record was used, so that nothing takes its place.
var ErrUsed = errors.New("it was applied already")

// PutRecorded writes a record, in the place of an older one of the same pull request. One that
// was used stays: that is ErrUsed.
func (r *Records) PutRecorded(ctx context.Context, made *Recorded) error {
	return r.PutSigned(ctx, made, nil)
}

// PutSigned is PutRecorded of a record that sign signs, right before it is written: sign knows
// the older record, which is nil where there is none, and may set Since anew. It may be called
// more than once, if others record the same.
func (r *Records) PutSigned(ctx context.Context, made *Recorded, sign func(before *Recorded) error) error {
	made.FormatVersion, made.Lineage = FormatVersion, r.lineage
	made.RecordedAt, made.ExpiresAt = stamp(made.RecordedAt), stampOrZero(made.ExpiresAt)
	if err := made.check(); err != nil {
		return fmt.Errorf("recording a plan: %w. This is a bug in gantry", err)
	}
	return swap(ctx, r.clock, func() error {
		before, version, err := r.recorded(ctx, made.Key())
		if err != nil {
			return err
		}
		if before != nil && slices.ContainsFunc(before.Applications, func(a RecordedApplication) bool { return a.Use != nil }) {
			return fmt.Errorf("the plan of %s: %w", before, ErrUsed)
		}
		made.follow(before)
		if sign != nil {
			if err := sign(before); err != nil {
				return err
			}
		}
		text, err := encode(made)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, made.Key(), text, version)
		return err
	})
}

// follow says since when what is planned is that, where something was planned before. Of a head
// that comes back nobody remembers what was planned of it, but not what was before.
func (r *Recorded) follow(before *Recorded) {
	for i := range r.Applications {
		app := &r.Applications[i]
		app.Since = time.Time{}
		if before == nil {
			continue
		}
		switch was := before.Find(app.Address); {
		case before.Head != r.Head:
			app.Since = before.RecordedAt
		case was != nil && was.Digest == app.Digest && !slices.ContainsFunc(app.Policies, func(p string) bool { return !slices.Contains(was.Policies, p) }):
			app.Since = was.Since
		default:
			app.Since = r.RecordedAt
		}
	}
}

func (r *Recorded) check() error {
	if r.Head == "" || r.Plan == "" || r.Pull < 0 {
		return errors.New("it does not say of what it is")
	}
	for i, app := range r.Applications {
		switch {
		case app.Address.IsZero() || app.Digest == "":
			return fmt.Errorf("application %d has no address or no digest", i+1)
		case i > 0 && r.Applications[i-1].Address.Compare(app.Address) >= 0:
			return fmt.Errorf("application %s is there twice or not in order", app.Address)
		}
	}
	return nil
}

// Recorded returns all records, the newest first. One that cannot be read is an error.
func (r *Records) Recorded(ctx context.Context) ([]*Recorded, error) {
	var out []*Recorded
	for _, prefix := range []string{pullPrefix, queuePrefix} {
		keys, err := r.store.List(ctx, prefix)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if strings.Count(key, "/") != strings.Count(prefix, "/")+1 {
				continue // a plan that is kept beside it
			}
			found, _, err := r.recorded(ctx, key)
			if err != nil {
				return nil, err
			}
			if found != nil {
				out = append(out, found)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *Recorded) int { return b.RecordedAt.Compare(a.RecordedAt) })
	return out, nil
}

// recorded reads a record; nil and "" where there is none.
func (r *Records) recorded(ctx context.Context, key string) (*Recorded, string, error) {
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &Recorded{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	err = found.check()
	switch {
	case found.Lineage != r.lineage:
		err = fmt.Errorf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)
	case err == nil && found.Key() != key:
		err = fmt.Errorf("it is of %s", found)
	}
	if err != nil {
		return nil, "", &BrokenError{Key: key, Reason: err.Error()}
	}
	return found, version, nil
}

// DeleteRecorded forgets what was recorded, with the plan that is kept beside it, unless it has
// changed since it was read: that is ErrConflict.
func (r *Records) DeleteRecorded(ctx context.Context, old *Recorded) error {
	found, version, err := r.recorded(ctx, old.Key())
	if err != nil || found == nil {
		return err
	}
	was, err := encode(old)
	if err != nil {
		return err
	}
	if is, err := encode(found); err != nil || !bytes.Equal(is, was) {
		return errors.Join(err, fmt.Errorf("%w: what was recorded for %s", ErrConflict, old))
	}
	if err := r.remove(ctx, old.planKey()); err != nil {
		return err
	}
	if err := r.store.Delete(ctx, old.Key(), version); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// UseRecorded notes that digests of a record are used for an apply, before that begins, and
// returns the applications whose digests cannot be: they were used, or are others by now. A
// use that did not come to its end may be taken over. policies are those of each Use.
func (r *Records) UseRecorded(ctx context.Context, key string, digests map[addr.Address]string, policies map[addr.Address][]string, use Use) (refused map[addr.Address]string, err error) {
	use.At = stamp(r.clock.Now())
	err = r.changeRecorded(ctx, key, func(found *Recorded) {
		refused = map[addr.Address]string{}
		for address, digest := range digests {
			switch app := found.Find(address); {
			case app == nil || app.Digest != digest:
				refused[address] = "another plan of it was recorded meanwhile"
			case app.Use != nil && app.Use.Plan != use.Plan && !app.Use.DoneAt.IsZero():
				refused[address] = fmt.Sprintf("what was approved was applied at %s", app.Use.At.Format(time.RFC3339))
			default:
				made := use
				made.Policies = policies[address]
				app.Use = &made
			}
		}
	})
	return refused, err
}

// EndUse notes that digests of a record are applied, all of each.
func (r *Records) EndUse(ctx context.Context, key, id string, applications []addr.Address) error {
	return r.changeRecorded(ctx, key, func(found *Recorded) {
		for _, address := range applications {
			if app := found.Find(address); app != nil && app.Use != nil && app.Use.Plan == id {
				ended := *app.Use
				ended.DoneAt = stamp(r.clock.Now())
				app.Use = &ended
			}
		}
	})
}

// changeRecorded changes a record from how it is now; change may be called again.
func (r *Records) changeRecorded(ctx context.Context, key string, change func(*Recorded)) error {
	return swap(ctx, r.clock, func() error {
		found, version, err := r.recorded(ctx, key)
		if err != nil {
			return err
		}
		if found == nil {
			return fmt.Errorf("%w: what was recorded at %s", ErrNotFound, key)
		}
		change(found)
		text, err := encode(found)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, key, text, version)
		return err
	})
}

// recordedPlan is the plan file that was recorded, to tell later what differs from it.
type recordedPlan struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"`
	Plan          string `json:"plan"`
	File          []byte `json:"file"`
}

func (r *recordedPlan) format() int { return r.FormatVersion }

func (r *Recorded) planKey() string { return r.Key() + "/plan" }

// KeepRecordedPlan keeps the file of the plan that a record is of, in place of an older one.
func (r *Records) KeepRecordedPlan(ctx context.Context, of *Recorded, file []byte) error {
	text, err := encode(&recordedPlan{FormatVersion: FormatVersion, Lineage: r.lineage, Plan: of.Plan, File: file})
	if err != nil {
		return err
	}
	return swap(ctx, r.clock, func() error {
		_, version, err := r.store.Get(ctx, of.planKey())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		_, err = r.store.Put(ctx, of.planKey(), text, version)
		return err
	})
}

// RecordedPlan returns the file of the plan that a record is of; nil where it is not kept.
func (r *Records) RecordedPlan(ctx context.Context, of *Recorded) ([]byte, error) {
	value, _, err := r.store.Get(ctx, of.planKey())
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := &recordedPlan{}
	if err := decode(of.planKey(), value, found); err != nil {
		return nil, err
	}
	if found.Lineage != r.lineage || found.Plan != of.Plan {
		return nil, nil // of the record that was there before
	}
	return found.File, nil
}
