package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
)

const (
	// atOnce is how many messages of one notifier are in flight, and are claimed together.
	atOnce = 8
	// claimLasts is how long a claim counts: longer than any request.
	claimLasts = 5 * time.Minute
	// givenUp is how long a message is tried.
	givenUp = 24 * time.Hour
	// The pauses between attempts double, from the first to the last.
	firstPause = 10 * time.Second
	lastPause  = 15 * time.Minute
	// storeTime bounds what is written about a delivery. It is not cut short with the flush,
	// for of a claim of which nobody knows messages become unsure.
	storeTime = 15 * time.Second
	// maxError keeps what is kept of an error short.
	maxError = 300
)

// PointClaimed is between the claim of messages and their sending; see Options.Probe.
const PointClaimed = "notify.claimed"

// FlushOptions are what a flush goes by.
type FlushOptions struct {
	// Notifiers are those of the configuration or plan at hand: what they log in with counts,
	// and not what a message was written with.
	Notifiers []plan.Notifier
	// Until is when nothing more is begun; zero is when nothing is left that is due.
	Until time.Time
	// Now has messages tried whose time has not come.
	Now bool
}

// Summary is what a flush did.
type Summary struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
	Unsure int `json:"unsure"`
	// Waiting are left, for another command or a later time.
	Waiting int `json:"waiting"`
	// Problems say what went wrong, by notifier, sorted.
	Problems []string `json:"problems,omitempty"`
}

// Flush delivers what waits and is due. A notifier whose service does not take a message
// is left alone for the rest of the flush, but for one that says for how long, where that
// is soon over. Requests in flight are completed when the context ends.
func (o *Outbox) Flush(ctx context.Context, options FlushOptions) (Summary, error) {
	batches, broken, err := o.load(ctx)
	if err != nil {
		return Summary{}, err
	}
	f := &flush{outbox: o, options: options, roots: map[string]string{}, problems: map[string]bool{}}
	for _, err := range broken {
		f.problem(err.Error())
	}
	lanes := map[addr.Address]*lane{}
	for _, b := range batches {
		for i := range b.doc.Notifiers {
			n := &b.doc.Notifiers[i]
			l := lanes[n.Address]
			if l == nil {
				l = &lane{flush: f, address: n.Address}
				lanes[n.Address] = l
			}
			l.parts = append(l.parts, part{batch: b, notifier: i})
		}
	}
	var group sync.WaitGroup
	for _, l := range lanes {
		group.Go(func() { l.run(ctx) })
	}
	group.Wait()
	return f.end(ctx, batches)
}

// flush is one flush.
type flush struct {
	outbox  *Outbox
	options FlushOptions

	mu       sync.Mutex
	summary  Summary
	roots    map[string]string // of threads, as far as known
	problems map[string]bool
}

func (f *flush) problem(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems[text] = true
}

// part is what one batch has for one notifier.
type part struct {
	batch    *opened
	notifier int
}

// lane is all messages of one notifier, oldest first.
type lane struct {
	flush   *flush
	address addr.Address
	parts   []part
	open    map[string]providers.Notifier // by the batch, or "" for the one at hand
	paused  time.Time                     // when it may go on; zero for now
	stopped bool                          // for the rest of the flush
	// taken: the service has taken a message. Before that one is sent alone, so that a
	// service which does not answer costs one.
	taken bool
	// threads have a message that waits, so that later ones wait too.
	threads map[string]bool
}

func (l *lane) run(ctx context.Context) {
	l.open, l.threads = map[string]providers.Notifier{}, map[string]bool{}
	for _, p := range l.parts {
		notifier, err := l.notifier(ctx, p)
		if err != nil {
			l.flush.problem(fmt.Sprintf("%s: %s", l.address, err))
			l.expire(ctx, p, err)
			continue
		}
		for l.goesOn(ctx) {
			more, err := l.round(ctx, p, notifier)
			if err != nil {
				l.flush.problem(err.Error())
				return
			}
			if !more {
				break
			}
		}
	}
}

// goesOn reports whether another round may begin, and waits where the service asked for a
// pause that ends in time.
func (l *lane) goesOn(ctx context.Context) bool {
	o, until := l.flush.outbox, l.flush.options.Until
	if l.stopped || ctx.Err() != nil || !until.IsZero() && !o.now().Before(until) {
		return false
	}
	wait := l.paused.Sub(o.now())
	if l.paused.IsZero() || wait <= 0 {
		return true
	}
	if until.IsZero() && wait > lastPause || !until.IsZero() && l.paused.After(until) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-o.options.Clock.After(wait):
		return true
	}
}

