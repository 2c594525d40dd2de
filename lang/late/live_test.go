package late_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

const liveText = `{
  "kind": "Widget", "metadata": {"name": "a", "generation": 3, "labels": {"example.com/tier": "web"}},
  "spec": {"replicas": 2, "paused": false},
  "status": {
    "phase": "Ready", "observedGeneration": 2, "ratio": 1.5,
    "nodes": [{"name": "a", "ready": true}, {"name": "b"}, "odd"],
    "brokers": {"1": {"state": "up"}, "0": {"state": "down"}},
    "conditions": [{"type": "Ready", "status": "False", "severity": "Info", "observedGeneration": 2, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    "parents": [{"conditions": [{"type": "Accepted", "status": "True"}]}, {}, {"conditions": [{"type": "Accepted", "status": "False", "reason": "No"}]}]
  }
}`

func liveObject(t *testing.T, text string) object.Object {
	t.Helper()
	var o object.Object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// What health blocks ask about an object, and what they are told.
func TestHealthFunctions(t *testing.T) {
	values := late.HealthValues(liveObject(t, liveText))
	for text, want := range map[string]string{
		`field("status.phase")`:                                  `"Ready"`,
		`field("status.ratio")`:                                  `1.5`,
		`field("spec.replicas") - 2`:                             `0`,
		`field("status.absent")`:                                 `null`,
		`field("status.absent.more", "none")`:                    `"none"`,
		`field("status.phase.more", "none")`:                     `"none"`,
		`field("status.absent") == "Ready"`:                      `false`,
		`field("status.absent") == field("status.gone")`:         `true`,
		`field("spec.paused", true)`:                             `false`,
		`field("metadata.labels[\"example.com/tier\"]")`:         `"web"`,
		`field("metadata.labels[\"example.com/nothing\"]", "")`:  `""`,
		`field("status.nodes[0].name")`:                          `"a"`,
		`field("status.nodes[7].name")`:                          `null`,
		`field("status.nodes[*].name")`:                          `["a", "b"]`,
		`field("status.nodes[*].ready")`:                         `[true]`,
		`field("status.phase[*].ready")`:                         `null`,
		`field("status.brokers[*].state")`:                       `["down", "up"]`,
		`length(field("status.absent[*].name", []))`:             `0`,
		`has("status.phase")`:                                    `true`,
		`has("status.nodes[1].ready")`:                           `false`,
		`has("spec.paused")`:                                     `true`,
		`has("nothing.at.all")`:                                  `false`,
		`observed() ? field("a.b") : "not"`:                      `"not"`,
		`observed()`:                                             `false`,
		`condition("Ready").severity`:                            `"Info"`,
		`condition("Ready").observedGeneration`:                  `2`,
		`condition("Ready").lastTransitionTime`:                  `"2026-01-01T00:00:00Z"`,
		`condition("Ready").current`:                             `false`,
		`conditions("status.parents[*].conditions")[0].current`:  `true`,
		`condition("Gone").current`:                              `true`,
		`condition("Gone").observedGeneration`:                   `0`,
		`[for c in conditions() : c.type]`:                       `["Ready"]`,
		`conditions("status.parents[*].conditions")[*].reason`:   `["", "No"]`,
		`conditions("status.listeners[*].conditions")[*].status`: `[]`,
		`conditions("status.phase")[*].status`:                   `[]`,
		`object.status.phase == field("status.phase")`:           `true`,
	} {
		v, diags := mustCompile(t, late.Health, late.Any, text).Evaluate(values)
		if got := value.Text(v); diags.HasErrors() || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, diags, want)
		}
	}
}

func TestObserved(t *testing.T) {
	for text, want := range map[string]bool{
		`{"metadata": {"generation": 2}, "status": {"observedGeneration": 2}}`:   true,
		`{"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}`:   false,
		`{"metadata": {"generation": 2}, "status": {"observedGeneration": "2"}}`: true,
		`{"metadata": {"generation": 2}, "status": {}}`:                          true,
		`{"metadata": {}, "status": {"observedGeneration": 1}}`:                  true,
		`{}`: true,
	} {
		got, diags := mustCompile(t, late.Health, late.Condition, `observed()`).True(late.HealthValues(liveObject(t, text)))
		if diags.HasErrors() || got != want {
			t.Errorf("%s: got %v, %v", text, got, diags)
		}
	}
}

// Paths that are none are errors when the configuration is read.
func TestHealthFunctionsRefuse(t *testing.T) {
	for text, detail := range map[string]string{
		`field("") == 1`:                         "a path is empty",
		`field("status..phase") == 1`:            "a name is missing",
		`field("status.") == 1`:                  "a name is missing",
		`field(".status") == 1`:                  "a name is missing",
		`field("status.nodes[x]") == 1`:          "a number, a name in quotes, or *",
		`field("status.nodes[-1]") == 1`:         "a number, a name in quotes, or *",
		`field("status.nodes[0") == 1`:           "a bracket is not closed",
		`field("status.nodes[\"a]") == 1`:        `ends with "]`,
		`field("status.nodes[0]name") == 1`:      "is not expected",
		`field("a", 1, 2) == 1`:                  "there is one default, no more",
		`length(conditions("a[", "b")) == 1`:     "there is one path, no more",
		`length(conditions("a[")) == 1`:          "a bracket is not closed",
		`conditions()[0].state == "True"`:        "does not have an attribute",
		`has("a..b")`:                            "a name is missing",
		`observed("x")`:                          "expects only 0 argument",
		`condition("Ready").exists == observe()`: "observe",
	} {
		_, _, diags := compile(late.Health, late.Condition, "a.gantry.hcl", text)
		if !diags.HasErrors() || !strings.Contains(diags.Error(), detail) {
			t.Errorf("%s: got %v, want %s", text, diags, detail)
		}
	}
}

// What a Secret holds does not get into a message.
func TestSecretsAreSensitive(t *testing.T) {
	values := late.HealthValues(liveObject(t, `{"apiVersion": "v1", "kind": "Secret", "data": {"password": "aHVudGVyMg=="}}`))
	for _, text := range []string{`field("data.password")`, `object.data.password`, `"is ${join(", ", field("data[*]"))}"`} {
		got, diags := mustCompile(t, late.Health, late.Text, text).String(values)
		if diags.HasErrors() || got != object.Redacted {
			t.Errorf("%s: got %q, %v", text, got, diags)
		}
	}
	yes, diags := mustCompile(t, late.Health, late.Condition, `field("data.password", "") != ""`).True(values)
	if diags.HasErrors() || !yes {
		t.Errorf("got %v, %v", yes, diags)
	}
}
