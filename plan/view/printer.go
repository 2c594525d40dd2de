package view

import (
	"io"
	"strings"

	"github.com/gantrycd/gantry/plan/view/words"
)

// style is how a span of text looks: an SGR parameter of ANSI terminals.
type style string

const (
	normal style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "36"
	loud   style = "1;31"
)

// span is a piece of a line in one style.
type span struct {
	style style
	text  string
}

// printer writes lines. Everything goes through it, so that nothing reaches a
// terminal that is not printable. It remembers the first error of the writer.
type printer struct {
	w     io.Writer
	color bool
	err   error
	take  func(Line) // where lines go instead of w
	diff  bool       // lines begin with the marks of a diff, for forges to colour them
}

// line writes one line, indented by so many columns.
func (p *printer) line(indent int, spans ...span) {
	if p.err != nil {
		return
	}
	if p.take != nil {
		p.take(lineOf(indent, spans))
		return
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent))
	for _, s := range spans {
		text := words.Printable(s.text)
		if p.color && s.style != normal && text != "" {
			text = "\x1b[" + string(s.style) + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
	}
	text := strings.TrimRight(b.String(), " ")
	if mark := diffMark(spans); p.diff && mark != "" && strings.HasPrefix(text, " ") {
		text = mark + text[1:]
	}
	_, p.err = io.WriteString(p.w, text+"\n")
}

// diffMark is what a diff has in front of a line that begins with one of our signs, or
// empty. A sign has a style: what merely looks like one, such as an item of a YAML list
// that stays, has none.
func diffMark(spans []span) string {
	if len(spans) == 0 || spans[0].style == normal {
		return ""
	}
	switch sign, _, _ := strings.Cut(strings.TrimLeft(spans[0].text, " "), " "); sign {
	case "-", "-/+":
		return "-"
	case "+":
		return "+"
	case "~", "x":
		return "!"
	}
	return ""
}

// blank writes an empty line.
func (p *printer) blank() { p.line(0) }
