package engine

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

const (
	// lookAfter is when the cause of an object that is still waited for is first looked up.
	lookAfter = 3 * time.Second
	// lookEvery and lookLast are between two looks: at first, and in the end.
	lookEvery = 5 * time.Second
	lookLast  = 15 * time.Second
	// lookTime bounds one look.
	lookTime = 5 * time.Second
	// stallAfter is how long nothing may change before that is told, and told again.
	stallAfter = time.Minute
	// degradedFor is how long an object may be degraded that may recover, before that is a
	// failure. It is looked at again with each look for the cause.
	degradedFor = 20 * time.Second
	// eventsBefore is how old an Event about an object may be when it begins to be waited
	// for: clocks differ.
	eventsBefore = time.Minute
)

// vigil is the waiting for one object: it keeps what is known of it, tells of it, and has
// its cause looked up when it takes long.
type vigil struct {
	p    *progress
	c    *plan.Change
	id   object.ID
	look func(ctx context.Context, o object.Object) (cause.Cause, bool) // for the cause of the last that was seen
	last object.Object                                                  // nil: nothing was seen yet
	vigilance
}

// vigilance is what a vigil knows. It has no clock of its own.
type vigilance struct {
	since   time.Time // when waiting began
	moved   time.Time // when something last changed about the object
	message string    // what it waits for
	status  any       // of the object, as last seen
	stalls  int       // how often it was told since that nothing changes
	cause   cause.Cause
	caused  time.Time // when the cause was first found
	// degraded is since when the object is degraded, and may recover; zero is that it is not.
	degraded time.Time
}

func (p *progress) newVigil(c *plan.Change, id object.ID, look func(context.Context, object.Object) (cause.Cause, bool)) *vigil {
	now := p.applying.engine.options.Now()
	return &vigil{p: p, c: c, id: id, look: look, vigilance: vigilance{since: now, moved: now}}
}

// saw notes how an object is, and tells it where that is news.
func (v *vigil) saw(o object.Object, message string) {
	message = strings.TrimSuffix(v.p.redacted(v.c, message), "...") // the words of Argo CD's checks, and more is said after them
	if v.vigilance.saw(v.p.applying.engine.options.Now(), o, message) {
		v.tell(v.message)
	}
}

func (v *vigilance) saw(now time.Time, o object.Object, message string) (news bool) {
	status, _ := o.Get("status")
	if news = message != v.message; !news && reflect.DeepEqual(status, v.status) {
		return false
	}
	v.moved, v.message, v.status, v.stalls = now, message, status, 0
	return news
}

// wavers notes whether an object is degraded, though it may recover, and reports whether
// it has been so for too long.
func (v *vigilance) wavers(now time.Time, degraded bool) (tooLong bool) {
	switch {
	case !degraded:
		v.degraded = time.Time{}
	case v.degraded.IsZero():
		v.degraded = now
	}
	return degraded && now.Sub(v.degraded) >= degradedFor
}

// found notes the cause that was found, or that none was, and tells it where that is news.
func (v *vigil) found(c cause.Cause) {
	c.Text = v.p.redactedFully(v.c, c.Text)
	if v.vigilance.found(v.p.applying.engine.options.Now(), c) {
		v.tell(v.message)
	}
}

func (v *vigilance) found(now time.Time, c cause.Cause) (news bool) {
	if news = c.Text != v.cause.Text; news && c.Reason != v.cause.Reason {
		v.caused = now
	}
	v.cause = c
	return news
}

// stalled tells that nothing changes, whenever it was so for another while.
func (v *vigil) stalled() {
	now := v.p.applying.engine.options.Now()
	if v.vigilance.stalled(now) {
		v.tell(fmt.Sprintf("%s; no progress for %s", v.message, plan.Spell(now.Sub(v.moved))))
	}
}

func (v *vigilance) stalled(now time.Time) bool {
	if now.Before(v.stallsAt()) {
		return false
	}
	v.stalls = int(now.Sub(v.moved) / stallAfter)
	return true
}

// stallsAt is when it is to be told next that nothing changes.
func (v *vigilance) stallsAt() time.Time {
	return v.moved.Add(time.Duration(v.stalls+1) * stallAfter)
}

