// Package health tells from a live object whether it is healthy, in Argo CD's
// words, and whether an apply may stop waiting for it.
//
// An Assessor asks, one after the other, the health blocks of a configuration (as a
// plan carries them), those of the library that ships with gantry
// (builtin.gantry.hcl), the checks in Go for the kinds that Kubernetes has (and Argo
// CD's Workflow), and the conventions for status. All answer as Argo CD does, quirks
// included. Ready is stricter, for waiting: what a controller has not looked at yet
// since the last change is never done. Aggregate is the health of an application.
//
// The package does no I/O and knows no cluster. The engine imports it, and whoever shows
// how things are.
package health

import (
	"sync"

	"github.com/gantrycd/gantry/plan/object"
)

// Code is how well something is.
type Code string

// The codes, from best to worst.
const (
	Healthy     Code = "Healthy"
	Suspended   Code = "Suspended"   // paused by someone's will
	Progressing Code = "Progressing" // on its way, it may still become healthy
	Missing     Code = "Missing"     // not in the cluster
	Degraded    Code = "Degraded"    // failed, or cannot become healthy
	Unknown     Code = "Unknown"     // it could not be assessed
)

// Codes lists the codes from best to worst.
func Codes() []Code {
	return []Code{Healthy, Suspended, Progressing, Missing, Degraded, Unknown}
}

// Worse reports whether a is worse than b.
func Worse(a, b Code) bool { return rank(a) > rank(b) }

func rank(c Code) int {
	for i, code := range Codes() {
		if code == c {
			return i
		}
	}
	return len(Codes())
}

// Status is a health and why.
type Status struct {
	Code    Code
	Message string
}

// Check is what an Assessor tells that has no rules of a configuration.
func Check(o object.Object) (status Status, known bool) { return standard().Check(o) }

// Ready is what an Assessor tells that has no rules of a configuration.
func Ready(o object.Object) Readiness { return standard().Ready(o) }

var standard = sync.OnceValue(func() *Assessor {
	a, err := NewAssessor(nil)
	if err != nil {
		panic(err)
	}
	return a
})

// check assesses an object of one kind.
type check func(o object.Object) (Status, error)

// checkOf returns the check of a kind that has one, else nil.
func checkOf(kind object.GroupKind) check {
	switch kind {
	case object.GroupKind{Kind: "Pod"}:
		return pod
	case object.GroupKind{Kind: "Service"}:
		return service
	case object.GroupKind{Kind: "PersistentVolumeClaim"}:
		return claim
	case object.GroupKind{Group: "apps", Kind: "Deployment"}:
		return deployment
	case object.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		return statefulSet
	case object.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		return daemonSet
	case object.GroupKind{Group: "apps", Kind: "ReplicaSet"}:
		return replicaSet
	case object.GroupKind{Group: "batch", Kind: "Job"}:
		return job
	case object.GroupKind{Group: "batch", Kind: "CronJob"}:
		return cronJob
	case object.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}, object.GroupKind{Group: "extensions", Kind: "Ingress"}:
		return ingress
	case object.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:
		return autoscaler
	case object.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}:
		return disruptionBudget
	case object.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		return apiService
	case object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return definition
	case object.GroupKind{Group: "argoproj.io", Kind: "Workflow"}:
		return workflow
	}
	return nil
}

func deleting(o object.Object) bool { return o.Metadata()["deletionTimestamp"] != nil }

// hookFinalizer keeps a finished hook until it has been seen; Argo CD's name for it.
const hookFinalizer = "argocd.argoproj.io/hook-finalizer"

func hasHookFinalizer(o object.Object) bool {
	finalizers, _ := o.Metadata()["finalizers"].([]any)
	for _, f := range finalizers {
		if f == hookFinalizer {
			return true
		}
	}
	return false
}
