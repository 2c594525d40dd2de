package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/identity"
)

// Holder is who holds a lease, for people and for telling whether it lives.
type Holder struct {
	Who     string `json:"who"`               // "alice@laptop", or what CI says
	Command string `json:"command,omitempty"` // "gantry apply"
	PID     int    `json:"pid,omitempty"`
	Host    string `json:"host,omitempty"` // the machine's name
	// Machine identifies the running machine and its process table, where the
	// platform can tell; only holders with the same Machine compare PIDs.
	Machine string    `json:"machine,omitempty"`
	Started time.Time `json:"started,omitzero"` // when the process or the command began
	// Identity is who runs it, where the configuration says who may vouch for that; nil where
	// nobody was asked.
	Identity *identity.Identity `json:"identity,omitempty"`
}

// is reports whether two holders are one: the same command of the same process.
func (h Holder) is(other Holder) bool {
	h.Identity, other.Identity = nil, nil
	return h == other
}

// LockedError means that another holds a lease. It is ErrLocked.
type LockedError struct {
	Name    string // of what is held
	Holder  Holder
	Plan    string // the ID of the plan that the holder applies; empty for none
	Since   time.Time
	Expires time.Time // when it ends unless the holder renews it
}

// Error implements error.
func (e *LockedError) Error() string {
	who := e.Holder.Who
	if who == "" {
		who = "someone"
	}
	text := fmt.Sprintf("%s is locked by %s", e.Name, who)
	if e.Holder.Command != "" || e.Holder.PID != 0 {
		text += fmt.Sprintf(" (%s, process %d on %s)", e.Holder.Command, e.Holder.PID, e.Holder.Host)
	}
	if !e.Since.IsZero() {
		text += " since " + e.Since.UTC().Format(time.RFC3339)
	}
	if e.Plan != "" {
		text += ", for plan " + e.Plan
	}
	return text + "; the lock ends at " + e.Expires.UTC().Format(time.RFC3339) + " unless its holder is at work"
}

// Unwrap returns ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// ErrLeaseLost means that a lease could not be renewed in time, or was taken.
var ErrLeaseLost = errors.New("the lock on the state was lost")

// LeaseOptions are how leases are kept. The zero value is ready to use.
type LeaseOptions struct {
	Clock Clock // default SystemClock
	// Duration is how long a lease lasts that is not renewed; default 30 seconds.
	// It is renewed three times as often.
	Duration time.Duration
	// Dead reports whether a holder is known to have ended. Default: never known.
	Dead func(Holder) bool
	// Watching, where set, is called once when Acquire finds a lease that looks
	// abandoned and begins to watch it, which takes up to the lease's duration.
	Watching func(*LockedError)
	// Wait is how long to wait for a holder that lives; 0 is not to.
	Wait time.Duration
	// Waiting, where set, is called when that begins, once for each holder.
	Waiting func(*LockedError)
}

// Lease is a lock that its holder keeps alive and that ends by itself when the
// holder no longer does. It is safe for concurrent use.
//
// A lease alone fences nothing: a holder that was stopped for long finds out when
// it wakes. So call Check right before each request to a cluster, let the request
// end by Deadline, and write state by compare-and-swap.
type Lease struct {
	store   Store
	clock   Clock
	key     string
	stop    context.CancelFunc
	stopped chan struct{} // closed when the renewal has ended
	lost    chan struct{} // closed when the lease is lost for good

	mu      sync.Mutex
	body    lease
	version string
	renewed time.Time // when the last renewal that succeeded was sent
	err     error     // why it was lost
}

// lease is what the store holds.
type lease struct {
	FormatVersion int           `json:"formatVersion"`
	ID            string        `json:"id"` // of this acquisition
	Holder        Holder        `json:"holder"`
	AcquiredAt    time.Time     `json:"acquiredAt"`
	RenewedAt     time.Time     `json:"renewedAt"`
	Renewals      int64         `json:"renewals"`
	Duration      time.Duration `json:"duration"` // nanoseconds
	// Plan and Applications are what a run is about.
	Plan         string         `json:"plan,omitempty"`
	Applications []addr.Address `json:"applications,omitempty"`
}

const (
	leasePrefix     = "locks"
	defaultDuration = 30 * time.Second
)

