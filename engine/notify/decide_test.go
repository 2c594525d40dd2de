package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

const estate = `
cluster "prod" {
  context = "prod"
  labels  = { region = "eu" }
}
notifier "slack" "ops" { token = "xoxb-canary" }
notifier "pagerduty" "on_call" { routing_key = "canary" }
notifier "email" "mail" {
  host = "mail.example.com"
  from = "gantry@example.com"
}
trigger "eu" {
  when     = app.cluster.labels.region == "eu" && app.operation.phase == "succeeded"
  once_per = app.sync.revision
  message  = "${app.name} is in ${app.cluster.labels.region} (${app.info.owner})"
  slack {
    thread   = app.operation.started_at
    delivery = "update"
    blocks   = [{ type = "section", text = { type = "mrkdwn", text = "*done* ${app.operation.message}" } }]
  }
  email {
    html = "<b>${app.operation.message}</b>"
  }
}
trigger "broken" {
  when    = app.info.number > 3
  message = "never"
}
trigger "garbled" {
  when    = true
  message = "${tonumber(app.info.owner)}"
}
project "payments" {
  notify {
    trigger    = trigger.on_health_degraded
    to         = notifier.pagerduty.on_call
  }
  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.ops
    recipients = ["#alerts", "#alerts"]
  }
}
application "web" {
  project = project.payments
  info    = { owner = "team <a>", number = "four" }
  annotations = {
    "notifications.argoproj.io/subscribe.eu.slack"           = "web; #ops"
    "notifications.argoproj.io/subscribe.eu.email.mail"      = "team@example.com"
    "notifications.argoproj.io/subscribe.on-sync-failed.slack" = "alerts"
    "example.com/other"                                      = "x"
  }
  notify {
    trigger    = trigger.broken
    to         = notifier.slack.ops
    recipients = ["#alerts"]
  }
  notify {
    trigger    = trigger.on_created
    to         = notifier.slack.ops
    recipients = ["#new"]
  }
  source { path = "web" }
  destination { cluster = cluster.prod }
}
application "other" {
  source { path = "other" }
  destination { cluster = cluster.prod }
}
`

var web = addr.Application("web")

// rules are those of a configuration, and what a plan has of it.
func rules(t *testing.T, text string) (*notify.Rules, *plan.Notify) {
	t.Helper()
	from, err := notify.Of(evaluate(t, text), func(addr.Address) bool { return true })
	if err != nil || from == nil {
		t.Fatal(from, err)
	}
	r, err := notify.NewRules(from, (&service{}).Escape)
	if err != nil {
		t.Fatal(err)
	}
	return r, from
}

// at is a case of web.
func at(from *plan.Notify, phase, health, revision string, started time.Time) *notify.Case {
	c := &notify.Case{
		Address: web, Name: "web", Project: "payments", Cluster: "prod", Revisions: []string{revision}, Sync: notify.Synced, At: started,
		Health: notify.Health{Status: health}, Operation: notify.Operation{Phase: phase, Message: "said <!channel>", StartedAt: started},
	}
	notify.Describe(c, from)
	return c
}

