package redact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
)

var secretGVK = object.GVK{Version: "v1", Kind: "Secret"}

func fingerprinter(t interface{ Fatal(...any) }) seal.Fingerprinter {
	f, err := seal.NewFingerprinter(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func secret(fields map[string]any) object.Object {
	o := object.Object{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}}
	for key, value := range fields {
		o[key] = value
	}
	return o
}

func paths(t *testing.T, texts ...string) []redact.Path {
	t.Helper()
	var out []redact.Path
	for _, text := range texts {
		path, err := redact.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}

func TestObject(t *testing.T) {
	f := fingerprinter(t)
	workload := object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"spec": map[string]any{"containers": []any{
			map[string]any{"name": "app", "env": []any{map[string]any{"name": "TOKEN", "value": "t1"}, map[string]any{"name": "MODE", "value": "fast"}}},
			map[string]any{"name": "sidecar", "env": []any{map[string]any{"name": "TOKEN", "value": "t2"}}},
		}},
	}
	env := func(values ...any) any {
		return map[string]any{"containers": []any{
			map[string]any{"name": "app", "env": []any{map[string]any{"name": "TOKEN", "value": values[0]}, map[string]any{"name": "MODE", "value": values[1]}}},
			map[string]any{"name": "sidecar", "env": []any{map[string]any{"name": "TOKEN", "value": values[2]}}},
		}}
	}
	for name, test := range map[string]struct {
		in    object.Object
		paths []string
		want  map[string]any // members that differ from in; nil are gone
	}{
		"data":               {in: secret(map[string]any{"data": map[string]any{"a": encode("hunter2")}}), want: map[string]any{"data": map[string]any{"a": f.Of("hunter2")}}},
		"no base64":          {in: secret(map[string]any{"data": map[string]any{"a": "hunter2!"}}), want: map[string]any{"data": map[string]any{"a": f.Of("hunter2!")}}},
		"stringData":         {in: secret(map[string]any{"stringData": map[string]any{"a": "hunter2"}}), want: map[string]any{"stringData": nil, "data": map[string]any{"a": f.Of("hunter2")}}},
		"stringData wins":    {in: secret(map[string]any{"data": map[string]any{"a": encode("old"), "b": encode("kept")}, "stringData": map[string]any{"a": "new"}}), want: map[string]any{"stringData": nil, "data": map[string]any{"a": f.Of("new"), "b": f.Of("kept")}}},
		"number in data":     {in: secret(map[string]any{"data": map[string]any{"a": int64(1234)}}), want: map[string]any{"data": map[string]any{"a": f.Of("1234")}}},
		"map in data":        {in: secret(map[string]any{"data": map[string]any{"a": map[string]any{"b": "hunter2"}}}), want: map[string]any{"data": map[string]any{"a": f.Of(`{"b":"hunter2"}`)}}},
		"number in string":   {in: secret(map[string]any{"stringData": map[string]any{"a": int64(1234)}}), want: map[string]any{"stringData": map[string]any{"a": f.Of("1234")}}},
		"data no map":        {in: secret(map[string]any{"data": encode("hunter2"), "stringData": map[string]any{"a": "x"}}), want: map[string]any{"data": f.Of("hunter2"), "stringData": map[string]any{"a": f.Of("x")}}},
		"data a list":        {in: secret(map[string]any{"data": []any{"hunter2"}}), want: map[string]any{"data": f.Of(`["hunter2"]`)}},
		"null":               {in: secret(map[string]any{"data": map[string]any{"a": nil}})},
		"nothing":            {in: secret(map[string]any{"type": "Opaque"})},
		"ConfigMap":          {in: object.Object{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "b"}}},
		"another's Secret":   {in: object.Object{"apiVersion": "example.com/v1", "kind": "Secret", "data": map[string]any{"a": "b"}}},
		"named path":         {in: workload, paths: []string{"spec.containers[name=app].env[name=TOKEN].value"}, want: map[string]any{"spec": env(f.Of("t1"), "fast", "t2")}},
		"named wildcard":     {in: workload, paths: []string{"spec.containers[*].env[name=TOKEN].value"}, want: map[string]any{"spec": env(f.Of("t1"), "fast", f.Of("t2"))}},
		"named index":        {in: workload, paths: []string{"spec.containers[1].env[0].value"}, want: map[string]any{"spec": env("t1", "fast", f.Of("t2"))}},
		"named whole":        {in: object.Object{"kind": "ConfigMap", "apiVersion": "v1", "data": map[string]any{"a": "b"}}, paths: []string{"data"}, want: map[string]any{"data": f.Of(`{"a":"b"}`)}},
		"named and a Secret": {in: secret(map[string]any{"data": map[string]any{"a": encode("hunter2")}, "type": "x"}), paths: []string{"data.a", "type", "nothing.there"}, want: map[string]any{"type": f.Of("x"), "data": map[string]any{"a": f.Of("hunter2")}}},
		"annotation": {
			in:   secret(map[string]any{"metadata": map[string]any{"annotations": map[string]any{redact.LastApplied: `{"data":{}}`, "note": "seen"}}}),
			want: map[string]any{"metadata": map[string]any{"annotations": map[string]any{redact.LastApplied: f.Of(`{"data":{}}`), "note": "seen"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := test.in.DeepCopy()
			got, had := redact.Object(test.in, f, paths(t, test.paths...)...)
			want := test.in.DeepCopy()
			for key, value := range test.want {
				want[key] = value
				if value == nil {
					delete(want, key)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if had != (test.want != nil) {
				t.Errorf("had secrets: %v", had)
			}
			if diff := cmp.Diff(before, test.in); diff != "" {
				t.Errorf("the object given was changed:\n%s", diff)
			}
			if _, found := redact.Hide(got); found {
				t.Error("Hide finds something in what is redacted")
			}
			if hidden, found := redact.Hide(test.in); found != (had && len(test.paths) == 0) && test.paths == nil {
				t.Errorf("Hide of the object given says %v: %v", found, hidden)
			}
		})
	}
}

func TestFields(t *testing.T) {
	f := fingerprinter(t)
	for name, test := range map[string]struct {
		gvk   object.GVK
		paths []string
		in    plan.FieldChange
		want  plan.FieldChange
	}{
		"value":         {gvk: secretGVK, in: plan.FieldChange{Path: "data.a", Before: encode("old"), After: encode("new")}, want: plan.FieldChange{Path: "data.a", Before: f.Of("old"), After: f.Of("new"), Sensitive: true}},
		"quoted":        {gvk: secretGVK, in: plan.FieldChange{Path: `data["tls.key"]`, After: encode("new")}, want: plan.FieldChange{Path: `data["tls.key"]`, After: f.Of("new"), Sensitive: true}},
		"all":           {gvk: secretGVK, in: plan.FieldChange{Path: "data", Before: map[string]any{"a": encode("old")}}, want: plan.FieldChange{Path: "data", Before: map[string]any{"a": f.Of("old")}, Sensitive: true}},
		"stringData":    {gvk: secretGVK, in: plan.FieldChange{Path: "stringData.a", After: "new"}, want: plan.FieldChange{Path: "stringData.a", After: f.Of("new"), Sensitive: true}},
		"within":        {gvk: secretGVK, in: plan.FieldChange{Path: "data.a.b", After: "new"}, want: plan.FieldChange{Path: "data.a.b", After: f.Of("new"), Sensitive: true}},
		"annotation":    {gvk: secretGVK, in: plan.FieldChange{Path: `metadata.annotations["` + redact.LastApplied + `"]`, After: "{}"}, want: plan.FieldChange{Path: `metadata.annotations["` + redact.LastApplied + `"]`, After: f.Of("{}"), Sensitive: true}},
		"annotations":   {gvk: secretGVK, in: plan.FieldChange{Path: "metadata.annotations", After: map[string]any{redact.LastApplied: "{}", "a": "b"}}, want: plan.FieldChange{Path: "metadata.annotations", After: map[string]any{redact.LastApplied: f.Of("{}"), "a": "b"}, Sensitive: true}},
		"type":          {gvk: secretGVK, in: plan.FieldChange{Path: "type", After: "Opaque"}, want: plan.FieldChange{Path: "type", After: "Opaque"}},
		"label":         {gvk: secretGVK, in: plan.FieldChange{Path: "metadata.labels.data", After: "x"}, want: plan.FieldChange{Path: "metadata.labels.data", After: "x"}},
		"unreadable":    {gvk: secretGVK, in: plan.FieldChange{Path: "data[", After: "new"}, want: plan.FieldChange{Path: "data[", After: f.Of("new"), Sensitive: true}},
		"ConfigMap":     {gvk: object.GVK{Version: "v1", Kind: "ConfigMap"}, in: plan.FieldChange{Path: "data.a", After: "new"}, want: plan.FieldChange{Path: "data.a", After: "new"}},
		"named":         {gvk: object.GVK{Version: "v1", Kind: "ConfigMap"}, paths: []string{"data.a"}, in: plan.FieldChange{Path: "data.a", After: "new"}, want: plan.FieldChange{Path: "data.a", After: f.Of("new"), Sensitive: true}},
		"other element": {gvk: object.GVK{Kind: "Pod"}, paths: []string{"spec.containers[name=app].env"}, in: plan.FieldChange{Path: "spec.containers[name=b].env", After: "x"}, want: plan.FieldChange{Path: "spec.containers[name=b].env", After: "x"}},
		"maybe element": {gvk: object.GVK{Kind: "Pod"}, paths: []string{"spec.containers[name=app].env"}, in: plan.FieldChange{Path: "spec.containers[0].env[2].value", After: "x"}, want: plan.FieldChange{Path: "spec.containers[0].env[2].value", After: f.Of("x"), Sensitive: true}},
	} {
		t.Run(name, func(t *testing.T) {
			named := paths(t, test.paths...)
			got := redact.Fields(test.gvk, []plan.FieldChange{test.in}, f, named...)
			if diff := cmp.Diff([]plan.FieldChange{test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := test.want.Sensitive && name != "annotations" && name != "all"; redact.IsSensitive(test.gvk, test.in.Path, named...) != want {
				t.Errorf("IsSensitive is not %v", want)
			}
			if name == "annotations" {
				got[0].Sensitive = false // only a part of it is
			}
			if _, found := redact.HideField(test.gvk, got[0]); found {
				t.Error("HideField finds something in what is redacted")
			}
			if hidden, found := redact.HideField(test.gvk, test.in); len(test.paths) == 0 && found != test.want.Sensitive {
				t.Errorf("HideField says %v: %v", found, hidden)
			}
		})
	}
}

func TestText(t *testing.T) {
	f := fingerprinter(t)
	o := secret(map[string]any{
		"data":       map[string]any{"a": encode("hunter2"), "short": encode("abc"), "longer": encode("hunter22\n")},
		"stringData": map[string]any{"b": "correct horse"},
	})
	in := fmt.Sprintf("Invalid value: hunter2, %s, hunter22, correct horse, %s, abc", encode("hunter2"), encode("correct horse"))
	want := fmt.Sprintf("Invalid value: %s, %s, %s, %s, %s, abc", f.Of("hunter2"), f.Of("hunter2"), f.Of("hunter22\n"), f.Of("correct horse"), f.Of("correct horse"))
	if got := redact.Text(in, o, f); got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, text := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[]", `a["b`, `a["b"`, `a["\z"]`, "a[b]c", `a[b="x]`} {
		if path, err := redact.ParsePath(text); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("ParsePath(%q) = %v, %v", text, path, err)
		}
	}
}

// secretText draws values that can be told from everything else in an object.
func secretText() *rapid.Generator[string] {
	return rapid.StringMatching(`[Ω-ώ!#$%&*]{1,3}[G-Zg-zé🔑 \n"\\]{3,20}`)
}

// TestNoSecretIsLeft puts secrets wherever a Secret can have them, well formed
// or not, and looks for them in what is left.
func TestNoSecretIsLeft(t *testing.T) {
	f := fingerprinter(t)
	rapid.Check(t, func(t *rapid.T) {
		var secrets []string
		value := rapid.Custom(func(t *rapid.T) any {
			text := secretText().Draw(t, "secret")
			secrets = append(secrets, text)
			switch rapid.IntRange(0, 4).Draw(t, "form") {
			case 0:
				return text
			case 1:
				return map[string]any{"k": text}
			case 2:
				return []any{text, int64(1)}
			default:
				return encode(text)
			}
		})
		values := rapid.Custom(func(t *rapid.T) any {
			if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
				return value.Draw(t, "value")
			}
			out := map[string]any{}
			for i := range rapid.IntRange(0, 3).Draw(t, "n") {
				out[fmt.Sprintf("key%d", i)] = value.Draw(t, "value")
			}
			return out
		})
		o := secret(map[string]any{"data": values.Draw(t, "data"), "stringData": values.Draw(t, "stringData")})
		if rapid.Bool().Draw(t, "annotated") {
			text, err := json.Marshal(map[string]any{"data": value.Draw(t, "applied")})
			if err != nil {
				t.Fatal(err)
			}
			o["metadata"] = map[string]any{"annotations": map[string]any{redact.LastApplied: string(text)}}
		}
		redacted, had := redact.Object(o, f)
		if !had && len(secrets) > 0 {
			t.Fatalf("nothing found in %v", o)
		}
		fields := []plan.FieldChange{}
		for key, value := range o {
			fields = append(fields, plan.FieldChange{Path: key, Before: value, After: value})
			if m, ok := value.(map[string]any); ok && key != "metadata" {
				for name, value := range m {
					fields = append(fields, plan.FieldChange{Path: key + "." + name, After: value})
				}
			}
		}
		shown := fmt.Sprintf("%v %#v %v", redacted, redacted, redact.Fields(secretGVK, fields, f))
		for _, text := range secrets {
			quoted := fmt.Sprintf("%q", text)
			for _, form := range []string{text, encode(text), quoted[1 : len(quoted)-1]} {
				if strings.Contains(shown, form) {
					t.Fatalf("%q shows in %s", form, shown)
				}
			}
		}
		if _, found := redact.Hide(redacted); found {
			t.Fatalf("Hide finds something in %v", redacted)
		}
		hidden, _ := redact.Hide(o)
		for i := range fields {
			fields[i], _ = redact.HideField(secretGVK, fields[i])
		}
		shown = fmt.Sprintf("%v %v", hidden, fields)
		for _, text := range secrets {
			if strings.Contains(shown, text) || strings.Contains(shown, encode(text)) {
				t.Fatalf("%q shows in %s", text, shown)
			}
		}
	})
}