// expire gives up what has waited for too long for a notifier that cannot be opened.
func (l *lane) expire(ctx context.Context, p part, why error) {
	now := stamp(l.flush.outbox.now())
	err := l.flush.outbox.update(ctx, p.batch.key, func(b *batch) bool {
		changed := false
		for i := range b.Items {
			if m := &b.Items[i]; m.Notifier == p.notifier && m.State == Waiting && now.Sub(m.Facts.At) >= givenUp {
				m.State, m.Ended, m.Error, changed = Failed, now, cut(why.Error()), true
			}
		}
		return changed
	})
	if err != nil {
		l.flush.problem(err.Error())
	}
}

// notifier opens the notifier of a part: the one at hand, or the one that the messages
// were written with.
func (l *lane) notifier(ctx context.Context, p part) (providers.Notifier, error) {
	o := l.flush.outbox
	kept := &p.batch.doc.Notifiers[p.notifier]
	from, id := plan.Notifier{}, ""
	if i := slices.IndexFunc(l.flush.options.Notifiers, func(n plan.Notifier) bool {
		return n.Address == kept.Address && n.Service == kept.Service && (n.HasSecrets() || n.Sealed == nil)
	}); i >= 0 {
		from = l.flush.options.Notifiers[i]
	} else {
		id = p.batch.doc.ID
	}
	if open := l.open[id]; open != nil {
		return open, nil
	}
	if id != "" {
		var err error
		if from, err = planfile.UnsealNotifier(id, kept, o.options.Identity); errors.Is(err, planfile.ErrSealed) {
			return nil, errors.New("what it logs in with is sealed, and what opens it is not here")
		} else if err != nil {
			return nil, err
		}
	}
	open, err := Open(ctx, o.options.Notifiers, o.options.Secrets, &from)
	if err != nil {
		return nil, err
	}
	l.open[id] = open
	return open, nil
}

// Open makes the notifier of a plan: it reads what it logs in with.
func Open(ctx context.Context, notifiers providers.Notifiers, secrets providers.Secrets, n *plan.Notifier) (providers.Notifier, error) {
	config := providers.NotifierConfig{Service: n.Service, Settings: n.Settings, Credentials: map[string]object.Sensitive{}}
	for name, credential := range n.Credentials {
		v, err := credential.Resolve(ctx, secrets.Read)
		if err != nil {
			return nil, err
		}
		config.Credentials[name] = v
	}
	for _, header := range n.Headers {
		v, err := header.Value.Resolve(ctx, secrets.Read)
		if err != nil {
			return nil, err
		}
		config.Headers = append(config.Headers, providers.NotifierHeader{Name: header.Name, Value: v})
	}
	return notifiers.Open(config)
}

// claimed is a message that this flush is about to send.
type claimed struct {
	index int
	item  item
	// What came of it.
	done    bool
	receipt providers.Receipt
	err     error
}

// round claims some messages, sends them and records what came of it. more is false where
// there was nothing to claim.
func (l *lane) round(ctx context.Context, p part, notifier providers.Notifier) (more bool, err error) {
	o := l.flush.outbox
	token := uuid.NewString()
	most := 1
	if l.taken {
		most = atOnce
	}
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	var claims []*claimed
	var waiting map[string]bool
	err = o.update(recording, p.batch.key, func(b *batch) bool {
		claims, waiting = nil, maps.Clone(l.threads)
		now, changed := stamp(o.now()), false
		for i := range b.Items {
			m := &b.Items[i]
			if m.Notifier != p.notifier || m.State.over() {
				continue
			}
			if waiting[m.Thread] && m.Thread != "" || len(claims) == most {
				waiting[m.Thread] = true
				continue
			}
			switch {
			case m.State == Sending && m.Holder == token: // claimed by an attempt whose answer was lost
			case m.State == Sending && !now.Before(m.Until) && !notifier.Repeatable(l.notification(m)):
				m.State, m.Ended, m.Error, changed = Unsure, now, "whoever sent it ended before it was known whether it arrived", true
				continue
			case m.State == Sending && !now.Before(m.Until),
				m.State == Waiting && (l.flush.options.Now || !now.Before(m.NextAt)):
			default:
				waiting[m.Thread] = true
				continue
			}
			m.State, m.Holder, m.Until, changed = Sending, token, now.Add(claimLasts), true
			claims = append(claims, &claimed{index: i, item: *m})
		}
		return changed
	})
	if err != nil || len(claims) == 0 {
		l.threads = waiting
		return false, err
	}
	if err := o.options.Probe(PointClaimed); err != nil {
		return false, err
	}
	l.send(ctx, claims, notifier)
	recording, cancel = context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return true, l.settle(recording, p, token, claims, notifier)
}

