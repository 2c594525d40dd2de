package health

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// unsynced reports whether an ExternalSecret says that it is synced, of an older generation
// than the present: its operator tells no observedGeneration, but begins the version that it
// synced with the generation. One that is read once, or never again by its interval, stays
// as it was.
func unsynced(o object.Object, generation int64) bool {
	if o.ID().GroupKind() != (object.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"}) {
		return false
	}
	synced, _, told := strings.Cut(text(o, "status", "syncedResourceVersion"), "-")
	if !told || synced == fmt.Sprint(generation) || text(o, "spec", "refreshPolicy") == "CreatedOnce" {
		return false
	}
	if every, err := time.ParseDuration(text(o, "spec", "refreshInterval")); err == nil && every <= 0 && text(o, "spec", "refreshPolicy") != "OnChange" {
		return false
	}
	for _, c := range conditions(o) {
		if c.kind == "Ready" {
			return c.status == "True" // what failed, failed now
		}
	}
	return false
}
