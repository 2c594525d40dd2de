package refactor_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/refactor"
)

func parse(t *testing.T, text string) addr.Address {
	t.Helper()
	a, err := addr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// set reads renames: "a -> b", one a line.
func set(t *testing.T, moves string) *refactor.Set {
	t.Helper()
	s := &refactor.Set{}
	for line := range strings.Lines(moves) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), " -> ")
		if ok {
			s.Moved = append(s.Moved, refactor.Moved{From: parse(t, from), To: parse(t, to)})
		}
	}
	s.Sort()
	return s
}

func TestCurrent(t *testing.T) {
	s := set(t, `
		application.a -> application.b
		application.b -> application.c
		application.one -> application.many["x"]
		application.many["old"] -> application.many["new"]
		application.keyed["only"] -> application.single
		application.into -> module.m.application.into
		module.p -> module.q
		module.q -> module.r["k"]
		module.deep.module.x -> module.deep.module.y
		module.i["a"] -> module.i["b"]
		module.r["k"].application.renamed -> module.r["k"].application.final
	`)
	for from, want := range map[string]string{
		"application.a":                             "application.c",
		`application.a["k"]`:                        `application.c["k"]`,
		"application.c":                             "application.c",
		"application.one":                           `application.many["x"]`,
		`application.one["y"]`:                      `application.one["y"]`,
		`application.many["old"]`:                   `application.many["new"]`,
		`application.many["other"]`:                 `application.many["other"]`,
		`application.keyed["only"]`:                 "application.single",
		"application.into":                          "module.m.application.into",
		"module.p.application.x":                    `module.r["k"].application.x`,
		`module.p["z"].application.x`:               `module.q["z"].application.x`,
		"module.p.module.n.application.x":           `module.r["k"].module.n.application.x`,
		"module.pq.application.x":                   "module.pq.application.x",
		`module.deep.module.x["1"].application.x`:   `module.deep.module.y["1"].application.x`,
		`module.i["a"].application.x["z"]`:          `module.i["b"].application.x["z"]`,
		`module.i["ab"].application.x`:              `module.i["ab"].application.x`,
		"module.p.application.renamed":              `module.r["k"].application.final`,
		"module.m.application.a":                    "module.m.application.a",
		`module.deep["k"].module.x.application.x`:   `module.deep["k"].module.x.application.x`,
		`module.p["]"].module.q["."].application.x`: `module.q["]"].module.q["."].application.x`,
	} {
		if got := s.Current(parse(t, from)); got.String() != want {
			t.Errorf("%s is %s now, want %s", from, got, want)
		}
	}
}

// Of several renames that are about an address, the narrowest counts, in whatever
// order they are.
func TestCurrentIsTheNarrowest(t *testing.T) {
	for _, test := range []struct{ moves, from, want string }{
		{"application.web -> application.site\napplication.web[\"eu\"] -> application.eu", `application.web["eu"]`, "application.eu"},
		{"application.web -> application.site\napplication.web[\"eu\"] -> application.eu", `application.web["us"]`, `application.site["us"]`},
		{"module.a -> module.b\nmodule.a.application.x -> application.x", "module.a.application.x", "application.x"},
		{"module.a -> module.b\nmodule.a.application.x -> application.x", "module.a.application.y", "module.b.application.y"},
		{"module.a[\"eu\"] -> module.eu\nmodule.a -> module.b", `module.a["eu"].application.x`, "module.eu.application.x"},
		{"module.a[\"eu\"] -> module.eu\nmodule.a -> module.b", `module.a["us"].application.x`, `module.b["us"].application.x`},
		{"module.a -> module.b\nmodule.a.module.c -> module.c", "module.a.module.c.application.x", "module.c.application.x"},
		{"module.p -> module.r\nmodule.r.application.x -> module.p.application.y", "module.p.application.x", "module.r.application.y"},
		{"module.a -> module.b\nmodule.b.module.c -> module.d[\"k\"]", "module.a.module.c", `module.d["k"]`},
		{"module.a -> module.b", `module.a["k"].module.c["l"]`, `module.b["k"].module.c["l"]`},
	} {
		s := set(t, test.moves)
		for range 2 {
			if got := s.Current(parse(t, test.from)); got.String() != test.want {
				t.Errorf("%s: %s is %s now, want %s", test.moves, test.from, got, test.want)
			}
			slices.Reverse(s.Moved)
		}
		if diags := s.Check(); diags.HasErrors() {
			t.Errorf("%s: %v", test.moves, diags)
		}
	}
}

