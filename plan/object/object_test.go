package object_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan/object"
)

func TestIDsAreReadBack(t *testing.T) {
	word := rapid.StringMatching(`[a-zA-Z0-9:-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		id := object.ID{Kind: word.Draw(t, "kind"), Name: rapid.StringMatching(`[a-z0-9:.-]{1,12}`).Draw(t, "name")}
		if rapid.Bool().Draw(t, "grouped") {
			id.Group = rapid.StringMatching(`[a-z0-9.-]{1,12}`).Draw(t, "group")
		}
		if rapid.Bool().Draw(t, "namespaced") {
			id.Namespace = word.Draw(t, "namespace")
		}
		back, err := object.ParseID(id.String())
		if err != nil || back != id {
			t.Fatalf("%q is read back as %+v (%v)", id, back, err)
		}
	})
	for _, text := range []string{"", "Pod", "Pod ", " web/x", ".apps web/x", "Pod web/"} {
		if id, err := object.ParseID(text); err == nil {
			t.Errorf("%q is read as %+v", text, id)
		}
	}
}

func TestSensitiveShowsNowhere(t *testing.T) {
	const value = "hunter2-hunter2"
	s := object.Sensitive(value)
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(format, struct{ S object.Sensitive }{s}); strings.Contains(text, value) {
			t.Errorf("%s shows %s", format, text)
		}
	}
	if encoded, err := json.Marshal(s); err == nil {
		t.Errorf("it can be encoded: %s", encoded)
	}
	if s.Reveal() != value {
		t.Error("it is not revealed to who asks")
	}
}

func TestCopiesShareNothing(t *testing.T) {
	o := object.Object{"metadata": map[string]any{"name": "a", "labels": map[string]any{"x": "y"}}, "list": []any{map[string]any{"k": int64(1)}}}
	before, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := o.DeepCopy()
	if err := c.Set("b", "metadata", "labels", "x"); err != nil {
		t.Fatal(err)
	}
	c["list"].([]any)[0].(map[string]any)["k"] = int64(2)
	c.Remove("metadata", "name")
	after, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("changing a copy changed the original:\n%s", diff)
	}
	if err := c.Set("x", "list", "deeper"); err == nil {
		t.Error("a value is put into something that is no map")
	}
}
