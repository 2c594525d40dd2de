package takes

import (
	"cmp"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// search is one question to a world.
type search struct {
	world     *World
	deletions []Deletion
	items     map[string]bool  // uids of what the plan deletes itself
	gone      map[string]*gone // by uid: what goes with it
}

// gone is an object that goes with a deletion.
type gone struct {
	entry *entry
	with  int // index of the deletion
	why   plan.TakenWhy
	data  bool
	loose bool
}

// take notes that an object goes, unless that is known.
func (s *search) take(e *entry, with int, why plan.TakenWhy) bool {
	if s.items[e.uid] || s.gone[e.uid] != nil {
		return false
	}
	s.gone[e.uid] = &gone{entry: e, with: with, why: why}
	return true
}

// goes reports whether an object of a uid goes, in whichever way.
func (s *search) goes(uid string) bool { return s.items[uid] || s.gone[uid] != nil }

// owned takes what the deletions own, however far.
func (s *search) owned() {
	for i := range s.deletions {
		d := &s.deletions[i]
		if d.Orphan {
			continue
		}
		s.below(d.Object.UID(), i)
		for _, claim := range s.claimsOf(d) {
			s.take(claim, i, plan.TakenOwned)
		}
	}
	// An object whose other owner was found to go only later.
	for again := true; again; {
		again = false
		for i := range s.deletions {
			if !s.deletions[i].Orphan && s.below(s.deletions[i].Object.UID(), i) {
				again = true
			}
		}
	}
}

// below takes what an object owns, and reports whether that is more than was known.
// What another owner keeps that stays, stays: the garbage collector only takes away
// what has no owner left. An owner that is not seen does not count as one.
func (s *search) below(uid string, with int) bool {
	more := false
	seen := map[string]bool{uid: true}
	for queue := []string{uid}; len(queue) > 0; queue = queue[1:] {
		for _, child := range s.world.children[queue[0]] {
			if seen[child.uid] || slices.ContainsFunc(child.owners, func(owner string) bool {
				return s.world.byUID[owner] != nil && !s.goes(owner)
			}) {
				continue
			}
			seen[child.uid] = true
			if s.items[child.uid] {
				continue // it has a deletion, and maybe an order of its own
			}
			more = s.take(child, with, plan.TakenOwned) || more
			queue = append(queue, child.uid)
		}
	}
	return more
}

// claimsOf returns the claims that a StatefulSet takes along, by its retention
// policy, even where its controller has not entered itself as their owner yet.
func (s *search) claimsOf(d *Deletion) []*entry {
	if d.kind() != statefulKind || text(d.Object, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") != "Delete" {
		return nil
	}
	templates, _ := d.Object.Get("spec", "volumeClaimTemplates")
	list, _ := templates.([]any)
	var out []*entry
	for _, item := range list {
		template, _ := item.(map[string]any)
		prefix := object.Object(template).Name() + "-" + d.Object.Name() + "-"
		for _, e := range s.world.entries {
			if e.id.GroupKind() == claimKind && e.id.Namespace == d.Object.Namespace() && isOrdinal(e.id.Name, prefix) {
				out = append(out, e)
			}
		}
	}
	return out
}

// contents takes what is in namespaces that go, and what is of kinds that go.
func (s *search) contents() {
	for i := range s.deletions {
		d := &s.deletions[i]
		switch d.kind() {
		case namespaceKind:
			for _, e := range s.world.entries {
				if e.id.Namespace == d.Object.Name() && s.take(e, i, plan.TakenInside) {
					s.gone[e.uid].loose = len(e.owners) == 0 && !alwaysGenerated[e.id.GroupKind()]
				}
			}
		case definitionKind:
			defines := d.defines()
			for _, e := range s.world.entries {
				if e.id.GroupKind() == defines && s.take(e, i, plan.TakenInstance) {
					s.gone[e.uid].loose = true
				}
			}
			for _, e := range s.world.entries {
				if taken := s.gone[e.uid]; taken != nil && taken.with == i && taken.why == plan.TakenInstance {
					s.below(e.uid, i)
				}
			}
		}
	}
}

// volumes takes the volumes of claims that go, where they are not kept. A claim
// whose volume cannot be seen is taken for one that loses its data.
func (s *search) volumes() {
	volumes := map[string]*entry{}
	for _, e := range s.world.entries {
		if e.id.GroupKind() == volumeKind {
			volumes[e.id.Name] = e
		}
	}
	reclaim := func(claim object.Object, with int) bool {
		name := text(claim, "spec", "volumeName")
		if name == "" {
			return false // nothing was ever stored
		}
		volume := volumes[name]
		if volume == nil {
			return true
		}
		if of := text(volume.object, "spec", "claimRef", "uid"); of != "" && of != claim.UID() {
			return false
		}
		switch text(volume.object, "spec", "persistentVolumeReclaimPolicy") {
		case "Delete":
			if s.take(volume, with, plan.TakenVolume) {
				s.gone[volume.uid].data = true
			}
			return true
		case "Recycle": // it is emptied, and stays
			return true
		}
		return false
	}
	for i := range s.deletions {
		if s.deletions[i].kind() == claimKind {
			reclaim(s.deletions[i].Object, i)
		}
	}
	for _, e := range s.world.entries {
		if taken := s.gone[e.uid]; taken != nil && e.id.GroupKind() == claimKind {
			taken.data = reclaim(e.object, taken.with)
		}
	}
}

// results groups what goes by the deletion, the reason and the kind.
func (s *search) results() []Result {
	type group struct {
		with            int
		why             plan.TakenWhy
		kind            object.GroupKind
		of              string
		data, transient bool
	}
	out := make([]Result, len(s.deletions))
	groups := map[group][]plan.TakenID{}
	for _, e := range s.world.entries {
		taken := s.gone[e.uid]
		if taken == nil {
			continue
		}
		if taken.loose {
			out[taken.with].Loose = append(out[taken.with].Loose, e.id)
		}
		key := group{taken.with, taken.why, e.id.GroupKind(), e.of, taken.data, s.transient(e, 0)}
		groups[key] = append(groups[key], plan.TakenID{Namespace: e.id.Namespace, Name: e.id.Name})
	}
	for key, ids := range groups {
		out[key.with].Taken = append(out[key.with].Taken, plan.Taken{
			Group: key.kind.Group, Kind: key.kind.Kind, Why: key.why, Count: len(ids), Data: key.data,
			Transient: key.transient, Of: key.of, IDs: ids,
		})
	}
	for i := range out {
		slices.SortFunc(out[i].Taken, compare)
	}
	return out
}

func compare(a, b plan.Taken) int {
	truth := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Group, b.Group),
		cmp.Compare(a.Of, b.Of), cmp.Compare(truth(a.Data), truth(b.Data)), cmp.Compare(truth(a.Transient), truth(b.Transient)))
}
