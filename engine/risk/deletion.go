package risk

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// deletions tells what goes with an object that is deleted, alone or to be made anew.
func (a *assessment) deletions(item *Item) {
	c := item.Change
	if !c.Action.Deletes() {
		return
	}
	told := false
	for _, taken := range c.Takes {
		if taken.Data {
			told = true
		}
	}
	if told {
		a.add(riskcode.DataDeleted, plan.High, item, nil, fmt.Sprintf("With %s goes what is stored in %s.", c.ID, words(stores(c.Takes))))
	}
	switch c.ID.GroupKind() {
	case object.GroupKind{Kind: "PersistentVolumeClaim"}:
		if !told {
			a.claim(item)
		}
	case volumesKind.GroupKind():
		if !told {
			a.add(riskcode.DataDeleted, plan.High, item, nil, fmt.Sprintf(
				"%s goes: the cluster has no way any more to what is stored in it. Its reclaim policy is %s.", c.ID, str(item.Before, "spec", "persistentVolumeReclaimPolicy")))
		}
	case statefulSets.GroupKind():
		if !told && str(item.Before, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" && len(claimNames(item.Before)) > 0 {
			a.add(riskcode.DataDeleted, plan.High, item, nil, fmt.Sprintf(
				"With %s go the claims %s of each of its pods, and what is stored there: whenDeleted of its persistentVolumeClaimRetentionPolicy is Delete.", c.ID, words(claimNames(item.Before))))
		}
	case object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		a.add(riskcode.DefinitionDeleted, plan.High, item, nil, fmt.Sprintf("With %s go all objects of its kind.", c.ID), takes(c.Takes))
	case object.GroupKind{Kind: "Namespace"}:
		a.add(riskcode.NamespaceDeleted, plan.High, item, nil, fmt.Sprintf("With %s goes everything in it.", c.ID), takes(c.Takes))
	}
}

// stores names the kinds whose data go with a deletion.
func stores(all []plan.Taken) []string {
	var out []string
	for _, t := range all {
		if t.Data {
			out = append(out, count(int64(t.Count), t.Kind)+" ("+words(names(t.IDs))+")")
		}
	}
	return out
}

// takes counts what goes with a deletion.
func takes(all []plan.Taken) string {
	var out []string
	for _, t := range all {
		out = append(out, count(int64(t.Count), t.Kind))
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf("That is %s.", words(out))
}

func names(ids []plan.TakenID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.Name
		if id.Namespace != "" {
			out[i] = id.Namespace + "/" + id.Name
		}
	}
	return out
}

// claim tells what becomes of the volume of a claim that goes.
func (a *assessment) claim(item *Item) {
	id, name := item.Change.ID, str(item.Before, "spec", "volumeName")
	if item.Before == nil || name == "" {
		return // it never had one
	}
	found, ok := a.cluster.view(volumesKind, "")
	if !ok {
		return
	}
	i := slices.IndexFunc(found.before, func(o object.Object) bool { return o.Name() == name })
	switch {
	case i < 0:
		a.add(riskcode.DataDeleted, plan.High, item, nil, fmt.Sprintf(
			"With %s goes its volume %s, and what is stored there, unless the volume's reclaim policy keeps it.", id, name), found.unread)
	case str(found.before[i], "spec", "persistentVolumeReclaimPolicy") == "Retain":
		a.add(riskcode.DataDeleted, plan.Medium, item, nil, fmt.Sprintf(
			"%s goes. Its volume %s stays, for its reclaim policy is Retain, but no new claim gets it by itself.", id, name))
	default:
		a.add(riskcode.DataDeleted, plan.High, item, nil, fmt.Sprintf(
			"With %s goes its volume %s, and what is stored there: the volume's reclaim policy is %s.", id, name, str(found.before[i], "spec", "persistentVolumeReclaimPolicy")))
	}
}

// claimNames returns the names of the claims that each pod of a StatefulSet has.
func claimNames(o object.Object) []string {
	templates, _ := o.Get("spec", "volumeClaimTemplates")
	var out []string
	for _, t := range objects(templates) {
		out = append(out, t.Name())
	}
	return out
}

