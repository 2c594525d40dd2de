package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// told is a risk as it is told: once, with everything that it is a risk of.
type told struct {
	risk *plan.Risk
	of   []at
}

// at is one place where a risk is.
type at struct {
	application addr.Address
	object      string // empty: the application as a whole
	paths       []string
}

// risksOf lists the risks of a plan that are not accepted, the greatest first; those
// with the same code and the same words are one.
func risksOf(p *plan.Plan) []told {
	var out []told
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Risks {
			r := &a.Risks[j]
			if r.Accepted != "" {
				continue
			}
			same := func(other told) bool {
				return other.risk.Code == r.Code && other.risk.Severity == r.Severity && other.risk.Detail == r.Detail
			}
			n := slices.IndexFunc(out, same)
			if n < 0 {
				n = len(out)
				out = append(out, told{risk: r})
			}
			place := at{application: a.Address, paths: r.Paths}
			if r.Object != nil {
				place.object = r.Object.String()
			}
			out[n].of = append(out[n].of, place)
		}
	}
	slices.SortStableFunc(out, func(a, b told) int { return weight(b.risk.Severity) - weight(a.risk.Severity) })
	return out
}

// weight orders severities; a risk of none that is known is the greatest.
func weight(s plan.Severity) int {
	list := plan.Severities()
	if i := slices.Index(list, s); i >= 0 {
		return len(list) - i
	}
	return len(list) + 1
}

// accepted lists an application's risks that are accepted.
func accepted(a *plan.Application) []*plan.Risk {
	var out []*plan.Risk
	for i := range a.Risks {
		if a.Risks[i].Accepted != "" {
			out = append(out, &a.Risks[i])
		}
	}
	return out
}

// riskWords counts the risks: "1 high risk, 2 medium risks, 3 accepted"; empty where
// there are none.
func riskWords(p *plan.Plan) string {
	counts, silent := map[plan.Severity]int{}, 0
	for i := range p.Applications {
		for _, r := range p.Applications[i].Risks {
			if r.Accepted != "" {
				silent++
			} else {
				counts[r.Severity]++
			}
		}
	}
	var words []string
	for _, s := range plan.Severities() {
		if n := counts[s]; n > 0 {
			words = append(words, counted(n, string(s)+" risk"))
		}
	}
	if silent > 0 {
		words = append(words, counted(silent, "accepted risk"))
	}
	return strings.Join(words, ", ")
}

// risks tells what someone should fear of the plan. Each is told once, and nothing that
// it is a risk of is left out.
func (t *text) risks() {
	list := risksOf(t.p)
	if len(list) == 0 {
		return
	}
	t.line(0, span{loud, "Risks:"})
	for _, r := range list {
		style := yellow
		if r.risk.Severity == plan.High {
			style = loud
		}
		head := []span{{style, "  ! " + pad(string(r.risk.Severity), 6) + "  "}, {bold, r.risk.Code}}
		if len(r.of) == 1 {
			head = append(head, span{normal, "  " + r.of[0].name()}, span{faint, "  " + r.of[0].beside()})
		}
		t.line(0, head...)
		t.paragraph(detail+6, span{}, r.risk.Detail)
		if len(r.of) > 1 {
			for _, place := range r.of {
				t.line(detail+6, span{normal, "· " + place.name()}, span{faint, "  " + place.beside()})
			}
		}
		if paths := r.paths(); len(paths) > 0 {
			t.list(detail+6, span{faint, "from "}, paths, false)
		}
	}
	t.blank()
}

// name is what the risk is of.
func (a at) name() string {
	if a.object == "" {
		return a.application.String()
	}
	return a.object
}

// beside is where that is, unless the name says it.
func (a at) beside() string {
	if a.object == "" {
		return ""
	}
	return a.application.String()
}

// paths are the fields that a risk follows from, of all that it is a risk of.
func (r *told) paths() []string {
	var out []string
	for _, place := range r.of {
		out = append(out, place.paths...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// accepted says that a risk was accepted, and why.
func (t *text) accepted(r *plan.Risk) {
	of := ""
	if r.Object != nil {
		of = " of " + r.Object.String()
	}
	t.paragraph(2, span{faint, fmt.Sprintf("accepted: %s%s: ", r.Code, of)}, r.Accepted)
}
