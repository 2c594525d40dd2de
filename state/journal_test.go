package state_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

func configMap(name string) object.ID {
	return object.ID{Kind: "ConfigMap", Namespace: "web", Name: name}
}

func TestJournal(t *testing.T) {
	r := &state.Record{}
	r.Begin(state.Intent{ID: configMap("a"), Action: plan.Create}, state.Intent{ID: configMap("b"), Action: plan.Create})
	r.Begin(state.Intent{ID: configMap("a"), Action: plan.Update})
	if len(r.Journal) != 2 || r.Journal[0].ID.Name != "b" || r.Journal[1].Action != plan.Update {
		t.Errorf("journal %+v", r.Journal)
	}
	r.Done(configMap("a"))
	r.Done(configMap("nothing"))
	if len(r.Journal) != 1 || r.Journal[0].ID.Name != "b" {
		t.Errorf("journal %+v", r.Journal)
	}
}

// TestOwnedStaysSorted compares Own and Disown with a map.
func TestOwnedStaysSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, want := &state.Record{}, map[object.ID]string{}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			id := configMap(rapid.StringMatching(`[a-d]{1,2}`).Draw(t, "name"))
			if rapid.Bool().Draw(t, "own") {
				uid := rapid.StringMatching(`[0-9]{3}`).Draw(t, "uid")
				r.Own(state.Owned{ID: id, UID: uid})
				want[id] = uid
			} else {
				r.Disown(id)
				delete(want, id)
			}
			if len(r.Objects) != len(want) {
				t.Fatalf("%d objects, want %d", len(r.Objects), len(want))
			}
			for _, owned := range r.Objects {
				if uid, ok := want[owned.ID]; !ok || uid != owned.UID {
					t.Fatalf("%s has uid %s, want %s", owned.ID, owned.UID, uid)
				}
			}
			if !slices.IsSortedFunc(r.Objects, func(a, b state.Owned) int { return a.ID.Compare(b.ID) }) {
				t.Fatalf("not sorted: %v", r.Objects)
			}
		}
	})
}

func TestFinishKeepsTheNewest(t *testing.T) {
	r := &state.Record{History: []state.Entry{{Serial: 98, Outcome: "succeeded"}, {Serial: 99, Outcome: "succeeded"}}} // by an older gantry
	for serial := range int64(5) {
		r.Finish(state.Entry{Serial: serial, Outcome: "succeeded"}, 3)
	}
	if len(r.History) != 3 || r.History[0].Serial != 2 || r.History[2].Serial != 4 {
		t.Errorf("history %+v", r.History)
	}
	if ids := []int64{r.History[0].ID, r.History[1].ID, r.History[2].ID}; !slices.Equal(ids, []int64{5, 6, 7}) {
		t.Errorf("IDs %v", ids)
	}
	r.Finish(state.Entry{}, 0)
	if len(r.History) != 4 {
		t.Errorf("%d entries without a limit", len(r.History))
	}
}

// TestFinishKeepsKindsApart: however often drift is corrected, and however often an apply
// fails, the applies that succeeded stay in the history, to go back to.
func TestFinishKeepsKindsApart(t *testing.T) {
	r := &state.Record{}
	r.Finish(state.Entry{Serial: 1, Outcome: "succeeded"}, 2)
	for serial := int64(2); serial < 5; serial++ {
		r.Finish(state.Entry{Serial: serial, Outcome: "failed"}, 2)
	}
	for serial := int64(5); serial < 9; serial++ {
		r.Finish(state.Entry{Serial: serial, Outcome: "succeeded", Act: &plan.Act{Name: plan.SelfHeal}}, 2)
	}
	var serials []int64
	for _, e := range r.History {
		serials = append(serials, e.Serial)
	}
	if !slices.Equal(serials, []int64{1, 3, 4, 7, 8}) {
		t.Errorf("want the success, two failures and two corrections, have %v", serials)
	}
	if last := r.LastApply(); last == nil || last.Serial != 4 {
		t.Errorf("the last apply is %+v, want serial 4", last)
	}
	if (&state.Record{}).LastApply() != nil {
		t.Error("an application that was never applied has a last apply")
	}
}
