package value_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/value"
)

func cluster() cty.Value {
	return value.Block(value.Reference{Address: addr.Address{Kind: "cluster", Name: "prod"}, Target: new(int)}, map[string]cty.Value{"name": cty.StringVal("prod")})
}

func TestText(t *testing.T) {
	tests := map[string]cty.Value{
		"null":         cty.NullVal(cty.String),
		"(unknown)":    cty.UnknownVal(cty.Number),
		"(sensitive)":  cty.ListVal([]cty.Value{cty.True}).Mark(value.Sensitive),
		"cluster.prod": cluster(),
		"[]":           cty.EmptyTupleVal,
		"{}":           cty.EmptyObjectVal,
		`{ "a/b" = [1, (sensitive), "$${x}"], c = true }`: cty.ObjectVal(map[string]cty.Value{
			"a/b": cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.StringVal("hunter2").Mark(value.Sensitive), cty.StringVal("${x}")}), "c": cty.True,
		}),
	}
	for want, v := range tests {
		if got := value.Text(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestKind(t *testing.T) {
	tests := map[string]cty.Value{
		"a string": cty.StringVal(""), "a number": cty.Zero, "true or false": cty.True, "null": cty.NullVal(cty.String), "an object": cty.EmptyObjectVal,
		"a map": cty.MapValEmpty(cty.String), "a list": cty.EmptyTupleVal, "a set": cty.SetValEmpty(cty.String), "cluster.prod": cluster(), "a value of unknown type": cty.DynamicVal,
	}
	for want, v := range tests {
		if got := value.Kind(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	ref, ok := value.ReferenceOf(cluster().Mark(value.Sensitive))
	if !ok || ref.Address.String() != "cluster.prod" || ref.Target == nil {
		t.Errorf("got %v, %v", ref, ok)
	}
	for _, v := range []cty.Value{cty.EmptyObjectVal, cty.StringVal("x"), cty.DynamicVal, cty.UnknownVal(cluster().Type()), cty.NullVal(cluster().Type())} {
		if _, ok := value.ReferenceOf(v); ok {
			t.Errorf("%#v refers to a block", v)
		}
	}
	if !cluster().RawEquals(cluster()) || !cluster().Equals(cluster()).True() {
		t.Error("references to one block differ")
	}
	if diff := cmp.Diff([]string{"name"}, value.Attributes(cluster().Type())); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(ref); err == nil {
		t.Error("what a block was decoded to can be encoded")
	}
	if _, err := value.ToYAML(cluster()); err == nil {
		t.Error("a block can be written as YAML")
	}
}

func TestToJSON(t *testing.T) {
	v := cty.ObjectVal(map[string]cty.Value{
		"i": cty.MustParseNumberVal("9223372036854775807"), "f": cty.MustParseNumberVal("0.1"), "n": cty.NullVal(cty.DynamicPseudoType),
		"l": cty.TupleVal([]cty.Value{cty.True, cty.StringVal("s").Mark(value.Sensitive)}), "a/b~c": cty.MapVal(map[string]cty.Value{"x": cty.StringVal("y")}).Mark(value.Sensitive),
		"s": cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}),
	})
	got, sensitive, err := value.ToJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"i": int64(math.MaxInt64), "f": 0.1, "n": nil, "l": []any{true, "s"}, "a/b~c": map[string]any{"x": "y"}, "s": []any{"a", "b"},
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/a~1b~0c", "/l/1"}, sensitive); diff != "" {
		t.Error(diff)
	}
}

func TestToJSONRefuses(t *testing.T) {
	tests := map[string]cty.Value{
		"a[0]":        cty.UnknownVal(cty.String),
		`a[0]["b/c"]`: cty.ObjectVal(map[string]cty.Value{"b/c": cty.MustParseNumberVal("9223372036854775808")}),
		"a[0].b":      cty.ObjectVal(map[string]cty.Value{"b": cty.MustParseNumberVal("1e-500")}),
		"a[0].c":      cty.ObjectVal(map[string]cty.Value{"c": cluster()}),
		"a[0].d":      cty.ObjectVal(map[string]cty.Value{"d": cty.MustParseNumberVal("1e400")}),
	}
	for path, v := range tests {
		_, _, err := value.ToJSON(cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{v})}))
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("got %v, want an error at %s", err, path)
		}
	}
}

