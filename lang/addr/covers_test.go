package addr_test

import (
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
)

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`application.a`, `application.a`, true},
		{`application.a`, `application.a["k"]`, true},
		{`application.a["k"]`, `application.a`, false},
		{`application.a["k"]`, `application.a["l"]`, false},
		{`application.a`, `application.b`, false},
		{`application.a`, `cluster.a`, false},
		{`application.a`, `module.m.application.a`, false},
		{`module.m.application.a`, `module.m["k"].application.a["x"]`, true},
		{`module.m["k"].application.a`, `module.m["l"].application.a`, false},
		{`module.m["k"].application.a`, `module.m.application.a`, false},
		{`module.m.application.a`, `module.m.module.n.application.a`, false},
		{`module.m`, `module.m["k"].application.a`, true},
		{`module.m`, `module.m.module.n.application.a["x"]`, true},
		{`module.m["k"]`, `module.m["k"].module.n`, true},
		{`module.m["k"]`, `module.m["l"].application.a`, false},
		{`module.m`, `module.n.application.a`, false},
		{`module.m`, `application.m`, false},
	} {
		a, err := addr.Parse(c.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := addr.Parse(c.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Covers(b); got != c.want {
			t.Errorf("%s covers %s: %v, want %v", a, b, got, c.want)
		}
	}
}