// why says what an object still waits for, with its cause.
func (v *vigilance) why(now time.Time) string {
	if v.cause.Text == "" {
		return v.message
	}
	text := v.cause.Text
	if d := now.Sub(v.caused); d >= time.Second {
		text += ", for " + plan.Spell(d)
	}
	if v.message == "" {
		return text
	}
	return v.message + "; " + text
}

func (v *vigil) tell(message string) {
	v.p.tell(Event{Kind: EventWaiting, Object: &v.id, Message: message, Since: v.since, Cause: v.cause.Text})
}

// failed tells that the waiting was in vain, and returns the error for it, an errUnhealthy:
// what there is to say first, then what the object still waits for. final is that more
// time would not help.
func (v *vigil) failed(what string, final bool) error {
	prefix := fmt.Sprintf("%s: %s: ", v.id, what)
	v.p.tell(Event{Kind: EventFailed, Object: &v.id, Action: v.c.Action, Message: prefix + v.message, Since: v.since, Cause: v.cause.Text})
	return unmet{prefix + v.why(v.p.applying.engine.options.Now()), final}
}

// unmet is the error of an object that did not become healthy.
type unmet struct {
	text  string
	final bool
}

// Error names the object and says why.
func (u unmet) Error() string { return u.text }

// Unwrap makes it an errUnhealthy.
func (u unmet) Unwrap() error { return errUnhealthy }

// lastLook looks the cause up once more, now that the waiting is over. What was found before
// stays where less is found now: Pods of a Job that has failed are gone.
func (v *vigil) lastLook(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	c, ok := v.look(ctx, v.last)
	if !ok || v.cause.Object != v.id && v.cause.Text != "" && c.Object == v.id {
		return
	}
	c.Text = v.p.redactedFully(v.c, c.Text)
	v.vigilance.found(v.p.applying.engine.options.Now(), c)
}

// keep waits until news, which is called with an object as it is and whenever it changes,
// says yes or returns an error, or the context or the watch ends. An object that is not
// there is nil, or the last that was seen of it, and gone.
func (v *vigil) keep(ctx context.Context, w *watcher, name string, news func(o object.Object, gone bool) (bool, error)) error {
	var (
		heard   <-chan struct{}
		looks   group
		looking = make(chan *cause.Cause, 1) // nil: it could not be looked
		every   = lookEvery
		look    = time.NewTimer(lookAfter)
		stall   = time.NewTimer(stallAfter)
	)
	defer look.Stop()
	defer stall.Stop()
	defer looks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		now := w.now(name)
		if now.changed != heard && now.known {
			if done, err := news(now.object, now.gone); done || err != nil {
				return err
			}
		}
		heard = now.changed
		if now.err != nil {
			return now.err
		}
		select {
		case <-now.changed:
		case <-look.C:
			last := v.last
			looks.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, lookTime)
				defer cancel()
				found, _ := v.look(ctx, last)
				if ctx.Err() != nil {
					looking <- nil
					return
				}
				looking <- &found
			})
		case found := <-looking:
			if found != nil {
				v.found(*found)
			}
			heard = nil // what has lasted too long by now is a failure
			look.Reset(every)
			every = min(every*3/2, lookLast)
		case <-stall.C:
			v.stalled()
			stall.Reset(max(v.stallsAt().Sub(v.p.applying.engine.options.Now()), time.Second))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// redacted takes out of a text what is sensitive of a change's object.
func (p *progress) redacted(c *plan.Change, text string) string {
	return p.applying.engine.differ.Text(text, c.Target())
}

// redactedFully takes out of a text what is sensitive of any Secret of the application: what
// a container says when it ends may quote what it was given.
func (p *progress) redactedFully(c *plan.Change, text string) string {
	if text == "" {
		return ""
	}
	objects := []object.Object{c.Target()}
	for i := range p.app.Changes {
		if secret := &p.app.Changes[i]; secret.ID.Kind == "Secret" && secret.ID.Group == "" {
			objects = append(objects, secret.Target(), p.seen(i))
		}
	}
	return p.applying.engine.differ.Text(text, objects...)
}
