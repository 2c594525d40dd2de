package yamldoc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

func TestScalarsAreThoseOfKubectl(t *testing.T) {
	tests := []struct {
		text string
		want any
	}{
		{"1", int64(1)},
		{"-9223372036854775808", int64(-9223372036854775808)},
		{"9223372036854775807", int64(9223372036854775807)},
		{"1_000", int64(1000)},
		{"0755", int64(493)},
		{"0x1F", int64(31)},
		{"1.0", int64(1)},
		{"1e3", int64(1000)},
		{"1.5", 1.5},
		{"1e300", 1e300},
		{"yes", true},
		{"Off", false},
		{"y", true},
		{"n", false},
		{`"yes"`, "yes"},
		{"~", nil},
		{"", nil},
		{"2001-01-01", "2001-01-01"},
		{"!!str 1", "1"},
		{"!!binary aGk=", "hi"},
		{"1.2.3", "1.2.3"},
		{"[1, a]", []any{int64(1), "a"}},
		{"{1: a, true: b, 1.5: c}", map[string]any{"1": "a", "true": "b", "1.5": "c"}},
	}
	for _, test := range tests {
		items, err := yamldoc.YAML("a.yaml", []byte(head+"x: "+test.text+"\n"), yamldoc.Options{})
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, items[0].Object["x"]); diff != "" {
			t.Errorf("%s: %s", test.text, diff)
		}
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"duplicate", head + "x: 1\nx: 2\n", `f.yaml:5: key "x" already set in map`},
		{"duplicate in third document", head + "---\n# nothing\n---\n" + head + "x: {a: 1,\n a: 2}\n", `f.yaml:11 (document 2): key "a" already set in map`},
		{"duplicate beside a merge", "x: &d {a: 1}\nz:\n  <<: *d\n  b: 2\n  b: 3\n", `f.yaml:5: key "b" already set in map`},
		{"tab", head + "data:\n\tb: 1\n", "f.yaml:5: found character that cannot start any token"},
		{"indentation", head + "data: |\n  x\n b: 1\n", "f.yaml:6: did not find expected key"},
		{"unclosed", head + "x: [1, 2\n", "f.yaml:5: did not find expected ',' or ']'"},
		{"NaN", head + "x: .nan\n", "f.yaml:1: not a finite number"},
		{"infinity", head + "x: -.inf\n", "f.yaml:1: not a finite number"},
		{"beyond int64", head + "x: 9223372036854775808\n", "integer 9223372036854775808 does not fit"},
		{"beyond uint64", head + "y: 1\nx: 99999999999999999999999\n", "f.yaml:5: integer 99999999999999999999999 does not fit"},
		{"list as key", head + "? [a]\n: 1\n", "f.yaml:1: invalid map key"},
		{"dropped text", " a: 1\nb: 2\n", "f.yaml:2: did not find expected <document start>"},
		{"scalar", "just text\n", "f.yaml:1: is a string, expected an object"},
		{"not Kubernetes", "replicaCount: 1\nimage: web\n", "f.yaml:1: is not a Kubernetes object: no apiVersion"},
		{"no kind", "\n\napiVersion: v1\nmetadata: {name: a}\n", "f.yaml:3: no kind"},
		{"no apiVersion", "kind: Pod\nmetadata: {name: a}\n", "f.yaml:1: no apiVersion"},
		{"no name", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {a: b}}\n", "Pod has no metadata.name"},
		{"no metadata", "apiVersion: v1\nkind: Pod\n", "Pod has no metadata.name"},
		{"empty name", "apiVersion: v1\nkind: Pod\nmetadata: {name: ''}\n", "Pod has an empty metadata.name"},
		{"number as name", "apiVersion: v1\nkind: Pod\nmetadata: {name: 12}\n", "metadata.name is a number, expected a string; quote it"},
		{"boolean as name", "apiVersion: v1\nkind: Pod\nmetadata: {name: yes}\n", "metadata.name is a boolean, expected a string; quote it"},
		{"kustomization", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "configures Kustomize"},
		{"bad item", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1}\n", "item 2: no kind"},
		{"NUL", head + "x: \"\x00\"\n", "control characters are not allowed"},
		{"not UTF-8", head + "x: \xff\xff\n", "invalid leading UTF-8 octet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := yamldoc.YAML("f.yaml", []byte(test.text), yamldoc.Options{})
			var render *providers.RenderError
			if !errors.As(err, &render) {
				t.Fatalf("got %v, expected a RenderError", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestDocumentsAndLists(t *testing.T) {
	text := `# a comment
---
---
apiVersion: v1
kind: Pod
metadata: {name: one}
--- # second

apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: two}}
- apiVersion: v1
  kind: PodList
  items:
  - {apiVersion: v1, kind: Pod, metadata: {generateName: three-}}
...
%YAML 1.1
---
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "four"}}
---
apiVersion: v1
kind: List
`
	text = "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n")
	items, err := yamldoc.YAML("f.yaml", []byte(text), yamldoc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range items {
		got = append(got, item.Object.Name()+item.Object.GenerateName()+" "+item.Origin("f.yaml"))
	}
	want := []string{
		"one f.yaml:4 (document 1)", "two f.yaml:9 (document 2)", "three- f.yaml:9 (document 2)",
		"four f.yaml:20 (document 3)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	text := head + "base: &b {a: 1, c: 2}\nx:\n  <<: *b\n  a: 3\ny: *b\n"
	for _, options := range []yamldoc.Options{{}, {LastDuplicateWins: true}} {
		items, err := yamldoc.YAML("f.yaml", []byte(text), options)
		if err != nil {
			t.Fatal(err)
		}
		got := object.Object{"x": items[0].Object["x"], "true": items[0].Object["true"]}
		want := object.Object{
			"x":    map[string]any{"a": int64(3), "c": int64(2)},
			"true": map[string]any{"a": int64(1), "c": int64(2)}, // y is a boolean, also as a key
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLastDuplicateWins(t *testing.T) {
	items, err := yamldoc.YAML("f.yaml", []byte(head+"x: 1\nx: 2\n"), yamldoc.Options{LastDuplicateWins: true})
	if err != nil || items[0].Object["x"] != int64(2) {
		t.Errorf("got %v, %v", items, err)
	}
}

func TestBombsAreRefused(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		next, last := string(rune('1'+i)), string(rune('0'+i))
		bomb += "a" + next + ": &a" + next + " [" + strings.TrimSuffix(strings.Repeat("*a"+last+", ", 10), ", ") + "]\n"
	}
	tests := map[string]string{
		"aliases": head + bomb,
		"nested":  head + "x: " + strings.Repeat("[", 1_000_000),
		"deep":    head + "x: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"large":   head + "x: " + strings.Repeat("a", yamldoc.MaxBytes),
		"many":    strings.Repeat("---\na: 1\n", yamldoc.MaxDocuments+1),
	}
	for name, text := range tests {
		start := time.Now()
		if _, err := yamldoc.YAML("f.yaml", []byte(text), yamldoc.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestJSON(t *testing.T) {
	one := `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "n": 12345678901234567, "f": 1.5, "w": 2.0}`
	items, err := yamldoc.JSON("f.json", []byte(one+"\n\n[{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"two\"}}]\n"), yamldoc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 2 || items[1].Object.Name() != "two" || items[1].Line != 3 {
		t.Errorf("got %v", items)
	}
	got := []any{items[0].Object["n"], items[0].Object["f"], items[0].Object["w"]}
	if diff := cmp.Diff([]any{int64(12345678901234567), 1.5, int64(2)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"duplicate", "{\"apiVersion\": \"v1\",\n\"kind\": \"Pod\", \"kind\": \"Pod\"}", `f.json:2: key "kind" already set in map`},
		{"syntax", "{\n\"a\": 1,\n]", "f.json:3: invalid character ']'"},
		{"cut", `{"a": [1`, "f.json:1: the JSON ends too early"},
		{"too large", `{"a": 9223372036854775808}`, "integer 9223372036854775808 does not fit"},
		{"float too large", `{"a": 1e999}`, "number 1e999 does not fit"},
		{"deep", strings.Repeat("[", 100_000), "nested more than"},
		{"no object", `"text"`, "is a string, expected an object"},
	}
	for _, test := range tests {
		_, err := yamldoc.JSON("f.json", []byte(test.text), yamldoc.Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// FuzzYAML holds that no text makes the decoder panic, and that what it accepts
// is in the shape of an object.
func FuzzYAML(f *testing.F) {
	f.Add([]byte(head+"x: &a [1, *a]\n"), false)
	f.Add([]byte(head+"---\n...\n%YAML 1.1\n--- {}\n"), true)
	f.Add([]byte("apiVersion: v1\nkind: List\nitems:\n- "+strings.ReplaceAll(head, "\n", "\n  ")), false)
	f.Add([]byte("x: &d {a: 1}\nz:\n  <<: *d\n  b: 2\n  b: 3\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, lax bool) {
		items, err := yamldoc.YAML("f.yaml", data, yamldoc.Options{LastDuplicateWins: lax})
		checkItems(t, items, err)
	})
}

// FuzzJSON holds the same for JSON.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "n": 1e3}`))
	f.Add([]byte(`[[], {}, null] 1`))
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := yamldoc.JSON("f.json", data, yamldoc.Options{})
		checkItems(t, items, err)
	})
}

func checkItems(t *testing.T, items []yamldoc.Item, err error) {
	t.Helper()
	if err != nil {
		var render *providers.RenderError
		if !errors.As(err, &render) || items != nil {
			t.Errorf("error %v of type %T with %d items", err, err, len(items))
		}
		return
	}
	for _, item := range items {
		if err := yamldoc.Check(item.Object); err != nil {
			t.Error(err)
		}
		if shaped, err := yamldoc.Shape(map[string]any(item.Object)); err != nil || !cmp.Equal(shaped, any(map[string]any(item.Object))) {
			t.Errorf("not in shape: %v: %v", item.Object, err)
		}
	}
}
