package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan"
)

// An apply on a terminal: a row with the counts, one for the clusters where there are
// several, and one for each application that is being applied, as many as the terminal
// has room for; what has no room is counted in the last row.

const (
	// liveRows is how many rows there are at most, however high the terminal is.
	liveRows = 40
	// doneFor is how long an application that is done keeps its row, if there is room.
	doneFor = 5 * time.Second
	// heldRows is how many applications that may not begin yet have a row.
	heldRows = 5
)

var frames = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// liveView draws the rows of an apply.
func liveView(s *story.Story, now time.Time, frame, columns, lines int) []row {
	room := min(lines-1, liveRows)
	rows := []row{{{string(frames[frame%len(frames)]) + " " + progressLine(s, now), bold}}}
	if clusters := clusterLine(s, columns); clusters != "" && room > 3 {
		rows = append(rows, row{{clusters, dim}})
	}
	shown, rest := choose(s, now, room-len(rows))
	l := layoutOf(shown, columns)
	for _, a := range shown {
		rows = append(rows, l.row(a, now))
	}
	if rest != "" && len(rows) < room {
		rows = append(rows, row{{"  " + rest, dim}})
	}
	return rows
}

// progressLine says how far an apply is.
func progressLine(s *story.Story, now time.Time) string {
	changed, total, states := s.Progress()
	text := fmt.Sprintf("applying: %d of %s, %d of %s done", changed, count(total, "change"), states[story.Done], count(len(s.Applications()), "application"))
	if n := states[story.Failed]; n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if n := states[story.Stopped]; n > 0 {
		text += fmt.Sprintf(", %d interrupted", n)
	}
	if n := states[story.Skipped]; n > 0 {
		text += fmt.Sprintf(", %d left out", n)
	}
	return text + "  " + roughly(now.Sub(s.Began))
}

// clusterLine says how many applications of each cluster are over, where there are
// several clusters; those with the least done come first.
func clusterLine(s *story.Story, columns int) string {
	type tally struct {
		name       string
		ended, all int
	}
	var all []tally
	at := map[string]int{}
	for _, a := range s.Applications() {
		i, ok := at[a.Cluster]
		if !ok {
			i = len(all)
			at[a.Cluster] = i
			all = append(all, tally{name: a.Cluster})
		}
		all[i].all++
		if a.State != story.Pending && a.State != story.Running {
			all[i].ended++
		}
	}
	if len(all) < 2 {
		return ""
	}
	slices.SortFunc(all, func(a, b tally) int { return strings.Compare(a.name, b.name) })
	text := " "
	for i, t := range all {
		next := fmt.Sprintf(" %s %d/%d ", t.name, t.ended, t.all)
		more := fmt.Sprintf(" and %d more", len(all)-i)
		if columns > 0 && cells(text+next+more) > columns-margin {
			return text + more
		}
		text += next
	}
	return text
}

// choose picks the applications that have a row, in so many rows with what says what is
// not shown: what runs, then what is held and why, then what is done just now.
func choose(s *story.Story, now time.Time, room int) (shown []*story.Application, rest string) {
	running, pending := s.Running(), s.Pending()
	total := len(running) + len(pending)
	if total > room {
		room-- // for the rest
	}
	if hidden := len(running) - max(room, 0); hidden > 0 {
		shown = mostTelling(running, max(room, 0))
		return shown, restLine(hidden, pending, now)
	}
	shown = running
	held := pending[:0:0]
	for _, a := range pending {
		if a.Held != nil && len(shown)+len(held) < room && len(held) < heldRows {
			held = append(held, a)
		}
	}
	shown = append(shown, held...)
	pending = pending[len(held):]
	if len(pending) > 0 && len(shown) == room && total <= room+1 {
		room--
	}
	for _, a := range s.Ended(story.Done) {
		if len(shown) < room && now.Sub(a.Ended) < doneFor {
			shown = append(shown, a)
		}
	}
	return shown, restLine(0, pending, now)
}

// mostTelling picks so many of the applications that run, those first that wait or are
// tried again, and leaves them in their order.
func mostTelling(running []*story.Application, n int) []*story.Application {
	tells := func(a *story.Application) int {
		w := a.FirstWait()
		switch {
		case !a.RetryAt.IsZero(), w != nil && w.Cause != "":
			return 0
		case w != nil:
			return 1
		}
		return 2
	}
	sorted := slices.Clone(running)
	slices.SortStableFunc(sorted, func(a, b *story.Application) int { return tells(a) - tells(b) })
	chosen := map[*story.Application]bool{}
	for _, a := range sorted[:n] {
		chosen[a] = true
	}
	return slices.DeleteFunc(slices.Clone(running), func(a *story.Application) bool { return !chosen[a] })
}

