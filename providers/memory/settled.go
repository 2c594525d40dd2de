package memory

import (
	"github.com/gantrycd/gantry/plan/object"
)

// settled returns the status that an object has once its controllers are done with
// it and all is well, nil for kinds that have none. There are no controllers here, so
// that whoever waits for health would wait forever.
func settled(o object.Object) map[string]any {
	generation := o.Metadata()["generation"]
	status := func(fields map[string]any) map[string]any {
		fields["observedGeneration"] = generation
		return fields
	}
	switch o.ID().GroupKind() {
	case object.GroupKind{Group: "apps", Kind: "Deployment"}, object.GroupKind{Group: "apps", Kind: "ReplicaSet"}:
		n := replicas(o)
		return status(map[string]any{"replicas": n, "updatedReplicas": n, "readyReplicas": n, "availableReplicas": n})
	case object.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		n := replicas(o)
		return status(map[string]any{
			"replicas": n, "updatedReplicas": n, "readyReplicas": n, "availableReplicas": n, "currentReplicas": n,
			"currentRevision": "1", "updateRevision": "1",
		})
	case object.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		const nodes = int64(1)
		return status(map[string]any{
			"desiredNumberScheduled": nodes, "currentNumberScheduled": nodes, "updatedNumberScheduled": nodes,
			"numberReady": nodes, "numberAvailable": nodes,
		})
	case object.GroupKind{Group: "batch", Kind: "Job"}:
		return map[string]any{"succeeded": int64(1), "conditions": conditions("Complete", "SuccessCriteriaMet")}
	case object.GroupKind{Kind: "Pod"}:
		if policy, _ := o.Get("spec", "restartPolicy"); policy == "Always" {
			return map[string]any{"phase": "Running", "conditions": conditions("Ready", "ContainersReady")}
		}
		return map[string]any{"phase": "Succeeded"}
	case object.GroupKind{Kind: "PersistentVolumeClaim"}:
		return map[string]any{"phase": "Bound"}
	case object.GroupKind{Kind: "Namespace"}:
		return map[string]any{"phase": "Active"}
	case object.GroupKind{Kind: "Service"}:
		if kind, _ := o.Get("spec", "type"); kind == "LoadBalancer" {
			return map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": "192.0.2.1"}}}}
		}
	case object.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}:
		return status(map[string]any{
			"currentHealthy": int64(1), "desiredHealthy": int64(1), "expectedPods": int64(1), "disruptionsAllowed": int64(1),
			"conditions": conditions("DisruptionAllowed"),
		})
	case object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return map[string]any{"conditions": conditions("NamesAccepted", "Established")}
	case object.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		return map[string]any{"conditions": conditions("Available")}
	}
	return nil
}

func conditions(types ...string) []any {
	var out []any
	for _, name := range types {
		out = append(out, map[string]any{"type": name, "status": "True", "reason": "Simulated", "message": "", "lastTransitionTime": created})
	}
	return out
}

func replicas(o object.Object) int64 {
	if n, ok := o.Get("spec", "replicas"); ok {
		if n, ok := n.(int64); ok {
			return n
		}
	}
	return 1
}
