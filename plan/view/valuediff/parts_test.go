package valuediff

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

func parsed(t testing.TB, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestParts(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		want                string // "-" where Parts has nothing to tell
	}{
		{
			"containers by name", `[{name: a, image: "1"}, {name: b, image: "1"}]`, `[{name: sidecar, image: x}, {name: a, image: "2"}, {name: b, image: "1"}]`,
			`changed [name=a].image "1" "2"; added [name=sidecar] null {"image":"x","name":"sidecar"}`,
		},
		{
			"environment by name", `[{name: A, value: x}, {name: B, value: why}]`, `[{name: A, value: z}]`,
			`changed [name=A].value "x" "z"; removed [name=B] {"name":"B","value":"why"} null`,
		},
		{
			"ports by number", `[{port: 80, targetPort: 1}, {port: 443, targetPort: 2}]`, `[{port: 443, targetPort: 3}, {port: 80, targetPort: 1}]`,
			`order  ["port=80","port=443"] ["port=443","port=80"]; changed [port=443].targetPort 2 3`,
		},
		{
			"ports by number and protocol", `[{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP}]`, `[{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP, hostPort: 53}]`,
			`added [containerPort=53,protocol=TCP].hostPort null 53`,
		},
		{
			"mounts of one volume", `[{name: v, mountPath: /a}, {name: v, mountPath: /b}]`, `[{name: v, mountPath: /a, readOnly: true}, {name: v, mountPath: /b}]`,
			`added [mountPath=/a].readOnly null true`,
		},
		{
			"nested", `{a: {"b.c": [{name: x, d: 1}]}}`, `{a: {"b.c": [{name: x, d: 2}]}, e: {}}`,
			`changed .a["b.c"][name=x].d 1 2; added .e null {}`,
		},
		{"lists without keys", `[a, b]`, `[b, c]`, "-"},
		{"a list within", `{a: [x]}`, `{a: [x, z]}`, `changed .a ["x"] ["x","z"]`},
		{"a key that is not unique", `[{name: a}, {name: a}]`, `[{name: a}]`, "-"},
		{"only order", `[{name: a}, {name: b}]`, `[{name: b}, {name: a}]`, `order  ["name=a","name=b"] ["name=b","name=a"]`},
		{"another type", `{a: {b: 1}}`, `{a: [1]}`, `changed .a {"b":1} [1]`},
		{"scalars", `a`, `b`, "-"},
		{"odd keys", `[{name: "a b", x: 1}]`, `[{name: "a b", x: 2}]`, `changed [name="a b"].x 1 2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts, ok := Parts(parsed(t, c.before), parsed(t, c.after))
			got := "-"
			if ok {
				var texts []string
				for _, p := range parts {
					kind := string(p.Kind)
					if p.Order {
						kind = "order"
					}
					before, _ := json.Marshal(p.Before)
					after, _ := json.Marshal(p.After)
					texts = append(texts, fmt.Sprintf("%s %s %s %s", kind, p.Path, before, after))
				}
				got = strings.Join(texts, "; ")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPartsTellEveryDifference: no parts exactly where the values are equal.
func TestPartsTellEveryDifference(t *testing.T) {
	scalar := rapid.SampledFrom([]any{"a", "b", int64(1), true, nil})
	item := rapid.MapOfN(rapid.SampledFrom([]string{"name", "key", "port", "x"}), scalar, 0, 4)
	list := rapid.Custom(func(t *rapid.T) any {
		var out []any
		for _, m := range rapid.SliceOfN(item, 0, 4).Draw(t, "items") {
			out = append(out, map[string]any(m))
		}
		return out
	})
	value := rapid.Custom(func(t *rapid.T) any {
		return map[string]any{"list": list.Draw(t, "list"), "scalar": scalar.Draw(t, "scalar")}
	})
	rapid.Check(t, func(t *rapid.T) {
		before, after := value.Draw(t, "before"), value.Draw(t, "after")
		parts, ok := Parts(before, after)
		if !ok {
			t.Fatal("two maps are not compared")
		}
		if same := reflect.DeepEqual(before, after); same != (len(parts) == 0) {
			t.Fatalf("the values are the same: %v, and %d parts differ: %v", same, len(parts), parts)
		}
	})
}

func TestDocuments(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		format              Format
		same                bool
	}{
		{"JSON", `{"a":1}`, `{"a":2}`, JSON, false},
		{"JSON written otherwise", `{"a":1,"b":2}`, "{\n \"b\": 2, \"a\": 1}\n", JSON, true},
		{"large numbers differ", `{"a":9007199254740993}`, `{"a":9007199254740992}`, JSON, false},
		{"YAML", "a: 1\nb: 2\n", "a: 1\nb: 3\n", YAML, false},
		{"YAML written otherwise", "a: 1\nb: [x]\n", "b:\n- x\na: 1\n", YAML, true},
		{"JSON becomes YAML", `{"a":1}`, "a: 1\nb: 2\n", NoFormat, false},
		{"two documents", "a: 1\n---\nb: 2\n", "a: 1\n---\nb: 3\n", NoFormat, false},
		{"a key twice", "a: 1\na: 2\n", "a: 1\na: 3\n", NoFormat, false},
		{"a key of JSON twice", `{"a":1,"a":2}`, `{"a":3,"a":2}`, NoFormat, false},
		{"a key of JSON twice, in one", `{"a":1}`, `{"a":0,"a":1}`, NoFormat, false},
		{"a key of JSON twice, deep inside", `[{"b":[{"a":{"x":1}, "\u0061":2}]}]`, `[{"b":[{"a":2}]}]`, NoFormat, false},
		{"a key of JSON twice, on lines", "{\"a\":\n1,\"a\":2}", "{\"a\":\n3,\"a\":2}", NoFormat, false},
		{"one key of several objects", `[{"a":{"a":"a"}},{"a":["a","a"]}]`, `[{"a":{"a":"b"}},{"a":["a","a"]}]`, JSON, false},
		{"a comment comes", "a: 1\n", "a: 1 # one\n", NoFormat, false},
		{"a comment goes", "# about a\na: 1\n", "a: 2\n", NoFormat, false},
		{"a comment on its own line", "a:\n  b: 1\n", "a:\n  # b\n  b: 1\n", NoFormat, false},
		{"no comment", "a: b#c\n", "a: b#d\n", YAML, false},
		{"two JSON documents", `{} {}`, `{} {}`, NoFormat, false},
		{"plain text", "hello\nworld", "hello\nmoon", NoFormat, false},
		{"too long", `["` + strings.Repeat("x", largestDocument) + `"]`, `[]`, NoFormat, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			was, is, format := Documents(c.before, c.after)
			if format != c.format || format != NoFormat && Same(was, is) != c.same {
				t.Errorf("%q, the same: %v", format, Same(was, is))
			}
		})
	}
}

func TestTrim(t *testing.T) {
	for _, c := range [][4]string{
		{"abcdefgXhijklmn", "abcdefgYYhijklmn", "…fgXhi…", "…fgYYhi…"},
		{"aX", "aY", "aX", "aY"},
		{"aaaa", "aaa", "aaaa", "aaa"},
		{"ééééXéééé", "ééééYéééé", "…ééXéé…", "…ééYéé…"},
		{"", "x", "", "x"},
	} {
		was, is := Trim(c[0], c[1], 2)
		if was != c[2] || is != c[3] {
			t.Errorf("%q, %q: got %q, %q, want %q, %q", c[0], c[1], was, is, c[2], c[3])
		}
	}
}
