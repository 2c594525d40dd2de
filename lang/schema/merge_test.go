package schema_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/schema"
)

// completed declares a block that others complete.
func completed() *schema.Block {
	inner := &schema.Block{Type: "inner", Doc: "Inner.", Arguments: []schema.Argument{{Name: "a", Type: schema.String, Doc: "A."}, {Name: "b", Type: schema.String, Doc: "B."}}}
	return &schema.Block{
		Type: "thing", Doc: "A thing.", CompletedBy: "others",
		Arguments: []schema.Argument{
			{Name: "others", Type: schema.Any, Doc: "Others."},
			{Name: "a", Type: schema.String, Required: true, Doc: "A."},
			{Name: "b", Type: schema.String, Doc: "B."},
		},
		Blocks: []schema.Nested{
			{Min: 1, Max: 1, Block: &schema.Block{
				Type: "one", Doc: "One.",
				Arguments: []schema.Argument{{Name: "a", Type: schema.String, Required: true, Doc: "A."}, {Name: "b", Type: schema.String, Doc: "B."}},
				Blocks:    []schema.Nested{{Max: 1, Block: inner}, {Block: &schema.Block{Type: "each", Doc: "Each.", Arguments: []schema.Argument{{Name: "a", Type: schema.String, Doc: "A."}}}}},
			}},
			{Min: 1, Block: &schema.Block{Type: "many", Doc: "Many.", Arguments: []schema.Argument{{Name: "a", Type: schema.String, Required: true, Doc: "A."}}}},
		},
	}
}

func decodeAs(declared *schema.Block, body string) (*schema.Values, hcl.Diagnostics) {
	file, diags := hclsyntax.ParseConfig([]byte("thing {\n"+body+"}\n"), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		panic(body + diags.Error())
	}
	parsed, diags := schema.Parse(file.Body.(*hclsyntax.Body).Blocks[0].AsHCLBlock(), declared)
	values, more := parsed.Decode(&hcl.EvalContext{Variables: map[string]cty.Value{"unknown": cty.UnknownVal(cty.String)}})
	return values, append(diags, more...)
}

// tree is a block as a model: what Merge must come to is computed of it.
type tree struct {
	arguments map[string]string
	single    map[string]*tree
	lists     map[string][]string
}

func drawTree(t *rapid.T, declared *schema.Block) *tree {
	out := &tree{arguments: map[string]string{}, single: map[string]*tree{}, lists: map[string][]string{}}
	for _, argument := range declared.Arguments {
		if argument.Name != "others" && rapid.Bool().Draw(t, "has "+argument.Name) {
			out.arguments[argument.Name] = rapid.StringMatching("[a-z]{1,3}").Draw(t, argument.Name)
		}
	}
	for _, nested := range declared.Blocks {
		if nested.Max == 1 {
			if rapid.Bool().Draw(t, "has "+nested.Type) {
				out.single[nested.Type] = drawTree(t, nested.Block)
			}
			continue
		}
		out.lists[nested.Type] = rapid.SliceOfN(rapid.StringMatching("[a-z]{1,3}"), 0, 3).Draw(t, nested.Type)
	}
	return out
}

// over is the model of merging.
func (t *tree) over(below *tree) *tree {
	out := &tree{arguments: maps.Clone(below.arguments), single: maps.Clone(below.single), lists: map[string][]string{}}
	maps.Copy(out.arguments, t.arguments)
	for name, mine := range t.single {
		if theirs, both := below.single[name]; both {
			mine = mine.over(theirs)
		}
		out.single[name] = mine
	}
	for name := range t.lists {
		out.lists[name] = slices.Concat(below.lists[name], t.lists[name])
	}
	for name := range below.lists {
		out.lists[name] = slices.Concat(below.lists[name], t.lists[name])
	}
	return out
}

// write is the tree as HCL.
func (t *tree) write() string {
	var b strings.Builder
	for _, name := range schema.SortedKeys(t.arguments) {
		fmt.Fprintf(&b, "%s = %q\n", name, t.arguments[name])
	}
	for _, name := range schema.SortedKeys(t.single) {
		fmt.Fprintf(&b, "%s {\n%s}\n", name, t.single[name].write())
	}
	for _, name := range schema.SortedKeys(t.lists) {
		for _, a := range t.lists[name] {
			fmt.Fprintf(&b, "%s {\na = %q\n}\n", name, a)
		}
	}
	return b.String()
}

