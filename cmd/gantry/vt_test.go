package main

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// vt is a terminal as far as progress uses one: it knows carriage return, line feed,
// cursor up, erasing, and colours, breaks long lines, scrolls, and when it is resized it
// breaks lines anew, as terminals do. Anything else is an error of the test.
type vt struct {
	t  *testing.T
	mu sync.Mutex

	columns, lines int
	rows           []vtRow // those that have scrolled away too
	top            int     // the first row on the screen
	y, x           int     // the cursor, y among rows
	writes         int
	reports        int // how often it was asked whether it is there, which it answers in turn
}

// vtRow is a row; follows means that the line of the row before goes on in it.
type vtRow struct {
	cells   []rune // a wide character takes two, the second of which is 0
	follows bool
}

func newVT(t *testing.T, columns, lines int) *vt {
	return &vt{t: t, columns: columns, lines: lines, rows: []vtRow{{}}}
}

func (v *vt) size() (int, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.columns, v.lines
}

func (v *vt) reported() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reports > 0
}

func (v *vt) Write(text []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes++
	for rest := string(text); rest != ""; {
		if after, ok := strings.CutPrefix(rest, "\x1b["); ok {
			end := strings.IndexFunc(after, func(r rune) bool { return r >= 'A' && r <= 'z' })
			if end < 0 {
				v.t.Fatalf("an escape sequence is cut off: %q", rest)
			}
			v.control(after[:end], after[end])
			rest = after[end+1:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		switch {
		case r == '\r':
			v.x = 0
		case r == '\n': // the terminal's driver makes both of it
			v.x = 0
			v.down(false)
		case r < ' ' || r == 0x7f:
			v.t.Fatalf("the terminal is sent %q", r)
		default:
			v.put(r)
		}
	}
	return len(text), nil
}

func (v *vt) control(argument string, what byte) {
	n, _ := strconv.Atoi(argument)
	row := &v.rows[v.y]
	switch what {
	case 'A':
		v.y = max(v.top, v.y-max(n, 1))
	case 'K':
		row.cells = row.cells[:min(v.x, len(row.cells))]
	case 'J':
		row.cells = row.cells[:min(v.x, len(row.cells))]
		v.rows = v.rows[:v.y+1]
	case 'm':
	case 'n':
		v.reports++
	default:
		v.t.Fatalf("the terminal does not know %q", argument+string(what))
	}
}

func (v *vt) put(r rune) {
	wide := cellsOf(r)
	if wide == 0 {
		return
	}
	if v.x+wide > v.columns {
		v.x = 0
		v.down(true)
	}
	row := &v.rows[v.y]
	for len(row.cells) < v.x+wide {
		row.cells = append(row.cells, ' ')
	}
	row.cells[v.x] = r
	if wide == 2 {
		row.cells[v.x+1] = 0
	}
	v.x += wide
}

func (v *vt) down(follows bool) {
	v.y++
	if v.y == len(v.rows) {
		v.rows = append(v.rows, vtRow{})
	}
	v.rows[v.y].follows = follows
	v.top = max(v.top, v.y-v.lines+1)
}

// resize breaks lines anew; the cursor stays at its character.
func (v *vt) resize(columns, lines int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	type line struct{ cells []rune }
	var all []line
	cursorLine, cursorAt := 0, 0
	for i, r := range v.rows {
		if !r.follows || i == 0 {
			all = append(all, line{})
		}
		last := &all[len(all)-1]
		if i == v.y {
			cursorLine, cursorAt = len(all)-1, len(last.cells)+v.x
		}
		last.cells = append(last.cells, r.cells...)
	}
	v.columns, v.lines, v.rows = columns, lines, nil
	for i, l := range all {
		first := len(v.rows)
		for at := 0; at == 0 || at < len(l.cells); at += columns {
			v.rows = append(v.rows, vtRow{cells: append([]rune(nil), l.cells[at:min(at+columns, len(l.cells))]...), follows: at > 0})
		}
		if i == cursorLine {
			v.y, v.x = min(first+cursorAt/columns, len(v.rows)-1), cursorAt%columns
		}
	}
	v.top = max(0, len(v.rows)-lines)
}

// text is everything that can be seen, what has scrolled away too.
func (v *vt) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	for i, r := range v.rows {
		if i == v.top && i > 0 {
			b.WriteString("--- the screen begins ---\n")
		}
		text := strings.ReplaceAll(string(r.cells), "\x00", "")
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	return b.String()
}
