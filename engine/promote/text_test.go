package promote

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/lang/addr"
)

// hostile are texts that are to be nothing but text, wherever they are shown.
var hostile = []string{
	"@alice and @org/team",
	"</details><script>alert(1)</script>",
	"<!-- gantry:promote -->",
	"--> # Approved\n\n**Merge me**",
	"| a | b |\n|---|---|\n| c | d |",
	"```\nfenced\n```",
	"`ends the code` <img src=x onerror=y>",
	"[click](javascript:alert(1)) ![x](http://evil.example/pixel.png) https://evil.example",
	"#12 fixes #13 closes org/repo#14",
	"\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
	"right\u202eto left\u2066 and\u200b back",
	"\r\nline\u2028break\x00",
}

// promotionOf has a text in every place that somebody else may fill.
func promotionOf(text string) *Promotion {
	address := addr.Application("web").Instance(text)
	return &Promotion{
		Application: address.String(), From: text, To: text, Reason: text, Configuration: ".",
		Changes: []Change{{Application: address, Input: text, Old: text, New: text, File: text, Line: 3}},
		Left:    []Left{{Application: address, Input: text, Why: text}},
		Evidence: []*Evidence{{
			Application: address, Cluster: text, Revision: 3, Digest: text, By: text, Health: health.Healthy,
			AppliedAt: time.Unix(0, 0).UTC(), SeenAt: time.Unix(0, 0).UTC(), Objections: []string{text},
		}},
	}
}

// outside is a Markdown text without its spans of code, in which nothing means anything.
func outside(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for len(text) > 0 {
		at := strings.IndexByte(text, '`')
		if at < 0 {
			break
		}
		b.WriteString(text[:at])
		fence := len(text[at:]) - len(strings.TrimLeft(text[at:], "`"))
		text = text[at+fence:]
		for end := 0; ; {
			next := strings.Index(text[end:], strings.Repeat("`", fence))
			if next < 0 {
				t.Fatalf("a span of code does not end: %.80q", text)
			}
			run := len(text[end+next:]) - len(strings.TrimLeft(text[end+next:], "`"))
			if run == fence {
				text = text[end+next+fence:]
				break
			}
			end += next + run
		}
	}
	return b.String() + text
}

// TestHostileTextOfPromotions has names and evidence that want to be more than text.
func TestHostileTextOfPromotions(t *testing.T) {
	plain := strings.Count(promotionOf("x").Body(65536), "\n")
	for _, text := range append(hostile, strings.Join(hostile, " ")) {
		p := promotionOf(text)
		body, title, message := p.Body(65536), p.Title(), p.Message()
		first, rest, _ := strings.Cut(body, "\n")
		if first != Marker || strings.Contains(outside(t, rest), "<!--") {
			t.Errorf("%q: the marker is not the first line alone:\n%s", text, body)
		}
		if lines := strings.Count(body, "\n"); lines != plain {
			t.Errorf("%q makes %d lines of %d:\n%s", text, lines, plain, body)
		}
		seen := outside(t, rest)
		for _, word := range []string{"<script", "</details", "<img", "](", "@alice", "@org", "://", "#12", "org/repo#14"} {
			if at := strings.Index(seen, word); at > 0 && seen[at-1] != '\\' {
				t.Errorf("%q: %q is outside of code:\n%s", text, word, seen)
			}
		}
		for what, shown := range map[string]string{"body": body, "title": title, "message": message, "branch": p.Branch()} {
			if at := strings.IndexFunc(shown, func(r rune) bool {
				return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028')
			}); at >= 0 || !utf8.ValidString(shown) {
				t.Errorf("%q: the %s has %q", text, what, shown)
			}
		}
		if strings.Contains(title, "\n") || len(title) > longest {
			t.Errorf("title %q", title)
		}
		if branch := p.Branch(); strings.Trim(branch, "abcdefghijklmnopqrstuvwxyz0123456789-/") != "" || !strings.HasPrefix(branch, BranchPrefix) {
			t.Errorf("branch %q", branch)
		}
	}
}

// TestLargePromotions has texts of a megabyte, and thousands of changes: what is shown has
// room, and says how much is left out.
func TestLargePromotions(t *testing.T) {
	const most = 65536
	long := promotionOf(strings.Repeat("x<@y> ", 1<<20/6))
	many := promotionOf("y")
	for range 5000 {
		many.Changes = append(many.Changes, many.Changes[0])
		many.Left = append(many.Left, many.Left[0])
	}
	held := promotionOf("z")
	for range 5000 {
		held.Evidence = append(held.Evidence, held.Evidence[0])
	}
	for name, p := range map[string]*Promotion{"long": long, "many": many, "held": held} {
		body := p.Body(most)
		if len(body) > most {
			t.Errorf("%s: %d bytes", name, len(body))
		}
		if !strings.Contains(body, "### Evidence") || !strings.Contains(body, "speaks against it") || !strings.Contains(body, " more") && name != "long" {
			t.Errorf("%s: %.3000s", name, body)
		}
		if len(p.Title()) > longest || len(p.Branch()) > 200 {
			t.Errorf("%s: %q, %q", name, p.Title(), p.Branch())
		}
		if len(p.Message()) > 1<<20 {
			t.Errorf("%s: a message of %d bytes", name, len(p.Message()))
		}
	}
}
