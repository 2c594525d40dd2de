package health

import (
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/plan/object"
)

// ignoreHealthcheck is the annotation of Argo CD by which an object says that its
// health does not count.
const ignoreHealthcheck = "argocd.argoproj.io/ignore-healthcheck"

// Part is what one object that an application should have contributes to the
// application's health.
type Part struct {
	Assessment Assessment
	Live       bool // it is in the cluster
	Excluded   bool // it is a hook, or to be skipped: no part of the application
	Ignored    bool // it counts as being there, and its health does not
}

// Part assesses an object that an application should have: desired is nil where it is
// not known, live where it is not in the cluster.
func (a *Assessor) Part(desired, live object.Object) Part {
	part := Part{Assessment: a.Assess(live), Live: live != nil}
	if desired != nil {
		placement := order.Annotations(desired)
		part.Excluded = placement.Hook || placement.Ignored
	}
	if live != nil {
		placement := order.Annotations(live)
		part.Excluded = part.Excluded || placement.Hook || placement.Ignored
		part.Ignored = live.Annotation(ignoreHealthcheck) == "true"
	}
	return part
}

// Aggregate is the health of an application of these objects, as in Argo CD: the
// worst of theirs, with the message of the first that has it. Objects that are
// missing do not count, for a plan tells of those, nor do those about which nothing
// is known; but an application of which nothing at all is there is Missing. Hooks are
// no part of it. An application without objects is Healthy.
func Aggregate(parts []Part) Status {
	worst := Status{Code: Healthy}
	has, live := false, false
	for _, part := range parts {
		if part.Excluded {
			continue
		}
		has, live = true, live || part.Live
		if !part.Live || part.Ignored || !part.Assessment.Known() {
			continue
		}
		if Worse(part.Assessment.Code, worst.Code) {
			worst = part.Assessment.Status
		}
	}
	if has && !live && Worse(Missing, worst.Code) {
		return Status{Missing, "none of its objects is in the cluster"}
	}
	return worst
}
