package schema_test

import (
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

var expressions = []string{
	`1`, `"a"`, `a`, `a.b["c"][d]`, `"${a}"`, `"x${a.b}%{ if c }${d}%{ endif }"`, `f(a, [b, "c"], { d = e, (f) = g, h.i = j, "k" = l, true = m, "${n}" : o }...)`,
	`(a)`, `((a.b))`, `{ (a.b) = c }`, `{ (a) : b }`, `[for a, b in c : a => b[d] if e]`, `[for a in b : { a = a, (a) = d }]`, `a[*].b[c]`, `a.*.b`,
	`a ? b : -c + d`, `!a`, "<<X\n%{ for a in b }${a}${c}%{ endfor }\nX\n", `f(a).b[c]`, `ns::f([for x in y : x])`, `null`, `{}`, `{ a = { b = c } }`,
}

func FuzzVariables(f *testing.F) {
	for _, text := range expressions {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expr, _ := syntax.ParseExpression([]byte(text), "x", hcl.InitialPos)
		if expr == nil {
			return
		}
		want, got := hclsyntax.Variables(expr.(hclsyntax.Expression)), schema.Variables(expr)
		if len(want)+len(got) > 0 && !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %v, HCL says %v", text, got, want)
		}
	})
}
