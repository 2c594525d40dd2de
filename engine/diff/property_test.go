package diff_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// maybe sets a field to one of some values, or leaves it out.
func maybe(t *rapid.T, into map[string]any, name string, values ...any) {
	if v := rapid.SampledFrom(append(values, nil)).Draw(t, name); v != nil {
		into[name] = v
	}
}

func texts(pairs ...string) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// drawDeployment has every sort of field: scalars, quantities, maps, structs that
// may be empty, atomic maps and lists, lists by one key and by several, sets.
func drawDeployment(t *rapid.T) object.Object {
	metadata := map[string]any{"name": "web", "namespace": "web"}
	maybe(t, metadata, "labels", texts("app", "web"), texts("app", "web", "tier", "x"), map[string]any{})
	maybe(t, metadata, "annotations", texts("example.com/a", "1"), texts("example.com/a", "2"))
	maybe(t, metadata, "finalizers", []any{"example.com/a"}, []any{"example.com/b", "example.com/a"})
	var containers []any
	for _, name := range rapid.Permutation([]string{"app", "proxy", "log"}).Draw(t, "containers")[:rapid.IntRange(1, 3).Draw(t, "count")] {
		c := map[string]any{"name": name}
		maybe(t, c, "image", "web:1", "web:2")
		maybe(t, c, "args", []any{"a"}, []any{"a", "b"}, []any{})
		maybe(t, c, "env", []any{texts("name", "A", "value", "1")}, []any{texts("name", "B"), texts("name", "A", "value", "2")})
		maybe(t, c, "ports", []any{map[string]any{"containerPort": int64(80)}},
			[]any{map[string]any{"containerPort": int64(80), "protocol": "UDP"}, map[string]any{"containerPort": int64(80), "name": "http"}})
		maybe(t, c, "resources", map[string]any{}, map[string]any{"limits": texts("cpu", "1", "memory", "1Gi")}, map[string]any{"limits": texts("cpu", "2")})
		maybe(t, c, "securityContext", map[string]any{"privileged": false}, map[string]any{})
		containers = append(containers, c)
	}
	pod := map[string]any{"containers": containers}
	maybe(t, pod, "nodeSelector", texts("disk", "ssd"), texts("disk", "ssd", "zone", "a"))
	maybe(t, pod, "tolerations", []any{texts("key", "a")}, []any{texts("key", "b"), texts("key", "a")})
	maybe(t, pod, "volumes", []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}}, []any{map[string]any{"name": "tmp", "emptyDir": texts("medium", "Memory")}})
	spec := map[string]any{"template": map[string]any{"spec": pod}}
	maybe(t, spec, "replicas", int64(1), int64(2))
	maybe(t, spec, "strategy", map[string]any{"type": "Recreate"}, map[string]any{"rollingUpdate": map[string]any{"maxSurge": int64(1)}}, map[string]any{"rollingUpdate": map[string]any{"maxSurge": "25%"}})
	return object.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
}

var apps = object.GVK{Group: "apps", Version: "v1", Kind: "Deployment"}

func record(d *diff.Differ, desired, live object.Object) *state.Owned {
	fields := d.Owned(live, "")
	return &state.Owned{Fields: fields, UID: live.UID(), Desired: d.Digest(desired), Values: d.Values(live, fields)}
}

// TestSameIsRight holds Same to what the server then does: after any history of
// applies and edits, a yes means that applying changes no value and no ownership
// of ours, with the record and without. And right after an apply it says yes.
func TestSameIsRight(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	kind, ok := schemas().Type(apps)
	if !ok {
		t.Fatal("no schema")
	}
	yes := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newServer(t, apps)
		var prior *state.Owned
		first := drawDeployment(rt)
		if err := s.apply(first, manager, true); err != nil {
			rt.Fatal(err)
		}
		prior = record(d, first, s.object())
		for range rapid.IntRange(0, 2).Draw(rt, "others") {
			other := drawDeployment(rt)
			switch rapid.SampledFrom([]string{"apply", "update"}).Draw(rt, "how") {
			case "apply":
				if err := s.apply(other, "other", true); err != nil {
					rt.Fatal(err)
				}
			case "update":
				s.update(other, "other")
			}
		}
		next := first
		if rapid.Bool().Draw(rt, "changed") {
			next = drawDeployment(rt)
		}
		in := diff.Input{Desired: next, Live: s.object(), Type: func() *diff.Type { return kind }}
		typed, why := d.Same(in)
		in.Prior = prior
		recorded, _ := d.Same(in)
		before := s.object()
		after, err := s.dryRun(next, manager, true)
		if err != nil {
			rt.Fatal(err)
		}
		changes := d.Fields(diff.Changes{Before: before, After: after, Desired: next, Prior: prior, Type: kind})
		same := cmp.Equal(stripped(before), stripped(after)) && string(d.Owned(before, "")) == string(d.Owned(after, ""))
		if (typed || recorded) && !same {
			rt.Fatalf("Same says yes (typed %v, recorded %v), and the server changes:\n%s", typed, recorded, cmp.Diff(stripped(before), stripped(after)))
		}
		if same != (len(changes) == 0) {
			rt.Fatalf("changed %v, but Fields lists %d changes: %+v", !same, len(changes), changes)
		}
		if same && !typed {
			rt.Logf("in doubt: %s", why)
		}
		if typed {
			yes++
		}
		if err := s.apply(next, manager, true); err != nil {
			rt.Fatal(err)
		}
		checkConverged(rt, d, s, next, kind)
	})
	if yes == 0 {
		t.Error("Same never said yes: the test shows nothing")
	}
}

