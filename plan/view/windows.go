package view

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// windowed are applications that may be applied at the same times.
type windowed struct {
	opening *plan.Opening
	names   []string
}

// who names them, for a sentence.
func (w *windowed) who(names []string) string {
	if more := len(names) - maxRolling; more > 0 {
		names = append(slices.Clone(names[:maxRolling]), words.Counted(more, "other"))
	}
	return words.Join(names) + " "
}

// openings groups the applications of a plan that have sync windows by when they may be
// applied: those that may not be when the plan is made come first.
func openings(p *plan.Plan) []*windowed {
	var out []*windowed
	for i := range p.Applications {
		a := &p.Applications[i]
		if a.Opening == nil {
			continue
		}
		said := a.Opening.String()
		at := slices.IndexFunc(out, func(w *windowed) bool { return w.opening.String() == said })
		if at < 0 {
			at = len(out)
			out = append(out, &windowed{opening: a.Opening})
		}
		out[at].names = append(out[at].names, a.Address.String())
	}
	slices.SortStableFunc(out, func(a, b *windowed) int {
		switch {
		case a.opening.Now == b.opening.Now:
			return 0
		case b.opening.Now:
			return -1
		}
		return 1
	})
	return out
}

// windows tells when applications may be applied by their sync windows.
func (t *text) windows() {
	all := openings(t.p)
	if len(all) == 0 {
		return
	}
	t.line(0, span{bold, "Sync windows:"})
	for _, w := range all {
		look := yellow
		if w.opening.Now {
			look = normal
		}
		t.line(2, span{look, w.who(w.names) + w.opening.String()})
		if w.opening.Window != nil && !w.opening.Now {
			t.line(4, span{faint, w.opening.Window.String()})
		}
	}
	t.blank()
}

// opening tells of an application when it may be applied.
func (t *text) opening(a *plan.Application) {
	if a.Opening == nil {
		return
	}
	look := yellow
	if a.Opening.Now {
		look = faint
	}
	t.paragraph(2, span{look, "window: "}, a.Opening.String())
}

// windows tells when applications may be applied by their sync windows, in at most a
// quarter of what is left.
func (m *markdown) windows() {
	room := m.left / 4
	var out strings.Builder
	left := 0
	for _, w := range openings(m.p) {
		line := "- " + w.who(codes(w.names)) + escaped(w.opening.String()) + "\n"
		if out.Len()+len(line) > room {
			left += len(w.names)
			continue
		}
		out.WriteString(line)
	}
	if out.Len() == 0 && left == 0 {
		return
	}
	m.force("\n**Sync windows:**\n\n" + out.String())
	if left > 0 {
		m.force("- " + words.Counted(left, "application") + " not named here: this comment would be too long\n")
	}
}
