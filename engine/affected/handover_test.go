package affected_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// handover is a configuration of two applications that render into one namespace, of which
// the first has an object more, on a cluster that two blocks name.
func handover(string) map[string]string {
	app := func(name, cluster string) string {
		return "application \"" + name + "\" {\n  source {\n    path = \"./" + name + "\"\n  }\n  destination {\n    cluster   = cluster." + cluster + "\n    namespace = \"shop\"\n  }\n}\n"
	}
	return map[string]string{
		"main.gantry.hcl": "cluster \"main\" {\n  context = \"main\"\n}\ncluster \"far\" {\n  context = \"far\"\n}\n" + app("a", "main") + app("b", "main") + app("far", "far"),
		"a/cm.yaml":       named("a"), "b/cm.yaml": named("b"), "far/cm.yaml": named("far"),
		"a/volume.yaml": volume,
	}
}

const volume = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\nspec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests:\n      storage: 1Gi\n"

// volumeOf is the volume as the cluster has it, nil where it has none.
func (r *repo) volumeOf(t *testing.T) object.Object {
	t.Helper()
	claim := object.GVK{Version: "v1", Kind: "PersistentVolumeClaim"}
	have, err := r.clusters["main"].Get(t.Context(), engine.GuessResource(claim), "shop", "data")
	if err != nil && !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
	return have
}

// TestWhatIsLetGoOf has an application let go of an object, in a plan that leaves out the one
// that wants it: it is given over, as in a plan of everything, and never deleted.
func TestWhatIsLetGoOf(t *testing.T) {
	volumeText, nothing := volume, "nothing: yes\n"
	id := "PersistentVolumeClaim shop/data"
	tests := []struct {
		name string
		// before is what is committed and not applied, now what the change is.
		before, now edit
		action      plan.Action
		reason      string
	}{
		{
			name:   "another wants it since before the change",
			before: edit{"a/volume.yaml": nil, "b/volume.yaml": &volumeText}, now: edit{"a/more.yaml": ptr(named("more"))},
			action: plan.Forget, reason: "moves to application.b",
		},
		{
			name:   "both wanted it before the change",
			before: edit{"b/volume.yaml": &volumeText}, now: edit{"a/volume.yaml": nil},
			action: plan.Forget, reason: "moves to application.b",
		},
		{
			name:   "one that leaves had it",
			before: edit{"b/volume.yaml": &volumeText}, now: edit{"main.gantry.hcl": ptr(strings.Replace(handover("")["main.gantry.hcl"], `application "a"`, `application "c"`, 1)), "a/volume.yaml": nil},
			action: plan.Forget, reason: "moves to application.b",
		},
		{
			name:   "nobody wants it",
			before: edit{"a/more.yaml": ptr(named("more"))}, now: edit{"a/volume.yaml": nil},
			action: plan.Prune, reason: "no longer desired",
		},
		{
			name:   "what the others want cannot be told",
			before: edit{"b/broken.yaml": &nothing}, now: edit{"a/volume.yaml": nil},
			action: plan.Blocked, reason: "application.b cannot be planned",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, handover)
			r.MustApply(t, engine.PlanOptions{})
			uid := r.volumeOf(t).UID()
			r.edit(t, test.before)
			r.commit(t)
			r.edit(t, test.now)

			whole, _ := r.Plan(t, engine.PlanOptions{})
			found, _ := r.find(t)
			clear(r.asked)
			narrow, _ := r.Plan(t, engine.PlanOptions{Affected: engine.Only(*found)})
			if r.asked["far"] {
				t.Error("a cluster was asked on which nothing goes")
			}
			a := addr.Application("a")
			change := enginetest.Change(narrow, a, id)
			if change == nil || change.Action != test.action || !strings.Contains(change.Reason, test.reason) {
				t.Fatalf("%+v", change)
			}
			if was := enginetest.Change(whole, a, id); was == nil || was.Action != change.Action {
				t.Errorf("a plan of everything has %+v", was)
			}
			for _, app := range narrow.Applications {
				if app.Address.Name == "b" || app.Address.Name == "far" {
					t.Errorf("%s is in the plan", app.Address)
				}
				for _, other := range whole.Applications {
					if other.Address == app.Address && other.Digest != app.Digest {
						t.Errorf("%s has %s, and in a plan of everything %s", app.Address, app.Digest, other.Digest)
					}
				}
			}
			if test.action == plan.Blocked {
				return
			}
			_, diags := r.Apply(t.Context(), t, narrow)
			enginetest.Check(t, diags)
			have := r.volumeOf(t)
			if there := have != nil; there == (test.action == plan.Prune) {
				t.Fatalf("there: %v", there)
			}
			r.MustApply(t, engine.PlanOptions{})
			if have := r.volumeOf(t); test.action == plan.Forget && (have == nil || have.UID() != uid) {
				t.Errorf("it was made anew: %v", have)
			}
			if rest := changes(r.MustPlan(t, engine.PlanOptions{})); len(rest) > 0 {
				t.Errorf("once all is applied, there is still %v", rest)
			}
		})
	}
}

// TestTheSameClusterByAnotherName is as above, where the one that wants the object names the
// cluster in another way, and was never applied.
func TestTheSameClusterByAnotherName(t *testing.T) {
	r := newRepo(t, handover)
	r.MustApply(t, engine.PlanOptions{})
	text := strings.Replace(handover("")["main.gantry.hcl"], "cluster \"far\"", "cluster \"alias\" {\n  context = \"main\"\n}\ncluster \"far\"", 1)
	text += "application \"d\" {\n  source {\n    path = \"./d\"\n  }\n  destination {\n    cluster   = cluster.alias\n    namespace = \"shop\"\n  }\n}\n"
	r.clusters["alias"] = r.clusters["main"]
	volumeText := volume
	r.edit(t, edit{"main.gantry.hcl": &text, "d/volume.yaml": &volumeText})
	r.commit(t)
	r.edit(t, edit{"a/volume.yaml": nil})
	found, _ := r.find(t)
	if got := touched(found); got != "a" {
		t.Fatal(got)
	}
	narrow := r.MustPlan(t, engine.PlanOptions{Affected: engine.Only(*found)})
	if change := enginetest.Change(narrow, addr.Application("a"), "PersistentVolumeClaim shop/data"); change == nil || change.Action != plan.Forget {
		t.Errorf("%+v", change)
	}
}

func ptr(text string) *string { return &text }
