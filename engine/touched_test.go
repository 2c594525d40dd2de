package engine_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/memory"
)

// TestNamesChangeAndNothingElse counts what is sent where an application is called
// otherwise, is removed without its objects, or takes over what is there: one request for
// each object, which changes its tracking marks and no more, and none that makes or deletes
// one. A second apply sends nothing.
func TestNamesChangeAndNothingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, then, more string // as webs takes them
		prepare            func(t *testing.T, cluster *memory.Cluster)
		sent               map[string]int
	}{
		"moved":                 {"old", "new", "moved {\n  from = application.old\n  to = application.new\n}", nil, map[string]int{"APPLY": 1}},
		"moved into instances":  {"web", `web for_each = toset(["eu"])`, "moved {\n  from = application.web\n  to = application.web[\"eu\"]\n}", nil, map[string]int{"APPLY": 1}},
		"removed, objects stay": {"old", "", "removed {\n  from = application.old\n  destroy = false\n}", nil, map[string]int{"PATCH": 1}},
		"imported": {"", "web", "import {\n  to = application.web\n  selector = \"app=banner\"\n}", func(t *testing.T, cluster *memory.Cluster) {
			o := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
				"name": "web", "namespace": "web", "labels": map[string]any{"app": "banner"},
			}}
			if err := cluster.Put(t.Context(), o, "deploy-script"); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{"APPLY": 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cluster := inMemory(t)
			if test.prepare != nil {
				test.prepare(t, cluster)
			}
			if test.before != "" {
				webs(t, b, "", test.before)
				b.MustApply(t, engine.PlanOptions{})
			}
			before, sent := liveWeb(t, cluster), writes(cluster)
			if test.then == "" {
				webs(t, b, test.more)
			} else {
				webs(t, b, test.more, test.then)
			}
			b.MustApply(t, engine.PlanOptions{})
			if diff := cmp.Diff(test.sent, since(sent, writes(cluster))); diff != "" {
				t.Errorf("what is sent (-want +have):\n%s", diff)
			}
			after := liveWeb(t, cluster)
			if diff := cmp.Diff(unmarked(before), unmarked(after)); diff != "" || before.UID() != after.UID() {
				t.Errorf("more than the marks changed:\n%s", diff)
			}
			sent = writes(cluster)
			b.MustApply(t, engine.PlanOptions{})
			if diff := cmp.Diff(map[string]int{}, since(sent, writes(cluster))); diff != "" {
				t.Errorf("applied again, it sends %s", diff)
			}
		})
	}
}

// writes are the requests that write, by their kind.
func writes(cluster *memory.Cluster) map[string]int {
	all := cluster.Requests()
	maps.DeleteFunc(all, func(verb string, _ int) bool {
		return verb == "LIST" || verb == "GET" || verb == "WATCH" || verb == "DRYRUN"
	})
	return all
}

func since(before, now map[string]int) map[string]int {
	out := map[string]int{}
	for verb, n := range now {
		if n -= before[verb]; n != 0 {
			out[verb] = n
		}
	}
	return out
}

// unmarked is an object without what tells whose it is, and who wrote it when. In memory
// every write counts as a generation.
func unmarked(o object.Object) object.Object {
	out := o.DeepCopy()
	metadata := out.Metadata()
	for _, field := range []string{"labels", "annotations", "managedFields", "resourceVersion", "generation"} {
		delete(metadata, field)
	}
	return out
}
