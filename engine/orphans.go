package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// searched is where a project asks for what belongs to no application: a namespace, read
// as one of its applications.
type searched struct {
	project   *lang.Project
	session   *session
	namespace string
}

// orphans finds what belongs to no application in the namespaces of applications whose
// projects ask for it: by lists of the metadata of every kind that people make. What may
// not be read is told, and nothing is changed.
func (p *planning) orphans(ctx context.Context, out *plan.Plan) {
	places := p.searched()
	if len(places) == 0 || p.options.Offline {
		return
	}
	owned := p.owned()
	var mu sync.Mutex
	unread := map[string]bool{}
	type job struct {
		searched
		kind providers.Resource
	}
	var jobs []job
	for _, place := range places {
		kinds, err := place.session.cluster.Resources(ctx)
		if err != nil {
			unread[fmt.Sprintf("cluster %q: %s", place.session.name, err)] = true
			continue
		}
		for _, kind := range kinds {
			if kind.Namespaced && importable(kind) {
				jobs = append(jobs, job{place, kind})
			}
		}
	}
	parallel(ctx, p.engine.options.Parallelism, len(jobs), func(i int) {
		j := &jobs[i]
		found, err := j.session.cluster.List(ctx, j.kind, j.namespace, providers.ListOptions{MetadataOnly: true})
		mu.Lock()
		defer mu.Unlock()
		if err != nil && !errors.Is(err, providers.ErrUnknownKind) && !errors.Is(err, providers.ErrNotFound) {
			unread[fmt.Sprintf("%s in the namespace %q of the cluster %q: %s", j.kind.GVK.GroupKind(), j.namespace, j.session.name, err)] = true
			return
		}
		for _, o := range found {
			id := object.ID{Group: j.kind.GVK.Group, Kind: j.kind.GVK.Kind, Namespace: o.Namespace(), Name: o.Name()}
			if _, _, marked := track.Owner(o); marked || hasOwner(o) || owned[ownedKey{j.session.identity(), id}] {
				continue
			}
			if !guard.Reported(p.engine.rules(j.project), id) {
				continue
			}
			out.Orphans = append(out.Orphans, plan.Orphaned{Project: j.project.Name, Cluster: j.session.name, ID: id})
		}
	})
	slices.SortFunc(out.Orphans, func(a, b plan.Orphaned) int {
		return cmp.Or(strings.Compare(a.Project, b.Project), strings.Compare(a.Cluster, b.Cluster), a.ID.Compare(b.ID))
	})
	out.Orphans = slices.Compact(out.Orphans)
	if len(unread) > 0 {
		var why []string
		for text := range unread {
			why = append(why, text)
		}
		slices.Sort(why)
		p.diags = append(p.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Orphaned objects cannot all be told",
			Detail: fmt.Sprintf("A project asks which objects belong to no application, and some cannot be read: %s.", several(why, mostReasons)),
		})
	}
}

// searched lists the namespaces to look into, each once for a project and cluster.
func (p *planning) searched() []searched {
	var out []searched
	for _, d := range p.drafts {
		project := p.project(d)
		if d.failed() || project == nil || project.Rules.Orphaned == nil || d.session.cluster == nil {
			continue
		}
		namespaces := map[string]bool{}
		if d.app != nil {
			namespaces[d.app.Destination.Namespace] = true
		}
		for i := range d.changes {
			namespaces[d.changes[i].ID.Namespace] = true
		}
		for namespace := range namespaces {
			place := searched{project, d.session, namespace}
			if namespace != "" && !slices.Contains(out, place) {
				out = append(out, place)
			}
		}
	}
	return out
}

// ownedKey is an object of a cluster.
type ownedKey struct {
	cluster string
	id      object.ID
}

// owned are the objects that applications have or want, of the state and of the plan.
func (p *planning) owned() map[ownedKey]bool {
	out := map[ownedKey]bool{}
	for _, record := range p.records {
		for _, owned := range record.Owns() {
			out[ownedKey{record.Cluster.UID, owned.ID}] = true
		}
	}
	for _, d := range p.drafts {
		for _, want := range d.desired {
			out[ownedKey{d.session.identity(), want.object.ID()}] = true
		}
	}
	return out
}

// hasOwner reports whether another object owns one: then that is what there is to report.
func hasOwner(o object.Object) bool {
	owners, _ := o.Metadata()["ownerReferences"].([]any)
	return len(owners) > 0
}
