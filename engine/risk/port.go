package risk

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// ports tells of Services that send to a port by a name which no container of their
// pods has: as a change of the Service has it, or of the workload.
func (a *assessment) ports(item *Item) {
	id := item.Change.ID
	if item.After == nil {
		return
	}
	if id.GroupKind() == servicesKind.GroupKind() {
		if item.Before == nil || len(changedBelow(item.Change, "spec.ports"))+len(changedBelow(item.Change, "spec.selector")) > 0 {
			a.portsOf(item.After, item)
		}
		return
	}
	if !item.stays() || len(removedPorts(item)) == 0 {
		return
	}
	found, ok := a.cluster.view(servicesKind, id.Namespace)
	if !ok {
		return
	}
	for _, service := range found.after {
		if selector := selectorOf(service); len(selector) > 0 && subset(selector, podLabels(item.After)) && slices.ContainsFunc(targets(service), func(t namedPort) bool { return removedPorts(item)[t.name] }) {
			a.portsOf(service, item)
		}
	}
}

// removedPorts returns the names of ports that a workload's containers have no more.
func removedPorts(item *Item) map[string]bool {
	out := portNames(item.Before)
	for name := range portNames(item.After) {
		delete(out, name)
	}
	return out
}

// portsOf looks at the named ports of a Service. What the plan itself has is looked at
// first: most often that is all there is.
func (a *assessment) portsOf(service object.Object, item *Item) {
	selector, namespace := selectorOf(service), service.Namespace()
	named := targets(service)
	if len(selector) == 0 || len(named) == 0 {
		return
	}
	have, matched := map[string]bool{}, []string{}
	look := func(workloads []object.Object) {
		for _, o := range workloads {
			if subset(selector, podLabels(o)) && (o.Kind() != "ReplicaSet" || controller(o) != "Deployment") {
				maps.Copy(have, portNames(o))
				matched = append(matched, o.ID().String())
			}
		}
	}
	kinds := []object.GVK{deployments, statefulSets, daemonSets, replicaSets, pods}
	for _, kind := range kinds {
		look(a.cluster.planned(kind.GroupKind(), namespace, nil))
	}
	if len(matched) == 0 || len(without(named, have)) == 0 {
		return
	}
	for _, kind := range kinds {
		found, ok := a.cluster.view(kind, namespace)
		if !ok || found.unread != "" {
			return
		}
		look(found.after)
	}
	slices.Sort(matched)
	matched = slices.Compact(matched)
	for _, port := range without(named, have) {
		paths := []string{port.path}
		why := ""
		if item.Change.ID != service.ID() {
			paths, why = nil, fmt.Sprintf("%s has it no more.", item.Change.ID)
		}
		severity := plan.High
		if item.Before == nil {
			severity = plan.Medium
		}
		a.addOf(riskcode.ServicePortUnknown, severity, service.ID(), paths, fmt.Sprintf(
			"It sends to the port named %q, and no container of %s has one: nothing answers on that port.", port.name, words(matched)), why)
	}
}

// namedPort is a port of a Service that is sent to by name.
type namedPort struct{ name, path string }

func targets(service object.Object) []namedPort {
	ports, _ := service.Get("spec", "ports")
	var out []namedPort
	for _, p := range objects(ports) {
		name := str(p, "targetPort")
		if name == "" {
			continue
		}
		number, _ := integer(p["port"])
		protocol := str(p, "protocol")
		if protocol == "" {
			protocol = "TCP"
		}
		out = append(out, namedPort{name, fmt.Sprintf("spec.ports[port=%d,protocol=%s].targetPort", number, protocol)})
	}
	return out
}

func without(ports []namedPort, have map[string]bool) []namedPort {
	return slices.DeleteFunc(slices.Clone(ports), func(p namedPort) bool { return have[p.name] })
}

// portNames returns the names of the ports of a workload's containers.
func portNames(o object.Object) map[string]bool {
	out := map[string]bool{}
	for _, c := range containers(o) {
		ports, _ := c.Get("ports")
		for _, p := range objects(ports) {
			if name := str(p, "name"); name != "" {
				out[name] = true
			}
		}
	}
	return out
}
