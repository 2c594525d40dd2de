package html_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	xhtml "golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/html"
	"github.com/gantrycd/gantry/plan/view/viewtest"
)

func page(t testing.TB, p *plan.Plan) string {
	t.Helper()
	var out bytes.Buffer
	if err := html.Write(&out, p, html.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageIsOfItself(t *testing.T) {
	for name, p := range map[string]*plan.Plan{"estate": estate(), "hostile": hostile(), "empty": base()} {
		text := page(t, p)
		if n := strings.Count(text, "<script"); n != 1 {
			t.Errorf("%s: %d scripts", name, n)
		}
		if !strings.Contains(text, "default-src &#39;none&#39;; style-src &#39;sha256-") || strings.Contains(text, "unsafe") {
			t.Errorf("%s: no strict policy", name)
		}
		if found := regexp.MustCompile(`(?i)<[^>]+\s(src|href|style|on\w+)\s*=`).FindString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(text[strings.Index(text, "<body>"):strings.LastIndex(text, "<script>")], `""`)); found != "" {
			t.Errorf("%s: %s", name, found)
		}
		for _, r := range text {
			if r < ' ' && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e {
				t.Errorf("%s: %U in it", name, r)
			}
		}
		if again := page(t, p); again != text {
			t.Errorf("%s: another page of the same plan", name)
		}
	}
}

// TestHostileTextsInEveryString: whatever stands in any string of a plan, the page has one
// script, which is its own, no link that leads out, and nothing that is not seen.
func TestHostileTextsInEveryString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return viewtest.Text().Draw(t, "text") }
		p := viewtest.Everything(rapid.IntRange(0, 2).Draw(t, "applications"))
		viewtest.Infect(reflect.ValueOf(p).Elem(), text)
		var out bytes.Buffer
		if err := html.Write(&out, p, html.Options{}); err != nil {
			t.Fatal(err)
		}
		root, err := xhtml.Parse(&out)
		if err != nil {
			t.Fatal(err)
		}
		scripts := 0
		for n := range root.Descendants() {
			switch {
			case n.Type == xhtml.ElementNode && n.Data == "script":
				scripts++
			case n.Type == xhtml.ElementNode && slices.Contains([]string{"img", "iframe", "form", "object", "base", "embed"}, n.Data):
				t.Fatalf("there is a <%s>", n.Data)
			}
			for _, attribute := range n.Attr {
				if (attribute.Key == "href" || attribute.Key == "src") && !strings.HasPrefix(attribute.Val, "#") || strings.HasPrefix(attribute.Key, "on") {
					t.Fatalf("<%s> has %s=%q", n.Data, attribute.Key, attribute.Val)
				}
				if at := strings.IndexFunc(attribute.Val, unseen); at >= 0 && n.Data != "script" && n.Data != "style" {
					t.Fatalf("%s of <%s> has %.40q", attribute.Key, n.Data, attribute.Val[at:])
				}
			}
			if at := strings.IndexFunc(n.Data, unseen); at >= 0 && n.Type == xhtml.TextNode {
				t.Fatalf("%.40q", n.Data[at:])
			}
		}
		if scripts != 1 {
			t.Fatalf("%d scripts", scripts)
		}
	})
}

func unseen(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// TestGraphDegrades: of many applications the blocks are drawn, of very many nothing,
// and a circle of blocks is no endless one.
func TestGraphDegrades(t *testing.T) {
	many := func(n int, address func(int) addr.Address) *plan.Plan {
		p := base()
		for i := range n {
			a := app("x", "production", change(plan.Update, "ConfigMap", fmt.Sprint(i)))
			a.Address = address(i)
			if i > 0 {
				a.DependsOn = []addr.Address{address(i - 1)}
			}
			p.Applications = append(p.Applications, a)
		}
		return p
	}
	for _, c := range []struct {
		name  string
		plan  *plan.Plan
		nodes int
		says  string
	}{
		{"one", many(1, func(int) addr.Address { return addr.Application("a") }), 0, ""},
		{"few", many(50, func(i int) addr.Address { return addr.Application(fmt.Sprintf("a%d", i)) }), 50, "50 applications"},
		{"instances of two blocks that need each other", many(1000, func(i int) addr.Address { return addr.Application(fmt.Sprintf("b%d", i%2)).Instance(fmt.Sprint(i)) }), 2, "2 blocks"},
		{"too many", many(2000, func(i int) addr.Address { return addr.Application(fmt.Sprintf("a%d", i)) }), 0, "2000 blocks are too many to draw"},
	} {
		text := page(t, c.plan)
		if n := strings.Count(text, "<g class"); n != c.nodes || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d nodes, want %d and %q", c.name, n, c.nodes, c.says)
		}
	}
}

// TestOrphans: what belongs to no application is in the page, all of it, whatever it is called.
func TestOrphans(t *testing.T) {
	p := base()
	if text := page(t, p); strings.Contains(text, "orphans") || strings.Contains(text, "Belongs to no application") {
		t.Error("a page of none has a heading")
	}
	for i := range 200 {
		p.Orphans = append(p.Orphans, plan.Orphaned{Project: "production", Cluster: "<b>", ID: object.ID{Kind: "ConfigMap", Namespace: "web", Name: fmt.Sprintf("left-<i>-%d", i)}})
	}
	text := page(t, p)
	for _, want := range []string{"Belongs to no application: 200 objects", "left-&lt;i&gt;-0<", "left-&lt;i&gt;-199<", "in the cluster &#34;&lt;b&gt;&#34; (project production)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	if err := html.Write(full{}, estate(), html.Options{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v, want the writer's error", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestPageIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	start := time.Now()
	text := page(t, creation(10_000))
	if len(text) > 12<<20 {
		t.Errorf("a page of 10,000 objects has %d bytes", len(text))
	}
	t.Logf("10,000 objects: %d kB in %s", len(text)>>10, time.Since(start).Round(time.Millisecond))
}

func BenchmarkHTML(b *testing.B) {
	p := creation(10_000)
	for b.Loop() {
		if err := html.Write(io.Discard, p, html.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What a policy wants approved is seen at the head of the page, of the application and in the
// list of policies.
func TestPolicyThatWantsApproval(t *testing.T) {
	web := app("web", "production", change(plan.Create, "Service", "web"))
	quiet := page(t, base(web))
	web.Policies = []plan.PolicyResult{{
		Policy: "policy.public", Enforcement: plan.PolicyApprove, Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"security"}}, Object: web.Changes[0].ID, Message: "web is public",
	}}
	text := page(t, base(web))
	for _, want := range []string{"Policies want some applications approved", ">needs approval</b>", "needs 1 approval by members of security", "policy.public needs 1 approval"} {
		if !strings.Contains(text, want) || strings.Contains(quiet, want) {
			t.Errorf("%q", want)
		}
	}
}
