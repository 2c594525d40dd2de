package schema_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func declared() *schema.Block {
	return &schema.Block{
		Type: "thing",
		Doc:  "A thing.",
		Arguments: []schema.Argument{
			{Name: "text", Type: schema.String, Doc: "Text."},
			{Name: "flag", Type: schema.Bool, Doc: "A flag."},
			{Name: "count", Type: schema.Integer, Doc: "A count."},
			{Name: "wait", Type: schema.Duration, Doc: "A wait."},
			{Name: "list", Type: schema.Strings, Doc: "A list."},
			{Name: "map", Type: schema.StringMap, Doc: "A map."},
			{Name: "flags", Type: schema.BoolMap, Doc: "Flags."},
			{Name: "counts", Type: schema.IntegerMap, Doc: "Counts."},
			{Name: "secret", Type: schema.String, Sensitive: true, Doc: "A secret."},
			{Name: "raw", Type: schema.Expression, Doc: "An expression."},
		},
		Blocks: []schema.Nested{
			{Max: 1, Block: &schema.Block{Type: "one", Doc: "One.", Arguments: []schema.Argument{{Name: "text", Type: schema.String, Doc: "Text."}}}},
			{Block: &schema.Block{Type: "many", Labels: []string{"name"}, Doc: "Many.", Arguments: []schema.Argument{{Name: "text", Type: schema.String, Doc: "Text."}}}},
		},
	}
}

func decode(t *testing.T, body string) (*schema.Values, hcl.Diagnostics) {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte("thing {\n"+body+"\n}\n"), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	parsed, diags := schema.Parse(file.Body.(*hclsyntax.Body).Blocks[0].AsHCLBlock(), declared())
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{
		"unknown": cty.UnknownVal(cty.String), "dynamic": cty.DynamicVal, "secret": cty.StringVal("hunter2").Mark(value.Sensitive), "nothing": cty.NullVal(cty.String),
	}}
	values, more := parsed.Decode(ctx)
	return values, append(diags, more...)
}

func TestDecode(t *testing.T) {
	v, diags := decode(t, `
text   = 1
flag   = "true"
count  = "7"
wait   = "1m30s"
list   = ["a", 2]
map    = { a = 1, b = "c" }
flags  = { a = true }
counts = { a = 2 }
secret = secret
raw    = anything.at[all]
one {
  text = "in"
}
many "first" {
}
many "second" {
  text = "x"
}
`)
	if len(diags) > 0 || !v.Known() {
		t.Fatal(diags)
	}
	got := []any{
		v.String("text"), v.Bool("flag", false), v.Int("count", 0), v.Duration("wait", 0), v.Strings("list"), v.StringMap("map"),
		v.BoolMap("flags"), v.IntMap("counts"), v.Secret("secret").Reveal(), v.One("one").String("text"), len(v.Blocks("many")), v.Blocks("many")[1].Labels[0], v.RangeOf("text").Start.Line,
	}
	want := []any{
		"1", true, 7, 90 * time.Second, []string{"a", "2"}, map[string]string{"a": "1", "b": "c"}, map[string]bool{"a": true}, map[string]int64{"a": 2}, "hunter2", "in", 2, "second", 3,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if raw, ok := v.Get("raw"); !ok || raw.Expr == nil {
		t.Error("the raw expression is lost")
	}
}

func TestDecodeNothing(t *testing.T) {
	v, diags := decode(t, "text = nothing\nlist = null\nmap = {}\n")
	if len(diags) > 0 || !v.Known() {
		t.Fatal(diags)
	}
	if v.Has("text") || v.Has("list") || v.String("text") != "" || v.Strings("list") != nil || v.StringMap("map") != nil || !v.Bool("flag", true) || v.Int("count", 5) != 5 ||
		v.Duration("wait", time.Second) != time.Second || v.One("one") != nil || v.RangeOf("text") != v.Range {
		t.Error("what was not written is there")
	}
}

// Unknown values are no errors, and nothing is made of them.
func TestDecodeUnknown(t *testing.T) {
	v, diags := decode(t, "text = unknown\nlist = [unknown, \"a\"]\nmap = { a = dynamic }\nflags = dynamic\ncounts = { a = dynamic }\ncount = dynamic\nwait = unknown\n")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if v.Known() || v.IsKnown("text") || v.String("text") != "" || v.Int("count", 1) != 1 || v.Duration("wait", 2) != 2 || v.BoolMap("flags") != nil {
		t.Error("something is made of what is unknown")
	}
	if diff := cmp.Diff([]string{"a"}, v.Strings("list")); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, body := range []string{
		"text = []", "text = {}", "flag = \"maybe\"", "count = 1.5", "count = -1", "count = 3000000000", "count = \"x\"", "wait = 5", "wait = \"5\"", "list = \"a\"", "list = [null]", "list = [[]]",
		"map = [\"a\"]", "map = { a = null }", "map = { a = [] }", "flags = { a = \"x\" }", "counts = { a = null }", "counts = 1", "text = secret", "list = [secret]", "map = { a = secret }",
		"txt = 1", "one \"label\" {}", "one {}\none {}", "many {}", "few {}",
	} {
		v, diags := decode(t, body)
		if !diags.HasErrors() {
			t.Errorf("%s is accepted", body)
		}
		if v.Known() {
			t.Errorf("%s has errors and is known", body)
		}
	}
}

func TestSuggest(t *testing.T) {
	words := []string{"application", "cluster", "project", "name_prefix", "In", "NotIn"}
	tests := map[string]string{
		"aplication": "application", "Cluster": "cluster", "clutser": "cluster", "name-prefix": "name_prefix", "prefix": "", "in": "In", "zzz": "", "": "",
	}
	for given, want := range tests {
		if got := schema.Suggest(given, words); got != want {
			t.Errorf("for %q got %q, want %q", given, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z]{4,12}`).Draw(t, "word")
		at := rapid.IntRange(0, len(word)-1).Draw(t, "at")
		if got := schema.Suggest(word[:at]+word[at+1:], []string{word}); got != word {
			t.Fatalf("a letter less than %q suggests %q", word, got)
		}
	})
}

func TestList(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"b", "a"}, "a, b or c": {"c", "a", "b"}} {
		if got := schema.List(words, "or"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
