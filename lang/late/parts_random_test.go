package late_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan/object"
)

// names are few, so that expressions find what objects have.
var names = []string{"a", "b", "c"}

// anyValue is JSON-shaped.
func anyValue(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Just[any](""), rapid.Just[any]("x"), rapid.Just[any]("y:latest"), rapid.Just[any](true), rapid.Just[any](int64(0)), rapid.Just[any](int64(7)), rapid.Just(any(1.5)),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.MapOfN(rapid.SampledFrom(names), anyValue(depth-1), 0, 3), func(m map[string]any) any { return m }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom(names), anyValue(depth-1), 1, 3), func(m map[string]any) any { return m }),
			rapid.Map(rapid.SliceOfN(anyValue(depth-1), 0, 3), func(l []any) any { return l }),
		)
	}
	return rapid.OneOf(kinds...)
}

func anyObject(t *rapid.T, label string) object.Object {
	return object.Object(rapid.MapOfN(rapid.SampledFrom(names), anyValue(3), 0, 3).Draw(t, label))
}

// anyPath is a way into an object, or into what a loop is at.
func anyPath(t *rapid.T, roots []string) string {
	out := rapid.SampledFrom(roots).Draw(t, "root")
	for range rapid.IntRange(0, 3).Draw(t, "steps") {
		name := rapid.SampledFrom(names).Draw(t, "name")
		out += rapid.SampledFrom([]string{"." + name, "." + name, `["` + name + `"]`, "[0]", "[*]." + name, ".*." + name, "[app.name]", `["${"` + name + `"}"]`}).Draw(t, "step")
	}
	return out
}

// anyExpression is one of those that people write, and of those that they do not.
func anyExpression(t *rapid.T, depth int, roots []string) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{`"x"`, "7", "null", anyPath(t, roots), anyPath(t, roots), anyPath(t, roots)}).Draw(t, "leaf")
	}
	inner := func(more ...string) string {
		return anyExpression(t, depth-1, append(roots[:len(roots):len(roots)], more...))
	}
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0:
		return fmt.Sprintf("try(%s, %s)", inner(), inner())
	case 1:
		return fmt.Sprintf("can(%s)", inner())
	case 2:
		return fmt.Sprintf("[for v in %s : %s]", inner(), inner("v"))
	case 3:
		return fmt.Sprintf("{ for k, v in %s : k => %s if %s }", inner(), inner("v", "k"), inner("v"))
	case 4:
		return fmt.Sprintf("(%s == %s)", inner(), inner())
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", inner(), inner(), inner())
	case 6:
		return fmt.Sprintf(`"%s ${%s}"`, "of", inner())
	case 7:
		return fmt.Sprintf("%s(%s)", rapid.SampledFrom([]string{"length", "keys", "jsonencode", "tostring", "values", "toset"}).Draw(t, "function"), inner())
	case 8:
		return fmt.Sprintf("contains(%s, %s)", inner(), inner())
	case 9:
		return fmt.Sprintf("lookup(%s, %q, %s)", inner(), rapid.SampledFrom(names).Draw(t, "key"), inner())
	case 10:
		return fmt.Sprintf("merge(%s, %s)", inner(), inner())
	case 11:
		return fmt.Sprintf("[for object in %s : %s]", inner(), inner())
	case 12:
		return fmt.Sprintf("(%s).%s", inner(), rapid.SampledFrom(names).Draw(t, "attribute"))
	}
	return anyPath(t, roots)
}

// What any expression comes to over parts of any object is what it comes to over all of it,
// whatever else looks at the object beside it; and of two objects that have the same key it
// comes to the same.
func TestPartsOfAnything(t *testing.T) {
	t.Parallel()
	came, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var all []late.Expression
		var texts []string
		for range rapid.IntRange(1, 3).Draw(t, "expressions") {
			text := anyExpression(t, rapid.IntRange(0, 3).Draw(t, "depth"), []string{"object", "object", "change.before", "change"})
			at := hcl.Range{Filename: "a.gantry.hcl", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 1 + len(text), Byte: len(text)}}
			e, _, diags := late.Compile(late.Policy, late.Any, late.Source{Text: []byte(text), At: at, Context: &hcl.EvalContext{}})
			if diags.HasErrors() {
				continue
			}
			all, texts = append(all, e), append(texts, text)
		}
		o, before := anyObject(t, "object"), anyObject(t, "before")
		values := func(o object.Object, parts *late.Parts) late.Values {
			return late.PolicyValues(late.PolicyCase{App: late.PolicyApp{Name: "a"}.Value(), Action: "update", Before: before, Object: o, Parts: parts})
		}
		together := values(o, late.PartsOf(all...))
		for i, e := range all {
			want, wantDiags := e.Evaluate(values(o, nil))
			if !wantDiags.HasErrors() {
				came++
			}
			for what, of := range map[string]late.Values{"alone": values(o, late.PartsOf(e)), "together": together} {
				got, diags := e.Evaluate(of)
				if !same(got, diags, want, wantDiags) {
					t.Fatalf("%s, %s: got %#v, %v; want %#v, %v", what, texts[i], got, diags, want, wantDiags)
				}
			}
			if !e.OfObjectAlone() {
				continue
			}
			// Another object, of which what is not looked at is something else.
			other := o.DeepCopy()
			for _, name := range names {
				if rapid.Bool().Draw(t, "change") {
					other[name] = anyValue(2).Draw(t, "other")
				}
			}
			parts := late.PartsOf(e)
			key, ok := parts.AppendKey(nil, o, 256)
			otherKey, otherOK := parts.AppendKey(nil, other, 256)
			if !ok || !otherOK || string(key) != string(otherKey) {
				continue
			}
			kept++
			if got, diags := e.Evaluate(values(other, nil)); !wantDiags.HasErrors() && !same(got, diags, want, wantDiags) {
				t.Fatalf("%s of %v and %v, which have the same key: got %#v, %v; want %#v", texts[i], o, other, got, diags, want)
			}
		}
	})
	if came == 0 || kept == 0 {
		t.Errorf("%d expressions came to something, and %d pairs of objects had the same key: nothing was compared", came, kept)
	}
}

