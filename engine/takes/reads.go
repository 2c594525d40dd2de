package takes

import (
	"slices"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Read is one list that is needed: a kind, in a namespace or, with an empty one, in
// the whole cluster.
type Read struct {
	Resource  providers.Resource
	Namespace string
	Whole     bool // whole objects, not their metadata only
	// Instead are the namespaces to read where all of them may not be read at once.
	Instead []string
}

// manyNamespaces is from how many namespaces on reading a kind in the whole cluster
// is taken for cheaper than reading it in each of them.
const manyNamespaces = 16

// Reads says what must be read to know what goes with deletions, of the kinds that a
// server has. It is empty where nothing can go with them.
//
// An object in a namespace owns only objects of that namespace, and one of the
// cluster's scope any: for these, everything is read. Of a namespace that goes, what
// is in it and in the cluster's scope is enough: nobody owns an object of another
// namespace by it. Volumes are read only with the rest of the cluster; see Volumes.
func Reads(kinds []providers.Resource, deletions []Deletion) []Read {
	in := map[string]bool{}
	wide, scoped := false, false
	definitions := map[object.GroupKind]bool{}
	for i := range deletions {
		d := &deletions[i]
		switch namespace := d.Object.Namespace(); {
		case d.kind() == definitionKind:
			wide, definitions[d.defines()] = true, true
		case d.kind() == namespaceKind:
			in[d.Object.Name()] = true
			scoped = scoped || !d.Orphan
		case d.Orphan:
		case namespace == "":
			wide = true
		default:
			in[namespace] = true
		}
	}
	namespaces := make([]string, 0, len(in))
	for namespace := range in {
		namespaces = append(namespaces, namespace)
	}
	slices.Sort(namespaces)
	var out []Read
	for _, resource := range kinds {
		kind := resource.GVK.GroupKind()
		if !slices.Contains(resource.Verbs, "list") || !slices.Contains(resource.Verbs, "delete") || neverRead[kind] {
			continue
		}
		read := Read{Resource: resource, Whole: kind == claimKind || kind == volumeKind || kind == statefulKind}
		switch {
		case kind == volumeKind && !wide:
		case wide || scoped && !resource.Namespaced || resource.Namespaced && len(namespaces) >= manyNamespaces:
			if resource.Namespaced && !definitions[kind] { // where instances are is not known
				read.Instead = namespaces
			}
			out = append(out, read)
		case resource.Namespaced:
			for _, namespace := range namespaces {
				read.Namespace = namespace
				out = append(out, read)
			}
		}
	}
	return out
}

// LooseReads says what must be read to know what goes with the deletion of a namespace
// or a definition alone: Result.Loose, and no more.
func LooseReads(kinds []providers.Resource, d Deletion) []Read {
	var out []Read
	for _, resource := range kinds {
		kind := resource.GVK.GroupKind()
		if !slices.Contains(resource.Verbs, "list") || !slices.Contains(resource.Verbs, "delete") {
			continue
		}
		switch {
		case d.kind() == definitionKind && kind == d.defines():
			out = append(out, Read{Resource: resource})
		case d.kind() == namespaceKind && resource.Namespaced && !alwaysGenerated[kind]:
			out = append(out, Read{Resource: resource, Namespace: d.Object.Name()})
		}
	}
	return out
}

// Volumes says what more must be read, once the rest was: the volumes, where claims
// may go and volumes were not read.
func (w *World) Volumes(kinds []providers.Resource, deletions []Deletion) []Read {
	claim := slices.ContainsFunc(deletions, func(d Deletion) bool { return d.kind() == claimKind })
	for _, e := range w.entries {
		switch e.id.GroupKind() {
		case volumeKind:
			return nil
		case claimKind:
			claim = true
		}
	}
	for _, resource := range kinds {
		if claim && resource.GVK.GroupKind() == volumeKind {
			return []Read{{Resource: resource, Whole: true}}
		}
	}
	return nil
}

// neverRead are kinds that are many, and nothing to anybody.
var neverRead = map[object.GroupKind]bool{
	{Kind: "Event"}:                         true,
	{Group: "events.k8s.io", Kind: "Event"}: true,
	{Kind: "Endpoints"}:                     true,
}

// covers reports whether a namespace is among those of a list that could not be read.
func (r Read) covers(namespace string) bool {
	if r.Namespace != "" {
		return r.Namespace == namespace
	}
	return !slices.Contains(r.Instead, namespace)
}

// Hides reports whether something that goes with a deletion could be in a list that
// could not be read, and whether that is something which nothing but the namespace or
// the definition of its kind would take away. Where the list was read in namespaces
// Instead, only the others are missing.
func (d *Deletion) Hides(read Read) (some, loose bool) {
	kind, namespaced := read.Resource.GVK.GroupKind(), read.Resource.Namespaced
	switch {
	case d.kind() == definitionKind:
		return true, kind == d.defines()
	case d.kind() == namespaceKind && namespaced:
		inside := read.covers(d.Object.Name())
		return inside, inside && !alwaysGenerated[kind]
	case kind == volumeKind:
		return d.kind() == claimKind || d.kind() == namespaceKind || d.kind() == statefulKind && !d.Orphan, false
	case d.Orphan:
		return false, false
	case d.Object.Namespace() == "":
		return true, false
	}
	return namespaced && read.covers(d.Object.Namespace()), false
}
