package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// The keys of the store.
const (
	outboxPrefix = "notifications/outbox"
	memoryPrefix = "notifications/memory"
	historyKey   = "notifications/history"
)

// format is that of what is written here.
const format = 1

// maxBatch is how many messages one key of the outbox holds.
const maxBatch = 100

// Options are what an Outbox works with.
type Options struct {
	Store   state.Store
	Lineage string
	// Notifiers makes what messages go by, and Secrets reads what those log in with.
	Notifiers providers.Notifiers
	Secrets   providers.Secrets
	// Identity opens what is sealed, and Recipient seals it; either may be nil.
	Identity  *seal.Identity
	Recipient *seal.Recipient
	Clock     state.Clock // the system's where nil
	// Probe, where set, is called at named points: for tests that have a delivery end there.
	Probe func(point string) error
}

// Outbox is the messages that wait in a store, and what is remembered beside them. It is
// safe for concurrent use, by processes too.
type Outbox struct {
	options Options
	holder  string
}

// NewOutbox returns the outbox of a store.
func NewOutbox(options Options) *Outbox {
	if options.Clock == nil {
		options.Clock = state.SystemClock()
	}
	if options.Probe == nil {
		options.Probe = func(string) error { return nil }
	}
	return &Outbox{options: options, holder: uuid.NewString()}
}

func (o *Outbox) now() time.Time { return o.options.Clock.Now() }

// head is what all values have.
type head struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"`
}

func (h *head) check(lineage string) error {
	switch {
	case h.FormatVersion > format:
		return state.ErrNewer
	case h.FormatVersion != format:
		return errors.New("it has no formatVersion")
	case h.Lineage != lineage:
		return errors.New("it is of another installation")
	}
	return nil
}

func (h *head) set(lineage string) { h.FormatVersion, h.Lineage = format, lineage }

// kept is a value of the store.
type kept interface {
	check(lineage string) error
	set(lineage string)
}

// batch is messages that were made together. All but Items never changes.
type batch struct {
	head
	ID        string          `json:"id"`
	At        time.Time       `json:"at"`
	Notifiers []plan.Notifier `json:"notifiers"` // sealed
	Items     []item          `json:"items"`
	// Memories are by the addresses of the applications that messages are about. They are
	// written elsewhere too, after the batch, so that nothing is lost between the two.
	Memories map[string]Memory `json:"memories,omitempty"`
}

// item is a message, and how far it is.
type item struct {
	providers.Notification
	Notifier int       `json:"notifier"` // index in Notifiers
	State    State     `json:"state"`
	Attempts int       `json:"attempts,omitempty"`
	NextAt   time.Time `json:"nextAt,omitzero"`
	// Holder is who is about to send it, until when that counts.
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	Error  string    `json:"error,omitempty"`
	// Begun is what the service called what was made of it so far.
	Begun string `json:"begun,omitempty"`
}

// State is how far a message is.
type State string

// The states of a message.
const (
	Waiting State = "waiting"
	Sending State = "sending" // claimed
	Sent    State = "sent"
	Failed  State = "failed" // the service refused it, or did not take it for a day
	// Unsure: it was sent, or was about to be, and nobody knows whether it arrived. It is not
	// sent again.
	Unsure State = "unsure"
)

func (s State) over() bool { return s == Sent || s == Failed || s == Unsure }

// Enqueue writes messages and what is to be remembered of the applications that they are
// about. Once it has returned nil they are delivered sooner or later.
func (o *Outbox) Enqueue(ctx context.Context, notifiers []plan.Notifier, messages []Message, memory map[addr.Address]Memory) error {
	remembered := make(map[string]Memory, len(memory))
	for address, m := range memory {
		remembered[address.String()] = m
	}
	for chunk := range slices.Chunk(messages, maxBatch) {
		if err := o.write(ctx, notifiers, chunk, remembered); err != nil {
			return err
		}
	}
	return o.remember(ctx, remembered)
}

