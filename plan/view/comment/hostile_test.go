package comment

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	xhtml "golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/viewtest"
)

// TestHostileTextsStayText: whatever stands in a plan, the comment that a forge renders has
// nothing of it but text, and is not longer than it may be.
func TestHostileTextsStayText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return viewtest.Text().Draw(t, "text") }
		p := viewtest.Everything(rapid.IntRange(0, 2).Draw(t, "applications"))
		viewtest.Infect(reflect.ValueOf(p).Elem(), text)
		for i := range p.Applications {
			p.Applications[i].Address = addr.Application("web").Instance(text())
		}
		problem := plan.Problem{}
		viewtest.Infect(reflect.ValueOf(&problem).Elem(), text)
		options := Options{Budget: rapid.SampledFrom([]int{3000, 30_000, 60_000}).Draw(t, "budget"), NoHTML: rapid.Bool().Draw(t, "no HTML")}
		for _, to := range []*string{&options.Key, &options.Head, &options.Base, &options.BaseBranch, &options.Next, &options.Run} {
			*to = text()
		}
		body, err := Body(p, []plan.Problem{problem}, options)
		if err != nil {
			t.Fatal(err)
		}
		sound(t, options, body)
	})
}

// TestAMegabyteIsNotTold: a text of any length leaves room for the others.
func TestAMegabyteIsNotTold(t *testing.T) {
	for _, long := range []string{strings.Repeat("A title ", 1<<17), strings.Repeat("`@\n", 1<<16)} {
		p := viewtest.Everything(1)
		first := &p.Applications[0]
		first.Address = addr.Application("web").Instance(long)
		first.Cluster, first.Risks[0].Code, first.Risks[1].Detail, first.Risks[2].Accepted = long, long, long, long
		first.Policies[0].Message, first.Blocked[0].Summary, first.Warnings[0], first.Failed.Message = long, long, long, long
		for i := range first.Changes {
			first.Changes[i].Reason = long
		}
		first.Changes[len(first.Changes)-2].ID.Name = long
		p.Problems[0].Detail, p.Targets[0], p.Orphans[0].Project, p.ToolVersion, p.ID = long, long, long, long, long
		p.Applications = append(p.Applications, viewtest.Everything(1).Applications...)
		options := Options{Key: long, Head: long, Base: long, BaseBranch: long, Next: long, Run: "https://example.com/" + long}
		body, err := Body(p, nil, options)
		if err != nil {
			t.Fatal(err)
		}
		sound(t, options, body)
		for _, must := range []string{"prune `Deployment.apps", "**high** `data-loss`", "**deny** `policy.a: r`"} {
			if !strings.Contains(body, must) {
				t.Errorf("with %.20q no %q is left", long, must)
			}
		}
	}
}

// sound holds a comment to what no text in a plan may change.
func sound(t interface {
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, options Options, body string,
) {
	marker := Marker(options.Key, options.NoHTML)
	whole := marker + "\n" + body
	most := options.Budget
	if most == 0 {
		most = 60_000
	}
	if len(whole) > most {
		t.Errorf("%d bytes of %d", len(whole), most)
	}
	if strings.ContainsFunc(whole, func(r rune) bool { return r != '\n' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) }) {
		t.Errorf("there are characters that nobody sees in\n%q", whole)
	}
	if strings.Contains(marker, "\n") || strings.Count(marker, "-->")+strings.Count(marker, ")") != 1 {
		t.Errorf("the marker is %q", marker)
	}
	visible := strings.Split(whole, "\n")[1:]
	if !options.NoHTML {
		if !regexp.MustCompile(`^<!-- gantry digest=(sha256:[0-9a-f]{64})? head=[0-9a-f]* -->$`).MatchString(visible[0]) {
			t.Errorf("what programs read is %q", visible[0])
		}
		visible = visible[1:]
	}
	if !strings.HasPrefix(visible[0], "### ") {
		t.Errorf("the first line that is seen is %q", visible[0])
	}
	var page bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert([]byte(whole), &page); err != nil {
		t.Fatalf("%v", err)
	}
	root, err := xhtml.Parse(&page)
	if err != nil {
		t.Fatalf("%v", err)
	}
	known := []string{"html", "head", "body", "h3", "h4", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "sub", "br", "ul", "li", "hr"}
	links := 0
	var walk func(n *xhtml.Node, code bool)
	walk = func(n *xhtml.Node, code bool) {
		switch n.Type {
		case xhtml.ElementNode:
			if n.Data == "a" && len(n.Attr) == 1 && n.Attr[0].Val == options.Run {
				links++
			} else if !slices.Contains(known, n.Data) {
				t.Errorf("there is a <%s> in\n%s", n.Data, whole)
			} else if len(n.Attr) > 0 && (n.Data != "code" || n.Attr[0].Val != "language-diff") {
				t.Errorf("<%s> has %v", n.Data, n.Attr)
			}
			if n.Data == "details" && n.Parent.Data != "body" {
				t.Errorf("what is folded is in a <%s>", n.Parent.Data)
			}
			code = code || n.Data == "code"
		case xhtml.TextNode:
			if !code {
				if found := noticed().FindString(n.Data); found != "" {
					t.Errorf("%q is seen by a forge in %q", found, n.Data)
				}
			}
		case xhtml.CommentNode:
			if !strings.HasPrefix(n.Data, " gantry") {
				t.Errorf("there is a comment %q", n.Data)
			}
		default:
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child, code)
		}
	}
	walk(root, false)
	if links > 2 {
		t.Errorf("%d links", links)
	}
}

// noticed is what forges do something about in text that is no code.
func noticed() *regexp.Regexp {
	return regexp.MustCompile(`(?i)@[\w]|#\d|\bgh-\d|[!$%~&^][\w"]|://\w|\bwww\.\w|\$` + "`")
}

// TestMarkers: one for each key, none of which ends early.
func TestMarkers(t *testing.T) {
	seen := map[string]string{}
	for _, key := range append(viewtest.Hostile(), "prod/eu", "prod-eu", "prod--eu", "a%2D", "a-", "a--", "--", "-->") {
		for _, noHTML := range []bool{false, true} {
			made := Marker(key, noHTML)
			if other, known := seen[made]; known && other != key {
				t.Errorf("%q and %q have the same marker", key, other)
			}
			seen[made] = key
			inner := strings.TrimSuffix(strings.TrimPrefix(made, "<!--"), "-->")
			if !noHTML && (strings.Contains(inner, "--") || strings.ContainsAny(inner, "<>\n")) {
				t.Errorf("%q ends early", made)
			}
		}
	}
	if got, want := Marker("prod/eu", false), "<!-- gantry:plan v1 key=prod/eu -->"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
