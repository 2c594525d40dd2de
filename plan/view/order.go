package view

import (
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// order tells, above the steps of a plan, which applications come after which, where any
// does, and the rollouts: the steps themselves are one application after the other.
func (t *text) order() {
	follows := t.p.Follows()
	head := false
	for _, i := range plan.Sequence(follows) {
		a := &t.p.Applications[i]
		after := slices.DeleteFunc(slices.Clone(follows[i]), func(other int) bool { return !t.p.Applications[other].HasChanges() })
		if !a.HasChanges() || len(after) == 0 {
			continue
		}
		if !head {
			head = true
			t.line(0, span{bold, "Order of applications:"})
		}
		names := make([]string, 0, maxRolling)
		for _, other := range after[:min(len(after), maxRolling)] {
			names = append(names, t.p.Applications[other].Address.String())
		}
		if more := len(after) - len(names); more > 0 {
			names = append(names, words.Counted(more, "other"))
		}
		t.line(2, span{normal, a.Address.String()}, span{faint, " after " + words.Join(names)})
	}
	if head {
		t.line(2, span{faint, "The others wait for no other application."})
		t.blank()
	}
	t.rollouts()
}
