package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// maxHistory is how many deliveries are kept.
const maxHistory = 1000

// Delivery is a message, and what came of it.
type Delivery struct {
	ID          string       `json:"id"`
	At          time.Time    `json:"at"` // when it was made
	Ended       time.Time    `json:"endedAt,omitzero"`
	Application string       `json:"application"`
	Trigger     string       `json:"trigger"`
	Notifier    addr.Address `json:"notifier"`
	Recipient   string       `json:"recipient,omitempty"`
	Resolves    bool         `json:"resolves,omitempty"`
	Text        string       `json:"text"`
	State       State        `json:"state"`
	Attempts    int          `json:"attempts"`
	NextAt      time.Time    `json:"nextAt,omitzero"` // of what waits
	Error       string       `json:"error,omitempty"`
}

// past is the deliveries that are over, oldest first.
type past struct {
	head
	Deliveries []Delivery `json:"deliveries"`
}

func deliveryOf(b *batch, m *item) Delivery {
	return Delivery{
		ID: m.ID, At: b.At, Ended: m.Ended, Application: m.Facts.Address, Trigger: m.Trigger, Notifier: b.Notifiers[m.Notifier].Address,
		Recipient: m.Recipient, Resolves: m.Resolves, Text: cut(m.Text), State: m.State, Attempts: m.Attempts, NextAt: m.NextAt, Error: m.Error,
	}
}

// History returns the deliveries that are kept and what waits, oldest first. Where some of
// it cannot be read it returns the rest, and an error.
func (o *Outbox) History(ctx context.Context) ([]Delivery, error) {
	found := &past{}
	if _, err := o.get(ctx, historyKey, found); err != nil {
		return nil, err
	}
	batches, broken, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	out, known := found.Deliveries, map[string]bool{}
	for _, d := range out {
		known[d.ID] = true
	}
	for _, b := range batches {
		for i := range b.doc.Items {
			if m := &b.doc.Items[i]; !known[m.ID] {
				out = append(out, deliveryOf(b.doc, m))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Delivery) int { return a.At.Compare(b.At) })
	return out, errors.Join(broken...)
}

// end puts what is over into the history, and counts what the flush left.
func (f *flush) end(ctx context.Context, batches []*opened) (Summary, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	o := f.outbox
	var errs []error
	for _, was := range batches {
		now := &batch{}
		version, err := o.get(ctx, was.key, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if version == "" {
			continue // another flush has ended it, and counted it
		}
		f.count(was.doc, now)
		if slices.ContainsFunc(now.Items, func(m item) bool { return !m.State.over() }) {
			continue
		}
		if err := o.archive(ctx, was.key, version, now); err != nil {
			errs = append(errs, err)
		}
	}
	f.summary.Problems = slices.Sorted(maps.Keys(f.problems))
	return f.summary, errors.Join(errs...)
}

// count counts what became of a batch's messages during the flush.
func (f *flush) count(was, now *batch) {
	for i := range now.Items {
		switch state := now.Items[i].State; {
		case !state.over():
			f.summary.Waiting++
		case was.Items[i].State.over():
		case state == Sent:
			f.summary.Sent++
		case state == Failed:
			f.summary.Failed++
		default:
			f.summary.Unsure++
		}
	}
}

// archive removes a batch that is over, once the history has what came of it.
func (o *Outbox) archive(ctx context.Context, key, version string, b *batch) error {
	err := swap(ctx, o, historyKey, func(p *past) bool {
		known := map[string]bool{}
		for _, d := range p.Deliveries {
			known[d.ID] = true
		}
		for i := range b.Items {
			if m := &b.Items[i]; !known[m.ID] {
				p.Deliveries = append(p.Deliveries, deliveryOf(b, m))
			}
		}
		p.Deliveries = p.Deliveries[max(0, len(p.Deliveries)-maxHistory):]
		return true
	})
	if err == nil {
		err = o.remember(ctx, b.Memories) // in case that whoever wrote it was killed before it did
	}
	if err == nil {
		err = o.options.Store.Delete(ctx, key, version)
	}
	if errors.Is(err, state.ErrNotFound) || errors.Is(err, state.ErrConflict) {
		return nil // another flush was at it
	}
	return err
}
