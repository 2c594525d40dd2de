package state_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

func TestPublished(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	check := func(want *published.Document) {
		t.Helper()
		got, err := records.Published(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if want != nil && err == nil && got.Digest() != want.Digest() {
			t.Error("the digest does not survive")
		}
	}
	check(nil)
	first := &published.Document{Projects: []published.Project{{Name: "web"}}}
	second := &published.Document{Outputs: []published.Output{
		{Name: "big", Value: json.RawMessage(`9007199254740993`)},
		{Name: "text", Value: json.RawMessage(`"a\u003cb"`)},
		{Name: "token", Sensitive: true},
	}}
	for _, document := range []*published.Document{first, second} { // the last one counts
		if err := records.PutPublished(t.Context(), document); err != nil {
			t.Fatal(err)
		}
		check(document)
	}
	for _, bad := range []*published.Document{
		{Outputs: []published.Output{{Name: "b", Sensitive: true}, {Name: "a", Sensitive: true}}},
		{Outputs: []published.Output{{Name: "a", Sensitive: true, Value: json.RawMessage(`1`)}}},
		{Outputs: []published.Output{{Name: "a"}}},
		{Projects: []published.Project{{}}},
		{Clusters: []published.Cluster{{Name: "a"}, {Name: "a"}}},
	} {
		if err := records.PutPublished(t.Context(), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	check(second)
	for range 2 { // what is gone can be deleted again
		if err := records.DeletePublished(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check(nil)
}

func TestBrokenPublished(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	good := `{"formatVersion":1,"lineage":"` + records.Lineage() + `","updatedAt":"2026-11-22T12:00:00Z","document":{"outputs":[{"name":"a","value":1}]}}`
	version := ""
	for name, text := range map[string]string{
		"another lineage": strings.Replace(good, records.Lineage(), "33333333-3333-4333-8333-333333333333", 1),
		"no value":        strings.Replace(good, `,"value":1`, "", 1),
		"an extra member": strings.Replace(good, `"value"`, `"extra":1,"value"`, 1),
		"no JSON":         good[:20],
	} {
		if version, err = store.Put(t.Context(), "published", []byte(text), version); err != nil {
			t.Fatal(err)
		}
		_, err := records.Published(t.Context())
		if broken := (*state.BrokenError)(nil); !errors.As(err, &broken) || broken.Key != "published" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err = store.Put(t.Context(), "published", []byte(good), version); err != nil {
		t.Fatal(err)
	}
	if got, err := records.Published(t.Context()); err != nil || len(got.Outputs) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
