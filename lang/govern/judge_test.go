package govern_test

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
)

// fromJSON makes values of JSON.
func fromJSON(t *testing.T, texts map[string]string) map[string]cty.Value {
	t.Helper()
	out := map[string]cty.Value{}
	for name, text := range texts {
		ty, err := ctyjson.ImpliedType([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = ctyjson.Unmarshal([]byte(text), ty); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// change is the case of a policy: an object that is created.
func change(t *testing.T, object string) late.Values {
	t.Helper()
	values, err := late.Policy.Values(fromJSON(t, map[string]string{"object": object, "app": `{"name": "web"}`, "change": `{"action": "create", "before": null}`}))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// A policy that cannot be evaluated denies, and says why.
func TestPolicyJudges(t *testing.T) {
	config := evaluate(t, map[string]string{"main.gantry.hcl": `
policy "replicas" {
  violated = object.spec.replicas > 3
  message  = "${object.metadata.name} has ${object.spec.replicas}"
}`})
	policy := config.Policies[0]
	tests := []struct {
		object   string
		violated bool
		failed   bool
		message  string
	}{
		{`{"metadata": {"name": "web"}, "spec": {"replicas": 3}}`, false, false, ""},
		{`{"metadata": {"name": "web"}, "spec": {"replicas": 4}}`, true, false, "web has 4"},
		{`{"metadata": {}, "spec": {"replicas": 4}}`, true, false, "It violates policy.replicas."},
		{`{"metadata": {"name": ""}, "spec": {"replicas": "4"}}`, true, false, " has 4"},
		{`{"metadata": {"name": "web"}, "spec": {}}`, true, true, `The policy could not be evaluated, so that it denies: This object does not have an attribute named "replicas".`},
		{`{"metadata": {"name": "web"}, "spec": {"replicas": null}}`, true, true, "The policy could not be evaluated, so that it denies: "},
		{`{"metadata": {"name": "web"}, "spec": {"replicas": "many"}}`, true, true, "The policy could not be evaluated, so that it denies: "},
		{`{"metadata": {"name": "web"}}`, true, true, "The policy could not be evaluated, so that it denies: "},
		{`null`, true, true, "The policy could not be evaluated, so that it denies: "},
		{`[]`, true, true, "The policy could not be evaluated, so that it denies: "},
	}
	for _, test := range tests {
		got := policy.Judge(change(t, test.object))
		if got.Violated != test.violated || (len(got.Failed) > 0) != test.failed || !strings.HasPrefix(got.Message, test.message) || got.Violated && got.Message == "" {
			t.Errorf("%s: got %+v, want %+v", test.object, got, test)
		}
	}
	// A case of another kind is none that it can be evaluated in.
	if got := policy.Judge(late.Values{}); !got.Violated || len(got.Failed) == 0 {
		t.Errorf("without values: %+v", got)
	}
	if got := (&govern.Policy{}).Judge(change(t, `{}`)); !got.Violated {
		t.Errorf("a policy without an expression does not deny: %+v", got)
	}
}

func TestHealthAssesses(t *testing.T) {
	config := evaluate(t, map[string]string{"main.gantry.hcl": `
health "example.com/Widget" {
  healthy     = condition("Ready").status == "True"
  degraded    = condition("Failed").status == "True"
  progressing = try(object.status.observedGeneration, 0) < object.metadata.generation
  suspended   = try(object.spec.paused, false)
  message     = condition("Ready").message
}
health "example.com/Simple" {
  healthy = object.status.ready
}`})
	simple, widget := config.Health[0], config.Health[1]
	tests := []struct {
		health          *govern.Health
		object          string
		status, message string
		failed          bool
	}{
		{widget, `{"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "message": "up"}]}}`, "healthy", "up", false},
		{widget, `{"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "message": "up"}]}}`, "progressing", "up", false},
		{widget, `{"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}, {"type": "Failed", "status": "True"}]}}`, "degraded", "", false},
		{widget, `{"metadata": {"generation": 1}, "spec": {"paused": true}, "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}}`, "suspended", "", false},
		{widget, `{"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}`, "progressing", "", false},
		{widget, `{"metadata": {}}`, "unknown", `Its health could not be told: This object does not have an attribute named "generation".`, true},
		{simple, `{"status": {"ready": true}}`, "healthy", "", false},
		{simple, `{"status": {"ready": false}}`, "progressing", "", false},
		{simple, `{}`, "unknown", `Its health could not be told: This object does not have an attribute named "status".`, true},
	}
	for _, test := range tests {
		values, err := late.Health.Values(fromJSON(t, map[string]string{"object": test.object}))
		if err != nil {
			t.Fatal(err)
		}
		status, message, diags := test.health.Assess(values)
		if status != test.status || !strings.HasPrefix(message, test.message) || diags.HasErrors() != test.failed {
			t.Errorf("%s: got %s, %q, %v", test.object, status, message, diags)
		}
	}
}

func TestWindowMatches(t *testing.T) {
	subject := govern.Subject{Application: "web-eu", Namespace: "web", Cluster: "prod", Server: "https://prod.example.com", Labels: map[string]string{"tier": "web", "team": "a"}}
	tests := map[string]struct {
		window govern.Window
		want   bool
	}{
		"nothing is all":       {govern.Window{}, true},
		"nothing, all of it":   {govern.Window{MatchAll: true}, true},
		"labels":               {govern.Window{Labels: map[string]string{"tier": "web", "team": "a"}}, true},
		"one label differs":    {govern.Window{Labels: map[string]string{"tier": "web", "team": "b"}}, false},
		"a label is not there": {govern.Window{Labels: map[string]string{"x": ""}}, false},
		"one of several":       {govern.Window{Applications: []string{"api"}, Labels: map[string]string{"tier": "web"}}, true},
		"not all":              {govern.Window{Applications: []string{"api"}, Labels: map[string]string{"tier": "web"}, MatchAll: true}, false},
		"all":                  {govern.Window{Applications: []string{"api", "web-*"}, Clusters: []string{"prod"}, Namespaces: []string{"*"}, MatchAll: true}, true},
		"by the server":        {govern.Window{Clusters: []string{"https://prod.*"}}, true},
	}
	for name, test := range tests {
		if got := test.window.Matches(subject); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Windows are for the applications that Argo CD's are for. But one that names none
// is for all here, and for none there.
func TestWindowConformance(t *testing.T) {
	type window struct {
		Applications, Namespaces, Clusters []string
		AndOperator                        bool
	}
	cases := conformance.Cases[struct {
		App struct {
			Name        string
			Destination struct{ Server, Name, Namespace string }
		}
		Window         *window
		Matched        bool
		Windows        []window
		MatchedIndexes []int
	}](t, "syncwindows/match_cases.jsonl")
	tally := conformance.Count(t, conformance.WindowMatches)
	for line, c := range cases {
		want := map[int]bool{0: c.Matched}
		if c.Window != nil {
			c.Windows = []window{*c.Window}
		} else {
			want = map[int]bool{}
			for _, i := range c.MatchedIndexes {
				want[i] = true
			}
		}
		for i, w := range c.Windows {
			ours := govern.Window{Applications: w.Applications, Namespaces: w.Namespaces, Clusters: w.Clusters, MatchAll: w.AndOperator}
			got := ours.Matches(govern.Subject{Application: c.App.Name, Namespace: c.App.Destination.Namespace, Cluster: c.App.Destination.Name, Server: c.App.Destination.Server})
			switch {
			case got == want[i]:
				tally.Agree()
			case got && len(w.Applications)+len(w.Namespaces)+len(w.Clusters) == 0:
				tally.Differ("a window that names nothing is for every application; in Argo CD for none")
			default:
				tally.Fail("line %d, window %d: matches %v: %+v", line+1, i, got, c)
			}
		}
	}
}
