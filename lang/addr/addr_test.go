package addr_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
)

func TestParse(t *testing.T) {
	tests := map[string]addr.Address{
		`application.payments`:                                 {Kind: "application", Name: "payments"},
		`application.payments["prod-eu/apps"]`:                 {Kind: "application", Name: "payments", Key: "prod-eu/apps", HasKey: true},
		`application.payments[""]`:                             {Kind: "application", Name: "payments", HasKey: true},
		`generator.git.overlays`:                               {Kind: "generator", Type: "git", Name: "overlays"},
		`cluster.prod-eu`:                                      {Kind: "cluster", Name: "prod-eu"},
		`module.a["k"].application.b["$${x} \"y\" \\ \u00e9"]`: {Module: `module.a["k"]`, Kind: "application", Name: "b", Key: `${x} "y" \ é`, HasKey: true},
		`module.a.module.b.cluster.c`:                          {Module: "module.a.module.b", Kind: "cluster", Name: "c"},
		`notifier.slack.ops`:                                   {Kind: "notifier", Type: "slack", Name: "ops"},
		`health["cert-manager.io/Certificate"]`:                {Kind: "health", Key: "cert-manager.io/Certificate", HasKey: true},
		`remote.network`:                                       {Kind: "remote", Name: "network"},
		`remote.network.clusters["eu/1"]`:                      {Module: "remote.network", Kind: "cluster", Key: "eu/1", HasKey: true},
		`remote.network.clusters.eu`:                           {Module: "remote.network", Kind: "cluster", Key: "eu", HasKey: true},
		`module.a`:                                             {Kind: "module", Name: "a"},
	}
	for text, want := range tests {
		got, err := addr.Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%s) = %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", ".", "application", "application.", ".payments", "application.payments.name", "application.payments[0]",
		`application.payments["a"`, `application.payments["a`, `application.payments["a"]["b"]`, `application.payments["${x}"]`,
		`application.payments["%{x}"]`, `application.payments["\q"]`, `application.payments["\u12"]`, `application.payments["\ud800"]`,
		`application.payments["\`, "application.1st", "generator.git", "application.a b", `application["a"]`, "health", "health.a", `health.a["b"]`, "notifier.slack", "application.\xff", "remote.network.clusters", "remote.network.outputs.x", `application.a["\Uffffffff"]`,
	} {
		if got, err := addr.Parse(text); err == nil {
			t.Errorf("Parse(%s) = %v; want an error", text, got)
		}
	}
}

// What an address prints, Parse, JSON and HCL's own expressions read back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t)
		parsed, err := addr.Parse(a.String())
		if err != nil || parsed != a {
			t.Fatalf("Parse(%s) = %#v, %v; want %#v", a, parsed, err, a)
		}
		data, err := json.Marshal(map[addr.Address]addr.Address{a: a})
		if err != nil {
			t.Fatal(err)
		}
		var decoded map[addr.Address]addr.Address
		if err := json.Unmarshal(data, &decoded); err != nil || decoded[a] != a {
			t.Fatalf("JSON of %s came back as %v, %v", a, decoded, err)
		}
		if !a.HasKey {
			return
		}
		expr, diags := hclsyntax.ParseExpression([]byte(a.String()), "", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s is no HCL expression: %v", a, diags)
		}
		traversal, diags := hcl.AbsTraversalForExpr(expr)
		if diags.HasErrors() {
			t.Fatalf("%s is no HCL traversal: %v", a, diags)
		}
		if read, rest, err := addr.FromTraversal(traversal); err != nil || len(rest) > 0 || read != a {
			t.Fatalf("HCL reads %s as %#v, %v, %v", a, read, rest, err)
		}
	})
}

func TestCompareIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		if (a.Compare(b) == 0) != (a == b) || a.Compare(b) != -b.Compare(a) {
			t.Fatalf("%s and %s compare as %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
	})
	addresses := []addr.Address{
		addr.Application("b"), addr.Application("a").Instance("y"), addr.Application("a").Instance("x"), addr.Application("a"),
	}
	slices.SortFunc(addresses, addr.Address.Compare)
	want := []string{"application.a", `application.a["x"]`, `application.a["y"]`, "application.b"}
	for i, a := range addresses {
		if a.String() != want[i] {
			t.Errorf("address %d is %s, want %s", i, a, want[i])
		}
	}
}

func TestFromTraversalLeavesAttributes(t *testing.T) {
	traversal := hcl.Traversal{
		hcl.TraverseRoot{Name: "cluster"}, hcl.TraverseAttr{Name: "prod"}, hcl.TraverseIndex{Key: cty.StringVal("eu")}, hcl.TraverseAttr{Name: "labels"},
	}
	a, rest, err := addr.FromTraversal(traversal)
	if err != nil || a.String() != `cluster.prod["eu"]` || len(rest) != 1 {
		t.Errorf("got %v, %v, %v", a, rest, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`application.payments["prod-eu/$${x}"]`)
	f.Add(`module.a["\u00e9"].generator.git.b`)
	f.Add(`remote.a.clusters["b/c"]`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := addr.Parse(text)
		if err != nil {
			return
		}
		if again, err := addr.Parse(a.String()); err != nil || again != a {
			t.Errorf("Parse(%q) = %#v, which prints as %s and reads as %#v, %v", text, a, a, again, err)
		}
	})
}

func draw(t *rapid.T) addr.Address {
	name := rapid.StringMatching(`[a-zA-Z_][a-zA-Z0-9_-]{0,5}`)
	key := func(a addr.Address) addr.Address {
		if rapid.Bool().Draw(t, "keyed") {
			parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"${", "$${", "$$${", "%{", "%%", "\"", "\\", "]", "é", "e\u0301", "\x00", "\u2028", "🚀"})))
			var text string
			for _, part := range parts.Draw(t, "key") {
				text += part
			}
			return a.Instance(text)
		}
		return a
	}
	var a addr.Address
	if rapid.Bool().Draw(t, "in a module") {
		a.Module = key(addr.Address{Kind: "module", Name: name.Draw(t, "module")}).String()
	}
	a.Kind = rapid.SampledFrom([]string{"application", "cluster", "generator", "notifier", "health"}).Draw(t, "kind")
	switch a.Kind {
	case "generator", "notifier":
		a.Type = name.Draw(t, "type")
	case "health":
		return a.Instance(rapid.String().Draw(t, "key"))
	}
	a.Name = name.Draw(t, "name")
	return key(a)
}
