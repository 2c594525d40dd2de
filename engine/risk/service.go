package risk

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// services tells of Services that a change leaves without pods: it takes the pods away,
// changes their labels, or changes what the Service selects.
func (a *assessment) services(item *Item) {
	id := item.Change.ID
	if item.Before == nil || a.cluster.goes(id.Namespace) {
		return
	}
	if id.GroupKind() == servicesKind.GroupKind() {
		if paths := changedBelow(item.Change, "spec.selector"); len(paths) > 0 && item.After != nil {
			a.endpoints(item.Before, item.After, paths, "Its selector changes.")
		}
		return
	}
	if !takesPods(item) {
		return
	}
	found, ok := a.cluster.view(servicesKind, id.Namespace)
	if !ok {
		return
	}
	labels := podLabels(item.Before)
	for _, before := range found.before {
		selector := selectorOf(before)
		if len(selector) == 0 || !subset(selector, labels) {
			continue
		}
		for _, after := range found.after {
			if after.Name() == before.Name() {
				a.endpoints(before, after, nil, whyGone(item))
			}
		}
	}
}

// takesPods reports whether pods with the labels that a workload's had are gone after
// its change.
func takesPods(item *Item) bool {
	template, _ := templateOf(item.Before)
	if template == nil {
		return false
	}
	return item.After == nil || replicasOf(item.After) == 0 && replicasOf(item.Before) > 0 ||
		!subset(podLabels(item.Before), podLabels(item.After))
}

// whyGone says what becomes of a workload that takesPods.
func whyGone(item *Item) string {
	switch {
	case item.After == nil:
		return fmt.Sprintf("%s is deleted.", item.Change.ID)
	case replicasOf(item.After) == 0:
		return fmt.Sprintf("%s goes to no replicas.", item.Change.ID)
	}
	return fmt.Sprintf("The labels of the pods of %s change.", item.Change.ID)
}

// endpoints tells of a Service that selects pods before the plan, and none after it.
func (a *assessment) endpoints(before, after object.Object, paths []string, why string) {
	was, is := selectorOf(before), selectorOf(after)
	if len(was) == 0 || len(is) == 0 {
		return // its endpoints are someone else's to say
	}
	had, _, ok := a.backends(before.Namespace(), was)
	_, has, more := a.backends(before.Namespace(), is)
	if !ok || !more || len(had) == 0 || len(has) > 0 {
		return
	}
	// There may be pods that none of the known kinds has made.
	others, ok := a.cluster.view(pods, before.Namespace())
	if !ok || slices.ContainsFunc(others.after, func(pod object.Object) bool { return subset(is, pod.Labels()) && !managed(pod) }) {
		return
	}
	a.addOf(riskcode.ServiceWithoutEndpoints, plan.High, after.ID(), paths, fmt.Sprintf(
		"It selects %s, which now are the pods of %s, and after this plan there are none: nothing answers behind the Service.", selectorText(is), words(had)), why, others.unread)
}

// backends returns the workloads whose pods a selector selects, before and after the
// plan. It reports false where that cannot be told, or not yet.
func (a *assessment) backends(namespace string, selector map[string]string) (before, after []string, ok bool) {
	ok = true
	for _, kind := range []object.GVK{deployments, statefulSets, daemonSets, replicaSets} {
		found, listed := a.cluster.view(kind, namespace)
		ok = ok && listed && found.unread == ""
		before = append(before, selected(found.before, selector)...)
		after = append(after, selected(found.after, selector)...)
	}
	return before, after, ok
}

// selected names the workloads that have pods with a selector's labels. ReplicaSets of
// Deployments count with these.
func selected(workloads []object.Object, selector map[string]string) []string {
	var out []string
	for _, o := range workloads {
		if owner := controller(o); owner == "Deployment" && o.Kind() == "ReplicaSet" || replicasOf(o) == 0 {
			continue
		}
		if subset(selector, podLabels(o)) {
			out = append(out, o.ID().String())
		}
	}
	return out
}

// managed reports whether a pod is of a workload of a kind that is looked at by itself.
func managed(pod object.Object) bool {
	return slices.Contains([]string{"ReplicaSet", "StatefulSet", "DaemonSet"}, controller(pod))
}

// controller returns the kind of the object that controls another, empty where none does.
func controller(o object.Object) string {
	for _, owner := range objects(o.Metadata()["ownerReferences"]) {
		if flag(owner, "controller") {
			return str(owner, "kind")
		}
	}
	return ""
}

// selectorOf returns what a Service selects, nothing where that does not matter.
func selectorOf(service object.Object) map[string]string {
	if str(service, "spec", "type") == "ExternalName" {
		return nil
	}
	selector, _ := service.Get("spec", "selector")
	return stringMap(selector)
}
