package words

import (
	"testing"
	"time"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü 世界":        "plain ü 世界",
		"a\x1b[2Jb":         `a\x1b[2Jb`,
		"tab\tline\nend\r":  `tab\tline\nend\r`,
		"user\u202egnp.exe": `user\u202egnp.exe`,
		"zero\u200bwidth":   `zero\u200bwidth`,
		"\xff":              `\xff`,
		"\ufffd":            `\ufffd`,
		"\u009b31m":         `\u009b31m`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	for want, list := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := Join(list); got != want {
			t.Errorf("%q: got %q", want, got)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		time.Second: "just now", 40 * time.Second: "40 seconds ago", time.Minute: "1 minute ago", 3 * time.Hour: "3 hours ago",
		72 * time.Hour: "3 days ago", 40 * 24 * time.Hour: "on 2026-10-13",
	} {
		if got := Ago(now.Add(-d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