// restLine counts what has no row; of what waits it says why the first does.
func restLine(running int, pending []*story.Application, now time.Time) string {
	var parts []string
	if running > 0 {
		parts = append(parts, fmt.Sprintf("%d more at work", running))
	}
	if n := len(pending); n > 0 {
		text := fmt.Sprintf("%d waiting", n)
		if first := pending[0]; first.Held != nil {
			text += fmt.Sprintf(" (%s: %s)", first.Address, waitText(first.Held, now))
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return ""
	}
	return "and " + strings.Join(parts, ", ")
}

// layout is how wide the columns are.
type layout struct{ address, stage, counts int }

func layoutOf(apps []*story.Application, columns int) layout {
	var l layout
	for _, a := range apps {
		l.address = max(l.address, cells(a.Address.String()))
		l.stage = max(l.stage, cells(stageText(a.Stage)))
		l.counts = max(l.counts, cells(countsText(a)))
	}
	if columns > 0 {
		l.address = min(l.address, max(columns/3, 12))
	}
	return l
}

func (l layout) row(a *story.Application, now time.Time) row {
	mark, markColour := "·", dim
	says, saysColour := runningText(a, now)
	switch a.State {
	case story.Done:
		mark, markColour = "✓", green
		says = "done"
		if !a.Started.IsZero() {
			says += " in " + duration(a.Ended.Sub(a.Started))
		}
	case story.Running:
		mark, markColour = "→", plain
	case story.Pending, story.Failed, story.Stopped, story.Skipped:
	}
	out := row{{mark + " ", markColour}, {pad(a.Address.String(), l.address), plain}}
	if l.stage > 0 {
		out = append(out, span{"  " + pad(stageText(a.Stage), l.stage), dim})
	}
	return append(out, span{"  " + strings.Repeat(" ", l.counts-cells(countsText(a))) + countsText(a), plain}, span{"  " + says, saysColour})
}

func countsText(a *story.Application) string { return fmt.Sprintf("%d/%d", a.Changed(), a.Total) }

// stageText names a stage: "PreSync", "Sync wave 2".
func stageText(s story.Stage) string {
	if s.Phase == "" || s.Phase == plan.PhaseSync && s.Wave == 0 {
		return string(s.Phase)
	}
	if s.Wave == 0 {
		return string(s.Phase)
	}
	return fmt.Sprintf("%s wave %d", s.Phase, s.Wave)
}

// runningText says what an application is at, or what it waits for and for how long.
func runningText(a *story.Application, now time.Time) (string, colour) {
	if !a.RetryAt.IsZero() {
		of := ""
		if a.Attempts > 0 {
			of = fmt.Sprintf(" of %d", a.Attempts)
		}
		return fmt.Sprintf("try %d%s failed, the next begins in %s: %s", a.Attempt, of, roughly(max(0, a.RetryAt.Sub(now))), a.Message), yellow
	}
	wait := a.FirstWait()
	switch {
	case wait == nil && a.State == story.Pending:
		return "waiting", dim
	case wait == nil:
		return "at work", dim
	}
	text := waitText(wait, now)
	if more := a.Waiting() - 1; wait.Object != nil && more > 0 {
		text = fmt.Sprintf("%d objects, %s", more+1, text)
	}
	if wait.Cause != "" {
		return text, yellow
	}
	return text, plain
}

// waitText says what is waited for, since when, and what a person would look for.
func waitText(w *story.Wait, now time.Time) string {
	text := w.Message
	if w.Object != nil {
		text = strings.TrimSuffix(w.Object.String()+": "+text, ": ")
	}
	return roughly(now.Sub(w.Since)) + " " + withCause(text, w.Cause)
}

// withCause adds the cause to a message that does not say it already; where the cause says
// the end of the message again, it stands in its place.
func withCause(message, cause string) string {
	if cause == "" || strings.Contains(message, cause) {
		return message
	}
	begin, end := "", message
	if at := strings.LastIndex(message, ": "); at >= 0 {
		begin, end = message[:at+2], message[at+2:]
	}
	if end == "" || strings.Contains(cause, end) {
		return begin + cause
	}
	return message + ": " + cause
}

// roughly is a duration in whole seconds.
func roughly(d time.Duration) string {
	if d = d.Round(time.Second); d > 0 {
		return plan.Spell(d)
	}
	return "0s"
}
