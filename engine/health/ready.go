package health

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/gantrycd/gantry/plan/object"
)

// Readiness is what an apply that waits for an object needs to know.
type Readiness struct {
	Done   bool // there is nothing more to wait for
	Failed bool // waiting will not help
	// Degraded: it has failed, but many a controller says so of what it has not seen
	// together yet. It is a failure only where it stays.
	Degraded bool
	Message  string // what it waits for, or why it failed
}

// Ready tells whether an apply may go on after an object was written. It is Check
// with these differences:
//
//   - what its controller has not observed in the present generation is not done,
//     so that the health from before the write never counts;
//   - a StatefulSet needs its updated Pods, where Check is content with a number;
//   - Suspended is done: it is what the configuration says;
//   - Degraded is a failure only where it is final. Pods that restart, an autoscaler
//     without metrics, a ReplicaSet out of quota may still recover, and so may custom
//     resources that a rule of the library or a convention finds degraded; a CronJob whose last run
//     failed, of Kubernetes or of OpenKruise, is not this apply's business;
//   - an Ingress needs no address, and a claim no volume: some controllers never
//     give the one, and the other waits for the first Pod that uses it.
func (a *Assessor) Ready(o object.Object) Readiness {
	if o == nil {
		return Readiness{Message: "does not exist"}
	}
	if deleting(o) {
		return Readiness{Message: "is being deleted"}
	}
	if message, stale := unobserved(o); stale {
		return Readiness{Message: message}
	}
	assessment := a.Assess(o)
	status := assessment.Status
	switch assessment.Basis {
	case BuiltIn:
		switch o.ID().GroupKind() {
		case object.GroupKind{Group: "apps", Kind: "StatefulSet"}:
			status = strictStatefulSet(o, status)
		case object.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"},
			object.GroupKind{Group: "batch", Kind: "CronJob"}:
			return Readiness{Done: true}
		case object.GroupKind{Kind: "PersistentVolumeClaim"}:
			if status.Code == Progressing {
				return Readiness{Done: true}
			}
		}
	case Library:
		if (o.ID().GroupKind() == object.GroupKind{Group: "apps.kruise.io", Kind: "AdvancedCronJob"}) {
			return Readiness{Done: true}
		}
	case Absence, Deletion, Block, Conventions, Nothing:
	}
	switch status.Code {
	case Healthy, Suspended:
		return Readiness{Done: true, Message: status.Message}
	case Degraded:
		said := Readiness{Message: orElse(status.Message, "is degraded")}
		switch assessment.Basis {
		case Library:
			said.Degraded = true
		case Conventions:
			said.Failed = isStalled(o)
			said.Degraded = !said.Failed
		case Block:
			said.Failed = true
		case Absence, Deletion, BuiltIn, Nothing:
			said.Failed = final(o)
		}
		return said
	case Progressing, Missing, Unknown:
	}
	return Readiness{Message: orElse(status.Message, "is in progress")}
}

// HookReady tells whether a hook has run, as Argo CD does: it has succeeded when
// it is healthy, or has no health; it has failed when it is degraded or cannot be
// assessed; while it is suspended it is still running. A Job or a Pod that has ended
// counts as it ended, even while it is being deleted: that may be because of its
// ttlSecondsAfterFinished, and nothing else will be heard of it.
func (a *Assessor) HookReady(o object.Object) Readiness {
	if o == nil {
		return Readiness{Message: "does not exist"}
	}
	if deleting(o) && ends(o.ID().GroupKind()) {
		asItWas := o.DeepCopy()
		asItWas.Remove("metadata", "deletionTimestamp")
		switch status, _ := a.Check(asItWas); status.Code {
		case Healthy:
			return Readiness{Done: true, Message: status.Message}
		case Degraded:
			return Readiness{Failed: true, Message: orElse(status.Message, "has failed")}
		case Suspended, Progressing, Missing, Unknown:
		}
		return Readiness{Message: "is being deleted"}
	}
	if message, stale := unobserved(o); stale {
		return Readiness{Message: message}
	}
	status, _ := a.Check(o)
	switch status.Code {
	case Healthy:
		return Readiness{Done: true, Message: status.Message}
	case Degraded, Unknown:
		return Readiness{Failed: true, Message: orElse(status.Message, "has failed")}
	case Suspended, Progressing, Missing:
	}
	return Readiness{Message: orElse(status.Message, "is running")}
}

// ends reports whether objects of a kind run to an end, and then stay as they are.
func ends(kind object.GroupKind) bool {
	return kind == object.GroupKind{Group: "batch", Kind: "Job"} || kind == object.GroupKind{Kind: "Pod"}
}

// unobserved reports whether the status is from before the present generation.
func unobserved(o object.Object) (message string, stale bool) {
	generation, ok := number(o, "metadata", "generation")
	if !ok {
		return "", false
	}
	if observed, ok := number(o, "status", "observedGeneration"); ok && observed < generation || unsynced(o, generation) {
		return fmt.Sprintf("generation %d is not observed yet", generation), true
	}
	for _, c := range conditions(o) {
		if c.kind == "Ready" && c.observedGeneration != 0 && c.observedGeneration < generation {
			return fmt.Sprintf("generation %d is not observed yet", generation), true
		}
	}
	return "", false
}

// strictStatefulSet wants all Pods available, and those above the partition of the
// new revision.
func strictStatefulSet(o object.Object, status Status) Status {
	set, err := decode[appsv1.StatefulSet](o, "apps/v1")
	if err != nil || status.Code != Healthy || set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return status
	}
	replicas := int32(1)
	if set.Spec.Replicas != nil {
		replicas = *set.Spec.Replicas
	}
	updated := replicas
	if rolling := set.Spec.UpdateStrategy.RollingUpdate; rolling != nil && rolling.Partition != nil {
		updated = max(0, replicas-*rolling.Partition)
	}
	switch s := set.Status; {
	case s.UpdateRevision != s.CurrentRevision && s.UpdatedReplicas < updated:
		return Status{Progressing, fmt.Sprintf("%d of %d pods are at revision %s", s.UpdatedReplicas, updated, s.UpdateRevision)}
	case s.AvailableReplicas < replicas:
		return Status{Progressing, fmt.Sprintf("%d of %d pods are available", s.AvailableReplicas, replicas)}
	}
	return status
}

// final reports whether a degraded object stays so until someone changes it.
func final(o object.Object) bool {
	switch o.ID().GroupKind() {
	case object.GroupKind{Kind: "Pod"}:
		return text(o, "status", "phase") == "Failed"
	case object.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"},
		object.GroupKind{Group: "apps", Kind: "ReplicaSet"},
		object.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}:
		return false
	}
	return true
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
