package risk

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// finding is what a look at other objects adds to a risk.
type finding struct {
	severity plan.Severity
	detail   string
}

// budgets looks for the PodDisruptionBudgets of a workload whose rollout leaves no more
// than some of its replicas available. A rollout does not obey budgets: it can leave
// less than they ask for.
func (a *assessment) budgets(id object.ID, after object.Object, replicas, left int64) finding {
	found, ok := a.cluster.view(budgetsKind, id.Namespace)
	if !ok {
		return finding{severity: plan.Low}
	}
	out := finding{severity: plan.Low, detail: found.unread}
	labels := podLabels(after)
	for _, budget := range found.after {
		selector, _ := budget.Get("spec", "selector")
		if !selects(selector, labels) {
			continue
		}
		demand := demandOf(budget, replicas)
		if left < demand {
			out.severity = plan.Medium
			out.detail = sentences([]string{out.detail, fmt.Sprintf(
				"%s asks for %d of them; a rollout does not obey it, and can leave %d.", budget.ID(), demand, left)})
			continue
		}
		out.detail = sentences([]string{out.detail, fmt.Sprintf("%s asks for %d of them, which the rollout leaves.", budget.ID(), demand)})
	}
	return out
}

// demandOf returns how many of a workload's replicas a PodDisruptionBudget asks for.
func demandOf(budget object.Object, replicas int64) int64 {
	if value, ok := budget.Get("spec", "minAvailable"); ok {
		n, _ := intOrPercent(value, replicas, true)
		return n
	}
	if value, ok := budget.Get("spec", "maxUnavailable"); ok {
		n, _ := intOrPercent(value, replicas, true)
		return max(replicas-n, 0)
	}
	return max(replicas-1, 0) // neither is said: as with maxUnavailable 1
}