// Renames that lead back are told, also where only part of what they rename does.
func TestCheckFindsCycles(t *testing.T) {
	for _, moves := range []string{
		"application.a -> application.b\napplication.b -> application.a",
		"application.web -> application.site\napplication.site[\"eu\"] -> application.web[\"eu\"]",
		"module.a -> module.b\nmodule.b.application.x -> module.a.application.x",
		"module.a -> module.b\nmodule.b.module.c -> module.a.module.c",
		"module.a -> module.b.module.c\nmodule.b -> module.a",
		"module.p -> module.q\nmodule.q.module.a -> module.p.module.a\nmodule.p.module.a -> module.c[\"k\"]",
	} {
		s := set(t, moves)
		diags := s.Check()
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, " → ") {
			t.Errorf("%s: %v", moves, diags)
		}
		s.Current(s.Moved[0].From) // ends all the same
	}
	for _, moves := range []string{
		"application.web -> application.web[\"eu\"]", "application.web[\"eu\"] -> application.web",
		"module.a -> module.a[\"eu\"]", "application.a -> application.b\napplication.c -> application.a",
	} {
		if diags := set(t, moves).Check(); len(diags) > 0 {
			t.Errorf("%s: %v", moves, diags)
		}
	}
}

// However renames are ordered and chained: an address comes to the same one, that is
// renamed no further, and two never become one.
func TestCurrentIsStable(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		s := &refactor.Set{}
		from, to := rapid.Permutation(names).Draw(t, "from"), rapid.Permutation(names).Draw(t, "to")
		for i := range rapid.IntRange(0, len(names)).Draw(t, "moves") {
			s.Moved = append(s.Moved, refactor.Moved{From: addr.Application(from[i]), To: addr.Application(to[i])})
		}
		s.Sort()
		if s.Check().HasErrors() {
			t.Skip("contradictory")
		}
		seen := map[addr.Address]bool{}
		sources := map[addr.Address]bool{}
		for _, m := range s.Moved {
			sources[m.From] = true
		}
		for _, name := range names {
			now := s.Current(addr.Application(name))
			if s.Current(now) != now {
				t.Fatalf("%s becomes %s, which becomes %s", name, now, s.Current(now))
			}
			if sources[now] {
				t.Fatalf("%s becomes %s, which has another name now", name, now)
			}
			if sources[addr.Application(name)] && len(seen) > len(names) {
				t.Fatal("too many")
			}
			seen[now] = true
		}
	})
}

func TestLeaves(t *testing.T) {
	s := &refactor.Set{Removed: []refactor.Removed{
		{From: parse(t, "application.all")},
		{From: parse(t, `application.some["a"]`), Destroy: true},
		{From: parse(t, "module.m")},
		{From: parse(t, "module.m.application.keep")},
		{From: parse(t, `application.all["b"]`)},
	}}
	for text, want := range map[string]string{
		"application.all": "application.all", `application.all["k"]`: "application.all", `application.some["a"]`: `application.some["a"]`,
		`application.some["b"]`: "", "application.some": "", `module.m["k"].application.x`: "module.m", "module.mm.application.x": "", "module.m.application.all": "module.m",
		"module.m.application.keep": "module.m.application.keep", `application.all["b"]`: `application.all["b"]`, "module.m": "module.m", `module.m["k"].module.n`: "module.m", "module.n": "",
	} {
		got := ""
		if r := s.Leaves(parse(t, text)); r != nil {
			got = r.From.String()
		}
		if got != want {
			t.Errorf("%s is removed by %q, want %q", text, got, want)
		}
	}
}
