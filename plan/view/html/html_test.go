package html_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/html"
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
