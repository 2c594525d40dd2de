package revision

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewest(t *testing.T) {
	names := []string{
		"v1.2.0", "v1.2.10", "v1.2.9", "v1.3.0-rc.1", "2.0.0", "2.1.0-beta", "main", "v1", "podinfo-6.1.0",
		"podinfo-6.1.8", "podinfo-6.2.0", "charts/web/0.3.1", "charts/web/v0.4.0",
		"20240101", "v0.9",
	}
	tests := []struct{ text, want string }{
		{"1.2.*", "v1.2.10"},
		{"1.2.x", "v1.2.10"},
		{"v1.2.*", "v1.2.10"},
		{"^1.2", "v1.2.10"},
		{"~1.2.9", "v1.2.10"},
		{">=1.0 <2", "v1.2.10"},
		{">=1.0, <=2.0.0", "2.0.0"},
		{"*", "2.0.0"},
		{">=1.3.0-0 <1.4.0", "v1.3.0-rc.1"},
		{"podinfo-6.1.*", "podinfo-6.1.8"},
		{"charts/web/^0.3", "charts/web/0.3.1"},
		{"0.x", "v0.9"},
		{">=9", ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			r, ok := ParseRange(test.text)
			if !ok {
				t.Fatal("not read as a range")
			}
			if got, _ := r.Newest(names); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNotARange(t *testing.T) {
	for _, text := range []string{"", "main", "1.2.3", "v1.2", "feature/x-ray", "fix-1.2", "release-1.x-old", "feature-x", "x", "x.y", "a b", "HEAD"} {
		if r, ok := ParseRange(text); ok {
			t.Errorf("%q is read as a range: %+v", text, r)
		}
	}
}

func TestStable(t *testing.T) {
	if got, ok := Stable().Newest([]string{"1.0.0-rc.1", "0.9.0", "1.0.0-rc.2"}); got != "0.9.0" || !ok {
		t.Errorf("got %q", got)
	}
	if got, ok := Stable().Newest([]string{"1.0.0-rc.1"}); ok {
		t.Errorf("got %q", got)
	}
}

func TestLatest(t *testing.T) {
	got := Latest([]string{"1.9.0", "1.10.0", "x", "v1.2.0", "1.10.0-rc.1"}, 3)
	if diff := cmp.Diff([]string{"1.10.0", "1.10.0-rc.1", "1.9.0"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHint(t *testing.T) {
	tests := []struct {
		name  string
		names []string
		want  string
	}{
		{"mian", []string{"main", "maint", "release"}, "; did you mean main?"},
		{"production", []string{"prodution", "staging"}, "; did you mean prodution?"},
		{"9.9.9", []string{"1.0.0", "1.1.0"}, "; the newest are 1.1.0, 1.0.0"},
		{"zzz", []string{"main"}, ""},
	}
	for _, test := range tests {
		if got := Hint(test.name, test.names); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
