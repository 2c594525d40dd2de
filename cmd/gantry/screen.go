package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	eastasian "golang.org/x/text/width"

	"github.com/gantrycd/gantry/plan/view/words"
)

// span is a piece of a row in one colour.
type span struct {
	text   string
	colour colour
}

// row is a line of the screen.
type row []span

// screen keeps some rows at the end of a terminal current: what is written above them
// stays, and they are drawn anew in place, each time by one write. Everything in a row is
// made printable, and none is wider than the terminal, so that a row takes a line.
type screen struct {
	out    io.Writer
	colour bool
	drawn  []int // how wide the rows are that stand there
}

// margin is how many columns stay free: the terminal echoes ^C at the end of the last row.
const margin = 4

// draw replaces the rows.
func (s *screen) draw(rows []row, columns, lines int) {
	var b strings.Builder
	b.WriteString(s.home(columns, lines))
	s.drawn = s.drawn[:0]
	for i, r := range rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		text, wide := r.fit(columns-margin, s.colour)
		b.WriteString(text)
		b.WriteString("\x1b[K")
		s.drawn = append(s.drawn, wide)
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(s.out, b.String()) // an outlet; its error is told when it is flushed
}

// above writes lines that stay, and removes the rows until they are drawn again.
func (s *screen) above(text string, columns, lines int) {
	_, _ = io.WriteString(s.out, s.home(columns, lines)+s.rest()+text)
	s.drawn = nil
}

// erase removes the rows.
func (s *screen) erase(columns, lines int) {
	if len(s.drawn) > 0 {
		s.above("", columns, lines)
	}
}

// rest is what erases the rows from the first one on.
func (s *screen) rest() string {
	if len(s.drawn) == 0 {
		return ""
	}
	return "\x1b[J"
}

// home is what moves to the start of the first row. A terminal that has become narrower
// since has broken the rows that no longer fit.
func (s *screen) home(columns, lines int) string {
	if len(s.drawn) == 0 {
		return ""
	}
	up := -1
	for _, wide := range s.drawn {
		up++
		if columns > 0 && wide > columns {
			up += (wide - 1) / columns
		}
	}
	if lines > 0 {
		up = min(up, lines-1)
	}
	if up <= 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", up)
}

// fit is a row in at most so many columns (any number where that is less than 1), and how
// many it takes.
func (r row) fit(columns int, coloured bool) (text string, wide int) {
	var b strings.Builder
	for _, s := range r {
		part := words.Printable(s.text)
		if columns > 0 && wide+cells(part) > columns {
			part = cut(part, columns-wide)
			b.WriteString(paint(coloured, s.colour, part))
			return b.String(), wide + cells(part)
		}
		b.WriteString(paint(coloured && part != "", s.colour, part))
		wide += cells(part)
	}
	return b.String(), wide
}

// cut is a text in at most so many columns, with … where something is missing.
func cut(text string, columns int) string {
	if cells(text) <= columns {
		return text
	}
	wide := 0
	for i, r := range text {
		if wide += cellsOf(r); wide >= columns { // with …, it would be more
			return text[:i] + strings.Repeat("…", max(0, min(1, columns)))
		}
	}
	return text
}

// pad is a text in exactly so many columns.
func pad(text string, columns int) string {
	text = cut(text, columns)
	return text + strings.Repeat(" ", max(0, columns-cells(text)))
}

// cells is how many columns a text takes.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r < 0x300:
		return 1
	}
	switch eastasian.LookupRune(r).Kind() {
	case eastasian.EastAsianWide, eastasian.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
