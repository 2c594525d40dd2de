package report

import (
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Annotation is a finding at a line of the configuration. Its texts have no characters that
// terminals act on, and may have several lines.
type Annotation struct {
	File    string // as the plan has it
	Line    int    // from 1; 0 where it is not known
	Level   string // "error", "warning" or "notice"
	Title   string
	Message string
}

// Annotations lists the errors of a plan, the risks that nobody accepts and the violations of
// policies that are not exempt, the worst first, and of those the plan's order.
func Annotations(p *plan.Plan) []Annotation {
	var out []Annotation
	add := func(level, where, title, message, application string, of *object.ID) {
		at := placeOf(where)
		about := application
		if name := subject(of); name != "" {
			about += " " + name
		}
		if about != "" {
			message = about + ": " + message
		}
		out = append(out, Annotation{File: clean(at.file), Line: at.line, Level: level, Title: clean(title), Message: clean(message)})
	}
	for _, problem := range p.Problems {
		add("error", problem.Range, problem.Summary, problemText(problem), problem.Address.String(), problem.Object)
	}
	for i := range p.Applications {
		a := &p.Applications[i]
		for _, problem := range a.Blocked {
			if !problem.IsOfPolicy() {
				add("error", problem.Range, problem.Summary, problemText(problem), a.Address.String(), problem.Object)
			}
		}
		for j := range a.Policies {
			r := &a.Policies[j]
			if r.Exempt == "" {
				message := r.Message
				if r.NeedsApproval() {
					message = approving(r)
				}
				add(map[bool]string{true: "error", false: "warning"}[r.Blocks()], r.Range, r.Name(), message, a.Address.String(), &r.Object)
			}
		}
	}
	// A risk of many is one finding, as it is one in a comment.
	for _, told := range alarm.Risks(p) {
		level := map[string]string{"error": "warning", "warning": "warning", "note": "notice"}[levelOf(told.Risk.Severity)]
		first := told.Of[0]
		message := first.Name() + ": " + told.Detail
		if more := len(told.Of) - 1; more > 0 {
			message = first.Name() + " and " + words.Counted(more, "other") + ": " + told.Detail
		}
		at := placeOf(told.Risk.Range)
		out = append(out, Annotation{File: clean(at.file), Line: at.line, Level: level, Title: clean(string(told.Risk.Severity) + " risk: " + told.Risk.Code), Message: clean(message)})
	}
	levels := []string{"error", "warning", "notice"}
	slices.SortStableFunc(out, func(a, b Annotation) int { return slices.Index(levels, a.Level) - slices.Index(levels, b.Level) })
	return out
}
