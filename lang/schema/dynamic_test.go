package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// nest declares a block with blocks in blocks.
func nest() *schema.Block {
	leaf := &schema.Block{Type: "leaf", Doc: "A leaf.", Arguments: []schema.Argument{{Name: "text", Type: schema.String, Required: true, Doc: "Text."}}}
	return &schema.Block{Type: "thing", Doc: "A thing.", Blocks: []schema.Nested{
		{Max: 1, Block: &schema.Block{Type: "one", Doc: "One.", Arguments: []schema.Argument{{Name: "text", Type: schema.String, Doc: "Text."}}}},
		{Min: 1, Block: &schema.Block{
			Type: "many", Labels: []string{"name"}, Doc: "Many.",
			Arguments: []schema.Argument{{Name: "text", Type: schema.String, Doc: "Text."}},
			Blocks:    []schema.Nested{{Block: leaf}},
		}},
	}}
}

func context() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: map[string]cty.Value{
		"unknown": cty.DynamicVal, "secret": cty.ListVal([]cty.Value{cty.StringVal("hunter2")}).Mark(value.Sensitive),
		"partly": cty.ListVal([]cty.Value{cty.StringVal("hunter2").Mark(value.Sensitive)}),
	}}
}

func decodeNest(t *testing.T, body string) (*schema.Values, hcl.Diagnostics) {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte("thing {\n"+body+"\n}\n"), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return decodeBlock(file.Body.(*hclsyntax.Body).Blocks[0].AsHCLBlock())
}

func decodeBlock(block *hcl.Block) (*schema.Values, hcl.Diagnostics) {
	parsed, diags := schema.Parse(block, nest())
	values, more := parsed.Decode(context())
	return values, append(diags, more...)
}

// show is what was decoded, as text.
func show(v *schema.Values) []string {
	var out []string
	for _, many := range v.Blocks("many") {
		line := strings.Join(many.Labels, ",") + "=" + many.String("text")
		for _, leaf := range many.Blocks("leaf") {
			line += " " + leaf.String("text")
		}
		out = append(out, line)
	}
	return out
}

