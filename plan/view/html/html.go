// Package html writes a plan as one HTML page that needs nothing else: no server, no
// network, no other file.
//
// The page shows what plan/view shows on a terminal, with what is deleted and the risks
// first, the graph of applications, a search and filters. Its policy allows the one
// style and the one script that are in it, by their digests, and no request to
// anywhere; whatever stands in a plan is text. What there is to unfold is in templates
// until someone does, so that the page stays usable with 10,000 objects.
//
// It decides nothing about a plan, and is imported by cmd.
package html

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	escape "html"
	"io"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/fold"
	"github.com/gantrycd/gantry/plan/view/words"
)

//go:embed page.css
var style string

//go:embed page.js
var script string

// Options are how a plan is shown.
type Options struct {
	// Now is what "3 minutes ago" is reckoned from; when the plan was made where zero.
	Now time.Time
}

// wholeObjects is how many new objects are shown with all their fields; of more, only
// the fields that people look for first.
const wholeObjects = 200

// unfolded is how many objects a page may have for all of them to be in view at once.
const unfolded = 60

// Write writes the page. Equal plans and options give equal bytes.
func Write(w io.Writer, p *plan.Plan, options Options) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	created := p.Counts()[plan.Create] + p.Counts()[plan.Run]
	page := &page{
		out: buffered, p: p, alike: fold.Find(p),
		options: view.Options{Now: options.Now, Width: 140, Verbose: created <= wholeObjects},
	}
	page.write()
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing a plan as HTML: %w", err)
	}
	return nil
}

// page writes a plan's page. Errors of the writer are kept by it.
type page struct {
	out     *bufio.Writer
	p       *plan.Plan
	alike   fold.Groups
	options view.Options
	// same tells of a change that it is as another one: both are indices of an
	// application, and of its changes.
	same map[[2]int][2]int
}

// raw writes what is HTML already.
func (g *page) raw(text string) { _, _ = g.out.WriteString(text) }

// text writes what is no HTML.
func (g *page) text(text string) { g.raw(safe(text)) }

// tag writes a text in an element of a class.
func (g *page) tag(name, class, text string) {
	g.raw("<" + name + ` class="` + class + `">`)
	g.text(text)
	g.raw("</" + name + ">")
}

// safe is a text as text of an element, or as an attribute in quotes.
func safe(text string) string { return escape.EscapeString(words.Printable(text)) }

// digest is a source of a policy: that very text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is the Content-Security-Policy of the page, for who serves it.
func Policy() string {
	return "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(script) + "; base-uri 'none'; form-action 'none'"
}

func (g *page) write() {
	title := view.Summary(g.p)
	g.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"" + escape.EscapeString(Policy()) + "\">\n")
	g.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
	g.text(title)
	g.raw("</title>\n<style>" + style + "</style>\n</head>\n<body>\n")
	g.header(title)
	g.alarms()
	g.controls()
	g.graph()
	g.raw("<main id=\"plan\">\n")
	g.sections()
	g.raw("</main>\n<p id=\"none\" hidden>Nothing matches. <button type=\"button\" id=\"reset\">Show everything</button></p>\n")
	g.footer()
	g.raw("<script>" + script + "</script>\n</body>\n</html>\n")
}

// header is the verdict.
func (g *page) header(title string) {
	head, rest, _ := strings.Cut(title, ": ")
	if rest == "" {
		head, rest = title, ""
	}
	g.raw("<header>\n<h1>")
	g.text(head)
	g.raw("</h1>\n")
	if rest != "" {
		g.tag("p", "verdict", rest)
	}
	for _, banner := range []struct {
		on    bool
		class string
		text  string
	}{
		{g.p.Destroy, "banner bad", "This plan destroys: the applications below leave, and Gantry forgets them."},
		{g.p.Offline, "banner", g.p.Imagined()},
		{g.p.Act != nil, "banner", g.p.Act.Banner()},
		{len(g.p.Targets) > 0, "banner", "Only " + words.Join(g.p.Targets) + " and what they depend on; the rest was left out."},
		{g.p.Affected != nil, "banner", g.p.Affected.Banner()},
		{g.p.IsBlocked(), "banner bad", "Some applications are blocked and will not be applied."},
		{g.p.NeedsApproval(), "banner", "Policies want some applications approved: they are not applied without that."},
		{len(g.p.Problems) > 0, "banner bad", "The plan is incomplete: " + words.Counted(len(g.p.Problems), "error") + "."},
	} {
		if banner.on {
			g.tag("p", banner.class, banner.text)
		}
	}
	g.raw("<p class=\"meta\">")
	for i, c := range g.p.Clusters {
		if i > 0 {
			g.raw(" · ")
		}
		g.text(strings.TrimSpace(c.Name + " " + c.Version))
	}
	if !g.p.CreatedAt.IsZero() {
		g.raw(" · made ")
		g.text(g.p.CreatedAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	if !g.p.ExpiresAt.IsZero() {
		g.raw(" · expires ")
		g.text(g.p.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	g.raw("</p>\n</header>\n")
}

// footer tells what the page is of, in full.
func (g *page) footer() {
	g.raw("<footer>")
	for _, fact := range [][2]string{{"gantry", g.p.ToolVersion}, {"inputs", g.p.InputDigest}, {"plan", g.p.ID}, {"state", g.p.Lineage}} {
		if fact[1] != "" {
			g.raw("<span>")
			g.text(fact[0] + " ")
			g.tag("code", "", fact[1])
			g.raw("</span> ")
		}
	}
	g.raw("</footer>\n")
}
