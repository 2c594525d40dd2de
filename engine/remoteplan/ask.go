package remoteplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/state"
)

// Asking is how someone asks for a plan, and waits for it.
type Asking struct {
	Store state.Store
	// Wait is how long to wait for the plan, in all.
	Wait time.Duration
	// Silence is how long to wait without a sign of a planner; default 45 seconds, or three
	// times what a planner that is there says it takes until it tells again.
	Silence time.Duration
	// Tell is told what is known, once for each that is new; nil is nobody.
	Tell func(text string)
}

// The times of who asks.
const (
	askEvery       = time.Second
	defaultSilence = 45 * time.Second
	mostSilence    = 15 * time.Minute
)

// NoPlannerError says that no planner is at work which would plan the request.
type NoPlannerError struct {
	Silent time.Duration // without a sign of one
	// Others are planners of other repositories or directories; Gone says that one was at work
	// on the request, and is silent since.
	Others []string
	Gone   bool
	// Last is the planner of the request's repository that told last that it is there, and
	// LastSeen when, by its clock; empty where none is known.
	Last     string
	LastSeen time.Time
}

// Error implements error.
func (e *NoPlannerError) Error() string {
	text := fmt.Sprintf("no planner has given a sign of itself for %s", e.Silent.Round(time.Second))
	if e.Gone {
		text = fmt.Sprintf("the planner that was at work on it has given no sign of itself for %s, and no other has taken it up", e.Silent.Round(time.Second))
	}
	if e.Last != "" {
		text += fmt.Sprintf("; the last one was %s, at %s", e.Last, e.LastSeen.UTC().Format(time.RFC3339))
	}
	text += "; see whether \"gantry planner\" runs in the cluster (gantry bootstrap planner prints what it needs), and whether its requests are where these are"
	if len(e.Others) > 0 {
		text += ". There are planners of something else: " + strings.Join(e.Others, "; ")
	}
	return text
}

// TimeoutError says that there was no plan in the time that there was.
type TimeoutError struct {
	Wait time.Duration
	Last string // what was known last
}

// Error implements error.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("there was no plan in %s; the last that is known: %s. Wait longer with --wait, or see what the planner's log says", e.Wait, e.Last)
}

// Ask leaves a request and waits for its answer, which has ended. A request is withdrawn when
// the context ends, and in any case when Ask returns: then a planner stops working on it.
func Ask(ctx context.Context, o Asking, r Request) (*Answer, error) {
	b := box{o.Store}
	r.FormatVersion, r.At = formatVersion, time.Now().UTC().Truncate(time.Millisecond)
	if err := r.check(r.ID); err != nil {
		return nil, fmt.Errorf("the request cannot be made: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("the request cannot be made: %w", err)
	}
	if _, err := b.Put(ctx, requests+"/"+r.ID, text, ""); err != nil {
		return nil, fmt.Errorf("leaving the request: %w", err)
	}
	answer, err := o.await(ctx, b, &r)
	// Another context: who is interrupted withdraws, too.
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if gone := b.remove(done, requests+"/"+r.ID); gone != nil && err != nil {
		err = errors.Join(err, fmt.Errorf("withdrawing the request: %w", gone))
	}
	return answer, err
}

// await waits until there is an answer that has ended.
func (o *Asking) await(ctx context.Context, b box, r *Request) (*Answer, error) {
	began := time.Now()
	w := watching{asking: o, box: b, request: r, lastSign: began, versions: map[string]string{}}
	for {
		answer, err := w.look(ctx)
		if err != nil || answer != nil {
			return answer, err
		}
		if time.Since(began) >= o.Wait {
			return nil, &TimeoutError{Wait: o.Wait, Last: w.told}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(askEvery):
		}
	}
}

// watching is what who asks knows.
type watching struct {
	asking  *Asking
	box     box
	request *Request

	versions map[string]string // of presences and of the answer, as they were seen last
	lastSign time.Time         // when one of them had changed
	told     string
	failing  time.Time // since when the store cannot be read; zero where it can
	taken    bool
	last     Presence // of those that serve the request, the one that was seen last
}

// patience is how long a store that cannot be read is asked again.
const patience = 30 * time.Second

// look looks once; the answer is nil where it has not ended.
func (w *watching) look(ctx context.Context) (*Answer, error) {
	answer, version, err := w.box.readAnswer(ctx, w.request.ID)
	var present map[string]Presence
	var versions map[string]string
	if err == nil && (answer == nil || !answer.Ended()) {
		present, versions, err = w.box.readPresences(ctx)
	}
	var bad *badError
	switch {
	case errors.As(err, &bad):
		return nil, err
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		if w.failing.IsZero() {
			w.failing = time.Now()
		}
		if time.Since(w.failing) > patience {
			return nil, fmt.Errorf("the request cannot be followed: %w", err)
		}
		return nil, nil
	}
	if !w.failing.IsZero() { // nothing could be seen meanwhile
		w.lastSign, w.failing = time.Now(), time.Time{}
	}
	if answer != nil && answer.Ended() {
		return answer, nil
	}
	w.sign(answers, version)
	silence, others := w.signs(present, versions)
	w.tell(ctx, answer)
	if silent := time.Since(w.lastSign); silent >= silence {
		return nil, &NoPlannerError{Silent: silent, Others: others, Gone: w.taken, Last: w.last.Who, LastSeen: w.last.Seen}
	}
	return nil, nil
}

// signs notes which planners have told that they are there, and returns for how long they may
// all be silent, and those that plan something else.
func (w *watching) signs(present map[string]Presence, versions map[string]string) (silence time.Duration, others []string) {
	silence = w.asking.Silence
	given := silence > 0
	if !given {
		silence = defaultSilence
	}
	for _, key := range slices.Sorted(maps.Keys(present)) {
		one := present[key]
		if !one.serves(w.request) {
			others = append(others, one.String())
			continue
		}
		if !given {
			silence = max(silence, min(3*one.Lasts, mostSilence))
		}
		if one.Seen.After(w.last.Seen) {
			w.last = one
		}
		w.sign(key, versions[key])
	}
	return silence, others
}

// sign notes a version. That something is there when it is seen first says nothing of now.
func (w *watching) sign(key, version string) {
	before, known := w.versions[key]
	w.versions[key] = version
	if known && before != version {
		w.lastSign = time.Now()
	}
}

// tell says how far it is, where that is new.
func (w *watching) tell(ctx context.Context, a *Answer) {
	text := "waiting for a planner"
	if a == nil {
		if n := w.before(ctx); n > 0 {
			text += fmt.Sprintf(", %d before this one", n)
		}
	} else {
		w.taken = true
		text = "taken up by " + Clean(a.Planner, maxText)
		if a.Tries > 1 {
			text += fmt.Sprintf(", for the %s time: the planner before has ended", ordinal(a.Tries))
		}
		if a.Stage != "" {
			text += ": " + Clean(a.Stage, maxText)
		}
	}
	if text != w.told {
		w.told = text
		if w.asking.Tell != nil {
			w.asking.Tell(text)
		}
	}
}

// before is how many requests wait beside this one, as far as it can be told.
func (w *watching) before(ctx context.Context) int {
	waiting, err := w.box.List(ctx, requests)
	if err != nil {
		return 0
	}
	answered, err := w.box.List(ctx, answers)
	if err != nil {
		return 0
	}
	n := 0
	for _, key := range waiting {
		id := idOf(requests, key)
		if id != w.request.ID && !slices.Contains(answered, answers+"/"+id) {
			n++
		}
	}
	return n
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}
