package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// A command that changes applications holds a lease of its own, as a run; with it the
// claims live that it writes into their records. Work on the state as a whole holds the
// lock of the configuration. Each writes its lease first and then looks for the other
// kind: so of a run and of work on the whole that begin at once, at least one sees the
// other. A run that does withdraws; work on the whole waits for runs to end.

const (
	runPrefix = leasePrefix + "/runs"
	// configuration is the name of the lease for work on the whole.
	configuration = "configuration"
)

// Scope is what a run is about.
type Scope struct {
	Plan string // the ID of the plan that is applied; empty for none
	// Applications are those that are changed. Another run of one of them is waited for,
	// or refused.
	Applications []addr.Address
}

// Run is a command that holds a lease.
type Run struct {
	ID           string         `json:"id"`
	Holder       Holder         `json:"holder"`
	Plan         string         `json:"plan,omitempty"`
	Applications []addr.Address `json:"applications,omitempty"`
	Since        time.Time      `json:"since"`
	RenewedAt    time.Time      `json:"renewedAt"` // by the holder's clock, as all here
	Expires      time.Time      `json:"expires"`   // when it ends unless it is renewed
	// Whole tells that it holds the configuration as a whole.
	Whole bool `json:"whole,omitempty"`

	key string
}

// Runs returns who holds leases, whether they live or not: the one for the whole first,
// then by when they began.
func (r *Records) Runs(ctx context.Context) ([]Run, error) {
	keys, err := r.store.List(ctx, runPrefix)
	if err != nil {
		return nil, err
	}
	whole := leasePrefix + "/" + configuration
	var out []Run
	for _, key := range append(keys, whole) {
		text, _, err := r.store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := readLease(key, text, r.leases.withDefaults())
		if err != nil {
			return nil, err
		}
		run := Run{
			ID: held.ID, Holder: held.Holder, Plan: held.Plan, Applications: held.Applications,
			Since: held.AcquiredAt, RenewedAt: held.RenewedAt, Expires: held.RenewedAt.Add(held.lasts()), Whole: key == whole, key: key,
		}
		if run.ID == "" {
			run.ID = strings.TrimPrefix(key, runPrefix+"/")
		}
		out = append(out, run)
	}
	slices.SortStableFunc(out, func(a, b Run) int {
		if a.Whole != b.Whole {
			if a.Whole {
				return -1
			}
			return 1
		}
		return a.Since.Compare(b.Since)
	})
	return out, nil
}

// Enter takes the lease of a run that is about to change applications. Where someone
// holds the configuration, or another run is at work on one of them, the error is a
// *LockedError, once the options have waited for that as long as they say. Two runs that
// enter at the same moment may both be let in: the claims in the records decide between
// them.
func (r *Records) Enter(ctx context.Context, holder Holder, scope Scope, options LeaseOptions) (*Lease, error) {
	options = options.withDefaults()
	others := watches{records: r, options: options, known: map[string]*watch{}}
	var entered *Lease
	err := patiently(ctx, options, func() error {
		if err := others.absent(ctx, r.isBusy(scope)); err != nil {
			return err
		}
		made, err := r.enter(ctx, holder, scope, options)
		if err != nil {
			return err
		}
		err = others.absent(ctx, func(run *Run) string {
			if run.Whole {
				return "the configuration"
			}
			return ""
		})
		if err != nil {
			return errors.Join(err, made.Release(context.WithoutCancel(ctx)))
		}
		entered = made
		return nil
	})
	return entered, err
}

// enter writes the lease of a run.
func (r *Records) enter(ctx context.Context, holder Holder, scope Scope, options LeaseOptions) (*Lease, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	body := lease{ID: id, Holder: holder, Plan: scope.Plan, Applications: scope.Applications}
	return take(ctx, r.store, runPrefix+"/"+id, body, "", options)
}

// isBusy returns what says by what another run is in the way of a scope; empty for not.
func (*Records) isBusy(scope Scope) func(*Run) string {
	wanted := make(map[addr.Address]bool, len(scope.Applications))
	for _, address := range scope.Applications {
		wanted[address] = true
	}
	return func(run *Run) string {
		if run.Whole {
			return "the configuration"
		}
		for _, address := range run.Applications {
			if wanted[address] {
				return address.String()
			}
		}
		return ""
	}
}

// Await waits until nobody is at work on some applications, or with nil on any, for as
// long as the options say; then the error is a *LockedError. It takes nothing: someone may
// begin right after it.
func (r *Records) Await(ctx context.Context, applications []addr.Address, options LeaseOptions) error {
	options = options.withDefaults()
	others := watches{records: r, options: options, known: map[string]*watch{}}
	busy := r.isBusy(Scope{Applications: applications})
	if applications == nil {
		busy = func(run *Run) string {
			if !run.Whole && len(run.Applications) == 0 {
				return ""
			}
			return "the state"
		}
	}
	return patiently(ctx, options, func() error { return others.absent(ctx, busy) })
}

// EnterWhole takes the lock for work on the state as a whole, once no run is left: it
// waits for them as long as the options say. As long as it is held, or waited for, no run
// begins.
func (r *Records) EnterWhole(ctx context.Context, holder Holder, options LeaseOptions) (*Lease, error) {
	options = options.withDefaults()
	lease, err := Acquire(ctx, r.store, configuration, holder, options)
	if err != nil {
		return nil, err
	}
	others := watches{records: r, options: options, known: map[string]*watch{}}
	err = patiently(ctx, options, func() error {
		return others.absent(ctx, func(run *Run) string {
			if run.Whole {
				return ""
			}
			return "the state"
		})
	})
	if err != nil {
		return nil, errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}
	return lease, nil
}

// Settle makes sure that nobody is at work under a claim: its run has ended, or is dead
// and is put out, so that it does nothing more. Otherwise the error is a *LockedError,
// once the options have waited as long as they say. name is what is claimed.
func (r *Records) Settle(ctx context.Context, claim *Claim, name string, options LeaseOptions) error {
	if claim == nil {
		return nil
	}
	options = options.withDefaults()
	others := watches{records: r, options: options, known: map[string]*watch{}}
	return patiently(ctx, options, func() error {
		return others.over(ctx, runPrefix+"/"+EscapeSegment(claim.Lease), name)
	})
}

// watches are the leases of others that someone wants to see ended.
type watches struct {
	records *Records
	options LeaseOptions
	known   map[string]*watch
}

// absent makes sure that no run is left which is in the way of something, as isBusy says
// of what. Those that are dead are put out.
func (w *watches) absent(ctx context.Context, inTheWay func(*Run) string) error {
	runs, err := w.records.Runs(ctx)
	if err != nil {
		return fmt.Errorf("looking for others at work: %w", err)
	}
	for i := range runs {
		if name := inTheWay(&runs[i]); name != "" {
			if err := w.over(ctx, runs[i].key, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// over makes sure that the lease of a key has ended. One whose holder is dead is removed,
// so that its holder, should it live after all, can no longer renew it.
func (w *watches) over(ctx context.Context, key, name string) error {
	if w.known[key] == nil {
		w.known[key] = &watch{name: name, options: w.options}
	}
	store := w.records.store
	for {
		version, err := w.known[key].free(ctx, store, key)
		if err != nil || version == "" {
			return err
		}
		err = store.Delete(ctx, key, version)
		switch {
		case err == nil, errors.Is(err, ErrNotFound):
			return nil
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknown):
			return fmt.Errorf("unlocking %s: %w", name, err)
		}
	}
}