// fired are the triggers and recipients of messages, sorted.
func fired(messages []notify.Message) []string {
	var out []string
	for _, m := range messages {
		text := m.Trigger + ">" + m.Recipient
		if m.Resolves {
			text += " over"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

func TestDecide(t *testing.T) {
	r, from := rules(t, estate)
	memory := notify.Memory{}
	began := newClock().Now()
	for i, step := range []struct {
		phase, health, revision string
		want                    []string
	}{
		{"running", "healthy", "r1", []string{"on_created>#new"}},
		{"succeeded", "healthy", "r1", []string{"eu>#ops", "eu>#web", "eu>team@example.com"}},
		{"succeeded", "healthy", "r1", nil}, // once per revision
		{"succeeded", "degraded", "r1", []string{"on_health_degraded>"}},
		{"succeeded", "degraded", "r1", nil}, // when it becomes true
		{"succeeded", "healthy", "r2", []string{"eu>#ops", "eu>#web", "eu>team@example.com", "on_health_degraded> over"}},
		{"succeeded", "healthy", "r1", nil},
		{"failed", "healthy", "r3", []string{"on_sync_failed>#alerts"}}, // subscribed three times
	} {
		c := at(from, step.phase, step.health, step.revision, began.Add(time.Duration(i)*time.Minute))
		messages, after, problems := r.Decide(c, memory)
		if got := fired(messages); !slices.Equal(got, step.want) {
			t.Errorf("%d: %v, want %v", i, got, step.want)
		}
		if len(problems) != 1 || !strings.Contains(problems[0], "trigger.broken") {
			t.Errorf("%d: %v", i, problems)
		}
		memory = after
	}
	if c := (&notify.Case{Address: addr.Application("other"), Name: "other"}); r.Concerns(c) {
		t.Error("nobody has subscribed to it")
	}
}

func TestValuesAreEscapedInMarkupAlone(t *testing.T) {
	r, from := rules(t, estate)
	messages, _, _ := r.Decide(at(from, "succeeded", "healthy", "r1", newClock().Now()), notify.Memory{})
	for _, m := range messages {
		switch {
		case m.Trigger == "on_created":
		case m.Notifier.Type == "slack":
			blocks := m.Body["blocks"].([]any)[0].(map[string]any)["text"].(map[string]any)["text"]
			if blocks != "*done* said &lt;!channel>" || m.Body["delivery"] != "update" || m.Thread == "" || m.Text != "web is in eu (team <a>)" {
				t.Errorf("%v, %+v", blocks, m)
			}
		case m.Notifier.Type == "email":
			if m.Body["html"] != "<b>said &lt;!channel></b>" {
				t.Errorf("%+v", m.Body)
			}
		}
	}
}

func TestNothingSecretIsInARuleOrMessage(t *testing.T) {
	_, from := rules(t, estate)
	for _, n := range from.Notifiers {
		for name, text := range n.Settings {
			if strings.Contains(text, "canary") {
				t.Errorf("%s: the setting %s is a credential", n.Address, name)
			}
		}
	}
	r, from := rules(t, strings.Replace(estate, "trigger    = trigger.broken", "trigger    = trigger.garbled", 1))
	messages, _, problems := r.Decide(at(from, "running", "healthy", "r1", newClock().Now()), notify.Memory{})
	// A message that cannot be evaluated costs itself, and somebody hears all the same.
	found := slices.IndexFunc(messages, func(m notify.Message) bool { return m.Trigger == "garbled" })
	if len(problems) != 1 || found < 0 || !strings.Contains(messages[found].Text, "its message cannot be evaluated") {
		t.Errorf("%v, %v", fired(messages), problems)
	}
}

func TestNothingIsLostBetweenTheOutboxAndWhatIsRemembered(t *testing.T) {
	b := newBench(t)
	r, from := rules(t, estate)
	c := at(from, "succeeded", "healthy", "r1", b.Now())
	messages, after, _ := r.Decide(c, notify.Memory{})
	broken := &failingStore{Store: b.store, prefix: "notifications/memory"}
	b.store = broken
	if err := b.outbox().Enqueue(t.Context(), from.Notifiers, messages, map[addr.Address]notify.Memory{web: after}); err == nil {
		t.Fatal("no error")
	}
	broken.prefix = "none" // the next command
	for range 2 {
		remembered, err := b.outbox().Remembered(t.Context(), []addr.Address{web})
		if err != nil {
			t.Fatal(err)
		}
		if again, _, _ := r.Decide(c, remembered[web]); len(again) != 0 {
			t.Errorf("%v fired again", fired(again))
		}
		if s := b.flush(t, notify.FlushOptions{}); len(s.Problems) > 0 { // after which the outbox is empty
			t.Errorf("%+v", s)
		}
	}
	b.once(t, len(messages))
	if err := b.outbox().Forget(t.Context(), []addr.Address{web}); err != nil {
		t.Fatal(err)
	}
	if remembered, err := b.outbox().Remembered(t.Context(), []addr.Address{web}); err != nil || len(remembered[web].Triggers) != 0 {
		t.Errorf("%+v, %v", remembered, err)
	}
}
