package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/memory"
)

// clock is moved by tests; who waits moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.move(d)
	out := make(chan time.Time, 1)
	out <- c.Now()
	return out
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// service is a service in memory.
type service struct {
	mu         sync.Mutex
	answer     func(m *providers.Notification) (providers.Receipt, error) // nil takes everything
	repeatable bool
	tried      int
	arrived    map[string]int // by the ID
	messages   []*providers.Notification
	configs    []providers.NotifierConfig
}

func (s *service) Open(config providers.NotifierConfig) (providers.Notifier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configs = append(s.configs, config)
	return s, nil
}

func (*service) Escape(_, _, value string) string {
	return strings.ReplaceAll(value, "<", "&lt;")
}

func (s *service) Repeatable(*providers.Notification) bool { return s.repeatable }

func (s *service) Send(_ context.Context, m *providers.Notification) (providers.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	var receipt providers.Receipt
	if s.answer != nil {
		var err error
		if receipt, err = s.answer(m); err != nil {
			return receipt, err
		}
	}
	if s.arrived == nil {
		s.arrived = map[string]int{}
	}
	s.arrived[m.ID]++
	s.messages = append(s.messages, m)
	return receipt, nil
}

// secrets knows no secret.
type secrets struct{}

func (secrets) Read(_ context.Context, s *target.Secret) (object.Sensitive, error) {
	return "", fmt.Errorf("%s cannot be read", s.Address)
}

// bench is an outbox and what surrounds it.
type bench struct {
	*clock
	*service
	store    state.Store
	identity *seal.Identity
	probe    func(string) error
}

func newBench(t testing.TB) *bench {
	t.Helper()
	identity, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return &bench{clock: newClock(), service: &service{}, store: memory.New(), identity: identity}
}

// outbox is that of another process each time.
func (b *bench) outbox() *notify.Outbox {
	return notify.NewOutbox(notify.Options{
		Store: b.store, Lineage: "lineage", Notifiers: b.service, Secrets: secrets{}, Identity: b.identity, Recipient: b.identity.Recipient(), Clock: b.clock, Probe: b.probe,
	})
}

