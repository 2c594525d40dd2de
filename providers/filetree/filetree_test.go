package filetree_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/providers/filetree"
)

func TestJoin(t *testing.T) {
	tests := []struct{ base, name, want string }{
		{".", "", "."},
		{".", "a/b", "a/b"},
		{"a", "b", "a/b"},
		{"a", "../b", "b"},
		{"a/b", "/c", "c"},
		{"a", ".", "a"},
		{"a", "./b//c/", "a/b/c"},
		{"a", "..", "."},
		{"a", "b%2fc", "a/b%2fc"},
		{"a", "...", "a/..."},
	}
	for _, test := range tests {
		got, err := filetree.Join(test.base, test.name)
		if err != nil || got != test.want {
			t.Errorf("%q in %q: got %q, %v, expected %q", test.name, test.base, got, err, test.want)
		}
	}
	for _, name := range []string{"../..", "../../b", "/../b", "b/../../../c", "file:///a", "https://example.com/a"} {
		if got, err := filetree.Join("a", name); !errors.Is(err, filetree.ErrEscape) {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
	for _, name := range []string{`a\b`, "a\x00b"} {
		if got, err := filetree.Join("a", name); err == nil {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

// FuzzJoin holds that no path leaves the tree.
func FuzzJoin(f *testing.F) {
	f.Add("a/b", "../../c")
	f.Add(".", "/../x")
	f.Fuzz(func(t *testing.T, base, name string) {
		clean, err := filetree.Clean(base)
		if err != nil {
			return
		}
		got, err := filetree.Join(clean, name)
		if err != nil {
			return
		}
		again, err := filetree.Clean(got)
		if err != nil || again != got {
			t.Errorf("%q in %q gives %q, which cleans to %q, %v", name, base, got, again, err)
		}
	})
}

func TestNear(t *testing.T) {
	names := []string{"guestbook", "helm-guestbook", "web", "payments", "Chart.yaml", "values.yaml", "apps"}
	tests := map[string][]string{
		"guestbok":    {"guestbook"},
		"Guestbook":   {"guestbook", "helm-guestbook"},
		"payment":     {"payments"},
		"chart.yml":   {"Chart.yaml"},
		"app":         {"apps"},
		"zzz":         nil,
		"":            nil,
		"value.yaml":  {"values.yaml"},
		"paymnets":    {"payments"},
		"unrelatedly": nil,
	}
	for name, want := range tests {
		if diff := cmp.Diff(want, filetree.Near(name, names)); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}
