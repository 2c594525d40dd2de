package generate_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// object makes an object of names and values by turns.
func attributes(pairs ...any) cty.Value {
	out := map[string]cty.Value{}
	for i := 0; i < len(pairs); i += 2 {
		var v cty.Value
		switch given := pairs[i+1].(type) {
		case string:
			v = cty.StringVal(given)
		case int:
			v = cty.NumberIntVal(int64(given))
		case cty.Value:
			v = given
		default:
			panic(fmt.Sprintf("%T", given))
		}
		out[pairs[i].(string)] = v
	}
	return cty.ObjectVal(out)
}

func item(key string, v cty.Value) generate.Item {
	return generate.Item{Key: key, Value: v, Origin: key}
}

// show renders items as lines.
func show(items []generate.Item) string {
	var b strings.Builder
	for _, item := range items {
		fmt.Fprintf(&b, "%s: %s\n", item.Key, value.Text(item.Value))
	}
	return b.String()
}

// problems renders what is wrong as lines.
func problems(err error) string {
	var b strings.Builder
	for _, p := range generate.Problems(err, "Other") {
		fmt.Fprintf(&b, "[%s] %s: %s\n", p.Argument, p.Summary, p.Detail)
	}
	return b.String()
}

func check(t *testing.T, items []generate.Item, err error, want, wantProblems string) {
	t.Helper()
	if err != nil {
		items = nil
	}
	if diff := cmp.Diff(want, show(items)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantProblems, problems(err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCollect(t *testing.T) {
	labels := func(pairs ...any) cty.Value { return attributes("labels", attributes(pairs...)) }
	items, err := generate.Collect([]generate.Item{
		item("b", labels("tier", "canary")), item("a", labels("region", "eu")), item("c", attributes("labels", "no object")), item("d", cty.StringVal("x")),
		item("e", attributes("labels", cty.MapVal(map[string]cty.Value{"zone": cty.StringVal("1")}))),
	})
	check(t, items, err, `a: { labels = { region = "eu", tier = null, zone = null } }
b: { labels = { region = null, tier = "canary", zone = null } }
c: { labels = "no object" }
d: "x"
e: { labels = { region = null, tier = null, zone = "1" } }
`, "")
	items, err = generate.Collect([]generate.Item{item("b", labels()), item("a", labels()), item("b", labels()), item("a", labels()), item("c", labels())})
	check(t, items, err, "", `[] Duplicate generator key: Two items have the key "a": a and a. Applications made of them could not be told apart.
[] Duplicate generator key: Two items have the key "b": b and b. Applications made of them could not be told apart.
`)
	if _, err := generate.Collect([]generate.Item{item("caf\u00e9", labels()), item("cafe\u0301", labels())}); err == nil {
		t.Error("two ways to write one text are two keys")
	}
}

func TestMatrix(t *testing.T) {
	a := []generate.Item{item("a", attributes("x", 1, "key", "a")), item("b", attributes("x", 2, "key", "b"))}
	b := []generate.Item{item("c", attributes("y", 3, "key", "c", "same", "s"))}
	c := []generate.Item{item("d", attributes("same", "s"))}
	items, err := generate.Matrix([][]generate.Item{a, b, c})
	check(t, items, err, `a/c/d: { key = "a/c", same = "s", x = 1, y = 3 }
b/c/d: { key = "b/c", same = "s", x = 2, y = 3 }
`, "")
	items, err = generate.Matrix([][]generate.Item{a, nil, c})
	check(t, items, err, "", "")
	items, err = generate.Matrix([][]generate.Item{a, {item("e", attributes("x", 1, "y", 2))}, {item("f", attributes("y", 3))}})
	check(t, items, err, "", `[generators] Conflicting generator items: The items b and e both have the attribute "x", with different values. Leave one of them out, with a generator "list" over what is needed of it.
`)
	many := make([]generate.Item, 1001)
	for i := range many {
		many[i] = item(fmt.Sprint(i), cty.EmptyObjectVal)
	}
	_, err = generate.Matrix([][]generate.Item{many, many})
	check(t, nil, err, "", "[generators] Too many items: The items would be more than 1000000.\n")
}

func TestMerge(t *testing.T) {
	base := []generate.Item{
		item("eu", attributes("name", "eu", "zone", 1, "labels", attributes("tier", "one", "old", "x"), "list", cty.TupleVal([]cty.Value{cty.True}))),
		item("us", attributes("name", "us", "zone", 1)),
	}
	over := []generate.Item{
		item("1", attributes("name", "eu", "zone", 1, "labels", attributes("tier", "two", "new", "y", "old", cty.NullVal(cty.String)), "list", cty.EmptyTupleVal)),
		item("2", attributes("name", "eu", "zone", 2, "extra", 1)),
	}
	last := []generate.Item{item("3", attributes("name", "us", "zone", "1", "extra", "z"))}
	items, err := generate.Merge([][]generate.Item{base, over, last}, []string{"name", "zone"})
	check(t, items, err, `eu/1: { labels = { new = "y", old = "x", tier = "two" }, list = [], name = "eu", zone = 1 }
us/1: { extra = "z", name = "us", zone = "1" }
`, "")
	items, err = generate.Merge([][]generate.Item{base, {item("x", attributes("labels", attributes("tier", "one"), "seen", 1))}}, []string{"labels.tier"})
	check(t, items, err, "", `[keys] Missing merge key: The item us of element 0 has no "labels.tier", or it is null, so that it cannot be told what belongs to it.
`)
	items, err = generate.Merge([][]generate.Item{base[:1], {item("x", attributes("labels", attributes("tier", "one"), "seen", 1))}}, []string{"labels.tier"})
	check(t, items, err, `one: { labels = { old = "x", tier = "one" }, list = [true], name = "eu", seen = 1, zone = 1 }
`, "")
	items, err = generate.Merge([][]generate.Item{base, over}, []string{"zone"})
	check(t, items, err, "", `[generators] Duplicate merge key: The items eu and us of element 0 have the same zone, "1", so that it cannot be told which of them is meant. Add to keys what tells them apart.
`)
	items, err = generate.Merge([][]generate.Item{base[:1], base}, []string{"list"})
	check(t, items, err, "", `[keys] Invalid merge key: In the item eu of element 0, "list" must be a string, a number or a bool, but is a list.
[keys] Invalid merge key: In the item eu of element 1, "list" must be a string, a number or a bool, but is a list.
[keys] Missing merge key: The item us of element 1 has no "list", or it is null, so that it cannot be told what belongs to it.
`)
	_, err = generate.Merge([][]generate.Item{base, over}, nil)
	check(t, nil, err, "", "[keys] Missing merge keys: Merging needs at least one attribute to tell which items belong together.\n")
}

func TestFlatMap(t *testing.T) {
	outer := []generate.Item{item("eu", attributes("name", "eu")), item("us", attributes("name", "us"))}
	nested := attributes("eu", attributes("a", attributes("n", 1), "b", attributes("n", 2)), "us", cty.EmptyObjectVal)
	items, err := generate.FlatMap(outer, nested)
	check(t, items, err, "eu/a: { n = 1, name = \"eu\" }\neu/b: { n = 2, name = \"eu\" }\n", "")
	items, err = generate.Flat(nested)
	check(t, items, err, "eu/a: { n = 1 }\neu/b: { n = 2 }\n", "")
	for want, nested := range map[string]cty.Value{
		`[generators] Generators do not fit: The item "us" has nothing under its key: the second generator must have the first one as its for_each.`:                                                      attributes("eu", cty.EmptyObjectVal),
		`[generators] Generators do not fit: There is no item "ap" to go with what is under that key: the second generator must have the first one as its for_each.`:                                      attributes("eu", cty.EmptyObjectVal, "us", cty.EmptyObjectVal, "ap", cty.EmptyObjectVal),
		`[generators] Unsuitable value: What is flattened must be a generator with for_each, or a map of maps of objects, but is a string.`:                                                               cty.StringVal("x"),
		`[generators] Unsuitable value: Element 0 must be a generator, or a map of objects, but is a number.`:                                                                                             attributes("eu", 1, "us", cty.EmptyObjectVal),
		`[generators] Unsuitable value: Only objects can be combined, but the item "a" of element 0 is a string. Give it a name: { name = ... }.`:                                                         attributes("eu", attributes("a", "x"), "us", cty.EmptyObjectVal),
		`[generators] Conflicting generator items: The items eu and "a" both have the attribute "name", with different values. Leave one of them out, with a generator "list" over what is needed of it.`: attributes("eu", attributes("a", attributes("name", "x")), "us", cty.EmptyObjectVal),
	} {
		_, err := generate.FlatMap(outer, nested)
		check(t, nil, err, "", want+"\n")
	}
}

func TestSelector(t *testing.T) {
	labels := map[string]string{"env": "prod", "tier": "canary"}
	for text, test := range map[string]struct {
		selector generate.Selector
		want     bool
	}{
		"":                          {generate.Selector{}, true},
		"env=prod":                  {generate.Selector{MatchLabels: map[string]string{"env": "prod"}}, true},
		"env=dev":                   {generate.Selector{MatchLabels: map[string]string{"env": "dev"}}, false},
		"env=prod,region=eu":        {generate.Selector{MatchLabels: map[string]string{"region": "eu", "env": "prod"}}, false},
		"env in (dev,prod),!region": {generate.Selector{Expressions: []generate.Expression{{Key: "env", Operator: generate.In, Values: []string{"dev", "prod"}}, {Key: "region", Operator: generate.DoesNotExist}}}, true},
		"region notin (eu),tier":    {generate.Selector{Expressions: []generate.Expression{{Key: "region", Operator: generate.NotIn, Values: []string{"eu"}}, {Key: "tier", Operator: generate.Exists}}}, true},
		"env notin (prod)":          {generate.Selector{Expressions: []generate.Expression{{Key: "env", Operator: generate.NotIn, Values: []string{"prod"}}}}, false},
		"region in ()":              {generate.Selector{Expressions: []generate.Expression{{Key: "region", Operator: generate.In}}}, false},
		"!tier":                     {generate.Selector{Expressions: []generate.Expression{{Key: "tier", Operator: generate.DoesNotExist}}}, false},
		"env=prod,region":           {generate.Selector{MatchLabels: map[string]string{"env": "prod"}, Expressions: []generate.Expression{{Key: "region", Operator: generate.Exists}}}, false},
	} {
		if got := test.selector.Matches(labels); got != test.want || test.selector.String() != text {
			t.Errorf("%s: %t, written as %s", text, got, test.selector)
		}
	}
}

func TestNames(t *testing.T) {
	for patterns, want := range map[string]string{
		"":                 "prod-eu prod-us dev in/house",
		"*":                "prod-eu prod-us dev in/house",
		"prod-*":           "prod-eu prod-us",
		"prod-{eu,ap} dev": "prod-eu dev",
		"!prod-us":         "prod-eu dev in/house",
		"!dev prod-* dev":  "prod-eu prod-us",
		"prod-?s":          "prod-us",
	} {
		names, err := generate.ParseNames(strings.Fields(patterns))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"prod-eu", "prod-us", "dev", "in/house"} {
			if names.Match(name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v", patterns, got)
		}
	}
	for _, bad := range []string{"", "!", "[a"} {
		if _, err := generate.ParseNames([]string{bad}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	names, err := generate.ParseNames([]string{"a", "b*", "!c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d", "c"}, names.Missing([]string{"a", "b"})); diff != "" {
		t.Error(diff)
	}
}

func TestPatterns(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{"apps/web/a.yaml", "apps/web/prod/a.yaml", "apps/api/a.yaml", "apps/.x/a.yaml", ".github/a.yaml", "top.yaml"} {
		tree[name] = &fstest.MapFile{}
	}
	for _, test := range []struct {
		include, exclude, directories, files string
	}{
		{"*", "", "apps", "top.yaml"},
		{"**", "", "apps apps/api apps/web apps/web/prod", "apps/api/a.yaml apps/web/a.yaml apps/web/prod/a.yaml top.yaml"},
		{"apps/*", "", "apps/api apps/web", ""},
		{"apps/** apps/*", "apps/web/** apps/a?i", "apps", "apps/api/a.yaml"},
		{"**/*.yaml", "**/prod/*", "", "apps/api/a.yaml apps/web/a.yaml top.yaml"},
		{"apps/{web,api}", "", "apps/api apps/web", ""},
		{"nowhere/*", "", "", ""},
		{"", "*", "", ""},
	} {
		patterns := generate.Patterns{Include: strings.Fields(test.include), Exclude: strings.Fields(test.exclude)}
		for files, want := range map[bool]string{true: test.files, false: test.directories} {
			got, err := patterns.Match(tree, files)
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q without %q, files %t: %v, %v", test.include, test.exclude, files, got, err)
			}
		}
	}
	if _, err := (generate.Patterns{Include: []string{"*"}}).Match(brokenFS{}, true); err == nil {
		t.Error("what cannot be read is empty")
	}
}

// brokenFS cannot be read.
type brokenFS struct{}

func (brokenFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestDirectories(t *testing.T) {
	check(t, generate.Directories([]string{"a/B_c.d"}), nil,
		`a/B_c.d: { path = { basename = "B_c.d", basename_normalized = "b-c.d", path = "a/B_c.d", segments = ["a", "B_c.d"] } }
`, "")
}

func TestFiles(t *testing.T) {
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"ok/a.json":      "{\n\t\"n\": 9007199254740993, \"e\": \"\\ud83d\\ude00\", \"x\": null}",
		"ok/b.yaml":      "n: 1.5\nt: 2026-01-02\n",
		"ok/empty.yaml":  "# nothing\n",
		"ok/list.yaml":   "- key: one\n  n: 1\n- n: 2\n",
		"ok/none.json":   "[]",
		"bad/1.json":     `{"a": 1, "a": 2}`,
		"bad/2.yaml":     "a: 1\na: 2\n",
		"bad/3.json":     `"text"`,
		"bad/4.yaml":     "a: 1\n---\nb: 1\n",
		"bad/5.yaml":     "path: x\n",
		"bad/6.yaml":     "- a: 1\n- 2\n",
		"bad/7.yaml":     "- key: 1\n",
		"bad/8.json":     strings.Repeat("[", 300) + strings.Repeat("]", 300),
		"bad/9.json":     strings.Repeat(" ", 1<<20+1),
		"bad/a.json":     `{"a": 1e999999999999}`,
		"bad/b.json":     `{"a":`,
		"bad/c.yaml":     "a: &a [*a, *a]\n",
		"bad/d.yaml":     "a: .inf\n",
		"only/x.yaml":    "a: 1\n",
		"only/null.yaml": "null\n",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	read := func(pattern string) ([]generate.Item, error) {
		paths, err := generate.Patterns{Include: []string{pattern}}.Match(tree, true)
		if err != nil {
			t.Fatal(err)
		}
		return generate.Files(tree, paths)
	}
	items, err := read("ok/*")
	path := func(name string) string {
		return fmt.Sprintf(`path = { basename = "ok", basename_normalized = "ok", filename = %q, filename_normalized = %q, path = "ok", segments = ["ok"] }`, name, name)
	}
	check(t, items, err, `ok/a.json: { e = "😀", n = 9007199254740993, `+path("a.json")+`, x = null }
ok/b.yaml: { n = 1.5, `+path("b.yaml")+`, t = "2026-01-02" }
ok/empty.yaml: { `+path("empty.yaml")+` }
ok/list.yaml#one: { key = "one", n = 1, `+path("list.yaml")+` }
ok/list.yaml#363379742f: { n = 2, `+path("list.yaml")+` }
`, "")
	_, err = read("bad/*")
	check(t, nil, err, "", `[] Invalid generator file: The file bad/1.json cannot be used: the key "a" is given twice.
[] Invalid generator file: The file bad/2.yaml cannot be used: line 2: the key "a" was already given on line 1.
[] Invalid generator file: The file bad/3.json cannot be used: it must hold a mapping, but holds a string.
[] Invalid generator file: The file bad/4.yaml cannot be used: it holds 2 YAML documents; put them into a list.
[] Invalid generator file: The file bad/5.yaml cannot be used: it has a key "path", which would hide where the file is; rename it.
[] Invalid generator file: The file bad/6.yaml cannot be used: element 1: it must hold a mapping, but holds a number.
[] Invalid generator file: The file bad/7.yaml cannot be used: element 0: its attribute "key" must be a string, but is a number.
[] Invalid generator file: The file bad/8.json cannot be used: it is nested more than 256 deep.
[] Invalid generator file: The file bad/9.json cannot be used: it has 1048577 bytes; a file for a generator may have up to 1048576.
[] Invalid generator file: The file bad/a.json cannot be used: the number 1e999999999999 is out of range; put it in quotes if it is meant as text.
[] Invalid generator file: The file bad/b.json cannot be used: line 1: did not find expected node content.
[] Invalid generator file: The file bad/c.yaml cannot be used: line 1: the document is nested more than 256 deep.
[] Invalid generator file: The file bad/d.yaml cannot be used: line 1: the number .inf is out of range; put it in quotes if it is meant as text.
`)
	_, err = read("only/null.yaml")
	check(t, nil, err, "", "[] Invalid generator file: The file only/null.yaml cannot be used: it must hold a mapping, but holds null.\n")
}

func TestPlugin(t *testing.T) {
	request, err := generate.PluginRequest("previews", attributes("label", "x", "n", 1))
	if want := `{"applicationSetName":"previews","input":{"parameters":{"label":"x","n":1}}}`; err != nil || string(request) != want {
		t.Errorf("got %s, %v", request, err)
	}
	request, err = generate.PluginRequest("previews", cty.NilVal)
	if want := `{"applicationSetName":"previews","input":{"parameters":{}}}`; err != nil || string(request) != want {
		t.Errorf("got %s, %v", request, err)
	}
	if _, err := generate.PluginRequest("x", attributes("n", cty.UnknownVal(cty.String))); err == nil {
		t.Error("what is unknown was sent")
	}
	items, err := generate.PluginItems([]byte(`{"output": {"parameters": [{"id": "one", "n": 9007199254740993}, {"id": "two", "deep": {"a": [true]}}]}, "more": 1}`), "id")
	check(t, items, err, "one: { id = \"one\", n = 9007199254740993 }\ntwo: { deep = { a = [true] }, id = \"two\" }\n", "")
	items, err = generate.PluginItems([]byte(`{"output": {"parameters": []}}`), "id")
	check(t, items, err, "", "")
	for answer, want := range map[string]string{
		``:                                       `is not JSON: it ends too early`,
		`{`:                                      `is not JSON: it ends too early`,
		`{} {}`:                                  `is not JSON: there is more after the end of the value`,
		`{"output": 1, "output": 2}`:             `is not JSON: the key "output" is given twice`,
		`[]`:                                     `has no "output": it must be {"output": {"parameters": [...]}}`,
		`{"output": null}`:                       `has no "output": it must be {"output": {"parameters": [...]}}`,
		`{"output": {}}`:                         `has no list "output.parameters"; where there is no item, it must be an empty list`,
		`{"output": {"parameters": null}}`:       `has no list "output.parameters"; where there is no item, it must be an empty list`,
		`{"output": {"parameters": {}}}`:         `must have a list "output.parameters", but that is an object`,
		`{"output": {"parameters": [1]}}`:        `must hold objects, but element 0 of the answer is a number`,
		`{"output": {"parameters": [null]}}`:     `must hold objects, but element 0 of the answer is null`,
		`{"output": {"parameters": [{"a": 1}]}}`: `must name each item, but element 0 of the answer has no attribute "id"; say with the argument key which one names it`,
		`{"output": {"parameters": [{"id": 1}]}}`:    `has a fault in element 0 of the answer: its attribute "id" must be a string, but is a number`,
		`{"output": {"parameters": [{"id": null}]}}`: `has a fault in element 0 of the answer: its attribute "id" must be a string, but is null`,
	} {
		if _, err := generate.PluginItems([]byte(answer), "id"); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", answer, err, want)
		}
	}
}

func TestDecisions(t *testing.T) {
	resource := func(status any) object.Object {
		return object.Object{
			"apiVersion": "example.com/v1", "kind": "PlacementDecision", "metadata": map[string]any{"namespace": "gantry", "name": "web"}, "status": status,
		}
	}
	decisions, err := generate.Decisions(resource(map[string]any{"decisions": []any{
		map[string]any{"clusterName": "eu", "score": int64(9007199254740993)}, map[string]any{"clusterName": "us", "reason": ""},
	}}), "decisions", "clusterName")
	if err != nil || len(decisions) != 2 || decisions[0].Cluster != "eu" || value.Text(decisions[0].Value) != `{ clusterName = "eu", score = 9007199254740993 }` ||
		decisions[1].Origin != resource(nil).ID().String() {
		t.Errorf("got %+v, %v", decisions, err)
	}
	if decisions, err := generate.Decisions(resource(map[string]any{"decisions": []any{}}), "decisions", "clusterName"); err != nil || len(decisions) != 0 {
		t.Errorf("got %v, %v", decisions, err)
	}
	for want, status := range map[string]any{
		"has no status.decisions: what decides has not done so yet, or the list is called otherwise; say so with the argument status_list": map[string]any{"other": 1},
		"must have a list in status.decisions, but that is none":                                                                           map[string]any{"decisions": "x"},
		"has in status.decisions an element 0 that is no object":                                                                           map[string]any{"decisions": []any{"x"}},
		`has in status.decisions an element 1 without a text "clusterName"; say with the argument match_key what names the cluster`:        map[string]any{"decisions": []any{map[string]any{"clusterName": "eu"}, map[string]any{"clusterName": int64(1)}}},
	} {
		if _, err := generate.Decisions(resource(status), "decisions", "clusterName"); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := generate.Decisions(object.Object{"kind": "X"}, "decisions", "clusterName"); err == nil {
		t.Error("no status is an empty one")
	}
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		text            string
		removed, former int
		want            bool
	}{
		{"50%", 2, 4, false},
		{"50%", 3, 4, true},
		{"50%", 1, 1, true},
		{"0%", 1, 1000, true},
		{"0%", 0, 1000, false},
		{"100%", 5, 5, false},
		{"33%", 1, 3, true},
		{"2", 2, 4, false},
		{"2", 3, 4, true},
		{"0", 1, 4, true},
		{"0", 0, 4, false},
	} {
		limit, err := generate.ParseLimit(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := limit.Exceeded(test.removed, test.former); got != test.want || limit.String() != test.text {
			t.Errorf("%d of %d with %s: %t", test.removed, test.former, test.text, got)
		}
	}
	if (generate.Limit{}).Exceeded(100, 100) {
		t.Error("no limit is exceeded")
	}
	for _, bad := range []string{"", "%", "-1", "+1", "101%", "1.5", "half", "50 %", "99999999999999999999"} {
		if _, err := generate.ParseLimit(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if diff := cmp.Diff([]string{"a", "d"}, generate.Removed([]string{"a", "b", "d"}, []string{"b", "c"})); diff != "" {
		t.Error(diff)
	}
}

func TestDigest(t *testing.T) {
	a, b := item("a", attributes("n", 1)), item("b", attributes("n", 2))
	if generate.Digest([]generate.Item{a, b}) != generate.Digest([]generate.Item{b, a}) {
		t.Error("the order counts")
	}
	different := [][]generate.Item{nil, {a}, {a, b}, {a, item("b", attributes("n", 3))}, {item("an", attributes("n", 1))}}
	seen := map[string]bool{}
	for _, items := range different {
		seen[generate.Digest(items)] = true
	}
	if len(seen) != len(different) {
		t.Error("two lists have one digest")
	}
}