// send sends claimed messages at once, those of a thread one after the other.
func (l *lane) send(ctx context.Context, claims []*claimed, notifier providers.Notifier) {
	var order []string
	threads := map[string][]*claimed{}
	for _, c := range claims {
		key := c.item.Thread
		if key == "" {
			key = c.item.ID
		}
		if threads[key] == nil {
			order = append(order, key)
		}
		threads[key] = append(threads[key], c)
	}
	var group sync.WaitGroup
	for _, key := range order {
		group.Go(func() {
			for _, c := range threads[key] {
				m := l.notification(&c.item)
				if c.item.Thread != "" && m.Root == "" {
					m.Root = l.flush.root(ctx, &c.item)
				}
				// It has a time of its own: one that is in flight is not given up.
				c.receipt, c.err = notifier.Send(context.WithoutCancel(ctx), m)
				c.done = true
				if c.receipt.Ref != "" && c.item.Thread != "" {
					l.flush.begun(c.item.Thread, c.receipt.Ref)
				}
				if c.err != nil {
					return // what follows in the thread waits for it
				}
			}
		})
	}
	group.Wait()
}

// notification is an item as notifiers have it.
func (*lane) notification(m *item) *providers.Notification {
	out := m.Notification
	out.Root = m.Begun
	return &out
}

// root is what the service calls the first message of an item's thread; empty where it has
// not begun.
func (f *flush) root(ctx context.Context, m *item) string {
	f.mu.Lock()
	root, known := f.roots[m.Thread]
	f.mu.Unlock()
	if known {
		return root
	}
	if address, err := addr.Parse(m.Facts.Address); err == nil {
		found := &memories{}
		if _, err := f.outbox.get(ctx, memoryKey(address), found); err == nil {
			root = found.Applications[m.Facts.Address].Threads[m.Thread].Root
		}
	}
	return root
}

func (f *flush) begun(thread, root string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.roots[thread] = root
}

// settle records what came of claimed messages.
func (l *lane) settle(ctx context.Context, p part, token string, claims []*claimed, notifier providers.Notifier) error {
	o := l.flush.outbox
	now := stamp(o.now())
	threads := map[string]Memory{}
	for _, c := range claims {
		c.settle(now, notifier.Repeatable(l.notification(&c.item)))
		l.heed(c, now)
		if c.receipt.Ref != "" && c.item.Thread != "" {
			memory := threads[c.item.Facts.Address]
			memory.begin(c.item.Thread, Thread{Root: c.receipt.Ref, At: now})
			threads[c.item.Facts.Address] = memory
		}
	}
	if len(threads) > 0 {
		if err := o.remember(ctx, threads); err != nil {
			l.flush.problem(fmt.Sprintf("%s: threads cannot be remembered: %s", l.address, err))
		}
	}
	return o.update(ctx, p.batch.key, func(b *batch) bool {
		changed := false
		for _, c := range claims {
			// A claim that ended meanwhile is another's; what was sent was sent all the same.
			if m := &b.Items[c.index]; m.Holder == token && (m.State == Sending || m.State == Unsure) || c.item.State == Sent {
				*m, changed = c.item, true
			}
		}
		return changed
	})
}

// settle says how far a message is that was claimed.
func (c *claimed) settle(now time.Time, repeatable bool) {
	m := &c.item
	m.Until = time.Time{}
	if !c.done { // what came before it in its thread was not delivered
		m.State = Waiting
		return
	}
	m.Attempts++
	if c.receipt.Ref != "" && c.err != nil {
		m.Begun = c.receipt.Ref
	}
	if c.err == nil {
		m.State, m.Ended, m.Error = Sent, now, ""
		return
	}
	m.Error = cut(c.err.Error())
	switch verdict := providers.VerdictOf(c.err); {
	case verdict == providers.Refused:
		m.State, m.Ended = Failed, now
	case verdict == providers.Unanswered && !repeatable:
		m.State, m.Ended = Unsure, now
	case now.Sub(m.Facts.At) >= givenUp:
		m.State, m.Ended = Failed, now
	default:
		m.State, m.NextAt = Waiting, now.Add(max(pause(m.Attempts), after(c.err)))
	}
}

// heed leaves the notifier alone that does not take a message.
func (l *lane) heed(c *claimed, now time.Time) {
	if c.err == nil {
		l.taken = l.taken || c.done
		return
	}
	l.flush.problem(fmt.Sprintf("%s: %s", l.address, c.item.Error))
	if providers.VerdictOf(c.err) == providers.Refused {
		return // which says nothing of others
	}
	wait := after(c.err)
	if wait == 0 {
		l.stopped = true
		return
	}
	// It said when: then the message is due, whatever the pauses are.
	if c.item.State == Waiting {
		c.item.NextAt = now.Add(wait)
	}
	if at := now.Add(wait); at.After(l.paused) {
		l.paused = at
	}
}

// after is how long a service asked to be left alone.
func after(err error) time.Duration {
	var failed *providers.DeliveryError
	if errors.As(err, &failed) {
		return failed.After
	}
	return 0
}

// pause is how long to wait after so many attempts.
func pause(attempts int) time.Duration {
	out := firstPause
	for range attempts - 1 {
		if out *= 2; out >= lastPause {
			return lastPause
		}
	}
	return out
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxError {
		return string(runes[:maxError-1]) + "…"
	}
	return text
}