func same(got cty.Value, diags hcl.Diagnostics, want cty.Value, wantDiags hcl.Diagnostics) bool {
	if wantDiags.HasErrors() {
		return diags.HasErrors() && diags.Error() == wantDiags.Error()
	}
	return !diags.HasErrors() && got.RawEquals(want)
}

// Keys of objects that differ in what is looked at differ, however values are put together.
func TestKeys(t *testing.T) {
	t.Parallel()
	parts := late.PartsOf(mustCompile(t, late.Policy, late.Any, `[object.a, object.b.c]`))
	seen := map[string]string{}
	for _, o := range []object.Object{
		{},
		{"a": nil},
		{"a": ""},
		{"a": "n"},
		{"a": "-"},
		{"a": int64(1)},
		{"a": 1.0},
		{"a": "1"},
		{"a": true},
		{"a": false},
		{"a": []any{}},
		{"a": map[string]any{}},
		{"a": []any{"x", "y"}},
		{"a": []any{"x"}},
		{"a": []any{[]any{"x"}}},
		{"a": []any{[]any{}, "x"}},
		{"a": map[string]any{"x": "y"}},
		{"a": []any{"m", "x", "y"}},
		{"b": nil},
		{"b": "c"},
		{"b": map[string]any{}},
		{"b": map[string]any{"c": nil}},
		{"b": map[string]any{"c": "c"}},
		{"b": []any{}},
		{"b": []any{"c"}},
		{"a": "s", "b": "s"},
		{"a": "ss"},
	} {
		key, ok := parts.AppendKey(nil, o, 64)
		if !ok {
			t.Errorf("%v has no key", o)
		}
		if other, known := seen[string(key)]; known {
			t.Errorf("%v and %s have the same key", o, other)
		}
		seen[string(key)] = fmt.Sprint(o)
	}
	for _, o := range []object.Object{{"a": strings.Repeat("x", 64)}, {"a": map[string]any{strings.Repeat("x", 64): "x"}}, {"a": []any{strings.Repeat("x", 40), strings.Repeat("x", 40)}}, {"a": uint8(1)}} {
		if _, ok := parts.AppendKey(nil, o, 64); ok {
			t.Errorf("%v has a key", o)
		}
	}
	// What is not looked at makes no difference.
	one, _ := parts.AppendKey(nil, object.Object{"a": "x", "c": "1", "b": map[string]any{"a": "1"}}, 64)
	two, _ := parts.AppendKey(nil, object.Object{"a": "x", "c": "2", "b": map[string]any{"a": "2"}}, 64)
	if string(one) != string(two) {
		t.Errorf("%q and %q", one, two)
	}
}

// A loop that is no longer wanted ends, also where a function hides that: what it comes to
// is not known.
func TestStopped(t *testing.T) {
	t.Parallel()
	// What is not known when it is compiled is not looped over then.
	const forever = `[for a in range(object.n) : [for b in range(object.n) : [for c in range(object.n) : [for d in range(object.n) : a if false]]]]`
	for _, text := range []string{
		`length(` + forever + `) == 0`, `try(length(` + forever + `) == 0, false)`, `can(` + forever + `)`,
		`length({ for a in range(object.n) : a => ` + forever + `... }) == 0`,
		`[for x in range(object.n) : [for y in range(object.n) : object.list[*].a if length(object.list[*].a) < 0]] == []`,
	} {
		e := mustCompile(t, late.Policy, late.Condition, text)
		asked := 0
		_, diags := e.Evaluate(late.PolicyValues(late.PolicyCase{
			App: late.PolicyApp{Name: "web"}.Value(), Action: "create", Object: object.Object{"n": int64(1000), "list": []any{map[string]any{"a": "x"}}},
			Stopped: func() bool { asked++; return asked > 1000 }, Parts: late.PartsOf(e),
		}))
		if !diags.HasErrors() || !strings.Contains(diags.Error(), "did not come to an end") || asked > 2000 {
			t.Errorf("%.40s: asked %d times: %v", text, asked, diags)
		}
		// Where nobody stops it, it is asked all the same, and comes to what it comes to.
		short := mustCompile(t, late.Policy, late.Any, `[for a in object.list : a.a]`)
		v, diags := short.Evaluate(late.PolicyValues(late.PolicyCase{App: late.PolicyApp{Name: "web"}.Value(), Object: object.Object{"list": []any{map[string]any{"a": "x"}}}, Stopped: func() bool { return false }}))
		if diags.HasErrors() || v.LengthInt() != 1 {
			t.Errorf("%#v, %v", v, diags)
		}
	}
}

// What does not end whatever it is asked about is an error where it is loaded.
func TestEndlessBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	for _, scope := range []late.Scope{late.Policy} {
		for _, text := range []string{
			`length([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a if false]]]) == 0`,
			`can([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a if false]]])`,
		} {
			_, _, diags := compile(scope, late.Condition, "a.gantry.hcl", text)
			if !diags.HasErrors() || !strings.Contains(diags.Error(), "did not come to an end") {
				t.Errorf("%s: %v", scope, diags)
			}
		}
		if _, _, diags := compile(scope, late.Condition, "a.gantry.hcl", `length([for a in range(300) : [for b in range(300) : "${a} ${b}"]]) == 0`); diags.HasErrors() {
			t.Error(diags)
		}
	}
}
