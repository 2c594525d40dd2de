package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/plan/view/words"
)

// statusView makes the lines of a status for people.
type statusView struct {
	tree  bool
	width int // 0 wraps nothing
	now   time.Time
	out   []row
}

// mostTroubles is how many objects that are not as they should be are named of an
// application, without its tree.
const mostTroubles = 5

func (v *statusView) rows(s *status.Status) []row {
	v.out = nil
	if r := s.Running; r != nil {
		who := r.By
		if r.Command != "" {
			who += fmt.Sprintf(" (%s, process %d on %s)", r.Command, r.PID, r.Host)
		}
		v.wrapped(0, span{"Being applied by " + who + ", for " + roughly(v.now.Sub(r.Since)), bold})
		v.add()
	}
	wide, sync, well := 0, 0, 0
	for i := range s.Applications {
		a := &s.Applications[i]
		wide, sync, well = max(wide, cells(a.Address.String())), max(sync, len(a.Sync)), max(well, len(a.Health))
	}
	if v.width > 0 {
		wide = min(wide, max(v.width/2, 20))
	}
	for i := range s.Applications {
		a := &s.Applications[i]
		v.wrapped(2,
			span{pad(a.Address.String(), wide), bold}, span{"  ", plain}, span{pad(string(a.Sync), sync), syncColour(a.Sync)},
			span{"  ", plain}, span{pad(string(a.Health), well), healthColour(a.Health)}, span{"  " + v.about(a), dim})
		v.details(a)
	}
	v.summary(s)
	return v.out
}

// about says in a few words what an application is made of, and when it was applied.
func (v *statusView) about(a *status.Application) string {
	text := count(a.Objects.Total, "object")
	if a.Cluster != "" {
		text += " on " + a.Cluster
	}
	if l := a.Last; l != nil {
		text += ", applied " + words.Ago(l.At, v.now)
		if l.By != "" {
			text += " by " + l.By
		}
		for _, revision := range l.Revisions {
			text += " " + shortRevision(revision)
		}
	}
	return text
}

// shortRevision is a commit or a digest as people know it.
func shortRevision(revision string) string {
	if at := strings.LastIndex(revision, ":"); at >= 0 && len(revision)-at > 12 {
		return revision[:at+9]
	}
	if len(revision) == 40 {
		return revision[:8]
	}
	return revision
}

func (v *statusView) details(a *status.Application) {
	if a.Leaves {
		v.wrapped(4, span{"  The configuration has it no more: the next apply takes it away.", yellow})
	}
	if a.Held != nil {
		v.wrapped(4, span{"  Held: " + a.Held.String(), yellow})
	}
	if a.Why != "" {
		v.wrapped(4, span{"  " + a.Why, syncColour(a.Sync)})
	}
	if d := a.Doing; d != nil {
		var next []string
		for _, i := range d.Next {
			next = append(next, fmt.Sprintf("%s %s", i.Action, i.Object))
		}
		if more := d.Left - len(next); more > 0 {
			next = append(next, fmt.Sprintf("%d more", more))
		}
		v.wrapped(4, span{fmt.Sprintf("  Not known to be done, for %s: %s", roughly(v.now.Sub(d.Since)), words.Join(next)), yellow})
	}
	if a.Last != nil && a.Last.Outcome != "succeeded" && a.Last.Message != "" {
		v.wrapped(4, span{"  The last apply: " + a.Last.Message, yellow})
	}
	if v.tree {
		for i := range a.Tree {
			v.node(&a.Tree[i], 2)
		}
		return
	}
	told := 0
	for i := range a.Tree {
		n := &a.Tree[i]
		if !troubled(n) {
			continue
		}
		if told++; told <= mostTroubles {
			v.line(n, 2)
		}
	}
	if more := told - mostTroubles; more > 0 {
		v.wrapped(4, span{fmt.Sprintf("  and %d more: --tree shows all", more), dim})
	}
}

// troubled reports whether an object is not as it should be.
func troubled(n *status.Node) bool {
	if n.Hook && n.Missing {
		return false
	}
	return n.Missing || n.Changed != "" || n.Known && !status.Healthy(n.Health)
}

