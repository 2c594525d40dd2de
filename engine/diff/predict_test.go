package diff_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/providers"
)

// TestPredictIsWhatServersDo: after any history of applies and edits, what Predict
// says is what the API server's own field manager makes of an apply: values, what
// we own, and conflicts.
func TestPredictIsWhatServersDo(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	kind, ok := schemas().Type(apps)
	if !ok {
		t.Fatal("no schema")
	}
	changed, conflicts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newServer(t, apps)
		if err := s.apply(drawDeployment(rt), manager, true); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(0, 2).Draw(rt, "others") {
			other := drawDeployment(rt)
			if rapid.Bool().Draw(rt, "apply") {
				if err := s.apply(other, "other", true); err != nil {
					rt.Fatal(err)
				}
			} else {
				s.update(other, "editor")
			}
		}
		next, force, before := drawDeployment(rt), rapid.Bool().Draw(rt, "force"), s.object()
		want, wantErr := s.dryRun(next, manager, force)
		have, err := d.Predict(before, next, kind, force)
		var refused, predicted *providers.ConflictError
		if errors.As(wantErr, &refused) != errors.As(err, &predicted) {
			rt.Fatalf("the server says %v, the prediction %v", wantErr, err)
		}
		if refused != nil {
			conflicts++
			_, theirs := d.Conflicts(diff.Refused{ConflictError: refused, Live: before, Desired: next, Type: kind})
			_, ours := d.Conflicts(diff.Refused{ConflictError: predicted, Live: before, Desired: next, Type: kind})
			if delta := cmp.Diff(theirs, ours); delta != "" {
				rt.Fatalf("conflicts differ:\n%s", delta)
			}
			return
		}
		if err != nil || wantErr != nil {
			rt.Fatal(err, wantErr)
		}
		if delta := cmp.Diff(stripped(want), stripped(have)); delta != "" {
			rt.Fatalf("values differ:\n%s", delta)
		}
		if a, b := string(d.Owned(want, "")), string(d.Owned(have, "")); a != b {
			rt.Fatalf("owned by the server's word:\n%s\npredicted:\n%s", a, b)
		}
		if !cmp.Equal(stripped(before), stripped(have)) {
			changed++
		}
	})
	if changed == 0 || conflicts == 0 {
		t.Errorf("%d changes and %d conflicts: the test shows nothing", changed, conflicts)
	}
}

// TestPredictTakesWhatIsThere: a live object may have an item of a list twice, as servers
// let it be written by an update.
func TestPredictTakesWhatIsThere(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	kind, _ := schemas().Type(apps)
	live := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web, uid: "1"}
spec: {template: {spec: {containers: [{name: app, image: "web:1", ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: TCP, name: http}]}]}}}
`)
	desired := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
spec: {template: {spec: {containers: [{name: app, image: "web:2"}]}}}
`)
	after, err := d.Predict(live, desired, kind, true)
	if err != nil {
		t.Fatal(err)
	}
	changes := d.Fields(diff.Changes{Before: live, After: after, Desired: desired, Type: kind})
	if len(changes) == 0 || changes[0].Path != "spec.template.spec.containers[name=app].image" {
		t.Errorf("predicted %+v", changes)
	}
}
