package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// asFormat1 makes what a store holds be as a gantry of the first format wrote it: with what
// that format had, and no more.
func asFormat1(t *testing.T, store state.Store) {
	t.Helper()
	keys, err := store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		value, version, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		known := false
		for _, kind := range []string{"installation", "plans", "published", "generators/", "rollouts/", "applications/"} {
			known = known || strings.HasPrefix(key, kind)
		}
		if !known {
			if err := store.Delete(t.Context(), key, version); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var document map[string]any
		if err := json.Unmarshal(value, &document); err != nil {
			t.Fatal(err)
		}
		document["formatVersion"] = 1
		for _, newer := range []string{"claim", "parent", "acted"} {
			delete(document, newer)
		}
		entries, _ := document["history"].([]any)
		for _, entry := range entries {
			for _, newer := range []string{"id", "revision", "rendered", "rollback"} {
				delete(entry.(map[string]any), newer)
			}
		}
		if value, err = json.Marshal(document); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), key, value, version); err != nil {
			t.Fatal(err)
		}
	}
}

// A state of the first format is planned and applied from as it is, and is one of the
// present format then.
func TestStateOfTheFirstFormat(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	asFormat1(t, b.Records.Store())
	var err error
	if b.Records, err = state.Open(t.Context(), b.Records.Store(), state.Existing()); err != nil {
		t.Fatal(err)
	}
	before, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || before.FormatVersion != 1 || before.Parent != nil || len(before.History) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("planned %+v", p.Applications[0].Changes)
	}
	edit(t, b, `kind = "ConfigMap"`, `kind = "ConfigMap", data = { a = "b" }`)
	b.MustApply(t, engine.PlanOptions{})
	after, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || after.FormatVersion != state.FormatVersion || after.Parent == nil || len(after.History) != 2 {
		t.Errorf("%+v, %v", after, err)
	}
	if live := liveWeb(t, cluster); live == nil || live["data"] == nil {
		t.Errorf("%v", live)
	}
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("planned again: %+v", p.Applications[0].Changes)
	}
}
