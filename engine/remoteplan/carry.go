package remoteplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/state"
)

// errWithdrawn is why work ends on a request that was withdrawn.
var errWithdrawn = errors.New("the request was withdrawn")

// newerError is why work ends on a request that a newer one has taken the place of.
type newerError struct{ by *Request }

// Error implements error.
func (e *newerError) Error() string {
	return fmt.Sprintf("a newer request for #%d has taken its place, of %.8s", e.by.Pull, e.by.Commit)
}

// carryOut carries out one request. It did nothing where that is withdrawn, has ended, or is
// another planner's. The error is that of the store.
func (p *Planner) carryOut(ctx context.Context, b box, r *Request) (did bool, err error) {
	lease, err := state.Acquire(ctx, b, lockNames+r.ID, p.Holder, p.Lease)
	if errors.Is(err, state.ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() {
		// What is left of it ends by itself.
		_ = lease.Release(context.WithoutCancel(ctx))
	}()
	r, err = b.readRequest(ctx, r.ID) // as it is now that nobody else has it
	var bad *badError
	if errors.Is(err, state.ErrNotFound) || errors.As(err, &bad) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	before, version, err := b.readAnswer(ctx, r.ID)
	switch {
	case errors.As(err, &bad):
	case err != nil:
		return false, err
	case before != nil && before.Ended():
		return false, nil
	}
	mine := &work{planner: p, box: b, request: r, version: version, others: map[string]bool{}, answer: &Answer{
		ID: r.ID, State: Taken, Planner: p.Holder.Who, Tries: 1, TakenAt: time.Now().UTC(),
	}}
	if before != nil {
		mine.answer.Tries = before.Tries + 1
	}
	return true, mine.carryOut(ctx, lease)
}

// work is a request that this planner has the lease of.
type work struct {
	planner *Planner
	box     box
	request *Request
	answer  *Answer
	version string
	// others are requests for the same pull request that the forge knows nothing of.
	others map[string]bool
}

// carryOut answers the request.
func (w *work) carryOut(ctx context.Context, lease *state.Lease) error {
	p, r := w.planner, w.request
	if w.answer.Tries > p.Tries {
		return w.end(ctx, lease, Failed, fmt.Sprintf("it was begun %d times, and the planner ended each time before there was a plan: see its log, and whether it has enough memory", p.Tries))
	}
	if err := w.write(ctx); err != nil {
		return err
	}
	p.log("Taken up: %s, for %s.", r, r.By)
	if newer, err := w.newer(ctx); err != nil {
		return err
	} else if newer != nil {
		return w.end(ctx, lease, Superseded, (&newerError{newer}).Error())
	}
	working, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.watch(working, lease, cancel)
	}()
	outcome, err := w.plan(working)
	cancel(nil)
	<-watched
	var newer *newerError
	var no *RefusedError
	switch cause := context.Cause(working); {
	case errors.Is(cause, errWithdrawn):
		p.log("Withdrawn: %s.", r)
		return w.box.remove(ctx, answers+"/"+r.ID)
	case errors.As(cause, &newer):
		return w.end(ctx, lease, Superseded, newer.Error())
	case errors.Is(cause, state.ErrLeaseLost):
		p.log("Left to another planner: %s: %s.", r, cause)
		return nil
	case ctx.Err() != nil:
		// The planner is told to end: another goes on, which does not count as a try.
		w.answer.Tries, w.answer.Stage = w.answer.Tries-1, "left by a planner that was told to end"
		done, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		return w.write(done)
	case errors.As(err, &no) && no.Superseded:
		return w.end(ctx, lease, Superseded, no.Why)
	case errors.As(err, &no):
		return w.end(ctx, lease, Refused, no.Why)
	case err != nil:
		return w.end(ctx, lease, Failed, err.Error())
	}
	w.answer.Outcome = *outcome
	return w.end(ctx, lease, Planned, "")
}

