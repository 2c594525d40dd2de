package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// listener is a service in memory that hears everything.
type listener struct {
	mu    sync.Mutex
	heard []string
	fails bool
}

func (l *listener) Open(providers.NotifierConfig) (providers.Notifier, error) { return l, nil }
func (*listener) Escape(_, _, value string) string                            { return value }
func (*listener) Repeatable(*providers.Notification) bool                     { return false }

func (l *listener) Send(_ context.Context, m *providers.Notification) (providers.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return providers.Receipt{}, &providers.DeliveryError{Verdict: providers.Undelivered, Err: errors.New("status 500")}
	}
	l.heard = append(l.heard, fmt.Sprintf("%s %s %s", m.Trigger, m.Facts.Phase, m.Facts.Health))
	return providers.Receipt{}, nil
}

// take returns what was heard, sorted, and forgets it.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.heard
	l.heard = nil
	slices.Sort(out)
	return out
}

type noSecrets struct{}

func (noSecrets) Read(context.Context, *target.Secret) (object.Sensitive, error) { return "x", nil }

// TestWhoHasSubscribedHears: that an apply has begun, and how it ended; a service that fails
// costs the apply a warning, and what it did not take arrives later, once.
func TestWhoHasSubscribedHears(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	hears := &listener{}
	b.Adapt = func(o *engine.Options) {
		o.Notifiers, o.Secrets, o.NotifyFor = hears, noSecrets{}, 2*time.Second
	}
	project := `
notifier "webhook" "audit" { url = "https://hooks.example.com/canary" }
project "payments" {
  notify {
    trigger = trigger.on_sync_running
    to      = notifier.webhook.audit
  }
  notify {
    trigger = trigger.on_sync_succeeded
    to      = notifier.webhook.audit
  }
  notify {
    trigger = trigger.on_deleted
    to      = notifier.webhook.audit
  }
}
`
	webs(t, b, project, "web project = project.payments")
	p := b.MustPlan(t, engine.PlanOptions{})
	if p.Notify == nil || len(p.Notify.Subscriptions) != 3 || len(p.Notify.Notifiers) != 1 {
		t.Fatalf("%+v", p.Notify)
	}
	_, diags := b.Apply(t.Context(), t, p)
	if len(diags) != 0 {
		t.Fatal(diags)
	}
	if got, want := hears.take(), []string{"on_sync_running running unknown", "on_sync_succeeded succeeded healthy"}; !slices.Equal(trimmed(got), trimmed(want)) {
		t.Errorf("%q, want %q", got, want)
	}

	// A service that fails is told of, and costs nothing else.
	hears.fails = true
	p = b.MustPlan(t, engine.PlanOptions{Destroy: true})
	result, diags := b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}})
	if diags.HasErrors() || !result.HasChanged() || len(diags) == 0 || diags[len(diags)-1].Summary != "Messages wait" {
		t.Fatalf("%v", diags)
	}
	hears.fails = false
	summary, err := b.Engine().Outbox().Flush(t.Context(), notify.FlushOptions{Now: true})
	if err != nil || summary.Sent != 3 || summary.Waiting != 0 {
		t.Errorf("%+v, %v", summary, err)
	}
	if got := trimmed(hears.take()); !slices.Equal(got, []string{"on_deleted", "on_sync_running", "on_sync_succeeded"}) {
		t.Errorf("%q", got)
	}
	history, err := b.Engine().Outbox().History(t.Context())
	if err != nil || len(history) != 5 {
		t.Errorf("%d, %v", len(history), err)
	}
}

// trimmed are triggers alone.
func trimmed(heard []string) []string {
	var out []string
	for _, text := range heard {
		var trigger string
		_, _ = fmt.Sscan(text, &trigger)
		out = append(out, trigger)
	}
	return out
}

// TestWhatWaitsIsDeliveredWithoutChanges: a plan in which there is nothing to apply delivers
// what former applies left.
func TestWhatWaitsIsDeliveredWithoutChanges(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	hears := &listener{}
	b.Adapt = func(o *engine.Options) { o.Notifiers, o.Secrets = hears, noSecrets{} }
	webs(t, b, subscribed, "web project = project.payments")
	b.MustApply(t, engine.PlanOptions{})
	hears.take()
	p := b.MustPlan(t, engine.PlanOptions{})
	if p.HasChanges() || p.Notify == nil {
		t.Fatalf("%+v", p)
	}
	e, by := b.Engine(), state.Holder{Who: "test"}
	left := notify.Message{Notifier: p.Notify.Notifiers[0].Address, Notification: providers.Notification{
		Trigger: "left", Text: "left", Facts: providers.Facts{Address: "application.web", At: time.Now()},
	}}
	if err := e.Outbox().Enqueue(t.Context(), p.Notify.Notifiers, []notify.Message{left}, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} { // once
		if diags := e.Deliver(t.Context(), p, by); len(diags) > 0 {
			t.Fatal(diags)
		}
		if got := trimmed(hears.take()); len(got) != want {
			t.Errorf("%q, want %d", got, want)
		}
	}
	hears.fails = true
	if err := e.Outbox().Enqueue(t.Context(), p.Notify.Notifiers, []notify.Message{left}, nil); err != nil {
		t.Fatal(err)
	}
	if diags := e.Deliver(t.Context(), p, by); diags.HasErrors() || len(diags) != 1 || diags[0].Summary != "Messages wait" {
		t.Errorf("%v", diags)
	}
	p.Notify = nil
	if diags := e.Deliver(t.Context(), p, by); len(diags) > 0 {
		t.Errorf("nobody hears of it: %v", diags)
	}
}

// subscribed has somebody hear of what is not healthy.
const subscribed = `
notifier "webhook" "audit" { url = "https://hooks.example.com/canary" }
trigger "unhealthy" {
  when    = contains(["missing", "degraded"], app.health.status)
  message = "${app.name} is ${app.health.status}"
}
project "payments" {
  notify {
    trigger = trigger.unhealthy
    to      = notifier.webhook.audit
  }
}
`

// TestNotifyNow: what has become of applications between two applies is told once.
func TestNotifyNow(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	hears := &listener{}
	b.Adapt = func(o *engine.Options) { o.Notifiers, o.Secrets = hears, noSecrets{} }
	webs(t, b, subscribed, "web project = project.payments")
	look := func(what string, want int) {
		t.Helper()
		e := b.Engine()
		config, diags := b.Config(t, e)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		count, diags := e.NotifyNow(t.Context(), config)
		if diags.HasErrors() || count != want {
			t.Errorf("%s: %d to tell, want %d: %v", what, count, want, diags)
		}
		if _, err := e.Outbox().Flush(t.Context(), notify.FlushOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := hears.take(); len(got) != want {
			t.Errorf("%s: %q, want %d", what, got, want)
		}
	}
	look("nothing applied yet", 0)
	b.MustApply(t, engine.PlanOptions{})
	if got := hears.take(); len(got) > 0 {
		t.Errorf("the apply tells of %q", got)
	}
	look("healthy", 0)
	found, err := cluster.List(t.Context(), configMaps, "web", providers.ListOptions{})
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	for _, o := range found {
		if err := cluster.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: o.Namespace(), Name: o.Name()}); err != nil {
			t.Fatal(err)
		}
	}
	look("it is gone", 1)
	look("it still is", 0)
	for _, o := range found {
		delete(o.Metadata(), "managedFields")
		if err := cluster.Put(t.Context(), o, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	look("it is back", 0)
}
