package syntax

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// bombs are texts that overflow the parser's stack, or take it minutes.
func bombs() map[string]string {
	const n = 200_000
	repeat := strings.Repeat
	return map[string]string{
		"brackets.gantry.hcl":        "a = " + repeat("[", n),
		"balanced.gantry.hcl":        "a = " + repeat("[", n) + repeat("]", n),
		"parentheses.gantry.hcl":     "a = " + repeat("(", n),
		"objects.gantry.hcl":         "a = " + repeat("{a=", n),
		"templates.gantry.hcl":       "a = " + repeat(`"${`, n),
		"directives.gantry.hcl":      "a = \"" + repeat(`%{ if true }`, n) + "\"",
		"heredoc.gantry.hcl":         "a = <<X\n" + repeat("%{ for a in b }\n", n) + "X\n",
		"not.gantry.hcl":             "a = " + repeat("!", n) + "true",
		"minus.gantry.hcl":           "a = " + repeat("-", n) + "1",
		"plus.gantry.hcl":            "a = 1" + repeat("+1", n),
		"conditional.gantry.hcl":     "a = " + repeat("true?1:", n) + "1",
		"index.gantry.hcl":           "a = b" + repeat("[c]", n),
		"splat.gantry.hcl":           "a = b" + repeat("[*]", n),
		"calls.gantry.hcl":           "a = " + repeat("f(", n),
		"blocks.gantry.hcl":          repeat("a {\n", n),
		"for.gantry.hcl":             "a = " + repeat("[for x in ", n),
		"comment.gantry.hcl":         "/* " + repeat("a {\n", n),
		"arrays.gantry.json":         repeat("[", n),
		"members.gantry.json":        repeat(`{"a":`, n),
		"string.gantry.json":         `{"locals":{"a":"${` + repeat("[", n) + `}"}}`,
		"string-not.gantry.json":     `{"locals":{"a":"${` + repeat("!", n) + `true}"}}`,
		"type.gantry.json":           `{"variable":{"a":{"type":"` + repeat("list(", n) + `"}}}`,
		"string-escapes.gantry.json": `{"locals":{"a":"` + repeat(`\u0024\u007b`, n) + `"}}`,
	}
}

