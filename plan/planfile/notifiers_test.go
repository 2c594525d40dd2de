package planfile_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
)

// telling is a plan of which somebody hears.
func telling() *plan.Plan {
	slack, trigger := addr.Address{Kind: "notifier", Type: "slack", Name: "ops"}, addr.Address{Kind: "trigger", Name: "on_deployed"}
	return &plan.Plan{
		ID: "plan", Lineage: "a",
		Notify: &plan.Notify{
			Notifiers: []plan.Notifier{{
				Address: slack, Service: "slack", Settings: map[string]string{"api_url": "https://slack.example.com"},
				Credentials: map[string]target.Credential{
					"token": {Value: "xoxb-canary"},
					"other": {Secret: &target.Secret{Address: addr.Address{Kind: "secret", Type: "environment", Name: "t"}, Environment: &target.EnvironmentSecret{Variable: "CANARY_VARIABLE"}}},
				},
				Headers: []plan.NotifierHeader{{Name: "X-Key", Value: target.Credential{Value: "header-canary"}}},
			}},
			Triggers:      []plan.Trigger{{Address: trigger, Name: "on_deployed", When: json.RawMessage("true"), Message: json.RawMessage(`"m"`)}},
			Subscriptions: []plan.Subscription{{Project: "p", Trigger: trigger, Notifier: slack, Recipients: []string{"#alerts"}}},
		},
	}
}

func TestNotifiersAreSealed(t *testing.T) {
	identity, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, telling(), identity.Recipient())
	text := payload(t, file)
	for _, canary := range []string{"xoxb-canary", "header-canary", "CANARY_VARIABLE"} {
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s is in clear", canary)
		}
	}
	// Without the identity the plan can be shown, and applied: only messages wait.
	closed, err := read(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if planfile.IsSealed(closed) || closed.Notify.Notifiers[0].HasSecrets() {
		t.Error("sealed notifiers are in the way, or open")
	}
	open, err := read(file, identity)
	if err != nil {
		t.Fatal(err)
	}
	want := telling().Notify.Notifiers[0]
	got := open.Notify.Notifiers[0]
	if got.Credentials["token"] != want.Credentials["token"] || got.Credentials["other"].Secret.Environment.Variable != "CANARY_VARIABLE" || len(got.Headers) != 1 || got.Headers[0].Value.Value != "header-canary" {
		t.Errorf("%+v", got)
	}
	if _, err := planfile.Unseal(closed, nil); err != nil {
		t.Errorf("a plan whose notifiers alone are sealed: %v", err)
	}
	// Who has messages sent elsewhere does not get the token with them.
	closed.Notify.Notifiers[0].Settings["api_url"] = "https://evil.example.com"
	if _, err := planfile.Unseal(closed, identity); err == nil {
		t.Error("a token was opened for another place")
	}
	if err := planfile.Write(&bytes.Buffer{}, telling(), planfile.WriteOptions{}); err == nil || !strings.Contains(err.Error(), planfile.ErrNoRecipient.Error()) {
		t.Errorf("written without a recipient: %v", err)
	}
}

func TestSubscriptionsMustPointToSomething(t *testing.T) {
	p := telling()
	p.Notify.Subscriptions[0].Notifier.Name = "other"
	if err := planfile.Validate(p); err == nil {
		t.Error("no error")
	}
	p = telling()
	p.Notify.Triggers[0].When = nil
	if err := planfile.Validate(p); err == nil {
		t.Error("no error")
	}
}
