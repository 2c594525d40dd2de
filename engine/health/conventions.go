package health

import (
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gantrycd/gantry/plan/object"
)

// checkConventions reads the status of a kind without a check of its own, as
// kstatus has it, or else by the conditions that most controllers have; false where the
// object has nothing of the conventions.
func checkConventions(o object.Object) (Status, bool) {
	if !conventional(o) {
		return checkConditions(o)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: o})
	if err != nil {
		return Status{Unknown, err.Error()}, true
	}
	switch result.Status {
	case status.CurrentStatus:
		if status, ok := checkConditions(o); ok && !summedUp(o) {
			return status, true
		}
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

// checkConditions reads the conditions whose names mean the same everywhere: Degraded
// and Failed are bad when they are true, and the rest must be true.
func checkConditions(o object.Object) (status Status, ok bool) {
	for _, c := range conditions(o) {
		switch c.kind {
		case "Degraded", "Failed":
			if c.status == "True" {
				return Status{Degraded, orElse(c.message, c.reason)}, true
			}
		case "Available", "Healthy", "Synced":
			if c.status != "True" && (!ok || status.Code == Healthy) {
				status = Status{Progressing, orElse(c.message, c.reason)}
			} else if !ok {
				status = Status{Code: Healthy}
			}
			ok = true
		}
	}
	return status, ok
}

// summedUp reports whether an object has the condition that sums all others up.
func summedUp(o object.Object) bool {
	return slices.ContainsFunc(conditions(o), func(c condition) bool { return c.kind == "Ready" })
}

// isStalled reports whether an object says, as kstatus has it, that it will get no further.
func isStalled(o object.Object) bool {
	return slices.ContainsFunc(conditions(o), func(c condition) bool { return c.kind == "Stalled" && c.status == "True" })
}