func (v *statusView) node(n *status.Node, depth int) {
	v.line(n, depth)
	for i := range n.Owned {
		v.node(&n.Owned[i], depth+2)
	}
	if n.More > 0 {
		v.wrapped(depth+4, span{fmt.Sprintf("%*sand %d more", depth+2, "", n.More), dim})
	}
}

// line tells of one object.
func (v *statusView) line(n *status.Node, depth int) {
	mark, colour := "✓", green
	switch {
	case n.Missing && n.Hook:
		mark, colour = "·", dim
	case n.Missing, n.Health == health.Degraded, n.Health == health.Unknown:
		mark, colour = "✗", red
	case n.Health == health.Progressing:
		mark, colour = "→", yellow
	case n.Health == health.Suspended, n.Changed != "":
		mark, colour = "!", yellow
	case !n.Known:
		mark, colour = "·", dim
	}
	says := ""
	if n.Known && n.Health != health.Healthy {
		says = string(n.Health)
		if n.Message != "" {
			says += ": " + n.Message
		}
	}
	if n.Cause != "" {
		says = strings.TrimPrefix(withCause(says, n.Cause), ": ")
	}
	if n.Changed != "" {
		says = strings.TrimPrefix(says+", changed: "+n.Changed, ", ")
	}
	if at := ageOf(n); !at.IsZero() {
		says = strings.TrimSpace(says + "  " + age(v.now.Sub(at)))
	}
	v.wrapped(depth+4, span{strings.Repeat(" ", depth), plain}, span{mark + " ", colour}, span{n.Object.String() + "  ", plain}, span{says, dim})
}

// ageOf is since when an object is as it is, where it is not healthy and tells, else when
// it was made.
func ageOf(n *status.Node) time.Time {
	if n.Known && n.Health != health.Healthy && !n.Since.IsZero() {
		return n.Since
	}
	return n.Created
}

// age is a time in its greatest unit, as kubectl has it: 42s, 5m, 3h, 12d.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func (v *statusView) summary(s *status.Status) {
	if len(s.Applications) == 0 {
		v.add(span{"There is nothing to show.", plain})
		return
	}
	v.add()
	parts := []string{count(s.Summary.Applications, "application")}
	for _, code := range health.Codes() {
		if n := s.Summary.Health[code]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, code))
		}
	}
	for _, sync := range []status.Sync{status.OutOfSync, status.Unknown} {
		if n := s.Summary.Sync[sync]; n > 0 {
			says := string(sync)
			if sync == status.Unknown {
				says = "not readable"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, says))
		}
	}
	if s.Summary.Sync[status.Synced] == s.Summary.Applications {
		parts = append(parts, "all Synced")
	}
	v.wrapped(2, span{parts[0] + ": " + strings.Join(parts[1:], ", ") + ".", plain})
}

func syncColour(s status.Sync) colour {
	switch s {
	case status.Synced:
		return green
	case status.OutOfSync:
		return yellow
	case status.Unknown:
		return red
	}
	return plain
}

func healthColour(code health.Code) colour {
	switch code {
	case health.Healthy:
		return green
	case health.Suspended, health.Progressing:
		return yellow
	case health.Missing, health.Degraded, health.Unknown:
		return red
	}
	return plain
}

func (v *statusView) add(spans ...span) { v.out = append(v.out, spans) }

// wrapped adds a line, broken between words where it is wider than the terminal; what
// follows is indented.
func (v *statusView) wrapped(indent int, spans ...span) {
	if v.width <= 0 {
		v.add(spans...)
		return
	}
	line, wide := row{}, 0
	for _, s := range spans {
		for _, word := range pieces(words.Printable(s.text)) {
			if n := cells(strings.TrimRight(word, " ")); wide+n > v.width-margin && wide > indent {
				v.out = append(v.out, line)
				line, wide = row{{strings.Repeat(" ", indent), plain}}, indent
				word = strings.TrimLeft(word, " ")
			}
			line, wide = append(line, span{word, s.colour}), wide+cells(word)
		}
	}
	v.out = append(v.out, line)
}

// pieces are the words of a text, each with the spaces before it.
func pieces(text string) []string {
	var out []string
	start, inWord := 0, false
	for i, r := range text {
		if r == ' ' && inWord {
			out = append(out, text[start:i])
			start, inWord = i, false
		} else if r != ' ' {
			inWord = true
		}
	}
	return append(out, text[start:])
}