// write writes one batch.
func (o *Outbox) write(ctx context.Context, notifiers []plan.Notifier, messages []Message, memory map[string]Memory) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	b := &batch{ID: id.String(), At: stamp(o.now()), Memories: map[string]Memory{}}
	index := map[addr.Address]int{}
	for n, m := range messages {
		at, ok := index[m.Notifier]
		if !ok {
			from := slices.IndexFunc(notifiers, func(n plan.Notifier) bool { return n.Address == m.Notifier })
			if from < 0 {
				return fmt.Errorf("a message goes to %s, which is not there. This is a bug in gantry", m.Notifier)
			}
			sealed, err := planfile.SealNotifier(b.ID, &notifiers[from], o.options.Recipient)
			if err != nil {
				return err
			}
			at = len(b.Notifiers)
			index[m.Notifier], b.Notifiers = at, append(b.Notifiers, sealed)
		}
		m.ID = digest("message", b.ID, fmt.Sprint(n))
		b.Items = append(b.Items, item{Notification: m.Notification, Notifier: at, State: Waiting})
		if remembered, ok := memory[m.Facts.Address]; ok {
			b.Memories[m.Facts.Address] = remembered
		}
	}
	b.set(o.options.Lineage)
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("messages cannot be kept: %w", err)
	}
	key := outboxPrefix + "/" + b.ID
	_, err = o.options.Store.Put(ctx, key, text, "")
	if errors.Is(err, state.ErrUnknown) || errors.Is(err, state.ErrConflict) { // nobody else has this key
		if _, _, readErr := o.options.Store.Get(ctx, key); readErr == nil {
			return nil
		}
	}
	return err
}

// opened is a batch with its version.
type opened struct {
	key, version string
	doc          *batch
}

// load reads the outbox, oldest first. What cannot be read is left, and told.
func (o *Outbox) load(ctx context.Context) ([]*opened, []error, error) {
	keys, err := o.options.Store.List(ctx, outboxPrefix)
	if err != nil {
		return nil, nil, err
	}
	var out []*opened
	var broken []error
	for _, key := range keys {
		b := &opened{key: key, doc: &batch{}}
		if b.version, err = o.get(ctx, key, b.doc); err != nil {
			broken = append(broken, err)
			continue
		}
		if b.version != "" { // else it went since it was listed
			out = append(out, b)
		}
	}
	return out, broken, nil
}

// get reads a value; a version of "" is none.
func (o *Outbox) get(ctx context.Context, key string, into kept) (version string, err error) {
	text, version, err := o.options.Store.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return "", &state.BrokenError{Key: key, Reason: "it is not valid JSON of its kind"}
	}
	if err := into.check(o.options.Lineage); err != nil {
		return "", &state.BrokenError{Key: key, Reason: err.Error()}
	}
	return version, nil
}

// swapAttempts is how often a value is changed that others change.
const swapAttempts = 100

// swap changes a value by compare-and-swap; it is the zero value where there is none.
// change may be called more than once, also over what it has done already; where it returns
// false nothing is written.
func swap[T any, P interface {
	*T
	kept
}](ctx context.Context, o *Outbox, key string, change func(P) bool) error {
	for i := 1; ; i++ {
		found := P(new(T))
		version, err := o.get(ctx, key, found)
		if err != nil {
			return err
		}
		if !change(found) {
			return nil
		}
		found.set(o.options.Lineage)
		text, err := json.Marshal(found)
		if err != nil {
			return err
		}
		_, err = o.options.Store.Put(ctx, key, text, version)
		if !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrUnknown) || i == swapAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(min(i, 20)) * 5 * time.Millisecond)):
		}
	}
}

// update changes the items of a batch by compare-and-swap. Of one that is not there any
// more nothing is changed.
func (o *Outbox) update(ctx context.Context, key string, change func(*batch) bool) error {
	return swap(ctx, o, key, func(b *batch) bool { return b.ID != "" && change(b) })
}
