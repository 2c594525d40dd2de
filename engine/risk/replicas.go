package risk

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// replicas tells when a workload gets fewer pods than something asks for.
func (a *assessment) replicas(item *Item) {
	id := item.Change.ID
	switch id.GroupKind() {
	case deployments.GroupKind(), statefulSets.GroupKind(), replicaSets.GroupKind():
	default:
		return
	}
	paths := changedBelow(item.Change, "spec.replicas")
	if !item.stays() || len(paths) == 0 {
		return
	}
	was, now := replicasOf(item.Before), replicasOf(item.After)
	if now >= was {
		return
	}
	if now == 0 {
		scaler := a.scaler(id, "and does nothing as long as replicas is 0")
		a.add(riskcode.ReplicasZero, plan.High, item, paths, fmt.Sprintf(
			"%s goes from %s to none: nothing of it runs any more.", id, count(was, "replica")), scaler)
		return
	}
	found, ok := a.cluster.view(budgetsKind, id.Namespace)
	if !ok {
		return
	}
	labels := podLabels(item.After)
	for _, budget := range found.after {
		selector, _ := budget.Get("spec", "selector")
		if !selects(selector, labels) || was <= demandOf(budget, was) {
			continue // there was no room before
		}
		if demand := demandOf(budget, now); now <= demand {
			scaler := a.scaler(id, "and sets the number itself")
			a.add(riskcode.ReplicasBelowBudget, plan.Medium, item, paths, fmt.Sprintf(
				"%s goes from %d to %s, and %s asks for %d available: no pod of it may be evicted any more, so a node that it runs on cannot be drained.",
				id, was, count(now, "replica"), budget.ID(), demand), scaler)
		}
	}
}

// scaler says which HorizontalPodAutoscaler sets the replicas of a workload.
func (a *assessment) scaler(id object.ID, what string) string {
	found, ok := a.cluster.view(autoscalers, id.Namespace)
	if !ok {
		return ""
	}
	for _, o := range found.after {
		if target(o) == (object.ID{Kind: id.Kind, Name: id.Name}) {
			return fmt.Sprintf("%s scales it %s, %s.", o.ID(), limits(o), what)
		}
	}
	return found.unread
}

// target returns the kind and name that an autoscaler scales.
func target(o object.Object) object.ID {
	return object.ID{Kind: str(o, "spec", "scaleTargetRef", "kind"), Name: str(o, "spec", "scaleTargetRef", "name")}
}

func limits(o object.Object) string {
	least, most := int64(1), int64(0)
	if value, ok := o.Get("spec", "minReplicas"); ok {
		least, _ = integer(value)
	}
	if value, ok := o.Get("spec", "maxReplicas"); ok {
		most, _ = integer(value)
	}
	return fmt.Sprintf("between %d and %d", least, most)
}

// autoscaler tells when a HorizontalPodAutoscaler may run fewer pods at most.
func (a *assessment) autoscaler(item *Item) {
	if item.Change.ID.GroupKind() != autoscalers.GroupKind() || !item.stays() {
		return
	}
	value, _ := item.Before.Get("spec", "maxReplicas")
	was, _ := integer(value)
	value, _ = item.After.Get("spec", "maxReplicas")
	now, known := integer(value)
	if !known || now >= was {
		return
	}
	value, _ = item.Before.Get("status", "currentReplicas")
	current, _ := integer(value)
	severity, detail := plan.Low, fmt.Sprintf("%s may run %d at most, and no longer %d.", item.Change.ID, now, was)
	if current > now {
		severity = plan.Medium
		detail += fmt.Sprintf(" It runs %d now: %s stopped.", current, count(current-now, "pod")+verb(current-now))
	}
	a.add(riskcode.AutoscalerLimitLowered, severity, item, []string{"spec.maxReplicas"}, detail)
}

// verb is what follows a number of things.
func verb(n int64) string {
	if n == 1 {
		return " is"
	}
	return " are"
}
