package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// moody is a service that hangs, fails or takes messages, as it is told. It notes how often
// each has arrived.
type moody struct {
	mu      sync.Mutex
	mood    func(nth int) error // of the nth request; nil takes it
	asked   int
	arrived map[string]int
}

func (s *moody) Open(providers.NotifierConfig) (providers.Notifier, error) { return s, nil }
func (*moody) Escape(_, _, value string) string                            { return value }
func (*moody) Repeatable(*providers.Notification) bool                     { return true }

func (s *moody) Send(_ context.Context, m *providers.Notification) (providers.Receipt, error) {
	s.mu.Lock()
	s.asked++
	nth, mood := s.asked, s.mood
	s.mu.Unlock()
	if mood != nil {
		if err := mood(nth); err != nil {
			return providers.Receipt{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived[m.Trigger+" of "+m.Facts.Address]++
	return providers.Receipt{}, nil
}

func (s *moody) feels(mood func(nth int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood, s.asked = mood, 0
}

const (
	burstApps     = 50
	burstTriggers = 20 // for each application: 1,000 messages in all
	requestTime   = 5 * time.Second
)

// burstStage has many applications, and where somebody hears of them, 1,000 messages for one
// apply of them all.
func burstStage(t *testing.T, service *moody, subscribed bool) (*enginetest.Bench, func() map[string]int) {
	t.Helper()
	b, cluster := inMemory(t)
	b.Adapt = func(o *engine.Options) { o.Notifiers, o.Secrets = service, noSecrets{} }
	var text strings.Builder
	text.WriteString("notifier \"webhook\" \"audit\" {\n  url = \"https://hooks.example.com/burst\"\n}\nproject \"payments\" {\n")
	if subscribed {
		for i := range burstTriggers {
			fmt.Fprintf(&text, "  notify {\n    trigger = trigger.t%d\n    to      = notifier.webhook.audit\n  }\n", i)
		}
	}
	text.WriteString("}\n")
	for i := range burstTriggers {
		fmt.Fprintf(&text, "trigger \"t%d\" {\n  when    = app.operation.phase == \"succeeded\"\n  message = \"${app.name} is applied\"\n}\n", i)
	}
	fmt.Fprintf(&text, `
application "web" {
  for_each = toset([for n in range(%d) : tostring(n)])
  project  = project.payments
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web-${each.key}" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, burstApps)
	b.Write(t, map[string]string{"web.gantry.hcl": text.String()})
	return b, cluster.Requests
}

// TestABurstCostsAnApplyNothing: of 1,000 messages for a service that hangs an apply sends the
// same requests as without them, at the same time, and lets go of the state before the first of
// them is delivered. Through retries and a deliverer that is killed each arrives once.
func TestABurstCostsAnApplyNothing(t *testing.T) {
	t.Parallel()
	// applied applies in another goroutine, and returns once nothing of the apply goes on but
	// what it waits for: with a clock that moves only when everybody waits, that is when it
	// has ended or waits for the service.
	applied := func(t *testing.T, b *enginetest.Bench, requests func() map[string]int) (sent map[string]int, finished int, ended chan string) {
		t.Helper()
		var mu sync.Mutex
		b.Events = func(e engine.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind == engine.EventFinished {
				finished++
			}
		}
		p := b.MustPlan(t, engine.PlanOptions{})
		before := requests()
		ended = make(chan string, 1)
		go func() {
			result, diags := b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}})
			if diags.HasErrors() || !result.HasChanged() {
				t.Errorf("%v", diags)
			}
			ended <- said(diags)
		}()
		synctest.Wait()
		sent = requests()
		for verb, n := range before {
			sent[verb] -= n
		}
		maps.DeleteFunc(sent, func(_ string, n int) bool { return n == 0 })
		mu.Lock()
		defer mu.Unlock()
		return sent, finished, ended
	}

	var alone map[string]int
	synctest.Test(t, func(t *testing.T) {
		b, requests := burstStage(t, &moody{}, false)
		began := time.Now()
		var finished int
		var ended chan string
		alone, finished, ended = applied(t, b, requests)
		if text := <-ended; text != "" || finished != burstApps || time.Since(began) != 0 {
			t.Fatalf("without messages %d of %d are applied after %s: %s", finished, burstApps, time.Since(began), text)
		}
	})

	synctest.Test(t, func(t *testing.T) {
		service := &moody{arrived: map[string]int{}}
		service.feels(func(int) error {
			time.Sleep(requestTime)
			return &providers.DeliveryError{Verdict: providers.Unanswered, Err: errors.New("no answer")}
		})
		b, requests := burstStage(t, service, true)
		began := time.Now()
		sent, finished, ended := applied(t, b, requests)
		if took := time.Since(began); finished != burstApps || took != 0 || !maps.Equal(sent, alone) {
			t.Errorf("%d of %d are applied after %s with %v, want at once with %v", finished, burstApps, took, sent, alone)
		}
		// Now it waits for the service. Others may go on: nobody holds the state.
		select {
		case <-ended:
			t.Error("the service was not asked: the test shows nothing")
		default:
		}
		e := b.Engine()
		config, diags := b.Config(t, e)
		enginetest.Check(t, diags)
		found, diags := e.Status(t.Context(), config, engine.StatusOptions{})
		enginetest.Check(t, diags)
		if found.Running != nil {
			t.Errorf("the state is held while messages are delivered: %+v", found.Running)
		}
		if text := <-ended; !strings.Contains(text, fmt.Sprintf("%d messages wait", burstApps*burstTriggers)) || time.Since(began) > requestTime {
			t.Errorf("after %s: %s", time.Since(began), text)
		}
		if service.asked != 1 {
			t.Errorf("a service that hangs was asked %d times", service.asked)
		}

		// A deliverer is killed with messages that it has claimed; another's service answers
		// every third request with 500, then all.
		o := b.Options()
		killed := errors.New("killed")
		rounds := 0
		dying := notify.NewOutbox(notify.Options{
			Store: o.Records.Store(), Lineage: o.Records.Lineage(), Notifiers: service, Secrets: noSecrets{}, Identity: o.Identity, Recipient: o.Recipient,
			Probe: func(string) error {
				if rounds++; rounds > 5 {
					return killed
				}
				return nil
			},
		})
		service.feels(nil)
		time.Sleep(time.Hour)
		if summary, err := dying.Flush(t.Context(), notify.FlushOptions{}); err != nil || summary.Sent == 0 || summary.Waiting < 900 {
			t.Fatalf("%+v, %v", summary, err)
		}
		service.feels(func(nth int) error {
			if nth%3 == 0 && nth < 60 {
				return &providers.DeliveryError{Verdict: providers.Undelivered, Err: errors.New("status 500")}
			}
			return nil
		})
		failures := 0
		for range 100 {
			summary, err := b.Engine().Outbox().Flush(t.Context(), notify.FlushOptions{})
			if err != nil || summary.Failed+summary.Unsure > 0 {
				t.Fatalf("%+v, %v", summary, err)
			}
			if summary.Waiting == 0 {
				break
			}
			failures++
			time.Sleep(15 * time.Minute)
		}
		if failures == 0 {
			t.Error("the service took all at once: the test shows nothing")
		}
		if len(service.arrived) != burstApps*burstTriggers {
			t.Errorf("%d messages have arrived, want %d", len(service.arrived), burstApps*burstTriggers)
		}
		for message, n := range service.arrived {
			if n != 1 {
				t.Errorf("%s has arrived %d times", message, n)
			}
		}
		history, err := b.Engine().Outbox().History(t.Context())
		if err != nil || len(history) != burstApps*burstTriggers {
			t.Fatalf("%d, %v", len(history), err)
		}
		for i := range history {
			if history[i].State != notify.Sent {
				t.Errorf("%+v", history[i])
			}
		}
	})
}
