package html_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/html"
)

// browser finds a Chromium; without one, tests that need it are skipped.
func browser(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("GANTRY_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: install one, or name it in GANTRY_CHROMIUM")
	return ""
}

// tab is a page that is open in a browser.
type tab struct {
	ctx  context.Context
	t    *testing.T
	file string

	mu       sync.Mutex
	requests []string
	messages []string
}

// open writes a plan's page to a file and opens it in a browser of its own.
func open(t *testing.T, p *plan.Plan) *tab {
	t.Helper()
	path := browser(t)
	file := filepath.Join(t.TempDir(), "plan.html")
	var text bytes.Buffer
	if err := html.Write(&text, p, html.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "no-default-browser-check",
	} {
		flags = append(flags, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewExecAllocator(ctx, append(flags, chromedp.WSURLReadTimeout(2*time.Minute))...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	out := &tab{ctx: ctx, t: t, file: (&url.URL{Scheme: "file", Path: file}).String()}
	if err := chromedp.Listen(ctx, out.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	out.run(chromedp.Navigate(out.file))
	return out
}

// hear keeps what the page asks for, and what the browser has to say about it.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		b.messages = append(b.messages, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		b.messages = append(b.messages, e.ExceptionDetails.Text)
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// do runs JavaScript in the page, by the debugger and not by the page's policy.
func (b *tab) do(script string) { b.run(chromedp.Evaluate[chromedp.Void](script)) }

// click clicks on what a selector finds.
func (b *tab) click(selector string) { b.run(chromedp.Click(chromedp.CSS(selector))) }

// set gives a control a value, as if it was typed or chosen.
func (b *tab) set(id, value, event string) {
	b.t.Helper()
	b.do(fmt.Sprintf(`{ const e = document.querySelector("#%s"); e.value = %q; e.dispatchEvent(new Event(%q)); }; undefined`, id, value, event))
}

// quiet requires that the page asked for nothing but itself, and that there was nothing
// to say about it.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(b.requests), func(u string) bool { return u == b.file })
	if len(others) > 0 {
		b.t.Errorf("the page asks for %q", others)
	}
	if len(b.requests) == 0 {
		b.t.Error("not even the page was asked for: requests are not seen")
	}
	if len(b.messages) > 0 {
		b.t.Errorf("the browser says: %q", b.messages)
	}
}

// eval evaluates JavaScript, as do runs it.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return out
}

// until waits for JavaScript to be true.
func (b *tab) until(script string) {
	b.t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !eval[bool](b, script); <-tick.C {
		if time.Now().After(end) {
			b.t.Fatalf("%s does not come true", script)
		}
	}
}

const shown = `[...document.querySelectorAll(".o")].filter(o => !o.hidden && !o.closest(".app").hidden).length`

func TestPageInABrowser(t *testing.T) {
	b := open(t, estate())
	all := eval[int](b, shown)
	if all != 13 {
		t.Errorf("%d objects are shown at first, want the 13 that change", all)
	}
	if text := eval[string](b, `document.querySelector("#deletions").textContent`); !strings.Contains(text, "Namespace legacy") || !strings.Contains(text, "legacy/db-data") {
		t.Errorf("deletions: %s", text)
	}
	if text := eval[string](b, `document.querySelector("#risks").textContent`); !strings.Contains(text, "data-loss") {
		t.Errorf("risks: %s", text)
	}
	if above := eval[bool](b, `document.querySelector("#deletions").getBoundingClientRect().top < document.querySelector(".app").getBoundingClientRect().top`); !above {
		t.Error("deletions are below the applications")
	}

	t.Run("graph", func(t *testing.T) {
		if n := eval[int](b, `document.querySelectorAll("#graph svg g").length`); n != 10 {
			t.Errorf("%d nodes, want 10", n)
		}
		if n := eval[int](b, `document.querySelectorAll("#graph svg path").length`); n != 8 {
			t.Errorf("%d lines, want 8", n)
		}
		if w := eval[float64](b, `document.querySelector("#graph svg g rect").getBoundingClientRect().width`); w < 100 {
			t.Errorf("a node is %v pixels wide", w)
		}
		b.do(`document.querySelector('#graph [data-show="application.shop"] rect').dispatchEvent(new MouseEvent("click", {bubbles: true})); undefined`)
		if n := eval[int](b, shown); n != 2 {
			t.Errorf("%d objects are shown of the application that was clicked, want 2", n)
		}
		b.do(`document.querySelector('#graph [data-show="application.shop"] rect').dispatchEvent(new MouseEvent("click", {bubbles: true})); undefined`)
	})

	t.Run("search", func(t *testing.T) {
		for _, c := range []struct {
			typed string
			want  int
		}{
			{"nothing-like-this", 0},
			{"StatefulSet", 1},
			{"example.com/web:6.8.0", 1}, // a value, in what is folded
			{"rate", 1},                  // inside JSON within a text
			{"application.team", 4},
			{"team-3 settings", 1},
		} {
			b.set("search", c.typed, "input")
			b.until(fmt.Sprintf(`(%s) === %d`, shown, c.want))
			if none := eval[bool](b, `!document.querySelector("#none").hidden`); none != (c.want == 0) {
				t.Errorf("%q: it says that nothing matches: %v", c.typed, none)
			}
		}
		b.set("search", "", "input")
		b.until(fmt.Sprintf(`(%s) === %d`, shown, all))
	})

	t.Run("filters", func(t *testing.T) {
		choose := func(id, value string, want int) {
			b.set(id, value, "change")
			if got := eval[int](b, shown); got != want {
				t.Errorf("%s %q: %d objects are shown, want %d", id, value, got, want)
			}
		}
		choose("cluster", "staging", 5)
		choose("cluster", "", all)
		choose("risk", "high", 1)
		choose("risk", "any", 2)
		choose("risk", "", all)
		choose("application", `application.web`, 3)
		choose("application", "", all)
		click := func(action string, want int) {
			b.click(`[data-filter="` + action + `"]`)
			if got := eval[int](b, shown); got != want {
				t.Errorf("after a click on %s %d objects are shown, want %d", action, got, want)
			}
		}
		click("unchanged", all+2)
		click("unchanged", all)
		click("create", all-2)
		click("create", all)
	})

	t.Run("unfolding", func(t *testing.T) {
		if n := eval[int](b, `document.querySelectorAll(".o pre").length`); n != 0 {
			t.Errorf("%d texts are there before anything is unfolded", n)
		}
		b.do(`[...document.querySelectorAll(".o")].find(o => o.textContent.includes("Deployment.apps web/web")).open = true; undefined`)
		b.until(`document.querySelectorAll(".o pre").length === 1`)
		text := eval[string](b, `document.querySelector(".o pre").textContent`)
		if !strings.Contains(text, "image: example.com/web:6.7.1 → example.com/web:6.8.0") || !strings.Contains(text, "changed by kubectl-edit 3 minutes ago") {
			t.Errorf("unfolded: %s", text)
		}
		b.click("#unfold")
		b.until(`[...document.querySelectorAll(".o pre")].filter(p => p.textContent.includes("team-0.example.org")).length === 4`)
		if n := eval[int](b, `document.querySelectorAll(".o[data-made] > .of").length`); n != 3 {
			t.Errorf("%d of the 3 that are as another say so", n)
		}
	})
	b.quiet()
}

// TestNothingInAPlanRuns opens what would like to be run, and unfolds all of it.
func TestNothingInAPlanRuns(t *testing.T) {
	b := open(t, hostile())
	b.click("#unfold")
	b.until(`document.querySelectorAll(".o pre").length > 0`)
	if owned := eval[bool](b, `"owned" in window`); owned {
		t.Error("a script of the plan ran")
	}
	for what, want := range map[string]int{"script": 1, "style": 1, "img": 0, "a": 0, "link": 0, "iframe": 0, "base": 0, "form": 0, "svg": 1, "[onload], [onerror], [onclick], [style]": 0} {
		if got := eval[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length + [...document.querySelectorAll("template")].reduce((n, t) => n + t.content.querySelectorAll(%q).length, 0)`, what, what)); got != want {
			t.Errorf("%d elements are %s, want %d", got, what, want)
		}
	}
	if text := eval[string](b, `document.body.textContent`); !strings.Contains(text, "<script>window.owned=1</script>") || strings.ContainsAny(text, "\u202e\x1b") {
		t.Error("what stands in the plan is not shown as text, or as it came")
	}
	b.quiet()
}

// TestThePolicyHolds: even a script that got into the page would not run, nor reach
// anyone. This tells a policy that works from a page without anything to stop.
func TestThePolicyHolds(t *testing.T) {
	b := open(t, estate())
	b.do(`
		const s = document.createElement("script"); s.textContent = "window.owned = 1"; document.body.append(s);
		const i = new Image(); i.src = "http://127.0.0.1:9/x.png"; document.body.append(i);
		document.body.setAttribute("onclick", "window.owned = 1"); document.body.click();
		fetch("http://127.0.0.1:9/").catch(() => { window.refused = 1 }); undefined`)
	b.until(`"refused" in window`)
	if owned := eval[bool](b, `"owned" in window`); owned {
		t.Error("the policy lets another script run")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.messages, func(m string) bool { return strings.Contains(m, "Content Security Policy") }) {
		t.Errorf("the browser does not speak of the policy: %q", b.messages)
	}
}

// TestTenThousandObjectsAreUsable: opening, searching and unfolding.
func TestTenThousandObjectsAreUsable(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	p := creation(10_000)
	b := open(t, p)
	b.until(fmt.Sprintf(`(%s) === 10000`, shown))
	start := time.Now()
	b.set("search", "number 7777 of", "input")
	b.until(fmt.Sprintf(`(%s) === 1`, shown))
	first := time.Since(start)
	start = time.Now()
	b.set("search", "number 8888 of", "input")
	b.until(`document.querySelector(".o:not([hidden]) code").textContent.includes("team-0088/settings-88")`)
	t.Logf("searching 10,000 objects took %s, and again %s", first.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	if first > 20*time.Second {
		t.Errorf("the first search took %s", first)
	}
	if n := eval[int](b, `document.querySelectorAll("#graph svg g").length`); n != 1 {
		t.Errorf("the graph of 100 instances of a block has %d nodes, want 1", n)
	}
	b.quiet()
}
