package view

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/view/alarm"
)

// deletions lists what is deleted, before everything else: it is what people must
// not overlook. Where nothing but that happens the applications tell it already,
// unless they are not shown or something goes with it.
func (t *text) deletions() {
	list, others := alarm.Deletions(t.p)
	if len(list) == 0 || others == 0 && alarm.TakenWith(list) == 0 && !t.options.Summary {
		return
	}
	longest := 0
	for _, d := range list {
		longest = max(longest, columns(d.Change.ID.String()))
	}
	t.line(0, span{loud, alarm.Heading(list) + ":"})
	for _, d := range list {
		id := d.Change.ID.String()
		whose := []span{{faint, d.Application.String()}}
		if d.Change.Confirm {
			whose = append(whose, span{loud, "  " + needsConfirmation})
		}
		t.line(0, append([]span{t.action(d.Change.Action), {normal, id + strings.Repeat(" ", longest-columns(id)+2)}}, whose...)...)
		for _, taking := range alarm.Takes(d.Change) {
			if taking.Hurts {
				t.list(detail, span{red, "! " + taking.Head + " "}, taking.Items, true)
			} else {
				t.list(detail, span{normal, taking.Head + ": "}, taking.Items, false)
			}
		}
	}
	t.blank()
}

// list writes items behind a head, on as many lines as they need.
func (t *text) list(indent int, head span, items []string, loudly bool) {
	style := normal
	if loudly {
		style = bold
	}
	room := max(40, t.options.Width-indent-columns(head.text))
	for len(items) > 0 {
		n, used := 0, 0
		for n < len(items) && (n == 0 || used+columns(items[n]) <= room) {
			used += columns(items[n]) + len(", ")
			n++
		}
		line := strings.Join(items[:n], ", ")
		if n < len(items) {
			line += ","
		}
		t.line(indent, head, span{style, line})
		head.text = strings.Repeat(" ", columns(head.text))
		items = slices.Clip(items[n:])
	}
}