func (b *bench) flush(t testing.TB, options notify.FlushOptions) notify.Summary {
	t.Helper()
	summary, err := b.outbox().Flush(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

var hook = addr.Address{Kind: "notifier", Type: "webhook", Name: "audit"}

func notifier() plan.Notifier {
	return plan.Notifier{Address: hook, Service: "webhook", Credentials: map[string]target.Credential{"url": {Value: "https://hooks.example.com/canary"}}}
}

// enqueue writes so many messages.
func (b *bench) enqueue(t testing.TB, count int, adapt ...func(int, *notify.Message)) {
	t.Helper()
	var messages []notify.Message
	for i := range count {
		m := notify.Message{Notifier: hook, Notification: providers.Notification{
			Trigger: "on_deployed", Text: fmt.Sprintf("message %d", i), Facts: providers.Facts{Address: fmt.Sprintf("application.web[\"%d\"]", i), At: b.Now()},
		}}
		for _, change := range adapt {
			change(i, &m)
		}
		messages = append(messages, m)
	}
	if err := b.outbox().Enqueue(t.Context(), []plan.Notifier{notifier()}, messages, nil); err != nil {
		t.Fatal(err)
	}
}

// once holds that so many messages have arrived, each once.
func (b *bench) once(t *testing.T, count int) {
	t.Helper()
	if len(b.arrived) != count {
		t.Errorf("%d messages arrived, want %d", len(b.arrived), count)
	}
	for id, times := range b.arrived {
		if times != 1 {
			t.Errorf("%s arrived %d times", id, times)
		}
	}
}

func failing(verdict providers.Verdict, after time.Duration) error {
	return &providers.DeliveryError{Verdict: verdict, After: after, Err: errors.New("no")}
}

func TestABurstArrivesOnceEach(t *testing.T) {
	for name, c := range map[string]struct {
		store    state.Store
		commands int
	}{"memory": {memory.New(), 4}, "local": {local.New(t.TempDir()), 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			burst(t, c.store, c.commands)
		})
	}
}

// burst has 1,000 messages written at once, and delivered by several commands.
func burst(t *testing.T, store state.Store, commands int) {
	b := newBench(t)
	b.store = store
	began := time.Now()
	b.enqueue(t, 1000)
	enqueued := time.Since(began)
	keys, err := b.store.List(t.Context(), "notifications")
	if err != nil || len(keys) > 10 {
		t.Errorf("%d keys are written for 1,000 messages, %v", len(keys), err)
	}
	for _, key := range keys {
		if text, _, err := b.store.Get(t.Context(), key); err != nil || strings.Contains(string(text), "canary") {
			t.Errorf("%s has the URL in clear, or cannot be read: %v", key, err)
		}
	}
	var group sync.WaitGroup
	for range commands {
		group.Go(func() {
			if _, err := b.outbox().Flush(t.Context(), notify.FlushOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b.once(t, 1000)
	t.Logf("1,000 messages: written in %s, delivered in %s", enqueued, time.Since(began))
	if keys, err := b.store.List(t.Context(), "notifications/outbox"); err != nil || len(keys) != 0 {
		t.Errorf("the outbox still has %v, %v", keys, err)
	}
	history, err := b.outbox().History(t.Context())
	if err != nil || len(history) != 1000 {
		t.Fatalf("the history has %d, %v", len(history), err)
	}
	b.enqueue(t, 250)
	b.flush(t, notify.FlushOptions{})
	if history, err = b.outbox().History(t.Context()); err != nil || len(history) != 1000 {
		t.Errorf("the history has %d, %v: it is to be bounded", len(history), err)
	}
	if got := b.configs[0].Secret("url"); got != "https://hooks.example.com/canary" {
		t.Errorf("opened with %q", got)
	}
}

func TestAServiceThatFailsForAnHour(t *testing.T) {
	b := newBench(t)
	b.answer = func(*providers.Notification) (providers.Receipt, error) {
		return providers.Receipt{}, failing(providers.Undelivered, 0)
	}
	b.enqueue(t, 20)
	end := b.Now().Add(time.Hour)
	flushes := 0
	for b.Now().Before(end) {
		if s := b.flush(t, notify.FlushOptions{}); s.Waiting != 20 || s.Sent+s.Failed+s.Unsure != 0 {
			t.Fatalf("%+v", s)
		}
		flushes++
		b.move(time.Minute)
	}
	// A notifier that fails is left alone for the rest of a flush.
	if b.tried > flushes || b.tried < 10 {
		t.Errorf("20 messages were tried %d times in %d flushes", b.tried, flushes)
	}
	b.answer = nil
	b.move(15 * time.Minute)
	if s := b.flush(t, notify.FlushOptions{}); s.Sent != 20 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	b.once(t, 20)
}

// A service that hangs costs a flush one request, and what it may have got no second one. What
// can be repeated waits, and arrives when the service answers again.
func TestAServiceThatHangsForAnHour(t *testing.T) {
	for _, repeatable := range []bool{false, true} {
		b := newBench(t)
		b.repeatable = repeatable
		b.answer = func(*providers.Notification) (providers.Receipt, error) {
			b.move(5 * time.Second) // the time of a request
			return providers.Receipt{}, failing(providers.Unanswered, 0)
		}
		b.enqueue(t, 100)
		unsure, flushes := 0, 0
		for end := b.Now().Add(time.Hour); b.Now().Before(end); flushes++ {
			tried, began := b.tried, b.Now()
			s := b.flush(t, notify.FlushOptions{})
			if unsure += s.Unsure; s.Waiting+unsure != 100 || s.Sent+s.Failed != 0 || b.tried > tried+1 || b.Now().Sub(began) > 5*time.Second {
				t.Fatalf("repeatable %v: %+v, %d tried, in %s", repeatable, s, b.tried-tried, b.Now().Sub(began))
			}
			b.move(time.Minute)
		}
		if repeatable && unsure != 0 || !repeatable && unsure != flushes {
			t.Errorf("repeatable %v: %d are unsure after %d flushes", repeatable, unsure, flushes)
		}
		b.answer = nil
		b.move(15 * time.Minute)
		if s := b.flush(t, notify.FlushOptions{}); s.Sent != 100-unsure || s.Waiting != 0 {
			t.Errorf("repeatable %v: %+v", repeatable, s)
		}
		b.once(t, 100-unsure)
	}
}

// BenchmarkBurst: what a sync that tells 1,000 messages waits for, which is that they are
// written; and what it takes until all have arrived.
func BenchmarkBurst(b *testing.B) {
	for _, delivered := range []bool{false, true} {
		b.Run(map[bool]string{false: "written", true: "delivered"}[delivered], func(b *testing.B) {
			dir := b.TempDir()
			for i := 0; b.Loop(); i++ {
				bench := newBench(b)
				bench.store = local.New(fmt.Sprintf("%s/%d", dir, i))
				bench.enqueue(b, 1000)
				if !delivered {
					continue
				}
				if s := bench.flush(b, notify.FlushOptions{}); s.Sent != 1000 {
					b.Fatalf("%+v", s)
				}
			}
		})
	}
}

func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	b := newBench(t)
	b.answer = func(*providers.Notification) (providers.Receipt, error) {
		return providers.Receipt{}, failing(providers.Undelivered, 0)
	}
	b.enqueue(t, 1)
	for range 24 * 5 {
		b.flush(t, notify.FlushOptions{})
		b.move(15 * time.Minute)
	}
	history, err := b.outbox().History(t.Context())
	if err != nil || len(history) != 1 || history[0].State != notify.Failed || history[0].Error != "no" {
		t.Errorf("%+v, %v", history, err)
	}
	if b.tried > 110 {
		t.Errorf("tried %d times", b.tried)
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	b := newBench(t)
	var asked []time.Time
	b.answer = func(*providers.Notification) (providers.Receipt, error) {
		asked = append(asked, b.Now())
		if len(asked) == 1 {
			return providers.Receipt{}, failing(providers.Undelivered, 7*time.Second)
		}
		return providers.Receipt{}, nil
	}
	b.enqueue(t, 1)
	// There is no time for it in a flush that ends before.
	if s := b.flush(t, notify.FlushOptions{Until: b.Now().Add(5 * time.Second)}); s.Waiting != 1 || len(asked) != 1 {
		t.Fatalf("%+v after %v", s, asked)
	}
	b.flush(t, notify.FlushOptions{})
	if len(asked) != 1 {
		t.Error("it was asked before its time")
	}
	b.move(7 * time.Second)
	if s := b.flush(t, notify.FlushOptions{}); s.Sent != 1 {
		t.Errorf("%+v", s)
	}
	// Where there is time, the flush waits.
	asked = nil
	b.arrived = nil
	b.enqueue(t, 30)
	began := b.Now()
	if s := b.flush(t, notify.FlushOptions{Until: b.Now().Add(time.Minute)}); s.Sent != 30 {
		t.Errorf("%+v", s)
	}
	if waited := b.Now().Sub(began); waited < 7*time.Second {
		t.Errorf("it waited %s", waited)
	}
	b.once(t, 30)
}

var errKilled = errors.New("killed")

func TestKilledBetweenClaimAndSend(t *testing.T) {
	for _, repeatable := range []bool{false, true} {
		t.Run(fmt.Sprint("repeatable ", repeatable), func(t *testing.T) {
			b := newBench(t)
			b.repeatable = repeatable
			b.enqueue(t, 20)
			rounds := 0
			b.probe = func(point string) error {
				if rounds++; point == notify.PointClaimed && rounds == 2 {
					return errKilled
				}
				return nil
			}
			b.flush(t, notify.FlushOptions{})
			b.probe = nil
			if b.tried != 1 {
				t.Fatal("it was not killed before the second round")
			}
			// As long as whoever claimed them may live, they are its own.
			s := b.flush(t, notify.FlushOptions{})
			if s.Sent != 11 || s.Waiting != 8 {
				t.Fatalf("%+v", s)
			}
			b.move(6 * time.Minute)
			s = b.flush(t, notify.FlushOptions{})
			want := notify.Summary{Unsure: 8}
			if repeatable {
				want = notify.Summary{Sent: 8}
			}
			if s.Sent != want.Sent || s.Unsure != want.Unsure || s.Waiting != 0 {
				t.Errorf("%+v, want %+v", s, want)
			}
			b.once(t, 12+want.Sent)
		})
	}
}

func TestAnAnswerThatIsLost(t *testing.T) {
	b := newBench(t)
	b.answer = func(*providers.Notification) (providers.Receipt, error) {
		return providers.Receipt{}, failing(providers.Unanswered, 0)
	}
	b.enqueue(t, 30)
	s := b.flush(t, notify.FlushOptions{})
	// It is not sent again, and no more is sent to a service that does not answer.
	if s.Unsure != 1 || s.Waiting != 29 || b.tried != 1 {
		t.Fatalf("%+v, tried %d times", s, b.tried)
	}
	b.answer = nil
	b.move(time.Hour)
	if s = b.flush(t, notify.FlushOptions{}); s.Sent != 29 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	b.once(t, 29)
	if history, err := b.outbox().History(t.Context()); err != nil || len(history) != 30 {
		t.Errorf("%d, %v", len(history), err)
	}
}

func TestARefusedMessageCostsNoOther(t *testing.T) {
	b := newBench(t)
	b.answer = func(m *providers.Notification) (providers.Receipt, error) {
		if m.Text == "message 3" {
			return providers.Receipt{}, failing(providers.Refused, 0)
		}
		return providers.Receipt{}, nil
	}
	b.enqueue(t, 10)
	if s := b.flush(t, notify.FlushOptions{}); s.Sent != 9 || s.Failed != 1 || len(s.Problems) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestThreadsStayInOrder(t *testing.T) {
	b := newBench(t)
	fails := true
	b.answer = func(m *providers.Notification) (providers.Receipt, error) {
		if fails {
			return providers.Receipt{}, failing(providers.Undelivered, 0)
		}
		return providers.Receipt{Ref: "ref of " + m.Text}, nil
	}
	same := func(_ int, m *notify.Message) {
		m.Facts.Address, m.Thread = "application.web", "thread"
	}
	b.enqueue(t, 2, same)
	b.flush(t, notify.FlushOptions{})
	b.move(time.Second)
	fails = false
	b.enqueue(t, 1, same, func(_ int, m *notify.Message) { m.Text = "later" })
	b.flush(t, notify.FlushOptions{}) // the first waits for its time, and so do the others
	if len(b.messages) != 0 {
		t.Fatalf("%v went before the first of its thread", b.messages[0].Text)
	}
	b.move(time.Minute)
	b.flush(t, notify.FlushOptions{})
	if len(b.messages) != 3 || b.messages[0].Root != "" || b.messages[1].Root != "ref of message 0" || b.messages[2].Text != "later" || b.messages[2].Root == "" {
		t.Errorf("%+v", b.messages)
	}
	// Another command, later, finds the thread again.
	b.enqueue(t, 1, same)
	b.flush(t, notify.FlushOptions{})
	if got := b.messages[3].Root; got == "" {
		t.Error("the thread is forgotten")
	}
}

func TestWhatLogsInNowCounts(t *testing.T) {
	b := newBench(t)
	b.enqueue(t, 1)
	b.identity = nil // what is sealed cannot be opened here
	b.configs = nil
	outbox := notify.NewOutbox(notify.Options{Store: b.store, Lineage: "lineage", Notifiers: b.service, Secrets: secrets{}, Clock: b.clock})
	s, err := outbox.Flush(t.Context(), notify.FlushOptions{})
	if err != nil || s.Waiting != 1 || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "sealed") {
		t.Fatalf("%+v, %v", s, err)
	}
	rotated := notifier()
	rotated.Credentials = map[string]target.Credential{"url": {Value: "https://hooks.example.com/rotated"}}
	s, err = outbox.Flush(t.Context(), notify.FlushOptions{Notifiers: []plan.Notifier{rotated}})
	if err != nil || s.Sent != 1 || b.configs[0].Secret("url") != "https://hooks.example.com/rotated" {
		t.Errorf("%+v, %v, %v", s, err, b.configs)
	}
}

// evaluate reads a configuration.
func evaluate(t *testing.T, text string) *lang.Config {
	t.Helper()
	module, diags := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": {Data: []byte(text)}}})
	config, more := module.Evaluate(t.Context(), lang.EvalOptions{})
	if all := append(diags, more...); all.HasErrors() {
		t.Fatal(all)
	}
	return config
}