// Acquire takes the lease of a name: any text, such as an address. It is renewed
// until Release, which must be called, also after the context has ended. Where
// another holds it, and does so for longer than the options have it wait, the error is a
// *LockedError.
//
// A holder that Dead knows to have ended is followed at once. One that seems to
// have ended, because its lease is over by the wall clock, is watched for the
// lease's duration first, since clocks differ between machines; so no lease is
// taken from a holder that renews it, and none has to be removed by hand.
func Acquire(ctx context.Context, store Store, name string, holder Holder, options LeaseOptions) (*Lease, error) {
	options = options.withDefaults()
	var taken *Lease
	key := leasePrefix + "/" + EscapeSegment(name)
	watch := watch{name: name, options: options}
	err := patiently(ctx, options, func() error {
		for {
			version, err := watch.free(ctx, store, key)
			if err != nil {
				return err
			}
			taken, err = take(ctx, store, key, lease{Holder: holder}, version, options)
			if !errors.Is(err, ErrConflict) {
				return err
			}
			// Someone was faster: look again at who.
		}
	})
	return taken, err
}

// take writes a lease over a version of its key and keeps it. ErrConflict where the key
// is no longer at that version.
func take(ctx context.Context, store Store, key string, body lease, version string, options LeaseOptions) (*Lease, error) {
	if body.ID == "" {
		var err error
		if body.ID, err = newID(); err != nil {
			return nil, err
		}
	}
	now := options.Clock.Now()
	body.FormatVersion, body.AcquiredAt, body.RenewedAt, body.Duration = FormatVersion, stamp(now), stamp(now), options.Duration
	l := &Lease{store: store, clock: options.Clock, key: key, renewed: now, body: body}
	var err error
	if l.version, err = l.put(ctx, body, version); errors.Is(err, ErrUnknown) {
		// Whether it is there, reading tells; where it comes later, nobody renews it.
		l.version, _, err = l.reread(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	l.keep(ctx)
	return l, nil
}

// Check reports whether the lease still holds: nil, or ErrLeaseLost.
func (l *Lease) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if past := elapsed(l.clock.Now(), l.renewed); past >= l.body.Duration-l.margin() {
		return fmt.Errorf("%w: it was last renewed %s ago", ErrLeaseLost, past.Round(time.Second))
	}
	return nil
}

// ID returns what names this holding of the lease, and no other.
func (l *Lease) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.body.ID
}

// Hold is Check for who can wait: where the lease was not renewed in time, but may still
// be, it waits for that as long as a lease lasts.
func (l *Lease) Hold(ctx context.Context) error {
	began := l.clock.Now()
	for {
		err := l.Check()
		if err == nil || l.isOver() || elapsed(l.clock.Now(), began) > l.body.Duration {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.lost:
		case <-l.clock.After(l.body.Duration / 50):
		}
	}
}

// isOver reports whether the lease will not hold again.
func (l *Lease) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// Deadline returns when a request that starts now must have ended.
func (l *Lease) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed.Add(l.body.Duration - l.margin())
}

// Lost returns a channel that is closed when the lease is lost for good.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Release gives the lease up. Releasing one that was lost, or released before,
// does nothing.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	<-l.stopped
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil
	}
	l.err = fmt.Errorf("%w: it was released", ErrLeaseLost)
	err := l.store.Delete(ctx, l.key, l.version)
	if errors.Is(err, ErrConflict) {
		// It was taken, or a renewal that was cut off has taken place.
		var version string
		if version, _, err = l.reread(ctx); err == nil {
			err = l.store.Delete(ctx, l.key, version)
		}
	}
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || errors.Is(err, ErrLeaseLost) {
		return nil
	}
	return fmt.Errorf("unlocking: %w", err)
}

// newID names a holding of a lease.
func newID() (string, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("making a lock: %w", err)
	}
	return id.String(), nil
}

// margin is how long before its end a lease is no longer relied on.
func (l *Lease) margin() time.Duration { return l.body.Duration / 6 }

func (l *Lease) put(ctx context.Context, body lease, version string) (string, error) {
	text, err := encode(&body)
	if err != nil {
		return "", err
	}
	return l.store.Put(ctx, l.key, text, version)
}

func (o LeaseOptions) withDefaults() LeaseOptions {
	if o.Clock == nil {
		o.Clock = SystemClock()
	}
	if o.Duration <= 0 {
		o.Duration = defaultDuration
	}
	if o.Dead == nil {
		o.Dead = func(Holder) bool { return false }
	}
	if o.Watching == nil {
		o.Watching = func(*LockedError) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(*LockedError) {}
	}
	return o
}
