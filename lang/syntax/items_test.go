package syntax

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// everything has every kind of expression, and lines that end in every way.
const everything = "\xef\xbb\xbf# é\r\na \"b\" c {\r\n  d = 1 # x\r\n}\r\n" + `
locals { x = 1 }

locals {
  a = -b.c[0]["d"][e] + (f ? g : !h) * 1.5e3
  i = [for k, v in l : "${k}-${v}%{ if v }x%{ else }y%{ endif }" if v != null]
  m = { for k in n : k => k... }
  o = p[*].q[0].*.r
  s = t.*.u[*]
  w = upper(x...) == null || fn::y("é$${z}", <<-EOT
    }
    ${a}%{ for b in c }
    ${b}
    %{ endfor }
  EOT
  )
  aa = { b = 1, (c) : 2, "d" = { }, e : [] }
  ab = "${ac}"
  ad = ae(af)[ag].ah
  ai = (aj).ak
} // end
/* }
*/
b {
  c {} # d
}
d = {
}
e {
}`

// corpus is files that people write, and what is wrong with them.
func corpus(t testing.TB) map[string][]byte {
	files := map[string][]byte{"everything": []byte(everything), "nothing": nil, "blank": []byte("\n"), "comment": []byte("# x")}
	for _, pattern := range []string{"../testdata/*/*.hcl", "../../examples/*/*.hcl", "../../examples/*/*/*.hcl"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = src
		}
	}
	return files
}

func TestItemsAreWhatTheWholeFileIs(t *testing.T) {
	several := 0
	for name, src := range corpus(t) {
		if items, _ := Split(src, name); len(items) > 2 {
			several++
		}
		checkItems(t, name, src)
	}
	if several < 10 {
		t.Errorf("only %d files have several items", several)
	}
}

// A mistake in one item is not one in another.
func TestItemsAreReadAlone(t *testing.T) {
	src := "a {\n  b = [1\n}\nc {\n  d = ]\n}\ne {\n}\nf = 1\ng {\n}\nf = 2\n"
	file, diags := Parse([]byte(strings.Replace(src, "f = 2", "h = 2", 1)), "a.gantry.hcl")
	var lines []int
	for _, diag := range diags {
		lines = append(lines, diag.Subject.Start.Line)
	}
	if body := file.Body.(*hclsyntax.Body); len(body.Blocks) != 4 || !reflect.DeepEqual(lines, []int{3, 5}) {
		t.Errorf("%d blocks, and mistakes in the lines %d: %v", len(body.Blocks), lines, diags)
	}
	if _, diags = Parse([]byte("f = 1\ng {\n}\nf = 2\n"), "a.gantry.hcl"); len(diags) != 1 || diags[0].Summary != "Attribute redefined" {
		t.Errorf("got %v", diags)
	}
}

func FuzzItems(f *testing.F) {
	for _, src := range corpus(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkItems(t, "fuzz", src) })
}

// checkItems holds that a file which is sound is the same as HCL reads it in one, one
// that is not is not, and that items which are moved are as parsed where they came to be.
func checkItems(t *testing.T, name string, src []byte) {
	t.Helper()
	items, diags := Split(src, name)
	if diags.HasErrors() {
		return
	}
	var again []byte
	for i := range items {
		again = append(again, items[i].Text...)
		items[i] = items[i].Parse(name)
	}
	if !bytes.Equal(again, src) {
		t.Errorf("%s: the items are not the file", name)
	}
	whole, wholeDiags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	got, diags := Join(src, name, items)
	if wholeDiags.HasErrors() != diags.HasErrors() {
		t.Errorf("%s: HCL says %v, and of the items %v", name, wholeDiags, diags)
	}
	if !wholeDiags.HasErrors() {
		// Of the range of all there is, HCL has it begin where the first token does.
		if got.Body.(*hclsyntax.Body).SrcRange.End != whole.Body.(*hclsyntax.Body).SrcRange.End {
			t.Errorf("%s: the file ends elsewhere", name)
		}
		if !reflect.DeepEqual(whole.Body, got.Body) {
			t.Errorf("%s: the items are not what HCL reads", name)
		}
	}
	for _, item := range items {
		start := hcl.Pos{Line: item.Start.Line + 3, Column: 1, Byte: item.Start.Byte + 71}
		want := Item{Text: item.Text, Start: start}.Parse(name)
		moved := item.Moved(name, start)
		if !reflect.DeepEqual(want, moved) {
			t.Errorf("%s: an item is another thing when it is moved:\n%s", name, item.Text)
		}
		if !reflect.DeepEqual(item, moved.Moved(name, item.Start)) {
			t.Errorf("%s: an item does not come back:\n%s", name, item.Text)
		}
	}
}
