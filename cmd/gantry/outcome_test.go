package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// TestForPeople: what was told in full is told by name at the end, what is alike once, and
// nothing that was not told is left out.
func TestForPeople(t *testing.T) {
	web := object.ID{Group: "apps", Kind: "Deployment", Namespace: "x", Name: "web"}
	names := []string{"alone", "both", "left", "other"}
	p := &plan.Plan{}
	for _, name := range names {
		p.Applications = append(p.Applications, plan.Application{Address: addr.Application(name), Changes: []plan.Change{{ID: web, Action: plan.Create}}})
	}
	now := time.Now()
	told := story.New(p, now)
	fails := func(name string) {
		told.Add(engine.Event{Kind: engine.EventFailed, At: now, Application: addr.Application(name), Object: &web, Message: "Deployment.apps x/web: is not healthy: late", Cause: "no node has room"})
	}
	fails("alone")
	fails("both")
	const full = "Deployment.apps x/web: is not healthy: late; no node has room"
	result := &engine.Result{Applications: []engine.Outcome{
		{Address: addr.Application("alone"), Outcome: engine.OutcomeFailed, Message: full + ", for 1m30s (2 of 3 changes were made)"},
		{Address: addr.Application("both"), Outcome: engine.OutcomeFailed, Message: full + "; what was done cannot be recorded"},
		{Address: addr.Application("left"), Outcome: engine.OutcomeSkipped, Message: "cluster \"a\" is gone"},
		{Address: addr.Application("other"), Outcome: engine.OutcomeSkipped, Message: "cluster \"a\" is gone"},
	}}
	var diags hcl.Diagnostics
	for i, summary := range []string{"Apply failed", "Apply failed", "Application left out", "Application left out"} {
		o := &result.Applications[i]
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: o.Address.String() + ": " + o.Message})
	}
	diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "State is still held", Detail: "It is."})
	var got []string
	for _, d := range forPeople(diags, result, told) {
		got = append(got, d.Summary+"; "+d.Detail)
	}
	want := []string{
		"Apply failed; application.alone: failed, as told above: Deployment.apps x/web (2 of 3 changes were made)",
		"Apply failed; application.both: " + full + "; what was done cannot be recorded",
		"Application left out; application.left and application.other: cluster \"a\" is gone",
		"State is still held; It is.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diags[0].Detail != "application.alone: "+result.Applications[0].Message {
		t.Error("the diagnostics were changed that others are told")
	}
}
