package view

import (
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// unsettled is one line about applications of which nothing is left to be changed, and whose
// last apply did not succeed all the same: they did not become healthy, as a rule. It is
// empty where there are none. The command goes on with them; empty where none does.
func unsettled(p *plan.Plan) (text, command string) {
	var of []*plan.Application
	resumable, cancelled := false, 0
	for i := range p.Applications {
		if a := &p.Applications[i]; a.Failed != nil && !a.HasChanges() && !a.IsBlocked() {
			of = append(of, a)
			resumable = resumable || a.Failed.Resumable
			if a.Failed.Outcome == "cancelled" {
				cancelled++
			}
		}
	}
	if len(of) == 0 {
		return "", ""
	}
	const most = 3
	var names []string
	for _, a := range of[:min(len(of), most)] {
		names = append(names, a.Address.String())
	}
	if more := len(of) - most; more > 0 {
		names = append(names, words.Counted(more, "other"))
	}
	how := " failed"
	switch cancelled {
	case 0:
	case len(of):
		how = " was interrupted"
	default:
		how = " did not succeed"
	}
	text = "The last apply of " + words.Join(names) + how
	if message := of[0].Failed.Message; len(of) == 1 && message != "" {
		text += ": " + strings.TrimRight(strings.ReplaceAll(message, "\n", " "), ".")
	}
	if resumable {
		return text + ". To wait for it again: ", "gantry apply --resume"
	}
	return text + ".", ""
}
