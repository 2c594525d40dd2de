package health

import (
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gantrycd/gantry/plan/object"
)

// checkConventions reads the status of a kind without a check of its own, as
// kstatus has it; false where the object has nothing of the conventions.
func checkConventions(o object.Object) (Status, bool) {
	if !conventional(o) {
		return Status{}, false
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: o})
	if err != nil {
		return Status{Unknown, err.Error()}, true
	}
	switch result.Status {
	case status.CurrentStatus:
		return Status{Healthy, result.Message}, true
	case status.InProgressStatus, status.TerminatingStatus:
		return Status{Progressing, result.Message}, true
	case status.FailedStatus:
		return Status{Degraded, result.Message}, true
	case status.NotFoundStatus:
		return Status{Missing, result.Message}, true
	case status.UnknownStatus:
	}
	return Status{Unknown, result.Message}, true
}

// conventional reports whether an object's status has what kstatus reads.
func conventional(o object.Object) bool {
	if _, ok := number(o, "status", "observedGeneration"); ok {
		return true
	}
	return slices.ContainsFunc(conditions(o), func(c condition) bool {
		return c.kind == "Ready" || c.kind == "Reconciling" || c.kind == "Stalled"
	})
}