func TestFromYAML(t *testing.T) {
	text := `
base: &base { a: 1, b: 2 }
merged:
  <<: *base
  b: 3
big: 123456789012345678901234567890
bigger: 0xFFFFFFFFFFFFFFFFFF
quoted: "1e400"
said: !!str 1e400
octal: 0o17
float: 1e3
date: 2026-01-02
text: |
  two
  lines
alias: *base
empty:
? 1
: number
`
	documents, err := value.FromYAML([]byte(text))
	if err != nil || len(documents) != 1 {
		t.Fatal(documents, err)
	}
	want := `{ "1" = "number", alias = { a = 1, b = 2 }, base = { a = 1, b = 2 }, big = 123456789012345678901234567890, bigger = 4722366482869645213695, date = "2026-01-02", empty = null, float = 1000, merged = { a = 1, b = 3 }, octal = 15, quoted = "1e400", said = "1e400", text = "two\nlines\n" }`
	if got := value.Text(documents[0]); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestFromYAMLRefuses(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		n, before := string(rune('0'+i)), string(rune('0'+i-1))
		bomb += "a" + n + ": &a" + n + " [" + strings.Repeat("*a"+before+", ", 9) + "*a" + before + "]\n"
	}
	tests := map[string]string{
		"a: 1\nb: 1\na: 2\n":               "line 3",
		"[a]: 1":                           "line 1",
		"a: .nan":                          "line 1",
		"a: 1\nb: 1e400":                   "line 2: the number 1e400 is out of range; put it in quotes",
		"a: -1e-400":                       "line 1: the number -1e-400 is out of range",
		"a: 1" + strings.Repeat("234", 80): "more digits than can be kept",
		"a: -.inf":                         "line 1",
		"a: !!binary aGk=\nb: !x y":        "line 2",
		"a:\n\t- b":                        "line 2",
		"<<: x":                            "line 1",
		"a: &a [*a]":                       "",
		bomb:                               "values",
		strings.Repeat("[", 400) + "]":     "",
		strings.Repeat("- ", 300) + "x\n":  "deep",
	}
	for text, want := range tests {
		documents, err := value.FromYAML([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gives %d documents, %v; want an error with %q", text, len(documents), err, want)
		}
	}
}

func TestFromJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "b": {"c": 1, "c": 2}}`: `the key "c" is given twice`,
		`[1e400]`:                         "the number 1e400 is out of range",
		"{\"a\":\n x}":                    "line 2, column 2: 'x' is not expected here",
		`{} {}`:                           "more after the end",
		`{"a": `:                          "too early",
		strings.Repeat("[", 400):          "nested",
	} {
		v, err := value.FromJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gives %#v, %v; want an error with %q", text, v, err, want)
		}
	}
}

// draw makes any value that JSON can hold, but for numbers beyond it.
func draw(t *rapid.T, depth int) cty.Value {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		words := rapid.SampledFrom([]string{"", "yes", "~", "null", "1", "1.5", "0x1", "a: b", "- a", "# x", "a\nb", "\t", " a", "é", "e\u0301", "2026-01-02", "<<", "=", "!x", "&a", "*a", "\x01", "\u2028", "\ufeff"})
		return cty.StringVal(rapid.OneOf(words, rapid.String()).Draw(t, "string"))
	case 1:
		return cty.NumberIntVal(rapid.Int64().Draw(t, "whole"))
	case 2:
		return cty.MustParseNumberVal(strconv.FormatFloat(rapid.Float64().Draw(t, "fraction"), 'g', -1, 64))
	case 3:
		return rapid.SampledFrom([]cty.Value{cty.True, cty.False, cty.NullVal(cty.DynamicPseudoType)}).Draw(t, "constant")
	case 4:
		items := make([]cty.Value, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range items {
			items[i] = draw(t, depth-1)
		}
		return cty.TupleVal(items)
	}
	attributes := map[string]cty.Value{}
	for range rapid.IntRange(0, 3).Draw(t, "size") {
		attributes[cty.NormalizeString(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "yes", "<<", "1", "", "a/b"})).Draw(t, "name"))] = draw(t, depth-1)
	}
	return cty.ObjectVal(attributes)
}

// What is written as YAML is read back as it was.
func TestYAMLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := cty.ObjectVal(map[string]cty.Value{"v": draw(t, 3)})
		text, err := value.ToYAML(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.FromYAML(text)
		if err != nil || len(back) != 1 || !back[0].RawEquals(v) {
			t.Fatalf("%s\nwas written as\n%s\nand read as %v, %v", value.Text(v), text, back, err)
		}
	})
}

// What ToJSON makes, encoding/json writes, and cty reads as it was.
func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := draw(t, 3)
		plain, _, err := value.ToJSON(v)
		if err != nil {
			return // a number that is whole and beyond 64 bits, as a float64 may be
		}
		text, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.FromJSON(text)
		if err != nil || !back.RawEquals(v) {
			t.Fatalf("%s came back as %s, %v", value.Text(v), value.Text(back), err)
		}
	})
}

func FuzzFromYAML(f *testing.F) {
	for _, seed := range []string{"a: 1\n", "- &a [b]\n- *a\n", "<<: {a: 1}\n", "---\na\n---\nb", "a: !!set {b}\n", "{[", "? a\n", "a: 1_000", "a: 0b1", "a: 1e999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		documents, err := value.FromYAML(text)
		if err != nil {
			return
		}
		for _, document := range documents {
			written, err := value.ToYAML(document)
			if err != nil {
				t.Fatalf("%s cannot be written: %v", value.Text(document), err)
			}
			back, err := value.FromYAML(written)
			if err != nil || len(back) > 1 || len(back) == 1 && !back[0].RawEquals(document) {
				t.Fatalf("%q is %s, which is written as %q and read as %v, %v", text, value.Text(document), written, back, err)
			}
		}
	})
}
