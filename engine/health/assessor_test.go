package health_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// rulesOf evaluates health blocks and takes them through a plan's JSON.
func rulesOf(t testing.TB, text string) []plan.HealthRule {
	t.Helper()
	module, diags := lang.Load(".", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": {Data: []byte(text)}}})
	config, more := module.Evaluate(t.Context(), lang.EvalOptions{})
	if diags = append(diags, more...); len(diags) > 0 {
		t.Fatal(diags)
	}
	rules, err := health.Rules(config.Health)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	var read []plan.HealthRule
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func assessorOf(t testing.TB, text string) *health.Assessor {
	t.Helper()
	a, err := health.NewAssessor(rulesOf(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What is asked in which order.
func TestPrecedence(t *testing.T) {
	own := assessorOf(t, `
locals {
  tier = "web"
}
health "*/*" {
  status  = field("spec.general") == true ? "suspended" : "unknown"
  message = "the most general pattern"
}
health "*.example.com/*" {
  healthy = true
  message = "any group"
}
health "a.example.com/*" {
  healthy = true
  message = "this group"
}
health "a.example.com/Widget" {
  also    = ["b.example.com/Gadget", "a.example.com/Thing*"]
  healthy = field("spec.tier") == local.tier
  message = "this kind"
}
health "cert-manager.io/Certificate" {
  degraded = true
  message  = "our own"
}
health "Pod" {
  healthy = true
  message = "even pods"
}`)
	none, err := health.NewAssessor(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		assessor      *health.Assessor
		object        string
		code          health.Code
		message, rule string
		basis         health.Basis
	}{
		"nothing":                     {own, ``, health.Missing, "", "", health.Absence},
		"deletion comes first":        {own, `{apiVersion: a.example.com/v1, kind: Widget, metadata: {name: a, deletionTimestamp: "2026-01-01T00:00:00Z"}}`, health.Progressing, "Pending deletion", "", health.Deletion},
		"a kind":                      {own, `{apiVersion: a.example.com/v1, kind: Widget, metadata: {name: a}, spec: {tier: web}}`, health.Healthy, "this kind", "a.example.com/Widget", health.Block},
		"a kind, not healthy":         {own, `{apiVersion: a.example.com/v1, kind: Widget, metadata: {name: a}}`, health.Progressing, "this kind", "a.example.com/Widget", health.Block},
		"another kind of it":          {own, `{apiVersion: b.example.com/v1, kind: Gadget, metadata: {name: a}, spec: {tier: web}}`, health.Healthy, "this kind", "b.example.com/Gadget", health.Block},
		"the more exact pattern":      {own, `{apiVersion: a.example.com/v1, kind: Thing2, metadata: {name: a}, spec: {tier: web}}`, health.Healthy, "this kind", "a.example.com/Thing*", health.Block},
		"the pattern of its group":    {own, `{apiVersion: a.example.com/v1, kind: Other, metadata: {name: a}}`, health.Healthy, "this group", "a.example.com/*", health.Block},
		"the pattern of groups":       {own, `{apiVersion: b.example.com/v1, kind: Widget, metadata: {name: a}}`, health.Healthy, "any group", "*.example.com/*", health.Block},
		"instead of the library's":    {own, `{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}}`, health.Degraded, "our own", "cert-manager.io/Certificate", health.Block},
		"a pattern, too, instead":     {own, `{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: a}, spec: {general: true}}`, health.Suspended, "the most general pattern", "*/*", health.Block},
		"instead of what is built in": {own, `{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Failed}}`, health.Healthy, "even pods", "Pod", health.Block},
		"the core group has patterns": {own, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, health.Unknown, "the most general pattern", "*/*", health.Block},
		"the library":                 {none, `{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: a}, status: {conditions: [{type: Ready, status: "False", message: no account}]}}`, health.Degraded, "no account", "cert-manager.io/{Issuer,ClusterIssuer}", health.Library},
		"the library's patterns":      {none, `{apiVersion: s3.services.k8s.aws/v1, kind: Bucket, metadata: {name: a}, status: {conditions: [{type: ACK.Terminal, status: "True", message: denied}]}}`, health.Degraded, "denied", "*.services.k8s.aws/*", health.Library},
		"built in":                    {none, `{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Failed, message: evicted}}`, health.Degraded, "evicted", "", health.BuiltIn},
		"by conventions":              {none, `{apiVersion: a.example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Stalled, status: "True", message: broken}]}}`, health.Degraded, "broken", "", health.Conventions},
		"silent":                      {none, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, health.Healthy, "", "", health.Nothing},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.assessor.Assess(parse(t, c.object))
			if got.Code != c.code || got.Message != c.message || got.Rule != c.rule || got.Basis != c.basis {
				t.Errorf("got %+v", got)
			}
			if (got.Rule != "") != (got.At.Filename != "") {
				t.Errorf("the rule is at %q", got.At)
			}
			if got.Known() == (c.basis == health.Nothing) {
				t.Error("Known is wrong")
			}
		})
	}
	for kind, want := range map[object.GroupKind]bool{
		{Group: "cert-manager.io", Kind: "Certificate"}: true, {Kind: "Pod"}: true, {Kind: "ConfigMap"}: false, {Group: "a.example.com", Kind: "Widget"}: false,
	} {
		if none.Known(kind) != want {
			t.Errorf("Known(%s) is %v", kind, !want)
		}
	}
	if !own.Known(object.GroupKind{Group: "a.example.com", Kind: "Widget"}) {
		t.Error("a kind with a block is not known")
	}
}

// What a rule cannot tell is Unknown, and says where.
func TestRulesThatFail(t *testing.T) {
	a := assessorOf(t, `
health "example.com/Widget" {
  healthy = object.status.ready
}
health "example.com/Gadget" {
  status = field("status.phase", "")
}
health "example.com/Talker" {
  healthy = true
  message = object.status.text
}`)
	for kind, want := range map[string]health.Status{
		"Widget": {Code: health.Unknown, Message: `Its health could not be told: This object does not have an attribute named "status". It has apiVersion, kind and metadata. (main.gantry.hcl:3,19-26)`},
		"Gadget": {Code: health.Unknown, Message: `Its health could not be told: "" is no status of health. It must be one of healthy, progressing, degraded, suspended, missing, unknown. (main.gantry.hcl:6,12-37)`},
		"Talker": {Code: health.Healthy, Message: `its message could not be told: This object does not have an attribute named "status". It has apiVersion, kind and metadata. (main.gantry.hcl:10,19-26)`},
	} {
		got, _ := a.Check(parse(t, `{apiVersion: example.com/v1, kind: `+kind+`, metadata: {name: a}}`))
		if got != want {
			t.Errorf("%s: got %+v", kind, got)
		}
	}
	_, err := health.NewAssessor([]plan.HealthRule{{Group: "example.com", Kind: "Widget", Healthy: json.RawMessage(`{"scope": "health", "want": "condition", "text": "object."}`)}})
	if err == nil || !strings.Contains(err.Error(), "example.com/Widget") {
		t.Errorf("got %v", err)
	}
	if _, err = health.NewAssessor([]plan.HealthRule{{Group: "[a", Kind: "Widget"}}); err == nil {
		t.Error("a pattern that is none is taken")
	}
}

// Without a message of its own, an assessment says what the status says.
func TestExplained(t *testing.T) {
	a := assessorOf(t, `
health "example.com/*" {
  status = field("spec.says")
}`)
	for _, c := range []struct{ says, status, want string }{
		{"healthy", `{conditions: [{type: Synced, status: "False", message: no}]}`, ""},
		{"degraded", `{conditions: [{type: Ready, status: "False", message: not yet}, {type: Failed, status: "True", message: broken}]}`, "broken"},
		{"progressing", `{conditions: [{type: Failed, status: "True", message: broken}, {type: Ready, status: "False", reason: Waiting}]}`, "Waiting"},
		{"progressing", `{conditions: [{type: Ready, status: "True", message: up}, {type: Other, status: "False", message: other}]}`, "other"},
		{"progressing", `{conditions: [{type: Ready, status: "True", message: up}], message: rolling}`, "rolling"},
		{"suspended", `{phase: Paused}`, "Paused"},
		{"progressing", `{phase: 4}`, ""},
		{"progressing", `null`, "has no status yet"},
	} {
		got, _ := a.Check(parse(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {says: `+c.says+`}, status: `+c.status+`}`))
		if got.Message != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.says, c.status, got.Message, c.want)
		}
	}
}

// What a rule of the library finds degraded may recover; what a block of the
// configuration finds so, does not.
func TestReadyByRules(t *testing.T) {
	own := assessorOf(t, `
health "example.com/Widget" {
  degraded  = field("status.phase") == "Failed"
  suspended = field("status.phase") == "Paused"
  healthy   = field("status.phase") == "Up"
}
health "networking.k8s.io/Ingress" {
  healthy = length(field("status.loadBalancer.ingress", [])) > 0
}`)
	for text, want := range map[string]health.Readiness{
		`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {phase: Up}}`:                                                             {Done: true},
		`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {phase: Paused}}`:                                                         {Done: true, Message: "Paused"},
		`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {phase: Failed}}`:                                                         {Failed: true, Message: "Failed"},
		`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}`:                                                                                  {Message: "has no status yet"},
		`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 2}, status: {phase: Up, observedGeneration: 1}}`:                       {Message: "generation 2 is not observed yet"},
		`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}}`:                                                                           {Message: "has no status yet"},
		`{apiVersion: bitnami.com/v1, kind: SealedSecret, metadata: {name: a}, status: {conditions: [{type: Synced, status: "False", message: refused}]}}`: {Degraded: true, Message: "refused"},
		`{apiVersion: apps.kruise.io/v1, kind: AdvancedCronJob, metadata: {name: a}, status: {}}`:                                                          {Done: true},
	} {
		if got := own.Ready(parse(t, text)); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	if got := own.HookReady(parse(t, `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: a}, status: {phase: Failed, message: too slow}}`)); !got.Failed || got.Message != "too slow" {
		t.Errorf("a hook that is degraded by the library: %+v", got)
	}
}

func TestAggregate(t *testing.T) {
	a := assessorOf(t, ``)
	const (
		configMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`
		pending   = `{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Pending, message: pulling}}`
		broken    = `{apiVersion: v1, kind: Pod, metadata: {name: b}, status: {phase: Failed, message: first}}`
		another   = `{apiVersion: v1, kind: Pod, metadata: {name: c}, status: {phase: Failed, message: second}}`
		ignored   = `{apiVersion: v1, kind: Pod, metadata: {name: d, annotations: {argocd.argoproj.io/ignore-healthcheck: "true"}}, status: {phase: Failed}}`
		hook      = `{apiVersion: v1, kind: Pod, metadata: {name: e, annotations: {argocd.argoproj.io/hook: PreSync}}, status: {phase: Failed}}`
		skipped   = `{apiVersion: v1, kind: Pod, metadata: {name: f, annotations: {argocd.argoproj.io/hook: Skip}}, status: {phase: Failed}}`
		lost      = `{apiVersion: core.humio.com/v1, kind: HumioView, metadata: {name: g}, status: {state: NotFound}}`
	)
	type pair struct{ desired, live string }
	for name, c := range map[string]struct {
		pairs []pair
		want  health.Status
	}{
		"of nothing":              {nil, health.Status{Code: health.Healthy}},
		"of silent objects":       {[]pair{{configMap, configMap}}, health.Status{Code: health.Healthy}},
		"the worst":               {[]pair{{configMap, configMap}, {pending, pending}, {broken, broken}, {another, another}}, health.Status{Code: health.Degraded, Message: "first"}},
		"one is missing":          {[]pair{{configMap, configMap}, {pending, ""}}, health.Status{Code: health.Healthy}},
		"all are missing":         {[]pair{{configMap, ""}, {pending, ""}}, health.Status{Code: health.Missing, Message: "none of its objects is in the cluster"}},
		"ignored":                 {[]pair{{ignored, ignored}, {pending, pending}}, health.Status{Code: health.Progressing, Message: "pulling"}},
		"only ignored":            {[]pair{{ignored, ignored}}, health.Status{Code: health.Healthy}},
		"hooks are no part":       {[]pair{{hook, hook}, {"", hook}, {skipped, ""}, {skipped, skipped}}, health.Status{Code: health.Healthy}},
		"hooks, and a missing":    {[]pair{{hook, hook}, {configMap, ""}}, health.Status{Code: health.Missing, Message: "none of its objects is in the cluster"}},
		"one that says it's lost": {[]pair{{configMap, configMap}, {lost, lost}}, health.Status{Code: health.Missing, Message: "NotFound"}},
	} {
		t.Run(name, func(t *testing.T) {
			var parts []health.Part
			for _, p := range c.pairs {
				parts = append(parts, a.Part(parse(t, p.desired), parse(t, p.live)))
			}
			if got := health.Aggregate(parts); got != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestLibraryFile holds that the file which people read is the one that counts.
func TestLibraryFile(t *testing.T) {
	text, err := os.ReadFile(health.LibraryFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != health.LibraryText {
		t.Error("the embedded library is not the file")
	}
	rules := rulesOf(t, string(text))
	if len(rules) < 150 {
		t.Errorf("the library has %d rules", len(rules))
	}
	seen := map[string]bool{}
	for _, rule := range rules {
		if name := rule.Group + "/" + rule.Kind; seen[name] {
			t.Errorf("%s has two rules", name)
		} else {
			seen[name] = true
		}
	}
	t.Logf("%d rules", len(rules))
}
