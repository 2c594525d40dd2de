package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

func TestGenerators(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	git := addr.Address{Kind: "generator", Type: "git", Name: "overlays"}
	each := addr.Address{Kind: "generator", Type: "list", Name: "each"}.Instance("eu/1 \"x\"")
	for _, keys := range [][]string{nil, {"a", "b"}, {"b"}} { // the last one counts
		if err := records.PutGenerator(t.Context(), git, keys); err != nil {
			t.Fatal(err)
		}
	}
	if err := records.PutGenerator(t.Context(), each, nil); err != nil {
		t.Fatal(err)
	}
	check := func(want map[addr.Address][]string) {
		t.Helper()
		got, err := records.Generators(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	check(map[addr.Address][]string{git: {"b"}, each: {}})
	for range 2 { // what is gone can be deleted again
		if err := records.DeleteGenerator(t.Context(), each); err != nil {
			t.Fatal(err)
		}
	}
	check(map[addr.Address][]string{git: {"b"}})
	if list, err := records.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("they count as applications: %v, %v", list, err)
	}
}

// What gantry did not write is not believed.
func TestGeneratorsBroken(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	address := addr.Address{Kind: "generator", Type: "git", Name: "a"}
	if err := records.PutGenerator(t.Context(), address, []string{"x", "y"}); err != nil {
		t.Fatal(err)
	}
	key := state.GeneratorKey(address)
	good, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"of another generator":    {"generator.git.a", "generator.git.b"},
		"of another installation": {records.Lineage(), "other"},
		"in disorder":             {`"x","y"`, `"y","x"`},
		"no JSON":                 {"{", ""},
		"of an unknown form":      {`"keys"`, `"keyz"`},
	} {
		if version, err = store.Put(t.Context(), key, []byte(strings.Replace(string(good), change[0], change[1], 1)), version); err != nil {
			t.Fatal(err)
		}
		var broken *state.BrokenError
		if _, err := records.Generators(t.Context()); !errors.As(err, &broken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := store.Put(t.Context(), "generators/x%zz", good, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := records.Generators(t.Context()); err == nil {
		t.Error("a key of no generator is read")
	}
}
