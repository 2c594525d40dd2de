package alarm

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/riskcode"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Told is a risk as it is told: once, with everything that it is a risk of.
type Told struct {
	Risk *plan.Risk
	// Detail says what it is. Where it is brief, that is what the kind of risk says, and
	// each place has more of its own.
	Detail string
	Brief  bool
	Of     []Place
}

// many is from how many low risks of one kind on they are told briefly: a release that
// moves a hundred images must not hide the one thing that is to be feared of it.
const many = 3

// Place is one place where a risk is.
type Place struct {
	Application addr.Address
	Object      string // empty: the application as a whole
	Paths       []string
	Detail      string // what is said of this one
}

// Risks lists the risks of a plan that are not accepted, the greatest first; those
// with the same code and the same words are one, and so are many low ones of a code.
// Nothing that is a risk is left out.
func Risks(p *plan.Plan) []Told {
	type same struct {
		code, detail string
		severity     plan.Severity
	}
	var out []Told
	known := map[same]int{}
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Risks {
			r := &a.Risks[j]
			if r.Accepted != "" {
				continue
			}
			key := same{r.Code, r.Detail, r.Severity}
			n, ok := known[key]
			if !ok {
				n = len(out)
				known[key] = n
				out = append(out, Told{Risk: r, Detail: r.Detail})
			}
			place := Place{Application: a.Address, Paths: r.Paths, Detail: r.Detail}
			if r.Object != nil {
				place.Object = r.Object.String()
			}
			out[n].Of = append(out[n].Of, place)
		}
	}
	out = briefly(out)
	slices.SortStableFunc(out, func(a, b Told) int { return Weight(b.Risk.Severity) - Weight(a.Risk.Severity) })
	return out
}

// briefly makes one of many low risks with the same code.
func briefly(list []Told) []Told {
	counts := map[string]int{}
	for _, told := range list {
		if told.Risk.Severity == plan.Low {
			counts[told.Risk.Code]++
		}
	}
	var out []Told
	first := map[string]int{}
	for _, told := range list {
		code := told.Risk.Code
		kind, known := riskcode.Find(code)
		if told.Risk.Severity != plan.Low || counts[code] < many || !known {
			out = append(out, told)
			continue
		}
		n, ok := first[code]
		if !ok {
			n = len(out)
			first[code] = n
			out = append(out, Told{Risk: told.Risk, Detail: kind.Title, Brief: true})
		}
		out[n].Of = append(out[n].Of, told.Of...)
	}
	return out
}

// Weight orders severities; a risk of none that is known is the greatest.
func Weight(s plan.Severity) int {
	list := plan.Severities()
	if i := slices.Index(list, s); i >= 0 {
		return len(list) - i
	}
	return len(list) + 1
}

// Accepted lists an application's risks that are accepted.
func Accepted(a *plan.Application) []*plan.Risk {
	var out []*plan.Risk
	for i := range a.Risks {
		if a.Risks[i].Accepted != "" {
			out = append(out, &a.Risks[i])
		}
	}
	return out
}

// RiskWords counts the risks: "1 high risk, 2 medium risks, 3 accepted"; empty where
// there are none.
func RiskWords(p *plan.Plan) string {
	counts, silent := map[plan.Severity]int{}, 0
	for i := range p.Applications {
		for _, r := range p.Applications[i].Risks {
			switch {
			case r.Accepted != "":
				silent++
			case Weight(r.Severity) > Weight(plan.High): // none that is known
				counts[plan.High]++
			default:
				counts[r.Severity]++
			}
		}
	}
	var parts []string
	for _, s := range plan.Severities() {
		if n := counts[s]; n > 0 {
			parts = append(parts, words.Counted(n, string(s)+" risk"))
		}
	}
	if silent > 0 {
		parts = append(parts, words.Counted(silent, "accepted risk"))
	}
	return strings.Join(parts, ", ")
}

// Name is what the risk is of.
func (p Place) Name() string {
	if p.Object == "" {
		return p.Application.String()
	}
	return p.Object
}

// Beside is where that is, unless the name says it.
func (p Place) Beside() string {
	if p.Object == "" {
		return ""
	}
	return p.Application.String()
}

// Paths are the fields that a risk follows from, of all that it is a risk of.
func (r *Told) Paths() []string {
	var out []string
	for _, place := range r.Of {
		out = append(out, place.Paths...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