// volumes tells of data that go although their object stays: volumes that are no longer
// kept, and claims of pods that a StatefulSet has no more.
func (a *assessment) volumes(item *Item) {
	if !item.stays() && item.Change.Action != plan.Replace || item.Before == nil {
		return
	}
	id := item.Change.ID
	path := map[object.GroupKind]string{
		volumesKind.GroupKind():                         "persistentVolumeReclaimPolicy",
		{Group: "storage.k8s.io", Kind: "StorageClass"}: "reclaimPolicy",
	}[id.GroupKind()]
	switch {
	case id.GroupKind() == volumesKind.GroupKind() && str(item.Before, "spec", path) == "Retain" && str(item.After, "spec", path) == "Delete":
		a.add(riskcode.ReclaimDeletes, plan.Medium, item, []string{"spec." + path}, fmt.Sprintf("%s is kept no longer: when its claim goes, what is stored in it goes too.", id))
	case path == "reclaimPolicy" && str(item.Before, path) == "Retain" && str(item.After, path) != "Retain":
		a.add(riskcode.ReclaimDeletes, plan.Medium, item, []string{path}, fmt.Sprintf("Volumes made by %s from now on are deleted with their claims. Those that are there keep their policy.", id))
	case id.GroupKind() == statefulSets.GroupKind() && item.stays():
		was, now := replicasOf(item.Before), replicasOf(item.After)
		if now < was && len(claimNames(item.After)) > 0 && str(item.After, "spec", "persistentVolumeClaimRetentionPolicy", "whenScaled") == "Delete" {
			a.add(riskcode.DataDeleted, plan.High, item, []string{"spec.replicas"}, fmt.Sprintf(
				"%s goes from %d to %s, and with each pod that goes its claims %s: whenScaled of its persistentVolumeClaimRetentionPolicy is Delete.", id, was, count(now, "replica"), words(claimNames(item.After))))
		}
	}
}

// replacement tells of an object that is deleted and made anew.
func (a *assessment) replacement(item *Item) {
	c := item.Change
	if c.Action != plan.Replace {
		return
	}
	paths := make([]string, 0, len(c.Fields))
	for _, f := range c.Fields {
		if !f.Owned {
			paths = append(paths, f.Path)
		}
	}
	switch c.ID.GroupKind() {
	case deployments.GroupKind(), statefulSets.GroupKind(), daemonSets.GroupKind(), replicaSets.GroupKind():
		if a.app.Propagation == "Orphan" {
			a.add(riskcode.ObjectReplaced, plan.Medium, item, paths, fmt.Sprintf("%s is deleted and made anew. Its pods are left, and it takes over those that its selector selects.", c.ID))
			return
		}
		if n, known := runningPods(item.Before); item.Before != nil && (n > 0 || !known) {
			a.add(riskcode.Downtime, plan.High, item, paths, fmt.Sprintf("%s is deleted and made anew: all its pods stop, and nothing of it runs until new ones are ready.", c.ID))
		}
	case servicesKind.GroupKind():
		a.add(riskcode.ObjectReplaced, plan.Medium, item, paths, fmt.Sprintf("%s is deleted and made anew: until then it has no address, and then it may have another, of the cluster and of a load balancer.", c.ID))
	case object.GroupKind{Group: "batch", Kind: "Job"}:
		a.add(riskcode.ObjectReplaced, plan.Low, item, paths, fmt.Sprintf("%s is deleted and made anew: it runs again.", c.ID))
	default:
		a.add(riskcode.ObjectReplaced, plan.Low, item, paths, fmt.Sprintf("%s is deleted and made anew: for a moment it is not there.", c.ID))
	}
}

// finalizers tells of finalizers that a change puts on an object.
func (a *assessment) finalizers(item *Item) {
	if item.After == nil || item.Change.Body == nil {
		return
	}
	had := strs(item.Before.Metadata()["finalizers"])
	var added, paths []string
	for _, f := range strs(item.Change.Body.Metadata()["finalizers"]) {
		if !slices.Contains(had, f) {
			added = append(added, f)
			paths = append(paths, "metadata.finalizers"+key("", f))
		}
	}
	if len(added) == 0 {
		return
	}
	a.add(riskcode.FinalizerAdded, plan.Low, item, paths, fmt.Sprintf(
		"%s gets the finalizer %s: when it is deleted, it and its namespace stay until someone takes that off.", item.Change.ID, words(added)))
}
