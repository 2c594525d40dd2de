package risk

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

var ingresses = object.GVK{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}

// hosts tells of hosts that no Ingress of the namespace serves any more. Where one
// serves every host there is none.
func (a *assessment) hosts(item *Item) {
	id := item.Change.ID
	if id.GroupKind() != ingresses.GroupKind() || item.Before == nil || a.cluster.goes(id.Namespace) {
		return
	}
	removed := slices.DeleteFunc(hostsOf(item.Before), func(host string) bool { return slices.Contains(hostsOf(item.After), host) })
	if len(removed) == 0 {
		return
	}
	found, ok := a.cluster.view(ingresses, id.Namespace)
	if !ok {
		return
	}
	for _, other := range found.after {
		removed = slices.DeleteFunc(removed, func(host string) bool { return slices.Contains(hostsOf(other), host) })
	}
	if len(removed) == 0 {
		return
	}
	a.add(riskcode.HostRemoved, plan.Medium, item, changedBelow(item.Change, "spec.rules"), fmt.Sprintf(
		"No Ingress of namespace %s serves %s any more.", id.Namespace, words(removed)), found.unread)
}

// hostsOf returns the hosts that an Ingress names, each once.
func hostsOf(o object.Object) []string {
	rules, _ := o.Get("spec", "rules")
	var out []string
	for _, rule := range objects(rules) {
		if host := str(rule, "host"); host != "" {
			out = append(out, host)
		}
	}
	return unique(out)
}

var networkPolicies = object.GVK{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}

// networkPolicy tells of a NetworkPolicy that goes while pods that it selects stay.
func (a *assessment) networkPolicy(item *Item) {
	id := item.Change.ID
	if id.GroupKind() != networkPolicies.GroupKind() || item.Before == nil || item.After != nil || a.cluster.goes(id.Namespace) {
		return
	}
	selector, _ := item.Before.Get("spec", "podSelector")
	var open, unread []string
	policies, complete := a.cluster.view(networkPolicies, id.Namespace)
	for _, kind := range []object.GVK{deployments, statefulSets, daemonSets} {
		found, ok := a.cluster.view(kind, id.Namespace)
		complete = complete && ok
		if found.unread != "" {
			unread = append(unread, found.unread)
		}
		for _, o := range found.after {
			if labels := podLabels(o); selects(selector, labels) && !slices.ContainsFunc(policies.after, func(p object.Object) bool {
				other, _ := p.Get("spec", "podSelector")
				return selects(other, labels) && slices.Equal(directions(p), directions(item.Before))
			}) {
				open = append(open, o.ID().String())
			}
		}
	}
	if !complete || len(open) == 0 && len(unread) == 0 {
		return
	}
	if policies.unread != "" {
		unread = append(unread, policies.unread)
	}
	detail := fmt.Sprintf("%s goes. Whether pods stay that it restricts is not known.", id)
	if len(open) > 0 {
		detail = fmt.Sprintf("%s traffic of the pods of %s is restricted by no policy any more.", words(directions(item.Before)), words(open))
	}
	a.add(riskcode.NetworkPolicyRemoved, plan.Medium, item, nil, detail, sentences(unread))
}

// directions returns which traffic a NetworkPolicy restricts, as the API server fills
// in policyTypes where it is not set.
func directions(policy object.Object) []string {
	value, _ := policy.Get("spec", "policyTypes")
	if types := strs(value); len(types) > 0 {
		slices.Sort(types)
		return types
	}
	if _, egress := policy.Get("spec", "egress"); egress {
		return []string{"Egress", "Ingress"}
	}
	return []string{"Ingress"}
}
