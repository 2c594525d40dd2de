package revision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/revision"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// bench is an application whose history is kept.
type bench struct {
	keeper revision.Keeper
	record *state.Record
	values map[string]string // what the objects hold, by name
	limit  int
}

func newBench() *bench {
	return &bench{
		keeper: revision.Keeper{Store: memory.New(), Lineage: "lineage"},
		record: &state.Record{Address: addr.Application("web"), UID: "uid"},
		values: map[string]string{}, limit: 10,
	}
}

func idOf(name string) object.ID { return object.ID{Kind: "ConfigMap", Namespace: "web", Name: name} }

// apply writes some values, as an apply does that changes only these, and returns the ID of
// the entry.
func (b *bench) apply(t *testing.T, changed map[string]string) int64 {
	t.Helper()
	app := &plan.Application{Address: b.record.Address, Name: "web"}
	for name, value := range changed {
		b.values[name] = value
		b.record.Own(state.Owned{ID: idOf(name), Desired: value[:min(len(value), 30)]})
	}
	for name, value := range b.values {
		c := plan.Change{ID: idOf(name), Version: "v1", Action: plan.Unchanged, Desired: value[:min(len(value), 30)]}
		if _, ok := changed[name]; ok {
			c.Action = plan.Update
			c.Body = object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "web"}, "data": map[string]any{"v": value}}
		}
		app.Changes = append(app.Changes, c)
	}
	b.record.Finish(state.Entry{Outcome: "succeeded"}, b.limit)
	saved, err := b.keeper.Save(t.Context(), b.record, app)
	if err != nil {
		t.Fatal(err)
	}
	newest := &b.record.History[len(b.record.History)-1]
	newest.Revision, newest.Incomplete = saved.Key, len(saved.Lacks) > 0
	if err := b.keeper.Collect(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	return newest.ID
}

// wants checks what the application was at an entry.
func (b *bench) wants(t *testing.T, id int64, want map[string]string) {
	t.Helper()
	for i := range b.record.History {
		e := &b.record.History[i]
		if e.ID != id {
			continue
		}
		found, err := b.keeper.Load(t.Context(), e, nil)
		if err != nil {
			t.Fatalf("revision %d: %v", id, err)
		}
		have := map[string]string{}
		for _, c := range found.Application.Changes {
			value, _ := c.Body.Get("data", "v")
			have[c.ID.Name] = fmt.Sprint(value)
		}
		if fmt.Sprint(have) != fmt.Sprint(want) || found.Lost != nil || len(found.Lacks()) > 0 {
			t.Errorf("revision %d: %v (%v), want %v", id, have, found.Lost, want)
		}
		return
	}
	t.Errorf("there is no revision %d", id)
}