// read is what was decoded, as HCL.
func read(v *schema.Values, declared *schema.Block) string {
	out := &tree{arguments: map[string]string{}, single: map[string]*tree{}, lists: map[string][]string{}}
	var b strings.Builder
	for _, argument := range declared.Arguments {
		if argument.Name != "others" && v.Has(argument.Name) {
			out.arguments[argument.Name] = v.String(argument.Name)
		}
	}
	b.WriteString(out.write())
	for _, nested := range declared.Blocks {
		if nested.Max == 1 && v.One(nested.Type) != nil {
			fmt.Fprintf(&b, "%s {\n%s}\n", nested.Type, read(v.One(nested.Type), nested.Block))
		}
		if nested.Max != 1 {
			for _, block := range v.Blocks(nested.Type) {
				fmt.Fprintf(&b, "%s {\na = %q\n}\n", nested.Type, block.String("a"))
			}
		}
	}
	return b.String()
}

// Merging is as its model says, in whichever order it is done, and nothing is lost
// or changed by it.
func TestMerge(t *testing.T) {
	declared := completed()
	optional := schema.Optional(declared)
	rapid.Check(t, func(t *rapid.T) {
		var trees []*tree
		var values []*schema.Values
		for range rapid.IntRange(1, 4).Draw(t, "layers") {
			layer := drawTree(t, declared)
			v, diags := decodeAs(optional, layer.write())
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			trees, values = append(trees, layer), append(values, v)
		}
		last := len(trees) - 1
		want := trees[0]
		for _, layer := range trees[1:] {
			want = layer.over(want)
		}
		merged := schema.Merge(values[last], values[:last]...)
		if diff := cmp.Diff(want.write(), read(merged, declared)); diff != "" {
			t.Fatal(diff)
		}
		stepwise := values[last]
		for i := last - 1; i >= 0; i-- {
			stepwise = schema.Merge(stepwise, values[i])
		}
		if diff := cmp.Diff(read(merged, declared), read(stepwise, declared)); diff != "" {
			t.Fatal("from the top:", diff)
		}
		for i := range trees {
			if diff := cmp.Diff(trees[i].write(), read(values[i], declared)); diff != "" {
				t.Fatal("a layer was changed:", diff)
			}
		}
	})
}

// What is missing is told of the whole, and only of it.
func TestComplete(t *testing.T) {
	tests := map[string]struct {
		top, below string
		want       []string
	}{
		"all from below":     {"others = 1\n", "a = \"x\"\none {\na = \"x\"\n}\nmany {\na = \"x\"\n}\n", nil},
		"nothing":            {"others = 1\n", "", []string{"Missing required argument 1", "Missing block 1", "Missing block 1"}},
		"a part of a block":  {"others = 1\nmany {\na = \"x\"\n}\none {\nb = \"x\"\n}\n", "a = \"x\"\none {\na = \"x\"\n}\n", nil},
		"what no one says":   {"others = 1\nmany {\na = \"x\"\n}\none {\nb = \"x\"\n}\n", "a = \"x\"\none {\nb = \"y\"\n}\n", []string{"Missing required argument 6"}},
		"in one from below":  {"others = 1\nmany {\na = \"x\"\n}\n", "a = \"x\"\none {\nb = \"y\"\n}\n", []string{"Missing required argument 1"}},
		"it is null":         {"others = 1\na = null\nmany {\na = \"x\"\n}\none {\na = \"x\"\n}\n", "a = \"x\"\n", nil},
		"it is null in all":  {"others = 1\na = null\nmany {\na = \"x\"\n}\none {\na = \"x\"\n}\n", "", []string{"Missing required argument 1"}},
		"none by a dynamic":  {"others = 1\na = \"x\"\ndynamic \"many\" {\nfor_each = []\ncontent {\na = \"x\"\n}\n}\none {\na = \"x\"\n}\n", "", []string{"Missing block 1"}},
		"without the others": {"b = \"x\"\nmany {\na = \"x\"\n}\none {\na = \"x\"\n}\n", "a = \"x\"\n", []string{"Missing required argument 1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			top, diags := decodeAs(completed(), test.top)
			below, more := decodeAs(schema.Optional(completed()), test.below)
			if more.HasErrors() {
				t.Fatal(more)
			}
			diags = append(diags, schema.Merge(top, below).Complete()...)
			var got []string
			for _, diag := range diags {
				got = append(got, fmt.Sprintf("%s %d", diag.Summary, diag.Subject.Start.Line))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff, diags)
			}
		})
	}
}

// What is not known below is not known in the whole.
func TestMergeUnknown(t *testing.T) {
	top, _ := decodeAs(completed(), "others = 1\n")
	below, _ := decodeAs(schema.Optional(completed()), "a = unknown\n")
	if merged := schema.Merge(top, below); merged.Known() || !merged.Has("a") || top.Has("a") {
		t.Errorf("known is %v", merged.Known())
	}
}
