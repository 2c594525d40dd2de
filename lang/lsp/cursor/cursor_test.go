package cursor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe renders a cursor on one line.
func describe(c Cursor) string {
	var b strings.Builder
	b.WriteString([]string{"nowhere", "item", "label", "text", "expression"}[c.Place])
	for _, block := range c.Blocks {
		fmt.Fprintf(&b, " %s", strings.Join(append([]string{block.Type}, block.Labels...), ":"))
	}
	if c.Argument != "" {
		fmt.Fprintf(&b, " %s=", c.Argument)
	}
	if c.Steps != nil || c.Opaque {
		b.WriteString(" ")
	}
	for _, step := range c.Steps {
		if step.Each {
			b.WriteString("*.")
		} else {
			b.WriteString(step.Name + ".")
		}
	}
	if c.Opaque {
		b.WriteString("?.")
	}
	if c.Word != "" {
		fmt.Fprintf(&b, " %q", c.Word)
	}
	if len(c.Locals) > 0 {
		fmt.Fprintf(&b, " %v", c.Locals)
	}
	return b.String()
}

func TestPlaces(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"|", "item"},
		{"clu|ster", `item "clu"`},
		{"a \"b\" {}\nclu|", `item "clu"`},
		{"cluster |", "nowhere"},
		{"generator \"g|", `label generator "g"`},
		{"generator \"git\" \"|\" {", "label generator:git"},
		{"application \"a\" {\n  |\n}", "item application:a"},
		{"application \"a\" {\n  # text |", "nowhere application:a"},
		{"application \"a\" {\n  source { # text\n pa|", `item application:a source "pa"`},
		{"application \"a\" {\n  source {\n}\n pa|", `item application:a "pa"`},
		{"application \"a\" {\n  project = |", "expression application:a project="},
		{"application \"a\" {\n  project = project.|", "expression application:a project= project."},
		{"application \"a\" {\n  project = project.p|x\n}", `expression application:a project= project. "p"`},
		{"a {\n  b = \"x\"\n  c = \"te|", `text a c= "te"`},
		{"a {\n  c = [\"x\", \"te|\"]", `text a c= "te"`},
		{"a {\n  c = \"x${local.en|}\"", `expression a c= local. "en"`},
		{"a {\n  c = \"x${local.a}te|\"", `nowhere a c= "x${local.a}te"`},
		{"a {\n  c = <<EOT\n text ${ var.|", "expression a c= var."},
		{"a {\n  c = <<EOT\n text |", "nowhere a c="},
		{"a {\n  c = <<EOT\n text\nEOT\n  d|", `item a "d"`},
		{"a {\n  c = local.env[\"prod\"].re|", `expression a c= local.env.prod. "re"`},
		{"a {\n  c = local.env[each.key].list[*].|", "expression a c= local.env.*.list.*."},
		{"a {\n  c = local.env[local.x[\"b\"]].|", "expression a c= local.env.*."},
		{"a {\n  c = f(local.x).|", "expression a c= ?."},
		{"a {\n  c = f(local.x, va|", `expression a c= "va"`},
		{"a {\n  c = { k|", `nowhere a c= "k"`},
		{"a {\n  c = { k = v|", `expression a c= "v"`},
		{"a {\n  c = {\n k = 1\n l|", `nowhere a c= "l"`},
		{"a {\n  c = { k = 1, l = m|", `expression a c= "m"`},
		{"a {\n  c = { for k, v in local.x : k => v|", `expression a c= "v" [k v]`},
		{"a {\n  c = [for v in local.x : v.|", "expression a c= v. [v]"},
		{"a {\n  c = fn::|", "expression a c= fn."},
		{"a {\n  c = fn::na|", `expression a c= fn. "na"`},
		{"a {\n  c = x ? local.|", "expression a c= local."},
		{"a {\n  dynamic \"source\" {\n    content {\n      pa|", `item a dynamic:source content "pa"`},
	} {
		offset := strings.Index(test.src, "|")
		src := strings.Replace(test.src, "|", "", 1)
		if diff := cmp.Diff(test.want, describe(At([]byte(src), 0, offset))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.src, diff)
		}
	}
}

// TestPlacesInBrokenFiles: what is not closed on one line costs that line.
func TestPlacesInBrokenFiles(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"a {\n  b = \"not closed\n  c = local.|\n}", "expression a c= local."},
		{"a {\n  b = \"${local.x\n  c = local.|", "expression a c= local."},
		{"a {\n  b = [\"x\"\n  c = local.|", "expression a c= local."},
		{"a {\n  b = f(1, \n  c = {\n d = var.|", "expression a c= var."},
		{"a {\n  b = (1]\n  c = var.|", "expression a c= var."},
		{"}}}]]\na {\n  b|", `item a "b"`},
		{"a {\n  b = {\n x = [1, 2\n }\n  c|", `item a "c"`},
		{"\x00\xff\n a|", `item "a"`},
		{strings.Repeat("a = \"\n", maxRecoveries) + "b|", `item "b"`},
	} {
		offset := strings.Index(test.src, "|")
		src := strings.Replace(test.src, "|", "", 1)
		if diff := cmp.Diff(test.want, describe(At([]byte(src), 0, offset))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.src, diff)
		}
	}
}

func TestItemsAreCounted(t *testing.T) {
	src := "a \"x\" {\n  one = 1\n  source {\n    inner = 1\n  }\n  |\n  source {\n two = 1\n }\n  three = \"${x}\" # c\n  four = {\n five = 1\n }\n}\nsix = 1\n"
	c := At([]byte(strings.Replace(src, "|", "", 1)), 0, strings.Index(src, "|"))
	want := map[string]int{"one": 1, "source": 2, "three": 1, "four": 1}
	if diff := cmp.Diff(want, c.Blocks[0].Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// TestBlocksHaveTheirOffsets: a place is found from the start of its block as well as
// from that of the file.
func TestBlocksHaveTheirOffsets(t *testing.T) {
	src := "locals {\n  a = \"x\"\n}\n\nb \"c\" {\n  d = e."
	start := strings.Index(src, "b \"c\"")
	whole, part := At([]byte(src), 0, len(src)), At([]byte(src), start, len(src))
	if diff := cmp.Diff(whole, part); diff != "" || whole.Blocks[0].Start != start {
		t.Errorf("the block starts at %d (-whole +part):\n%s", whole.Blocks[0].Start, diff)
	}
}

func FuzzAt(f *testing.F) {
	f.Add("a {\n b = \"${c[\"x\"].\n}", 12)
	f.Add("a = [for x in <<E\n${\nE\n : {", 20)
	f.Fuzz(func(_ *testing.T, src string, offset int) {
		At([]byte(src), 0, offset)
		if offset >= 0 && offset <= len(src) {
			At([]byte(src), offset/2, offset)
		}
	})
}