func TestRefusesWhatOverflowsTheParser(t *testing.T) {
	for name, src := range bombs() {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			file, diags := Parse([]byte(src), name)
			if !diags.HasErrors() {
				t.Fatal("expected an error")
			}
			if s := diags[0].Summary; s != "Nested too deeply" && s != "Expression too long" {
				t.Errorf("got %s", diags[0])
			}
			if file == nil || file.Body == nil {
				t.Error("expected a file to show the source of")
			}
			if took := time.Since(started); took > time.Second*slower {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRefusesOtherEncodings(t *testing.T) {
	for _, name := range []string{"a.gantry.hcl", "a.gantry.json"} {
		_, diags := Parse([]byte("{\"a\"\n: \"\xe9\"}"), name)
		want := hcl.Pos{Line: 2, Column: 4, Byte: 8}
		if len(diags) != 1 || diags[0].Summary != "Invalid character encoding" || diags[0].Subject.Start != want {
			t.Errorf("%s: got %v", name, diags)
		}
	}
}

func TestRefusesLargeFiles(t *testing.T) {
	_, diags := Parse(make([]byte, MaxSize+1), "a.gantry.hcl")
	if len(diags) != 1 || diags[0].Summary != "File too large" {
		t.Errorf("got %v", diags)
	}
}

func TestWhereItIsTooMuch(t *testing.T) {
	src := "# é\n  a = " + strings.Repeat("[", MaxDepth+1)
	_, diags := Parse([]byte(src), "a.gantry.hcl")
	want := hcl.Pos{Line: 2, Column: 7 + MaxDepth, Byte: 5 + 6 + MaxDepth}
	if len(diags) != 1 || diags[0].Subject.Start != want {
		t.Errorf("got %v, want %v", diags, want)
	}
}

// What people write is not refused, however much there is of it.
func TestAccepts(t *testing.T) {
	wide := strings.Repeat("a {\n  b = [1, -2, !c, d[0].e[*].f, \"${g}-${h}\"]\n  # -------- [[[ ((( {{{ \"${\n}\n", 20_000)
	deep := "a = " + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + "\n"
	text := "a = <<-EOT\n  [[[[ \" %%{ $${ \n" + strings.Repeat("[(\"\n", 1000) + "  EOT\nb = \"\\\"[[[\"\n"
	ruler := "/*" + strings.Repeat("-", 50_000) + "*/\n#" + strings.Repeat("+", 50_000) + "\n"
	list := "a = [\n" + strings.Repeat("  { a = b.c[\"d\"] ? !e : -f },\n", 20_000) + "]\n"
	for name, src := range map[string]string{"wide": wide, "deep": deep, "text": text, "ruler": ruler, "list": list} {
		if _, diags := Parse([]byte(src), name+".gantry.hcl"); diags.HasErrors() {
			t.Errorf("%s: %v", name, diags)
		}
	}
	json := `{"locals": {"a": "` + strings.Repeat("x - ", 2_000) + `${b}"}}`
	if _, diags := Parse([]byte(json), "a.gantry.json"); diags.HasErrors() {
		t.Error(diags)
	}
}

func TestFormat(t *testing.T) {
	tests := map[string]struct{ name, src, want string }{
		"native":         {"a.gantry.hcl", "a   \"b\" {\nc=1\n  long = 2 # x\n}\n", "a \"b\" {\n  c    = 1\n  long = 2 # x\n}\n"},
		"json":           {"a.gantry.json", `{"a":[1,{"b":9007199254740993}]}`, "{\n  \"a\": [\n    1,\n    {\n      \"b\": 9007199254740993\n    }\n  ]\n}\n"},
		"broken":         {"a.gantry.hcl", "a {", ""},
		"broken json":    {"a.gantry.json", "{", ""},
		"nothing in it":  {"a.gantry.hcl", "", ""},
		"comment alone":  {"a.gantry.hcl", "# x\n", "# x\n"},
		"windows line":   {"a.gantry.hcl", "a=1\r\n", "a = 1\r\n"},
		"nested too far": {"a.gantry.hcl", "a = " + strings.Repeat("[", 300), ""},
	}
	for name, test := range tests {
		got, diags := Format([]byte(test.src), test.name)
		if string(got) != test.want {
			t.Errorf("%s: got %q, want %q (%v)", name, got, test.want, diags)
		}
		if test.want == "" && test.src != "" && !diags.HasErrors() {
			t.Errorf("%s: expected an error", name)
		}
		again, _ := Format(got, test.name)
		if len(got) > 0 && string(again) != string(got) {
			t.Errorf("%s: formatting twice changes it", name)
		}
	}
}

// lexed is what HCL's own scanner makes of a text: the greatest depth.
func lexed(src []byte) int {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	openers := []hclsyntax.TokenType{
		hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
	}
	closers := []hclsyntax.TokenType{
		hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd,
	}
	depth, deepest := 0, 0
	for _, token := range tokens {
		if slices.Contains(openers, token.Type) {
			depth++
		} else if slices.Contains(closers, token.Type) {
			depth--
		}
		deepest = max(deepest, depth)
	}
	return deepest
}

// FuzzMeasure holds the meter to HCL's scanner: what the scanner finds deeper than
// the bound, the meter refuses.
func FuzzMeasure(f *testing.F) {
	for _, seed := range []string{
		"a = [", "\"$\"[", "\"$$[\"", "\"$${\"[", "\"$$${[", "\"%{\"", "<<X\n$\nX\n[", "<<X\n X \n[", "<<X\n${[}X\nX\n[", "<<-X\r\nX\r\n[", "/* [ ", "/*/[", "#\r[\n[",
		"\"\\\n\"[", "\"\\", "\xef\xbb\xbf[", "<<é\né\n[", "\"${~\"[\"~}\"[", "}\"${[}\"(", "<<X\n\rX\n[", "<<1\n[", "\"\\${\"[", "\"$\\\"[\"", "<<X\n%%{\nX\n[", "<<X\n\u00a0X\n[", "//\n[", "\"%\"[",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 4096 {
			return
		}
		// What follows a text shows in which state the scanner is left: repeated, it
		// must be refused whenever the scanner nests on it.
		deep := append(append([]byte{}, src...), strings.Repeat("[", MaxDepth+1)...)
		if lexed(deep) > MaxDepth && len(src) < MaxDepth/2 && lexed(deep)-lexed(src) > MaxDepth/2 && measureNative(deep, false) == nil {
			t.Errorf("the scanner finds %q %d deep, the meter does not", src, lexed(deep))
		}
	})
}
