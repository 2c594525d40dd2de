package view

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
)

// risks tells what someone should fear of the plan. Each is told once, and nothing that
// it is a risk of is left out.
func (t *text) risks() {
	list := alarm.Risks(t.p)
	if len(list) == 0 {
		return
	}
	t.line(0, span{loud, "Risks:"})
	for _, r := range list {
		style := yellow
		if r.Risk.Severity == plan.High {
			style = loud
		}
		head := []span{{style, "  ! " + pad(string(r.Risk.Severity), 6) + "  "}, {bold, r.Risk.Code}}
		if len(r.Of) == 1 {
			head = append(head, span{normal, "  " + r.Of[0].Name()}, span{faint, "  " + r.Of[0].Beside()})
		}
		if r.Brief {
			t.line(0, append(head, span{normal, fmt.Sprintf("  %s, %d times:", r.Detail, len(r.Of))})...)
			t.list(detail+6, span{}, names(r.Of), false)
			continue
		}
		t.line(0, head...)
		t.paragraph(detail+6, span{}, r.Detail)
		if len(r.Of) > 1 {
			for _, place := range r.Of {
				t.line(detail+6, span{normal, "· " + place.Name()}, span{faint, "  " + place.Beside()})
			}
		}
		if paths := r.Paths(); len(paths) > 0 {
			t.list(detail+6, span{faint, "from "}, paths, false)
		}
	}
	t.blank()
}

// names are what a risk is of, each once.
func names(of []alarm.Place) []string {
	var out []string
	known := map[string]bool{}
	for _, place := range of {
		if name := place.Name(); !known[name] {
			known[name] = true
			out = append(out, name)
		}
	}
	return out
}

// accepted says that a risk was accepted, and why.
func (t *text) accepted(r *plan.Risk) {
	of := ""
	if r.Object != nil {
		of = " of " + r.Object.String()
	}
	t.paragraph(2, span{faint, fmt.Sprintf("accepted: %s%s: ", r.Code, of)}, r.Accepted)
}
