package state

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Unlocked is what became of a run that someone wanted to be out of the way.
type Unlocked struct {
	Run
	Released bool `json:"released"` // false: it lives
	// Because says how that is known.
	Because string `json:"because"`
}

// Unlock gives up the leases of runs that are dead: at once where that is known of their
// process, or else when they were not renewed for as long as they last. Those that live are
// left, for they end by themselves.
func (r *Records) Unlock(ctx context.Context, chosen func(*Run) bool, options LeaseOptions) ([]Unlocked, error) {
	options = options.withDefaults()
	runs, err := r.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out := []Unlocked{}
	for i := range runs {
		if !chosen(&runs[i]) {
			continue
		}
		unlocked, err := r.unlock(ctx, &runs[i], options)
		if err != nil {
			return out, err
		}
		out = append(out, unlocked)
	}
	return out, nil
}

// unlock watches one lease until it is known whether its holder lives.
func (r *Records) unlock(ctx context.Context, run *Run, options LeaseOptions) (Unlocked, error) {
	out := Unlocked{Run: *run, Because: "its process has ended"}
	known := options.Dead(run.Holder)
	began, watch := options.Clock.Now(), watch{name: run.ID, options: options}
	for first := ""; ; {
		version, err := watch.free(ctx, r.store, run.key)
		var locked *LockedError
		switch {
		case errors.As(err, &locked) && first != "" && watch.version != first:
			out.Because = fmt.Sprintf("it renewed its lock while that was watched, for %s", elapsed(options.Clock.Now(), began).Round(100*time.Millisecond))
			return out, nil
		case errors.As(err, &locked):
			first = watch.version
			select {
			case <-ctx.Done():
				return out, ctx.Err()
			case <-options.Clock.After(min(options.Duration/30, waitPause)):
			}
			continue
		case err != nil:
			return out, err
		case version == "":
			out.Released, out.Because = true, "it has ended by itself"
			return out, nil
		}
		err = r.store.Delete(ctx, run.key, version)
		switch {
		case err == nil, errors.Is(err, ErrNotFound):
			out.Released = true
			if !known {
				out.Because = fmt.Sprintf("it did not renew its lock for %s", elapsed(options.Clock.Now(), began).Round(100*time.Millisecond))
			}
			return out, nil
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknown):
			return out, fmt.Errorf("unlocking: %w", err)
		}
	}
}
