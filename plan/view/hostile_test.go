package view_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	xhtml "golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/view/viewtest"
)

// TestHostileTextsInEveryString: whatever stands in any string of a plan, no view of it has
// a character that a terminal acts on or that is not seen, and in Markdown none of it is
// more than text.
func TestHostileTextsInEveryString(t *testing.T) {
	ours := regexp.MustCompile("\x1b\\[[0-9;]+m")
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return viewtest.Text().Draw(t, "text") }
		p := viewtest.Everything(rapid.IntRange(0, 2).Draw(t, "applications"))
		viewtest.Infect(reflect.ValueOf(p).Elem(), text)
		for i := range p.Applications {
			p.Applications[i].Address = addr.Application("web").Instance(text())
		}
		for end, show := range shows() {
			var got bytes.Buffer
			if err := show(&got, p); err != nil {
				t.Fatalf("%s: %v", end, err)
			}
			seen := got.String()
			if end == ".color.txt" {
				seen = ours.ReplaceAllString(seen, "")
			}
			if at := strings.IndexFunc(seen, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); at >= 0 {
				t.Fatalf("%s: %.40q", end, seen[at:])
			}
			switch end {
			case ".json":
				if !json.Valid(got.Bytes()) {
					t.Fatalf("it is no JSON: %s", seen)
				}
			case ".md":
				var page bytes.Buffer
				if err := markdown.Convert(got.Bytes(), &page); err != nil {
					t.Fatalf("%v", err)
				}
				root, err := xhtml.Parse(&page)
				if err != nil {
					t.Fatalf("%v", err)
				}
				for n := range root.Descendants() {
					if n.Type == xhtml.ElementNode && (len(n.Attr) > 0 && n.Data != "code" || strings.Contains(" a img script style iframe input form object svg link meta ", " "+n.Data+" ")) {
						t.Fatalf("there is a <%s> with %v in\n%s", n.Data, n.Attr, seen)
					}
				}
			}
		}
	})
}
