package engine_test

import (
	"slices"
	"testing"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
)

// Policies can be asked about every action of a plan that does something.
func TestActionsOfPolicies(t *testing.T) {
	t.Parallel()
	var want []string
	for _, action := range plan.Actions() {
		if action != plan.Unchanged && action != plan.Blocked {
			want = append(want, string(action))
		}
	}
	got := govern.PolicyActions()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("policies can be asked about %v, and there are %v", got, want)
	}
}
