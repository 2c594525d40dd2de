package health

import (
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// explain says why an object is not healthy, for a rule that does not: what the
// condition says that is not as it should be, else what the status says of itself.
func explain(o object.Object, code Code) string {
	all := conditions(o)
	wrong := []func(condition) bool{isUnready, isFault, isFalse}
	if code == Degraded {
		wrong = []func(condition) bool{isFault, isUnready, isFalse}
	}
	for _, matches := range wrong {
		for _, c := range all {
			if said := orElse(c.message, c.reason); said != "" && matches(c) {
				return said
			}
		}
	}
	for _, name := range []string{"message", "reason", "phase", "state"} {
		if said := text(o, "status", name); said != "" {
			return said
		}
	}
	if status, ok := o.Get("status"); !ok || status == nil {
		return "has no status yet"
	}
	return ""
}

// isUnready reports whether a condition that sums all up is not true.
func isUnready(c condition) bool {
	return c.status != "True" && (c.kind == "Ready" || c.kind == "Available" || c.kind == "Healthy" || c.kind == "Synced")
}

func isFalse(c condition) bool { return c.status == "False" }

// isFault reports whether a condition says that something is wrong.
func isFault(c condition) bool {
	if c.status != "True" {
		return false
	}
	for _, word := range []string{"Fail", "Error", "Degraded", "Stalled", "Invalid", "NotReady", "Unhealthy", "Terminal"} {
		if strings.Contains(c.kind, word) {
			return true
		}
	}
	return false
}
