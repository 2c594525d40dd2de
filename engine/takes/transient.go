package takes

import "github.com/gantrycd/gantry/plan/object"

// alwaysGenerated are kinds whose objects Kubernetes makes by itself in a namespace.
var alwaysGenerated = map[object.GroupKind]bool{
	{Kind: "Event"}:                                    true,
	{Kind: "Endpoints"}:                                true,
	{Group: "events.k8s.io", Kind: "Event"}:            true,
	{Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true,
}

// generatedForOwners are kinds of which Kubernetes makes objects for those that own
// them, with names that nobody chose.
var generatedForOwners = map[object.GroupKind]bool{
	{Kind: "Pod"}:                                 true,
	{Kind: "ReplicationController"}:               true,
	{Group: "apps", Kind: "ReplicaSet"}:           true,
	{Group: "apps", Kind: "ControllerRevision"}:   true,
	{Group: "batch", Kind: "Job"}:                 true,
	{Group: "coordination.k8s.io", Kind: "Lease"}: true,
}

// deepest bounds a chain of owners, which could be a circle.
const deepest = 16

// transient reports whether an object comes and goes by itself, while what is
// deployed stays the same: one that Kubernetes makes for a workload or a Service, and
// all that belongs to such a one.
func (s *search) transient(e *entry, depth int) bool {
	kind := e.id.GroupKind()
	if alwaysGenerated[kind] || len(e.owners) > 0 && generatedForOwners[kind] {
		return true
	}
	if depth == deepest {
		return false
	}
	for _, owner := range e.owners {
		if o := s.world.byUID[owner]; o != nil && !s.items[o.uid] && s.transient(o, depth+1) {
			return true
		}
	}
	return kind == volumeKind && s.ofTransient(e, depth)
}

// ofTransient reports whether a volume is that of a transient claim.
func (s *search) ofTransient(e *entry, depth int) bool {
	claim := s.world.byUID[text(e.object, "spec", "claimRef", "uid")]
	return claim != nil && !s.items[claim.uid] && s.transient(claim, depth+1)
}