func TestDynamic(t *testing.T) {
	tests := map[string]struct {
		body string
		want []string
	}{
		"a map, by key": {
			`dynamic "many" {
				for_each = { b = 2, a = 1 }
				labels   = [many.key]
				content { text = many.value }
			}`, []string{"a=1", "b=2"},
		},
		"a list, in order, among others": {
			`many "first" {}
			dynamic "many" {
				for_each = ["y", "x"]
				labels   = ["${many.key}"]
				content { text = many.value }
			}
			many "last" {}`, []string{"first=", "0=y", "1=x", "last="},
		},
		"another iterator": {
			`dynamic "many" {
				for_each = ["x"]
				iterator = it
				labels   = [it.value]
				content { text = it.key }
			}`, []string{"x=0"},
		},
		"nested": {
			`dynamic "many" {
				for_each = { a = ["p", "q"], b = [] }
				labels   = [many.key]
				content {
					text = "t"
					leaf { text = "first" }
					dynamic "leaf" {
						for_each = many.value
						content { text = "${many.key}${leaf.value}" }
					}
				}
			}`, []string{"a=t first ap aq", "b=t first"},
		},
		"in a block that is written": {
			`many "m" {
				dynamic "leaf" {
					for_each = ["p"]
					content { text = leaf.value }
				}
			}`, []string{"m= p"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v, diags := decodeNest(t, test.body)
			if len(diags) > 0 || !v.Known() {
				t.Fatalf("known is %v: %v", v.Known(), diags)
			}
			if diff := cmp.Diff(test.want, show(v)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDynamicInJSON(t *testing.T) {
	file, diags := json.Parse([]byte(`{"thing": {
		"one": {"text": "o"},
		"dynamic": {"many": {
			"for_each": {"a": ["p"]}, "iterator": "it", "labels": ["${it.key}"],
			"content": {"text": "${it.key}!", "dynamic": {"leaf": {"for_each": "${it.value}", "content": {"text": "${leaf.value}"}}}}
		}}
	}}`), "x.json")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "thing"}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := decodeBlock(content.Blocks[0])
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if diff := cmp.Diff([]string{"a=a! p"}, show(v)); diff != "" || v.One("one").String("text") != "o" {
		t.Error(diff)
	}
}

// Where it is not known how many blocks there are, nothing is missing or too much,
// and what is wrong in the content is still told.
func TestDynamicUnknown(t *testing.T) {
	v, diags := decodeNest(t, `dynamic "many" {
		for_each = unknown
		labels   = [many.key]
		content { text = many.value.anything }
	}
	one {}
	dynamic "one" {
		for_each = unknown
		content {}
	}`)
	if len(diags) > 0 || v.Known() {
		t.Errorf("known is %v: %v", v.Known(), diags)
	}
	_, diags = decodeNest(t, `dynamic "many" {
		for_each = unknown
		labels   = ["a"]
		content { text = [] }
	}`)
	if len(diags) != 1 || diags[0].Summary != "Unsuitable value" {
		t.Errorf("got %v", diags)
	}
}

func TestDynamicRefuses(t *testing.T) {
	const many = `many "m" {}` + "\n"
	tests := map[string]struct{ body, summary, detail string }{
		"a type that there is not": {many + `dynamic "ones" {` + "\nfor_each = []\n content {}\n}", "Unsupported block type", `Did you mean "one"?`},
		"no for_each":              {many + `dynamic "one" {` + "\n content {}\n}", "Missing required argument", `"for_each"`},
		"no content":               {many + `dynamic "one" {` + "\nfor_each = []\n}", "Missing block", "content block"},
		"two contents":             {many + `dynamic "one" {` + "\nfor_each = []\n content {}\n content {}\n}", "Duplicate block", "one content block"},
		"another argument":         {many + `dynamic "one" {` + "\nfor_each = []\n foreach = []\n content {}\n}", "Unsupported argument", "for_each"},
		"an iterator in quotes":    {many + `dynamic "one" {` + "\nfor_each = []\n iterator = \"a b\"\n content {}\n}", "Invalid iterator", "without quotes"},
		"labels":                   {many + `dynamic "one" {` + "\nfor_each = []\n labels = []\n content {}\n}", "Unsupported argument", "no labels"},
		"no labels":                {`dynamic "many" {` + "\nfor_each = [1]\n content {}\n}", "Missing required argument", `"labels"`},
		"other labels":             {`dynamic "many" {` + "\nfor_each = [1]\n labels = [\"a\", \"b\"]\n content {}\n}", "Invalid labels", "1 string"},
		"a label that is none":     {`dynamic "many" {` + "\nfor_each = [1]\n labels = [[]]\n content {}\n}", "Invalid labels", "a list"},
		"a sensitive label":        {`dynamic "many" {` + "\nfor_each = partly\n labels = [many.value]\n content {}\n}", "Invalid labels", "sensitive"},
		"too many":                 {many + `dynamic "one" {` + "\nfor_each = [1, 2]\n content {}\n}", "Duplicate block", "there are 2"},
		"too few":                  {`dynamic "many" {` + "\nfor_each = []\n labels = []\n content {}\n}", "Missing block", "gives none"},
		"a string":                 {many + `dynamic "one" {` + "\nfor_each = \"a\"\n content {}\n}", "Invalid for_each argument", "a string"},
		"null":                     {many + `dynamic "one" {` + "\nfor_each = null\n content {}\n}", "Invalid for_each argument", "give []"},
		"a sensitive value":        {many + `dynamic "one" {` + "\nfor_each = secret\n content {}\n}", "Invalid for_each argument", "sensitive"},
		"a broken expression":      {many + `dynamic "one" {` + "\nfor_each = [1][many]\n content {}\n}", "Unknown variable", "many"},
		"sensitive content":        {many + `dynamic "one" {` + "\nfor_each = partly\n content { text = one.value }\n}", "Sensitive value not allowed here", "text"},
		"what is missing in it":    {"many \"m\" {\n dynamic \"leaf\" {\nfor_each = []\n content {}\n}\n}", "Missing required argument", `"text"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v, diags := decodeNest(t, test.body)
			if len(diags) != 1 || diags[0].Summary != test.summary || !strings.Contains(diags[0].Detail, test.detail) || diags[0].Subject == nil {
				t.Fatalf("got %v", diags)
			}
			if v == nil {
				t.Fatal("there are no values")
			}
		})
	}
}

// An iterator is no reference to a block; what for_each itself says is one.
func TestDynamicReferences(t *testing.T) {
	file, diags := hclsyntax.ParseConfig([]byte(`thing {
		dynamic "many" {
			for_each = cluster.a
			labels   = [many.key, local.b]
			content {
				text = many.value + each.key
				dynamic "leaf" {
					for_each = [many.value, leaf.value]
					iterator = cluster
					content { text = "${cluster.value}${many.value}${leaf.key}" }
				}
			}
		}
	}`), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	parsed, _ := schema.Parse(file.Body.(*hclsyntax.Body).Blocks[0].AsHCLBlock(), nest())
	var got []string
	parsed.Walk(func(p *schema.Parsed, _ schema.Argument, attribute *hcl.Attribute) {
		for _, traversal := range p.WithoutIterators(schema.Variables(attribute.Expr)) {
			got = append(got, attribute.Name+": "+traversal.RootName())
		}
	})
	if diff := cmp.Diff([]string{"for_each: cluster", "labels: local", "text: each", "for_each: leaf", "text: leaf"}, got); diff != "" {
		t.Error(diff)
	}
}
