package health_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan/object"
)

type testCase struct {
	ID, Group, Kind, File, Check string
	Input                        object.Object
	Expected                     *struct{ Status, Message string }
	UpstreamExpected             any
}

func (c testCase) load(t *testing.T) object.Object {
	t.Helper()
	var o object.Object
	text, err := json.Marshal(c.Input)
	if c.File != "" {
		if text, err = os.ReadFile(conformance.Path(t, "health/"+c.File)); err == nil {
			text, err = yaml.YAMLToJSON(text)
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		t.Fatalf("%s: %v", c.ID, err)
	}
	return object.Object(integers(map[string]any(o)).(map[string]any))
}

// integers makes whole numbers int64, as a client reads them.
func integers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = integers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return value
}

// ported are the kinds that Argo CD checks in Lua and we in Go.
var ported = map[object.GroupKind]bool{
	{Group: "batch", Kind: "CronJob"}:                                 true,
	{Group: "policy", Kind: "PodDisruptionBudget"}:                    true,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: true,
}

// different reads the cases in which we differ from Argo CD on purpose, and why.
func different(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/different.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	reason := ""
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "# ") {
			reason = line[2:]
		} else if line != "" {
			out[line] = reason
		}
	}
	return out
}

// TestConformance compares assessments with Argo CD's. What it checks in Go must agree
// to the message, what it checks in Lua in the status; for kinds without a check our
// reading of conventions goes further. What differs otherwise is in
// testdata/different.txt, each with the reason.
func TestConformance(t *testing.T) {
	assessor, err := health.NewAssessor(nil)
	if err != nil {
		t.Fatal(err)
	}
	known := different(t)
	list := append(conformance.Cases[testCase](t, "health/cases.jsonl"), conformance.Cases[testCase](t, "health/variations.jsonl")...)
	builtIn, custom := conformance.Count(t, conformance.HealthBuiltIn), conformance.Count(t, conformance.HealthCustom)
	for _, c := range list {
		got := assessor.Assess(c.load(t))
		lua := c.Check == "lua" && !ported[object.GroupKind{Group: c.Group, Kind: c.Kind}]
		tally := builtIn
		if lua {
			tally = custom
		}
		reason, listed := known[c.ID]
		same := c.Expected == nil && !got.Known() || c.Expected != nil && c.Expected.Status == string(got.Code)
		switch {
		case c.Expected == nil && got.Basis == health.Conventions:
			tally.Differ("of a kind without a check, what its status says by convention is taken for how it is")
		case same && listed:
			tally.Fail("%s is as Argo CD, and listed as different: %s", c.ID, reason)
		case listed:
			tally.Differ(reason)
		case !same:
			tally.Fail("%s: %s %q by %s %s, want %+v", c.ID, got.Code, got.Message, got.Basis, got.Rule, c.Expected)
		case !lua && c.Expected != nil && got.Code != health.Unknown && c.Expected.Message != got.Message:
			tally.Fail("%s: message %q, want %q", c.ID, got.Message, c.Expected.Message)
		default:
			tally.Agree()
		}
		if strings.Contains(got.Message, "could not be told") {
			t.Errorf("%s: %s", c.ID, got.Message)
		}
		delete(known, c.ID)
	}
	for id := range known {
		t.Errorf("testdata/different.txt lists %s, which is no case", id)
	}
}
