package cause

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// workload finds the cause of an object in the Pods that it has, or cannot create.
func (w *World) workload(o object.Object) (finding, bool) {
	owner, pods := o, w.owned(o.UID(), podKind)
	var old []object.Object // Pods of earlier revisions
	if sets := w.owned(o.UID(), replicaSetKind); o.Kind() == "Deployment" && len(sets) > 0 {
		owner = newestSet(o, sets)
		for _, set := range sets {
			if set.UID() == owner.UID() {
				pods = append(pods, w.owned(set.UID(), podKind)...)
			} else {
				old = append(old, w.owned(set.UID(), podKind)...)
			}
		}
	}
	var best finder
	best.add(w.together(o, pods))
	best.add(w.uncreated(o, owner, pods))
	best.add(w.stillThere(slices.Concat(pods, old)))
	return best.finding, best.ok
}

// newestSet is the ReplicaSet of a Deployment's present revision.
func newestSet(o object.Object, sets []object.Object) object.Object {
	const revision = "deployment.kubernetes.io/revision"
	newest := sets[0]
	for _, set := range sets {
		if now := o.Annotation(revision); now != "" && set.Annotation(revision) == now {
			return set
		}
		if text(newest, "metadata", "creationTimestamp") < text(set, "metadata", "creationTimestamp") {
			newest = set
		}
	}
	return newest
}

// together finds what most Pods of a workload have that have something: "2 of 3 pods
// cannot be scheduled (...)". Those that ended count only for a Job, which has them run to
// an end; others are replaced, unless nothing else is there.
func (w *World) together(o object.Object, pods []object.Object) (finding, bool) {
	isJob := o.ID().GroupKind() == jobKind
	running := slices.DeleteFunc(slices.Clone(pods), func(p object.Object) bool {
		phase := text(p, "status", "phase")
		return isDeleting(p) || !isJob && (phase == "Failed" || phase == "Succeeded")
	})
	if len(running) > 0 || isJob {
		pods = running
	}
	type same struct {
		finding
		pods int
	}
	var found []*same
	for _, p := range pods {
		f, ok := w.pod(p)
		if !ok {
			continue
		}
		i := slices.IndexFunc(found, func(s *same) bool { return s.same() == f.same() })
		if i < 0 {
			i, found = len(found), append(found, &same{finding: f})
		}
		found[i].pods++
	}
	if len(found) == 0 {
		return finding{}, false
	}
	best := slices.MinFunc(found, func(a, b *same) int { // the first of equals, by the Pods' names
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return b.pods - a.pods
	})
	best.phrase = fmt.Sprintf("%d of %s %s", best.pods, count(len(pods), "pod"), best.phrase)
	return best.finding, true
}

// uncreated finds why there are fewer Pods than there should be: what the controller said
// when it last failed to create one. owner is who creates them.
func (w *World) uncreated(o, owner object.Object, pods []object.Object) (finding, bool) {
	f := finding{rank: rankCreate, object: owner.ID(), reason: "FailedCreate"}
	for _, says := range []object.Object{owner, o} {
		if c, ok := conditionOf(says, "ReplicaFailure"); ok && c.status == "True" {
			f.reason, f.phrase = c.reason, "cannot create pods"+because("", createWords(c.message))
			return f, true
		}
	}
	if int64(len(pods)) >= wanted(owner) {
		return finding{}, false
	}
	e, ok := w.warned(owner, "FailedCreate")
	if !ok {
		return finding{}, false
	}
	what := "cannot create pods"
	if strings.HasPrefix(e.message, "create Claim ") {
		what = "cannot create volume claims"
	}
	f.phrase = what + because("", createWords(e.message))
	return f, true
}

// wanted is how many Pods a workload should have now.
func wanted(o object.Object) int64 {
	switch o.Kind() {
	case "DaemonSet":
		return number(o, 0, "status", "desiredNumberScheduled")
	case "Job":
		return min(1, number(o, 1, "spec", "parallelism"))
	case "ReplicaSet", "StatefulSet", "ReplicationController":
		return number(o, 1, "spec", "replicas")
	}
	return 0
}

// stillThere finds Pods that should be gone, and are not.
func (w *World) stillThere(pods []object.Object) (finding, bool) {
	var first finding
	n := 0
	for _, p := range pods {
		if !isDeleting(p) {
			continue
		}
		if f, ok := w.pod(p); ok {
			if n == 0 {
				first = f
			}
			n++
		}
	}
	if n == 0 {
		return finding{}, false
	}
	first.phrase = fmt.Sprintf("%d of %s %s", n, count(len(pods), "pod"), first.phrase)
	return first, true
}

func isDeleting(o object.Object) bool { return o.Metadata()["deletionTimestamp"] != nil }

// count is a number of things: "1 pod", "2 pods".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
