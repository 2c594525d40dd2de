package generate_test

import (
	"testing"

	"github.com/gantrycd/gantry/lang/generate"
)

// FuzzFile reads any bytes as a file of items: nothing may crash, and what is read
// can be collected, or the keys are told to be the same.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"", "a: 1", "- a\n- b", `{"a": [1, 2.5, null, true]}`, `[{"key": "x"}, {"key": "x"}]`, "a: &a {b: *a}", "<<: {a: 1}\nb: 2", "\t", "---\na\n---\nb", "[[[[", "? a\n: b", `{"\ud83d": 1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		items, err := generate.File("apps/web/config.yaml", text)
		if err != nil {
			return
		}
		for _, item := range items {
			if item.Key == "" || !item.Value.Type().IsObjectType() || !item.Value.Type().HasAttribute("path") || !item.Value.IsWhollyKnown() {
				t.Errorf("%q gives %#v", text, item)
			}
		}
		checkCollected(t, items)
	})
}

// FuzzPlugin reads any bytes as the answer of a plugin.
func FuzzPlugin(f *testing.F) {
	for _, text := range []string{
		"", `{"output": {"parameters": [{"key": "a"}]}}`, `{"output": {"parameters": [{"key": "a"}, {"key": "a"}]}}`, `{"output": null}`, `[[[[`, `{"output": {"parameters": [{"key": "\u0000"}]}} x`, `1e400`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		items, err := generate.PluginItems(answer, "key")
		if err != nil {
			return
		}
		for _, item := range items {
			if !item.Value.Type().IsObjectType() || item.Value.GetAttr("key").AsString() != item.Key {
				t.Errorf("%q gives %#v", answer, item)
			}
		}
		checkCollected(t, items)
	})
}

func checkCollected(t *testing.T, items []generate.Item) {
	t.Helper()
	collected, err := generate.Collect(items)
	if err != nil {
		if len(generate.Problems(err, "")) == 0 {
			t.Error("it is not said what is wrong")
		}
		return
	}
	if generate.Object(collected).LengthInt() != len(items) || len(generate.Keys(collected)) != len(items) {
		t.Errorf("of %d items there are %d", len(items), len(collected))
	}
}
