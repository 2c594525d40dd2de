package remoteplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/state"
)

// Planner carries out requests, one after the other. Several may work on one store: a request
// is taken up by one at a time.
type Planner struct {
	Store state.Store
	// Name tells this planner from others; it is a segment of a key. Holder is who it is.
	Name   string
	Holder state.Holder
	// Repositories are the URLs that the repository is known by, and Path is the
	// configuration's directory in it: requests of others are left alone.
	Repositories []string
	Path         string
	// Verify makes a task of a request; a *RefusedError tells why it is none.
	Verify func(ctx context.Context, r Request) (*Task, error)
	// Plan carries a task out. It ends soon after its context; stage is told what it does, by one
	// goroutine at a time.
	Plan func(ctx context.Context, task *Task, stage func(string)) (*Outcome, error)
	// Tries is how often a request is begun at most; default 3.
	Tries int
	// Lasts is how long it may be silent; default 10 seconds. One that comes now and then says
	// how long it may take until it comes again.
	Lasts time.Duration
	// Lease is how requests are held; Duration is 20 seconds where it is zero.
	Lease state.LeaseOptions
	// Log is told what happens, by several goroutines; nil is nobody.
	Log func(text string)
}

const (
	defaultTries = 3
	defaultLasts = 10 * time.Second
	defaultLease = 20 * time.Second
	planEvery    = 2 * time.Second
	slowest      = 30 * time.Second // between looks at a store that fails
)

// Serve carries out requests until the context ends.
func (p *Planner) Serve(ctx context.Context) error {
	b, stop, err := p.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	pause := planEvery
	for {
		_, err := p.round(ctx, b)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			p.log("Requests cannot be read: %s.", err)
			pause = min(2*pause, slowest)
		default:
			pause = planEvery
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Once carries out the requests that wait, until none is left, and returns how many they were.
func (p *Planner) Once(ctx context.Context) (done int, err error) {
	b, stop, err := p.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	for {
		n, err := p.round(ctx, b)
		done += n
		if err != nil || n == 0 {
			return done, err
		}
	}
}

// begin says that the planner is there, until stop is called.
func (p *Planner) begin(ctx context.Context) (b box, stop func(), err error) {
	b = box{p.Store}
	if p.Tries <= 0 {
		p.Tries = defaultTries
	}
	if p.Lasts <= 0 {
		p.Lasts = defaultLasts
	}
	if p.Lease.Duration <= 0 {
		p.Lease.Duration = defaultLease
	}
	if err := p.present(ctx, b); err != nil {
		return b, nil, fmt.Errorf("saying that the planner is there: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(min(p.Lasts, defaultLasts)):
			}
			if err := p.present(ctx, b); err != nil && ctx.Err() == nil {
				p.log("That the planner is there cannot be written: %s.", err)
			}
		}
	}()
	return b, func() { cancel(); <-ended }, nil
}

// present writes that the planner is there.
func (p *Planner) present(ctx context.Context, b box) error {
	key := planners + "/" + p.Name
	text, err := json.Marshal(Presence{
		FormatVersion: formatVersion, Who: p.Holder.Who, Repositories: p.Repositories, Path: p.Path, Seen: time.Now().UTC(), Lasts: p.Lasts,
	})
	if err != nil {
		return err
	}
	for {
		_, version, err := b.Get(ctx, key)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		if _, err = b.Put(ctx, key, text, version); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
}

func (p *Planner) log(format string, args ...any) {
	if p.Log != nil {
		p.Log(Clean(fmt.Sprintf(format, args...), 4*maxText))
	}
}

// round carries out what waits as one look at the store shows it. The error is that of the
// store; what fails of one request is in its answer.
func (p *Planner) round(ctx context.Context, b box) (done int, err error) {
	waiting, err := p.waiting(ctx, b)
	if err != nil {
		return 0, err
	}
	for _, one := range waiting {
		if ctx.Err() != nil {
			return done, nil
		}
		did, err := p.carryOut(ctx, b, one)
		if err != nil {
			return done, err
		}
		if did {
			done++
		}
	}
	return done, p.prune(ctx, b)
}

// waiting are the requests that this planner can take up: the oldest first, those that another
// had taken up last. What is no request is answered and removed.
func (p *Planner) waiting(ctx context.Context, b box) ([]*Request, error) {
	all, err := p.requests(ctx, b)
	if err != nil {
		return nil, err
	}
	var fresh, taken []*Request
	for _, r := range all {
		answer, _, err := b.readAnswer(ctx, r.ID)
		var bad *badError
		switch {
		case errors.As(err, &bad):
			fresh = append(fresh, r) // who could write that may as well have it written over
		case err != nil:
			return nil, err
		case answer == nil:
			fresh = append(fresh, r)
		case !answer.Ended():
			taken = append(taken, r)
		}
	}
	return append(fresh, taken...), nil
}

// requests are those for this planner, the oldest first.
func (p *Planner) requests(ctx context.Context, b box) ([]*Request, error) {
	keys, err := b.List(ctx, requests)
	if err != nil {
		return nil, err
	}
	var out []*Request
	for _, key := range keys {
		id := idOf(requests, key)
		if id == "" {
			p.log("Removed %s, which is no request.", key)
			if err := b.remove(ctx, key); err != nil {
				return nil, err
			}
			continue
		}
		found, err := b.readRequest(ctx, id)
		var bad *badError
		switch {
		case errors.Is(err, state.ErrNotFound):
		case errors.As(err, &bad):
			if err := p.turnAway(ctx, b, id, bad.why); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case p.serves(found):
			out = append(out, found)
		}
	}
	slices.SortStableFunc(out, (*Request).compare)
	return out, nil
}

func (p *Planner) serves(r *Request) bool {
	return (&Presence{Repositories: p.Repositories, Path: p.Path}).serves(r)
}

// compare orders requests by when they were made.
func (r *Request) compare(other *Request) int {
	if c := r.At.Compare(other.At); c != 0 {
		return c
	}
	if r.ID < other.ID {
		return -1
	}
	return 1
}

// turnAway answers what is no request, and removes it.
func (p *Planner) turnAway(ctx context.Context, b box, id, why string) error {
	p.log("Refused %s: %s.", id, why)
	_, version, err := b.Get(ctx, answers+"/"+id)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	_, err = b.writeAnswer(ctx, &Answer{ID: id, State: Refused, Why: why, Planner: p.Holder.Who, EndedAt: time.Now().UTC()}, version)
	if err != nil && !errors.Is(err, state.ErrConflict) {
		return err
	}
	return b.remove(ctx, requests+"/"+id)
}
