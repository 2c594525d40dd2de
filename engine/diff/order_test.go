package diff_test

import (
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan/object"
)

// TestTheOrderOfItemsIsRecorded has someone put the containers of a workload in another
// order, which an apply would undo: the record alone must not say that nothing changes.
// What others put between them is no change of their order.
func TestTheOrderOfItemsIsRecorded(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	container := func(name string) any { return map[string]any{"name": name, "image": name + ":1"} }
	deployment := func(containers ...any) object.Object {
		return object.Object{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
			"spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
				"template": map[string]any{"spec": map[string]any{"containers": containers}},
			},
		}
	}
	s := newServer(t, apps)
	desired := deployment(container("log"), container("proxy"), container("app"))
	if err := s.apply(desired, manager, true); err != nil {
		t.Fatal(err)
	}
	applied := s.object()
	prior := record(d, desired, applied)
	live := func(containers ...any) object.Object {
		o := applied.DeepCopy()
		if err := o.Set(containers, "spec", "template", "spec", "containers"); err != nil {
			t.Fatal(err)
		}
		return o
	}
	for name, test := range map[string]struct {
		live object.Object
		same bool
	}{
		"as applied":     {applied, true},
		"turned":         {live(container("proxy"), container("log"), container("app")), false},
		"one in between": {live(container("log"), container("sidecar"), container("proxy"), container("app")), true},
		"one is gone":    {live(container("log"), container("proxy")), false},
	} {
		if same, why := d.Same(diff.Input{Desired: desired, Live: test.live, Prior: prior, Type: func() *diff.Type { return nil }}); same != test.same {
			t.Errorf("%s: same %v (%s), want %v", name, same, why, test.same)
		}
	}
}
