// Package cause finds why an object is not healthy, or not gone: what a person would look
// for with a describe of everything below it. It follows ownerReferences from an object
// to its Pods (a Deployment's are those of its newest ReplicaSet), reads what the
// containers, conditions and Events say, and picks the deepest: the image that cannot be
// pulled, the exit code of what crashes, the nodes that have no room, the quota or the
// webhook that refuses Pods, the volume that nobody provides, the finalizer that holds.
//
// A World is what was seen, and World.Of is pure. A Finder reads what Of needs, one list
// per kind and namespace however many ask, and keeps it for some seconds. Whether an
// object is healthy is package health's to say; here it is only asked why not. Texts are
// the servers' words in part, and must be redacted by who shows them. The engine's waiting
// and its status import it.
package cause

import (
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan/object"
)

// Cause is why an object is not as it should be.
type Cause struct {
	// Object is where it was found: a Pod, a claim, or the object itself.
	Object object.ID
	// Reason is one word for it, where there is one Kubernetes's own: "ErrImagePull",
	// "CrashLoopBackOff", "Unschedulable", "FailedCreate". It stays the same while the
	// cause does, though Text may change.
	Reason string
	// Text says it in one line, to be read after the object's name: `1 of 2 pods cannot
	// pull image "web:2" (ErrImagePull: not found)`.
	Text string
}

// The ranks of findings: what says more comes first.
const (
	rankContainer  = iota // a container cannot be started, or does not stay
	rankEnded             // Pods that should have run to their end failed
	rankScheduling        // no node takes the Pod
	rankVolume            // a volume cannot be mounted, or the network not be set up
	rankCreate            // Pods cannot be created
	rankBelow             // something that it owns has a cause
	rankNotReady          // containers run, and are not ready
	rankOwn               // the object itself says so, or an Event about it
	rankSlow              // nothing is wrong yet, but this is what goes on
)

// finding is one possible cause. Its phrase goes with one Pod and with many.
type finding struct {
	rank   int
	object object.ID
	reason string
	phrase string
	key    string // what tells phrases of the same from others; the phrase where empty
}

func (f finding) same() string {
	if f.key != "" {
		return f.reason + "\x00" + f.key
	}
	return f.reason + "\x00" + f.phrase
}

// deepest is how far ownership is followed.
const deepest = 5

// Of finds why an object is not healthy or, where it is being deleted, not gone. It
// returns false where nothing of what was seen says why. Events about the object itself
// count from since on: those from before have other causes.
func (w *World) Of(o object.Object, since time.Time) (Cause, bool) {
	f, ok := w.of(o, since, deepest)
	return Cause{Object: f.object, Reason: f.reason, Text: short(f.phrase)}, ok
}

func (w *World) of(o object.Object, since time.Time, depth int) (finding, bool) {
	if o.Metadata()["deletionTimestamp"] != nil && o.ID().GroupKind() != podKind {
		return w.held(o)
	}
	best := finder{}
	switch kind := o.ID().GroupKind(); kind {
	case podKind:
		best.add(w.pod(o))
	case claimKind:
		best.add(w.claim(o))
	case definitionKind:
		best.add(definition(o))
	case object.GroupKind{Kind: "Service"}, object.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}:
		best.add(address(o))
	default:
		best.add(w.workload(o))
		if depth > 0 {
			best.add(w.below(o, since, depth-1))
		}
	}
	best.add(w.told(o, since))
	return best.finding, best.ok
}

// finder keeps the best of the findings that it is given, the first of equals.
type finder struct {
	finding
	ok bool
}

func (b *finder) add(f finding, ok bool) {
	if ok && (!b.ok || f.rank < b.rank) {
		b.finding, b.ok = f, true
	}
}

// below finds the cause of an object in another one that it owns, and that has a health
// which is not good: the StatefulSet of a custom resource, the Job of a CronJob.
func (w *World) below(o object.Object, since time.Time, depth int) (finding, bool) {
	var best finder
	for _, child := range w.owned(o.UID()) {
		kind := child.ID().GroupKind()
		if kind == podKind || kind == replicaSetKind && o.Kind() == "Deployment" {
			continue // its workload has looked at them
		}
		if status, known := health.Check(child); !known || status.Code == health.Healthy {
			continue
		}
		f, ok := w.of(child, since, depth)
		if ok {
			f.phrase = child.ID().String() + ": " + f.phrase
		}
		best.add(f, ok)
	}
	if best.rank < rankBelow {
		best.rank = rankBelow
	}
	return best.finding, best.ok
}

// told is the newest Warning about an object itself.
func (w *World) told(o object.Object, since time.Time) (finding, bool) {
	e, ok := w.newest(o, func(e event) bool { return e.warning && !e.at.Before(since) })
	if !ok {
		return finding{}, false
	}
	return finding{rank: rankOwn, object: o.ID(), reason: e.reason, phrase: e.reason + ": " + oneLine(e.message)}, true
}
