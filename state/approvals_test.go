package state_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var recordedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// recordedOf is what was planned of a pull request: digests by application, in order.
func recordedOf(pull int64, head string, minute int, digests ...string) *state.Recorded {
	out := &state.Recorded{Pull: pull, Head: head, Plan: "plan-" + head, RecordedAt: recordedAt.Add(time.Duration(minute) * time.Minute)}
	for i, digest := range digests {
		out.Applications = append(out.Applications, state.RecordedApplication{Address: addr.Application(string(rune('a' + i))), Digest: digest})
	}
	return out
}

func openMemory(t *testing.T) (state.Store, *state.Records) {
	t.Helper()
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return store, records
}

func onlyRecorded(t *testing.T, records *state.Records) *state.Recorded {
	t.Helper()
	all, err := records.Recorded(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	return all[0]
}

func TestRecorded(t *testing.T) {
	_, records := openMemory(t)
	for _, made := range []*state.Recorded{recordedOf(1, "one", 0, "x"), recordedOf(0, "queued", 1), recordedOf(2, "two", 2, "x", "y")} {
		if err := records.PutRecorded(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if err := records.KeepRecordedPlan(t.Context(), made, []byte("plan of "+made.Head)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := records.Recorded(t.Context())
	if err != nil || len(all) != 3 || all[0].Head != "two" || all[2].Head != "one" {
		t.Fatalf("%+v, %v", all, err)
	}
	if all[0].String() != "#2 at two" || all[1].String() != "the merge queue's queued" || all[0].Find(addr.Application("b")).Digest != "y" || all[0].Find(addr.Application("c")) != nil {
		t.Errorf("%s, %s", all[0], all[1])
	}
	if file, err := records.RecordedPlan(t.Context(), all[1]); err != nil || string(file) != "plan of queued" {
		t.Errorf("%q, %v", file, err)
	}
	// The plan of the record before is not that of the new one.
	if err := records.PutRecorded(t.Context(), recordedOf(2, "three", 3)); err != nil {
		t.Fatal(err)
	}
	all, err = records.Recorded(t.Context())
	if err != nil || len(all) != 3 || all[0].Head != "three" {
		t.Fatalf("%+v, %v", all, err)
	}
	if file, err := records.RecordedPlan(t.Context(), all[0]); err != nil || file != nil {
		t.Errorf("%q, %v", file, err)
	}
	for name, bad := range map[string]*state.Recorded{
		"no head": {Plan: "p"}, "no plan": {Head: "h"}, "a negative number": {Pull: -1, Head: "h", Plan: "p"},
		"no digest": recordedOf(1, "one", 0, ""), "out of order": {Head: "h", Plan: "p", Applications: []state.RecordedApplication{{Address: addr.Application("b"), Digest: "x"}, {Address: addr.Application("a"), Digest: "x"}}},
	} {
		if err := records.PutRecorded(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "This is a bug") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Since when a digest is what is planned: from the plan that changed it, however often it is
// planned again, and never from before a head that has come back.
func TestRecordedSince(t *testing.T) {
	_, records := openMemory(t)
	at := func(minute int) time.Time { return recordedAt.Add(time.Duration(minute) * time.Minute) }
	for i, step := range []struct {
		head    string
		digests []string
		want    []time.Time
	}{
		{"one", []string{"x", "y"}, []time.Time{{}, {}}},
		{"one", []string{"x", "y"}, []time.Time{{}, {}}},
		{"one", []string{"x", "z"}, []time.Time{{}, at(2)}},
		{"one", []string{"x", "z", "new"}, []time.Time{{}, at(2), at(3)}},
		{"one", []string{"x", "y"}, []time.Time{{}, at(4)}},
		{"two", []string{"x"}, []time.Time{at(4)}},
		{"one", []string{"x"}, []time.Time{at(5)}},
	} {
		made := recordedOf(1, step.head, i, step.digests...)
		for j := range made.Applications {
			made.Applications[j].Since = recordedAt.Add(-time.Hour) // what a caller says does not count
		}
		if err := records.PutRecorded(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		for _, app := range onlyRecorded(t, records).Applications {
			got = append(got, app.Since)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
}

// What policies want approved beside is something else that is approved; where they want no
// more than before, it is the same.
func TestRecordedSinceOfPolicies(t *testing.T) {
	_, records := openMemory(t)
	at := func(minute int) time.Time { return recordedAt.Add(time.Duration(minute) * time.Minute) }
	for i, step := range []struct {
		policies []string
		want     time.Time
	}{
		{nil, time.Time{}},
		{[]string{"policy.a"}, at(1)},
		{[]string{"policy.a"}, at(1)},
		{[]string{"policy.a", "policy.b"}, at(3)},
		{[]string{"policy.b"}, at(3)},
		{nil, at(3)},
		{[]string{"policy.b"}, at(6)},
	} {
		made := recordedOf(1, "one", i, "x")
		made.Applications[0].Policies = step.policies
		if err := records.PutRecorded(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if got := onlyRecorded(t, records).Applications[0]; !got.Since.Equal(step.want) || !slices.Equal(got.Policies, step.policies) {
			t.Errorf("step %d: %+v", i, got)
		}
	}
}

// A digest is used once. A use that did not come to its end may be taken over.
func TestUseRecorded(t *testing.T) {
	_, records := openMemory(t)
	made := recordedOf(1, "one", 0, "x", "y")
	if err := records.PutRecorded(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	a, b := addr.Application("a"), addr.Application("b")
	use := func(id string, digests map[addr.Address]string) []addr.Address {
		t.Helper()
		refused, err := records.UseRecorded(t.Context(), made.Key(), digests, nil, state.Use{Plan: id})
		if err != nil {
			t.Fatal(err)
		}
		var out []addr.Address
		for address, why := range refused {
			if why == "" {
				t.Error("it does not say why")
			}
			out = append(out, address)
		}
		return out
	}
	if got := use("first", map[addr.Address]string{a: "x", b: "other"}); len(got) != 1 || got[0] != b {
		t.Errorf("%v", got)
	}
	if got := use("second", map[addr.Address]string{a: "x"}); got != nil {
		t.Errorf("one that did not end is not taken over: %v", got)
	}
	needs := map[addr.Address][]string{a: {"policy.a needs an approval"}, b: {"policy.b needs an approval"}}
	if _, err := records.UseRecorded(t.Context(), made.Key(), map[addr.Address]string{a: "x"}, needs, state.Use{Plan: "second"}); err != nil {
		t.Fatal(err)
	}
	if got := onlyRecorded(t, records).Applications; !slices.Equal(got[0].Use.Policies, needs[a]) || got[1].Use != nil {
		t.Errorf("%+v", got)
	}
	statement := func() string {
		t.Helper()
		text, err := onlyRecorded(t, records).Statement()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := statement()
	for _, id := range []string{"first", "second"} { // that of the first is not its own any more
		if err := records.EndUse(t.Context(), made.Key(), id, []addr.Address{a, b}); err != nil {
			t.Fatal(err)
		}
	}
	if got := onlyRecorded(t, records); got.Applications[0].Use.DoneAt.IsZero() || got.Applications[0].Use.Plan != "second" || got.Applications[1].Use != nil {
		t.Errorf("%+v", got.Applications)
	}
	if statement() != before {
		t.Error("what is signed changes when it is used")
	}
	if got := use("third", map[addr.Address]string{a: "x"}); len(got) != 1 {
		t.Errorf("it is used twice: %v", got)
	}
	if err := records.PutRecorded(t.Context(), recordedOf(1, "two", 1)); !errors.Is(err, state.ErrUsed) {
		t.Error(err)
	}
	if _, err := records.UseRecorded(t.Context(), recordedOf(9, "x", 0).Key(), nil, nil, state.Use{}); !errors.Is(err, state.ErrNotFound) {
		t.Error(err)
	}
}

func TestDeleteRecorded(t *testing.T) {
	store, records := openMemory(t)
	made := recordedOf(1, "one", 0, "x")
	if err := records.PutRecorded(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if err := records.KeepRecordedPlan(t.Context(), made, []byte("plan")); err != nil {
		t.Fatal(err)
	}
	old := onlyRecorded(t, records)
	if _, err := records.UseRecorded(t.Context(), made.Key(), map[addr.Address]string{addr.Application("a"): "x"}, nil, state.Use{Plan: "p"}); err != nil {
		t.Fatal(err)
	}
	if err := records.DeleteRecorded(t.Context(), old); !errors.Is(err, state.ErrConflict) {
		t.Errorf("one that is used meanwhile: %v", err)
	}
	for range 2 { // there is nothing to delete the second time
		if err := records.DeleteRecorded(t.Context(), onlyOrOld(t, records, old)); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := store.List(t.Context(), "approvals"); err != nil || len(keys) != 0 {
		t.Errorf("%q, %v", keys, err)
	}
}

func onlyOrOld(t *testing.T, records *state.Records, old *state.Recorded) *state.Recorded {
	t.Helper()
	if all, err := records.Recorded(t.Context()); err == nil && len(all) == 1 {
		return all[0]
	}
	return old
}

// What is broken, or of another installation, is an error and not a record that is not there.
func TestBrokenRecords(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":              "{",
		"another installation": `{"formatVersion":2,"lineage":"other","pull":1,"head":"h","plan":"p"}`,
		"a newer format":       `{"formatVersion":99}`,
	} {
		for _, key := range []string{"approvals/pulls/1", "approvals/rules", "approvals/turns/main"} {
			store, records := openMemory(t)
			if _, err := store.Put(t.Context(), key, []byte(text), ""); err != nil {
				t.Fatal(err)
			}
			var err error
			switch key {
			case "approvals/pulls/1":
				_, err = records.Recorded(t.Context())
			case "approvals/rules":
				_, err = records.Rules(t.Context())
			default:
				_, err = records.Turn(t.Context(), "main")
			}
			if err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s, %s: %v", key, name, err)
			}
		}
	}
	// One that is of another pull request than its key says was put there.
	store, records := openMemory(t)
	if err := records.PutRecorded(t.Context(), recordedOf(1, "one", 0)); err != nil {
		t.Fatal(err)
	}
	text, _, err := store.Get(t.Context(), "approvals/pulls/1")
	if err == nil {
		_, err = store.Put(t.Context(), "approvals/pulls/2", text, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Recorded(t.Context()); err == nil || !strings.Contains(err.Error(), "#1") {
		t.Error(err)
	}
}
