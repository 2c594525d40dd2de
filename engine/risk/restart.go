package risk

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// restarts tells what a changed pod template does to the pods that run.
func (a *assessment) restarts(item *Item) {
	if !item.stays() {
		return
	}
	paths := templatePaths(item.Change)
	if len(paths) == 0 {
		return
	}
	switch item.Change.ID.GroupKind() {
	case deployments.GroupKind():
		a.deploymentRestarts(item, paths)
	case statefulSets.GroupKind():
		a.statefulSetRestarts(item, paths)
	case daemonSets.GroupKind():
		a.daemonSetRestarts(item, paths)
	}
}

func (a *assessment) deploymentRestarts(item *Item, paths []string) {
	id, n := item.Change.ID, replicasOf(item.After)
	running, _ := runningPods(item.Before)
	if n == 0 || running == 0 {
		return
	}
	if flag(item.After, "spec", "paused") {
		a.add(riskcode.PodsNotRestarted, plan.Low, item, paths, fmt.Sprintf(
			"%s is paused: no pod is replaced until it is resumed.", id))
		return
	}
	if str(item.After, "spec", "strategy", "type") == "Recreate" {
		a.add(riskcode.Downtime, plan.High, item, paths, fmt.Sprintf(
			"The pod template changes and the strategy is Recreate: %s stopped before a new one starts, and nothing of it runs until that is ready.", all(running, id)))
		return
	}
	unavailable, surge := rollingUpdate(item.After, n)
	left := n - unavailable
	if left <= 0 {
		a.add(riskcode.Downtime, plan.High, item, paths, fmt.Sprintf(
			"The pod template changes, and with maxUnavailable the strategy allows %s of %s to be unavailable at once: there may be none until new ones are ready.", count(unavailable, "pod"), id))
		return
	}
	left = min(left, running)
	budget := a.budgets(id, item.After, n, left)
	a.add(riskcode.PodsRestart, worse(plan.Low, budget.severity), item, paths, fmt.Sprintf(
		"The pod template changes: %s replaced (RollingUpdate), with up to %d more meanwhile and at least %d available.", all(running, id), surge, left), budget.detail)
}

// rollingUpdate resolves how many pods of a Deployment may be missing, and how many
// there may be more, as the deployment controller does: where both come to 0, one may
// be missing.
func rollingUpdate(o object.Object, n int64) (unavailable, surge int64) {
	value, _ := o.Get("spec", "strategy", "rollingUpdate", "maxUnavailable")
	unavailable, ok := intOrPercent(value, n, false)
	if !ok {
		unavailable = n / 4
	}
	value, _ = o.Get("spec", "strategy", "rollingUpdate", "maxSurge")
	if surge, ok = intOrPercent(value, n, true); !ok {
		surge = (n + 3) / 4
	}
	if unavailable == 0 && surge == 0 {
		unavailable = 1
	}
	return unavailable, surge
}

func (a *assessment) statefulSetRestarts(item *Item, paths []string) {
	id, n := item.Change.ID, replicasOf(item.After)
	running, _ := runningPods(item.Before)
	if n == 0 || running == 0 {
		return
	}
	if str(item.After, "spec", "updateStrategy", "type") == "OnDelete" {
		a.onDelete(item, paths)
		return
	}
	first, partition := int64(0), int64(0)
	if value, ok := item.After.Get("spec", "ordinals", "start"); ok {
		first, _ = integer(value)
	}
	if value, ok := item.After.Get("spec", "updateStrategy", "rollingUpdate", "partition"); ok {
		partition, _ = integer(value)
	}
	kept := min(max(partition-first, 0), n)
	if kept == n {
		a.add(riskcode.PodsNotRestarted, plan.Low, item, paths, fmt.Sprintf(
			"The partition of %s is %d: its %s keep the template that they have.", id, partition, count(running, "pod")))
		return
	}
	unavailable := int64(1)
	if value, ok := item.After.Get("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"); ok {
		if resolved, ok := intOrPercent(value, n, true); ok {
			unavailable = max(resolved, 1)
		}
	}
	left := min(n, running) - min(unavailable, n-kept)
	detail := fmt.Sprintf("The pod template changes: %s replaced, and stopped before what takes its place starts", all(n, id))
	if kept > 0 {
		detail = fmt.Sprintf("The pod template changes: of the %d pods of %s those from partition %d on are replaced, and stopped before what takes their place starts; %d stay as they are", n, id, partition, kept)
	}
	if left <= 0 {
		a.add(riskcode.Downtime, plan.High, item, paths, detail+". None is left meanwhile.")
		return
	}
	budget := a.budgets(id, item.After, n, left)
	a.add(riskcode.PodsRestart, worse(plan.Low, budget.severity), item, paths, fmt.Sprintf("%s. At least %d stay available.", detail, left), budget.detail)
}

func (a *assessment) daemonSetRestarts(item *Item, paths []string) {
	id := item.Change.ID
	running, known := runningPods(item.Before)
	if known && running == 0 {
		return
	}
	if str(item.After, "spec", "updateStrategy", "type") == "OnDelete" {
		a.onDelete(item, paths)
		return
	}
	which, total := fmt.Sprintf("all pods of %s are", id), int64(1)
	if known {
		which, total = all(running, id), running
	}
	value, _ := item.After.Get("spec", "updateStrategy", "rollingUpdate", "maxSurge")
	if surge, _ := intOrPercent(value, total, true); surge > 0 {
		a.add(riskcode.PodsRestart, plan.Low, item, paths, fmt.Sprintf(
			"The pod template changes: %s replaced. On each node the new pod is ready before the old one is stopped.", which))
		return
	}
	unavailable := int64(1)
	value, _ = item.After.Get("spec", "updateStrategy", "rollingUpdate", "maxUnavailable")
	if resolved, ok := intOrPercent(value, total, true); ok {
		unavailable = max(resolved, 1)
	}
	a.add(riskcode.PodsRestart, plan.Low, item, paths, fmt.Sprintf(
		"The pod template changes: %s replaced, up to %s at a time, each stopped before the new one on its node starts.", which, count(unavailable, "pod")))
}

func (a *assessment) onDelete(item *Item, paths []string) {
	a.add(riskcode.PodsNotRestarted, plan.Low, item, paths, fmt.Sprintf(
		"The pod template changes, but the update strategy of %s is OnDelete: each pod goes on with the old one until someone deletes it.", item.Change.ID))
}

// all begins a sentence about all pods of a workload.
func all(n int64, id object.ID) string {
	if n == 1 {
		return fmt.Sprintf("the only pod of %s is", id)
	}
	return fmt.Sprintf("all %d pods of %s are", n, id)
}