func (b *bench) packs(t *testing.T) []string {
	t.Helper()
	keys, err := b.keeper.Store.List(t.Context(), revision.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func clone(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// TestRevisions: each kept revision is as it was, however long ago its objects changed; what
// no entry needs goes, and no revision draws on many packs.
func TestRevisions(t *testing.T) {
	b := newBench()
	all := map[string]string{}
	for i := range 40 {
		all[fmt.Sprintf("c%d", i)] = "first"
	}
	was := map[int64]map[string]string{b.apply(t, all): clone(b.values)}
	for i := range 60 {
		id := b.apply(t, map[string]string{fmt.Sprintf("c%d", i%40): fmt.Sprintf("v%d", i), "steady": "s"})
		was[id] = clone(b.values)
		if n := len(b.packs(t)); n > 10+17 {
			t.Fatalf("after %d applies there are %d packs", i+2, n)
		}
	}
	if n := len(b.record.History); n != 10 {
		t.Fatalf("%d entries", n)
	}
	for i := range b.record.History {
		id := b.record.History[i].ID
		b.wants(t, id, was[id])
	}
	if err := b.keeper.Drop(t.Context(), b.record); err != nil || len(b.packs(t)) != 0 {
		t.Errorf("left: %q, %v", b.packs(t), err)
	}
}

// TestBodiesAreShared: a body that any kept revision has is not stored again.
func TestBodiesAreShared(t *testing.T) {
	b := newBench()
	text := func(seed int) string { // which gzip does not make much less of
		var out strings.Builder
		for i := range 4000 {
			fmt.Fprintf(&out, "%x", (i+seed)*2654435761)
		}
		return out.String()
	}
	sizes := map[int]int{}
	for i := range 4 { // A, B, A, B
		b.apply(t, map[string]string{"big": text(i % 2)})
		value, _, err := b.keeper.Store.Get(t.Context(), b.record.History[i].Revision)
		if err != nil {
			t.Fatal(err)
		}
		sizes[i] = len(value)
	}
	if sizes[2] > sizes[0]/5 || sizes[3] > sizes[1]/5 {
		t.Errorf("sizes %v: what was there before is stored again", sizes)
	}
	b.wants(t, 3, map[string]string{"big": text(0)})
}

// TestOrphansAreCollected: what an apply that was killed has left is never written over, and
// goes; what is of another record of the address, or of someone who has taken over, stays.
func TestOrphansAreCollected(t *testing.T) {
	b := newBench()
	b.apply(t, map[string]string{"a": "1"})
	killed := *b.record
	killed.Finish(state.Entry{Outcome: "succeeded"}, 10)
	orphan, err := b.keeper.Save(t.Context(), &killed, &plan.Application{Address: b.record.Address})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string) {
		t.Helper()
		if _, err := b.keeper.Store.Put(t.Context(), key, []byte("x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	put("revisions/application.web/other.1")
	put("revisions/application.web/uid.9")
	b.apply(t, map[string]string{"a": "2"})
	if newest := b.record.History[1].Revision; newest == orphan.Key {
		t.Error("a pack was written over")
	}
	if have := fmt.Sprint(b.packs(t)); have != "[revisions/application.web/other.1 revisions/application.web/uid.1 revisions/application.web/uid.2-2 revisions/application.web/uid.9]" {
		t.Errorf("packs %s", have)
	}
	b.wants(t, 2, map[string]string{"a": "2"})
}

// TestDamage: each bit that is another one and each end that is missing costs the revision,
// and says so; the next apply goes on, and knows what it lacks.
func TestDamage(t *testing.T) {
	b := newBench()
	b.apply(t, map[string]string{"a": "1", "b": "1"})
	entry := &b.record.History[0]
	whole, version, err := b.keeper.Store.Get(t.Context(), entry.Revision)
	if err != nil {
		t.Fatal(err)
	}
	set := func(value []byte) {
		t.Helper()
		if version, err = b.keeper.Store.Put(t.Context(), entry.Revision, value, version); err != nil {
			t.Fatal(err)
		}
	}
	for i := range len(whole) * 8 {
		damaged := append([]byte{}, whole...)
		damaged[i/8] ^= 1 << (i % 8)
		set(damaged)
		if _, err := b.keeper.Load(t.Context(), entry, nil); err == nil {
			t.Fatalf("bit %d goes unseen", i)
		}
	}
	for n := range whole {
		set(whole[:n])
		if err := b.keeper.Check(t.Context(), entry); err == nil {
			t.Fatalf("cut to %d bytes goes unseen", n)
		}
	}
	if b.apply(t, map[string]string{"a": "2"}); !b.record.History[1].Incomplete {
		t.Error("what is lost is not missed")
	}
	b.apply(t, map[string]string{"b": "1"}) // the next plan has the body of what is lacking
	b.wants(t, 3, map[string]string{"a": "2", "b": "1"})
}

func TestNewerPack(t *testing.T) {
	b := newBench()
	if _, err := b.keeper.Store.Put(t.Context(), "revisions/x/uid.1", []byte("gantry-revision 2 whatever\n"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.keeper.Load(t.Context(), &state.Entry{Revision: "revisions/x/uid.1"}, nil); !errors.Is(err, state.ErrNewer) {
		t.Errorf("%v", err)
	}
}

// TestMigrate: an entry that an older gantry wrote, with all in itself, becomes a pack.
func TestMigrate(t *testing.T) {
	b := newBench()
	old := &plan.Application{Address: b.record.Address, Changes: []plan.Change{{
		ID: idOf("a"), Version: "v1", Action: plan.Create, Desired: "1",
		Body: object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a", "namespace": "web"}, "data": map[string]any{"v": "1"}},
	}}}
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	b.record.History = []state.Entry{{Serial: 2, Outcome: "succeeded", Plan: text}}
	b.record.Own(state.Owned{ID: idOf("a"), Desired: "1"})
	b.record.Finish(state.Entry{Outcome: "failed"}, 10)
	if err := b.keeper.Migrate(t.Context(), b.record); err != nil {
		t.Fatal(err)
	}
	if e := b.record.History[0]; e.Plan != nil || e.Revision == "" || e.ID != 1 {
		t.Errorf("%+v", e)
	}
	b.values["a"] = "1"
	b.wants(t, 1, map[string]string{"a": "1"})
	b.wants(t, b.apply(t, map[string]string{"b": "1"}), map[string]string{"a": "1", "b": "1"})
}

// unlisted is a store that does not tell what is in it.
type unlisted struct{ state.Store }

func (unlisted) List(context.Context, string) ([]string, error) {
	return nil, errors.New("it is listed")
}

// TestNew: what is kept of a record for the first time is kept without a list, and is there;
// afterwards a list is asked for.
func TestNew(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.keeper.Store = unlisted{b.keeper.Store}
	b.keeper.New = true
	first := b.apply(t, map[string]string{"a": "one"})
	b.wants(t, first, map[string]string{"a": "one"})
	b.keeper.New = false
	b.record.Finish(state.Entry{Outcome: "succeeded"}, b.limit)
	if _, err := b.keeper.Save(t.Context(), b.record, &plan.Application{Address: b.record.Address}); err == nil {
		t.Error("a record that was there before is kept without a list")
	}
}