// checkConverged: where applying again changes nothing, Same says so, from the
// schema, and from the record alone. (It may change something: a map that an apply
// has emptied comes back with the next.)
func checkConverged(rt *rapid.T, d *diff.Differ, s *server, next object.Object, kind *diff.Type) {
	live := s.object()
	again, err := s.dryRun(next, manager, true)
	if err != nil {
		rt.Fatal(err)
	}
	in := diff.Input{Desired: next, Live: live, Type: func() *diff.Type { return kind }}
	if typed, why := d.Same(in); !typed && cmp.Equal(stripped(live), stripped(again)) {
		rt.Fatalf("right after the apply: %s", why)
	}
	in.Prior = record(d, next, live)
	in.Type = func() *diff.Type { rt.Fatal("the record must do"); return nil }
	if recorded, why := d.Same(in); !recorded {
		rt.Fatalf("right after the apply, by the record: %s", why)
	}
}

// stripped leaves out what an apply always touches.
func stripped(o object.Object) object.Object {
	o = o.DeepCopy()
	delete(o.Metadata(), "managedFields")
	return o
}

// TestFieldsOfSame: nothing differs from itself, and a removed Type changes nothing of that.
func TestFieldsOfSame(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	kind, _ := schemas().Type(apps)
	rapid.Check(t, func(rt *rapid.T) {
		o := drawDeployment(rt)
		for _, typ := range []*diff.Type{kind, nil} {
			if got := d.Fields(diff.Changes{Before: o, After: o.DeepCopy(), Desired: o, Type: typ}); len(got) != 0 {
				rt.Fatalf("an object differs from itself: %+v", got)
			}
		}
	})
}

// TestReleased: what Release leaves to others can be applied without a conflict
// about it and takes no field away.
func TestReleased(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	kind, _ := schemas().Type(apps)
	rapid.Check(t, func(rt *rapid.T) {
		s := newServer(t, apps)
		first, other := drawDeployment(rt), drawDeployment(rt)
		if err := s.apply(first, manager, true); err != nil {
			rt.Fatal(err)
		}
		if err := s.apply(other, "other", true); err != nil {
			rt.Fatal(err)
		}
		rule, err := diff.CompileIgnore(lang.IgnoreDifference{Group: "*", FieldManagers: []string{"other"}})
		if err != nil {
			rt.Fatal(err)
		}
		before := s.object()
		sent, err := d.Release(t.Context(), []*diff.Ignore{rule}, first, before, kind)
		if err != nil {
			rt.Fatal(err)
		}
		after, err := s.dryRun(sent, manager, false)
		var conflict *providers.ConflictError
		if errors.As(err, &conflict) {
			rt.Fatalf("conflict about what was released: %v\nsent %s", err, compact(sent))
		} else if err != nil {
			rt.Fatal(err)
		}
		unordered := cmpopts.SortSlices(func(a, b any) bool { return compact(a) < compact(b) }) // the order stays ours
		if d := cmp.Diff(stripped(before), stripped(after), unordered); d != "" {
			rt.Fatalf("releasing changed values:\n%s\nsent %s", d, compact(sent))
		}
	})
}

// TestOwnedIsJSON holds our own encoding of FieldsV1 to encoding/json's.
func TestOwnedIsJSON(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	rapid.Check(t, func(rt *rapid.T) {
		fields := map[string]any{"f:a": map[string]any{}}
		for name, below := range rapid.MapOf(rapid.String(), rapid.MapOf(rapid.String(), rapid.Just(map[string]any{}))).Draw(rt, "fields") {
			node := map[string]any{}
			for n, v := range below {
				node[n] = v
			}
			fields[name] = node
		}
		live := object.Object{"metadata": map[string]any{"managedFields": []any{
			map[string]any{"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields},
		}}}
		want, err := json.Marshal(fields)
		if err != nil {
			rt.Fatal(err)
		}
		if got := d.Owned(live, "v1"); string(got) != string(want) {
			rt.Fatalf("got %s, want %s", got, want)
		}
	})
}
