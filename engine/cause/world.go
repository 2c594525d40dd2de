package cause

import (
	"slices"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

var (
	podKind        = object.GroupKind{Kind: "Pod"}
	claimKind      = object.GroupKind{Kind: "PersistentVolumeClaim"}
	eventKind      = object.GroupKind{Kind: "Event"}
	namespaceKind  = object.GroupKind{Kind: "Namespace"}
	replicaSetKind = object.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	jobKind        = object.GroupKind{Group: "batch", Kind: "Job"}
	definitionKind = object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

// World is what was seen of a cluster at some time: objects, and Events about them. It is
// safe for concurrent use.
type World struct {
	at    time.Time
	lists []*index
}

// NewWorld returns a World of objects, Events among them, as they were at a time.
func NewWorld(at time.Time, objects ...object.Object) *World {
	return &World{at: at, lists: []*index{newIndex(objects)}}
}

// index finds the objects of a list.
type index struct {
	byOwner map[string][]object.Object // by the owner's uid, in the order of their ids
	byID    map[object.ID]object.Object
	events  map[string][]event // by the uid of what they are about, the newest first
}

func newIndex(objects []object.Object) *index {
	x := &index{byOwner: map[string][]object.Object{}, byID: map[object.ID]object.Object{}, events: map[string][]event{}}
	for _, o := range objects {
		if o.ID().GroupKind() == eventKind {
			e := eventOf(o)
			x.events[e.about] = append(x.events[e.about], e)
			continue
		}
		x.byID[o.ID()] = o
		for _, uid := range owners(o) {
			x.byOwner[uid] = append(x.byOwner[uid], o)
		}
	}
	for _, owned := range x.byOwner {
		slices.SortFunc(owned, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
	}
	for _, events := range x.events {
		slices.SortStableFunc(events, func(a, b event) int { return b.at.Compare(a.at) })
	}
	return x
}

// owners are the uids of an object's owners.
func owners(o object.Object) []string {
	references, _ := o.Metadata()["ownerReferences"].([]any)
	var out []string
	for _, r := range references {
		if m, ok := r.(map[string]any); ok {
			if uid, _ := m["uid"].(string); uid != "" {
				out = append(out, uid)
			}
		}
	}
	return out
}

// owned returns what the object of a uid owns, of the kinds given or, with none, of all.
func (w *World) owned(uid string, kinds ...object.GroupKind) []object.Object {
	var out []object.Object
	for _, x := range w.lists {
		for _, o := range x.byOwner[uid] {
			if len(kinds) == 0 || slices.Contains(kinds, o.ID().GroupKind()) {
				out = append(out, o)
			}
		}
	}
	return out
}

// find returns an object by its ID, nil where it was not seen.
func (w *World) find(id object.ID) object.Object {
	for _, x := range w.lists {
		if o, ok := x.byID[id]; ok {
			return o
		}
	}
	return nil
}

// event is one Event.
type event struct {
	about   string // uid
	field   string // of the object: "spec.containers{web}"
	warning bool
	reason  string
	message string
	at      time.Time // when it was last seen
}

// eventOf reads an Event of core/v1, whoever has written it: newer ones have a series
// and an eventTime instead of a count and a lastTimestamp.
func eventOf(o object.Object) event {
	e := event{
		about: text(o, "involvedObject", "uid"), field: text(o, "involvedObject", "fieldPath"),
		warning: text(o, "type") == "Warning", reason: text(o, "reason"), message: text(o, "message"),
	}
	for _, path := range [][]string{
		{"series", "lastObservedTime"}, {"lastTimestamp"}, {"eventTime"}, {"firstTimestamp"}, {"metadata", "creationTimestamp"},
	} {
		if at, ok := timeAt(o, path...); ok && at.After(e.at) {
			e.at = at
		}
	}
	return e
}

// newest returns the newest Event about an object that is wanted.
func (w *World) newest(o object.Object, wanted func(event) bool) (event, bool) {
	var best event
	found := false
	for _, x := range w.lists {
		for _, e := range x.events[o.UID()] {
			if wanted(e) {
				if !found || e.at.After(best.at) {
					best, found = e, true
				}
				break // they are sorted
			}
		}
	}
	return best, found
}

// warned returns the newest Warning about an object that has one of some reasons.
func (w *World) warned(o object.Object, reasons ...string) (event, bool) {
	return w.newest(o, func(e event) bool { return e.warning && slices.Contains(reasons, e.reason) })
}
