package comment

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	xhtml "golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// hostile are texts that do something in Markdown, in HTML, on a forge or on a terminal.
func hostile() []string {
	return []string{
		"@everyone", "cc @example/admins,", "closes #1", "example/repo#2", "GH-3", "gh-4", "!5", "$6", "%7", "~8", "&9", "%\"milestone\"", "^alert",
		"https://evil.example.com/?a=b", "www.evil.example.com", "http://x.example", "ftp://x.example", "mailto:a@example.com", "someone@example.com", "<https://evil.example.com>",
		"[click](https://evil.example.com)", "![img](https://evil.example.com/x.png)", "[a]: https://evil.example.com", "[a]", "[![x](y)](z)", "[//]: # (gantry:plan v1 key=.)",
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "<details open>", "</summary>", "</code></pre>", "</sub>", "<!-- gantry:plan v1 key=. -->", "<!--", "-->", "<a href=//x>", "&lt;b&gt;", "&#64;everyone", "<b>", "<style>", "<?", "<![CDATA[",
		"```", "````", "``````", "`", "``", "~~~", "~~~~", "***", "---", "===", "___", "\n", "\r\n", "\n\n", "\n```\n", "\n\n# Approved\n\n", "\n</details>\n\n", "|", "\\|", "\\", "\\\\", "| a | b |\n|---|---|\n", "> quote", "- [x] done", "1. one", "    indented", "\t", "**bold**", "_under_", "~~gone~~", "$`math`$", "$$x$$",
		"\x1b[2J", "\x1b]8;;https://evil.example.com\x07link\x1b]8;;\x07", "\x00", "\x07", "\u202e", "\u2066", "\u200b", "\u00ad", "\xff", "\x9b2J", "\u2028", "::error::x", "##[error]", "::set-output name=a::b",
		"a", "web", " ", "", "日本語", "é", "🚀", strings.Repeat("`", 50), strings.Repeat("long ", 60),
	}
}

func hostileText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(hostile()), 1, 4).Draw(t, "parts"), rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "between"))
	})
}

// infect sets every text of a value to one that is made, but for the words that plans have
// a fixed list of.
func infect(v reflect.Value, text func() string) {
	switch v.Interface().(type) {
	case plan.Action, plan.Severity, plan.PolicyEnforcement, plan.FieldKind, plan.TakenWhy, time.Time, addr.Address:
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(text())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			infect(v.Elem(), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				infect(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			infect(v.Index(i), text)
		}
	case reflect.Interface:
		if !v.IsNil() && v.CanSet() && v.Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf(text()))
		}
	case reflect.Map:
		made := reflect.MakeMap(v.Type())
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			infect(value, text)
			if nested, ok := value.Interface().(map[string]any); ok {
				value.Set(reflect.ValueOf(nested))
			}
			made.SetMapIndex(reflect.ValueOf(text()), value)
		}
		if v.CanSet() {
			v.Set(made)
		}
	default:
	}
}

// everything is a plan that has something of all that a comment shows.
func everything(n int) *plan.Plan {
	id := object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "podinfo"}
	actions := plan.Actions()
	p := &plan.Plan{
		ToolVersion: "0.1.0", ID: "x", InputDigest: "sha256:abc", Targets: []string{"a", "b"}, Offline: n%3 == 0,
		CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		Clusters: []plan.Cluster{{Name: "eu"}}, Problems: []plan.Problem{{Summary: "s", Detail: "d", Range: "r:1,2"}},
		Orphans: []plan.Orphaned{{Project: "p", Cluster: "c", ID: id}},
	}
	if n%3 == 0 {
		p.Against = &plan.Against{Ref: "main", Commit: strings.Repeat("a", 40)}
	}
	for i := range n {
		a := plan.Application{
			Address: addr.Application("web").Instance(fmt.Sprint(i)), Name: "web", Cluster: "eu", Namespace: "web", Project: "p", Digest: "sha256:1",
			Blocked: []plan.Problem{{Summary: "b", Detail: "bd", Range: "r"}}, Warnings: []string{"w"},
			Risks: []plan.Risk{
				{Code: "data-loss", Severity: plan.High, Object: &id, Detail: "d", Paths: []string{"a.b"}, Range: "x:1,1"},
				{Code: "x", Severity: plan.Low, Detail: "e"},
				{Code: "y", Severity: plan.Low, Detail: "e", Accepted: "why"},
			},
			Policies: []plan.PolicyResult{{Policy: "policy.a", Rule: "r", Enforcement: plan.PolicyDeny, Object: id, Message: "m", Range: "x:1,1", Source: "s"}, {Policy: "policy.b", Enforcement: plan.PolicyWarn, Object: id, Message: "m", Exempt: "e"}},
			Failed:   &plan.Failure{Outcome: "failed", Message: "m"},
		}
		for j, action := range actions {
			c := plan.Change{
				ID: id, Version: "v1", Action: action, Reason: "r", Origin: "o", Warnings: []string{"w"},
				Fields: []plan.FieldChange{{Path: "data.a", Kind: plan.Changed, Before: "x", After: "y"}, {Path: "data.b", Kind: plan.Added, After: "y"}},
				Takes:  []plan.Taken{{Kind: "Pod", Why: plan.TakenOwned, Count: 1, IDs: []plan.TakenID{{Name: "p"}}}, {Kind: "PersistentVolume", Why: plan.TakenVolume, Count: 1, Data: true, Of: "o", IDs: []plan.TakenID{{Name: "p"}}}},
				Body:   object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "n"}, "data": map[string]any{"k": "v"}},
			}
			c.ID.Name = fmt.Sprintf("x-%d-%d", i, j)
			if action == plan.Run {
				c.Hook = &plan.Hook{}
			}
			a.Changes = append(a.Changes, c)
		}
		p.Applications = append(p.Applications, a)
	}
	return p
}

// TestHostileTextsStayText: whatever stands in a plan, the comment that a forge renders has
// nothing of it but text, and is not longer than it may be.
func TestHostileTextsStayText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return hostileText().Draw(t, "text") }
		p := everything(rapid.IntRange(0, 2).Draw(t, "applications"))
		infect(reflect.ValueOf(p).Elem(), text)
		for i := range p.Applications {
			p.Applications[i].Address = addr.Application("web").Instance(text())
		}
		problem := plan.Problem{}
		infect(reflect.ValueOf(&problem).Elem(), text)
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
		p := everything(1)
		first := &p.Applications[0]
		first.Address = addr.Application("web").Instance(long)
		first.Cluster, first.Risks[0].Code, first.Risks[1].Detail, first.Risks[2].Accepted = long, long, long, long
		first.Policies[0].Message, first.Blocked[0].Summary, first.Warnings[0], first.Failed.Message = long, long, long, long
		for i := range first.Changes {
			first.Changes[i].Reason = long
		}
		first.Changes[len(first.Changes)-2].ID.Name = long
		p.Problems[0].Detail, p.Targets[0], p.Orphans[0].Project, p.ToolVersion, p.ID = long, long, long, long, long
		p.Applications = append(p.Applications, everything(1).Applications...)
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
	for _, key := range append(hostile(), "prod/eu", "prod-eu", "prod--eu", "a%2D", "a-", "a--", "--", "-->") {
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