// plan makes sure of what is asked for, and plans it.
func (w *work) plan(ctx context.Context) (*Outcome, error) {
	now, r := time.Now(), w.request
	switch {
	case r.At.After(now.Add(skew)):
		return nil, refused("it was made at %s, which is not yet: have the clocks agree", r.At.Format(time.RFC3339))
	case r.At.Before(now.Add(-maxAge)):
		return nil, refused("it was made at %s, more than %s ago: ask again", r.At.Format(time.RFC3339), maxAge)
	}
	w.stage(ctx, "asking the forge")
	task, err := w.planner.Verify(ctx, *r)
	if err != nil {
		return nil, err
	}
	outcome, err := w.planner.Plan(ctx, task, func(text string) { w.stage(ctx, text) })
	if err != nil {
		return nil, err
	}
	if size := outcome.size(); size > maxAnswer/2 { // as JSON it is a third longer
		return nil, fmt.Errorf("the plan is %d MiB long, and an answer has at most %d: plan fewer applications at once", size>>20, maxAnswer>>21)
	}
	return outcome, nil
}

func (o *Outcome) size() int {
	size := len(o.Plan)
	for _, d := range o.Diagnostics {
		size += len(d)
	}
	for _, note := range o.Notes {
		size += len(note)
	}
	return size
}

// stage tells who asks what is done. That this cannot be told is no reason to stop.
func (w *work) stage(ctx context.Context, text string) {
	w.answer.Stage = text
	if err := w.write(ctx); err != nil && ctx.Err() == nil {
		w.planner.log("How far %s is cannot be written: %s.", w.request, err)
	}
}

// newer is a request for the same pull request that was made later; nil for none. It counts
// where it is of the same commit, or the forge says that its commit is the head: so nobody
// puts an end to a plan by asking for what there is not.
func (w *work) newer(ctx context.Context) (*Request, error) {
	if w.request.Pull == 0 {
		return nil, nil
	}
	all, err := w.planner.requests(ctx, w.box)
	if err != nil {
		return nil, err
	}
	for _, other := range all {
		if other.Pull != w.request.Pull || w.request.compare(other) >= 0 || other.At.After(time.Now().Add(skew)) || w.others[other.ID] {
			continue
		}
		if other.Commit == w.request.Commit {
			return other, nil
		}
		var no *RefusedError
		_, err := w.planner.Verify(ctx, *other)
		if err == nil {
			return other, nil
		}
		if errors.As(err, &no) {
			w.others[other.ID] = true
		}
	}
	return nil, nil
}

// watch ends the work when it is of no use any more.
func (w *work) watch(ctx context.Context, lease *state.Lease, end context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-lease.Lost():
			end(fmt.Errorf("%w: someone else has it", state.ErrLeaseLost))
			return
		case <-time.After(planEvery):
		}
		if err := lease.Check(); err != nil {
			end(err)
			return
		}
		_, _, err := w.box.Get(ctx, requests+"/"+w.request.ID)
		if errors.Is(err, state.ErrNotFound) {
			end(errWithdrawn)
			return
		}
		if newer, err := w.newer(ctx); err == nil && newer != nil {
			end(&newerError{newer})
			return
		}
	}
}

// end writes the answer, unless the lease is lost: then it is another planner's to give.
func (w *work) end(ctx context.Context, lease *state.Lease, how State, why string) error {
	if err := lease.Hold(ctx); err != nil {
		w.planner.log("Left to another planner: %s: %s.", w.request, err)
		return nil
	}
	w.answer.State, w.answer.Why, w.answer.Stage, w.answer.EndedAt = how, why, "", time.Now().UTC()
	text := string(how)
	if why != "" {
		text += ", " + why
	}
	w.planner.log("Ended: %s: %s.", w.request, text)
	return w.write(ctx)
}

// write writes the answer as it is. One that someone else wrote over is theirs.
func (w *work) write(ctx context.Context) error {
	version, err := w.box.writeAnswer(ctx, w.answer, w.version)
	if errors.Is(err, state.ErrUnknown) {
		// Reading tells: no one but the holder of the lease writes it.
		var found *Answer
		found, version, err = w.box.readAnswer(ctx, w.request.ID)
		if err == nil && !same(found, w.answer) {
			version, err = w.box.writeAnswer(ctx, w.answer, version)
		}
	}
	if err != nil {
		return err
	}
	w.version = version
	return nil
}

// same reports whether two answers are one as they are written.
func same(a, b *Answer) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && string(one) == string(other)
}
