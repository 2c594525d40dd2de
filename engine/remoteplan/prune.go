package remoteplan

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantrycd/gantry/state"
)

// prune removes what nobody waits for any more: answers whose request is gone or that have
// ended long ago, requests that are too old, planners that are silent since long.
func (p *Planner) prune(ctx context.Context, b box) error {
	now := time.Now()
	open := map[string]bool{}
	keys, err := b.List(ctx, requests)
	if err != nil {
		return err
	}
	for _, key := range keys {
		id := idOf(requests, key)
		if id == "" {
			continue // removed by whoever looks next
		}
		found, err := b.readRequest(ctx, id)
		var bad *badError
		switch {
		case errors.Is(err, state.ErrNotFound), errors.As(err, &bad):
			continue // gone, or turned away by whoever looks next
		case err != nil:
			return err
		case found.At.Before(now.Add(-maxAge-skew)) || found.At.After(now.Add(maxAge)):
			if err := b.remove(ctx, key); err != nil {
				return err
			}
		default:
			open[id] = true
		}
	}
	if keys, err = b.List(ctx, answers); err != nil {
		return err
	}
	for _, key := range keys {
		id := idOf(answers, key)
		if id == "" {
			if err := b.remove(ctx, key); err != nil {
				return err
			}
			continue
		}
		found, _, err := b.readAnswer(ctx, id)
		var bad *badError
		switch {
		case err != nil && !errors.As(err, &bad):
			return err
		case err == nil && found == nil:
			continue
		case open[id] && err == nil && (!found.Ended() || found.EndedAt.After(now.Add(-keep))):
			continue
		case !open[id] && err == nil && !found.Ended() && found.TakenAt.After(now.Add(-keep)):
			continue // whoever is at work on it removes it
		case !open[id] && err == nil && found.EndedAt.After(now.Add(-linger)):
			continue // who was turned away may not have seen why
		}
		if err := b.remove(ctx, key); err != nil {
			return err
		}
	}
	return p.prunePlanners(ctx, b, now)
}

func (p *Planner) prunePlanners(ctx context.Context, b box, now time.Time) error {
	keys, err := b.List(ctx, planners)
	if err != nil {
		return err
	}
	for _, key := range keys {
		value, _, err := b.Get(ctx, key)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var one Presence
		if json.Unmarshal(value, &one) == nil && one.Seen.After(now.Add(-keep-min(one.Lasts, keep))) {
			continue
		}
		if err := b.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
