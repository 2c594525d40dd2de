package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// Act is what a plan does that does not come of the configuration and its sources: an
// action on one object, or the correction of drift. Such a plan leaves alone what it
// does not name: it prunes nothing, and takes no object of the application for dropped.
type Act struct {
	Name string `json:"name"` // SelfHeal, or the name of an action: "restart"
	// Object is what an action is done to; nil for SelfHeal.
	Object *object.ID `json:"object,omitempty"`
	// Parameters are those that an action was given, or takes where it was given none.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// SelfHeal is the name of what corrects drift to what was last applied.
const SelfHeal = "self-heal"

// Banner is what people must know of a plan that does an act; empty for other plans.
func (a *Act) Banner() string {
	switch {
	case a == nil:
		return ""
	case a.Name == SelfHeal:
		return "This plan puts back what was changed since the last apply, and does nothing else."
	}
	return "This plan is an action, and does nothing else: " + a.String() + "."
}

// String renders an act as people read it: "scale Deployment.apps web/shop (replicas=3)".
func (a *Act) String() string {
	if a == nil {
		return ""
	}
	out := a.Name
	if a.Object != nil {
		out += " " + a.Object.String()
	}
	if len(a.Parameters) > 0 {
		var given []string
		for _, name := range slices.Sorted(maps.Keys(a.Parameters)) {
			given = append(given, name+"="+a.Parameters[name])
		}
		out += " (" + strings.Join(given, ", ") + ")"
	}
	return out
}
