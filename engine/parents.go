package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// parentElsewhere is the namespace of parents of applications that have none, or whose
// namespace is not there.
const parentElsewhere = "default"

// parents are what a cluster has of parents, by application: those in the namespace where
// the newest was written come first.
type parents map[addr.Address][]track.Parent

// newest returns the parent of an application with the highest serial; nil where there is
// none.
func (p parents) newest(address addr.Address) *track.Parent {
	if len(p[address]) == 0 {
		return nil
	}
	return &p[address][0]
}

// placeOfParent is the namespace in which an application's parent is to be.
func placeOfParent(namespace string) string { return cmp.Or(namespace, parentElsewhere) }

// readParents reads the parents of an installation on a cluster, with one list; where that
// is not allowed, in some namespaces, as far as these may be read.
func (e *Engine) readParents(ctx context.Context, cluster providers.Cluster, lineage string, namespaces []string) (parents, error) {
	resource, err := cluster.Resource(ctx, track.ParentGVK)
	if err != nil {
		return nil, err
	}
	options := providers.ListOptions{LabelSelector: track.LabelSet, MetadataOnly: true}
	if lineage != "" {
		options.LabelSelector += "," + track.LabelLineage + "=" + lineage
	} else {
		options.LabelSelector += "," + track.LabelLineage
	}
	found, err := cluster.List(ctx, resource, "", options)
	if errors.Is(err, providers.ErrForbidden) {
		var mu sync.Mutex
		unread := 0
		parallel(ctx, e.options.Parallelism, len(namespaces), func(i int) {
			some, listErr := cluster.List(ctx, resource, namespaces[i], options)
			mu.Lock()
			defer mu.Unlock()
			if listErr != nil {
				unread++
			}
			found = append(found, some...)
		})
		if unread < len(namespaces) {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	out := parents{}
	for _, o := range found {
		if parent, ok := track.ReadParent(o); ok && (lineage == "" || parent.Lineage == lineage) {
			out[parent.Address] = append(out[parent.Address], parent)
		}
	}
	for _, those := range out {
		slices.SortStableFunc(those, func(a, b track.Parent) int { return cmp.Compare(b.Serial, a.Serial) })
	}
	return out, nil
}

// older says why an application must not be planned or applied: its parent is of a later
// record than the state has. Empty where it is not, or there is no parent.
func (p parents) older(record *state.Record, cluster string, addresses ...addr.Address) string {
	have := int64(0)
	if record != nil {
		have = record.Serial
	}
	for _, address := range addresses {
		parent := p.newest(address)
		if address.IsZero() || parent == nil || parent.Serial <= have {
			continue
		}
		knows := fmt.Sprintf("The state has serial %d of it", have)
		if record == nil {
			knows = "The state does not know it"
		}
		return fmt.Sprintf("%s, and the cluster %q says that serial %d was written (ConfigMap %s/%s): an older copy of the state was restored, or part of it was lost, so that it may not know all that the application owns. "+
			"Put the newest state in its place; or have \"gantry state rebuild\" find what is missing. To go on with what the state has: gantry state accept '%s'.",
			knows, cluster, parent.Serial, parent.Namespace, parent.Name, address)
	}
	return ""
}

// namespacesOfParents are where the parents of applications of a cluster may be, sorted.
func (p *planning) namespacesOfParents(s *session) []string {
	found := map[string]bool{parentElsewhere: true}
	for _, d := range p.drafts {
		if d.session != s {
			continue
		}
		if d.record != nil {
			found[placeOfParent(d.record.Namespace)] = true
		}
		if d.app != nil {
			found[placeOfParent(d.app.Destination.Namespace)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// refuseOlder leaves out the applications of which the state has less than a cluster knows
// that it had. Clusters whose parents may not be read are taken at the state's word.
func (p *planning) refuseOlder(ctx context.Context) {
	if !p.engine.options.Parents || p.options.Offline {
		return
	}
	sessions := p.sessions.list()
	parallel(ctx, len(sessions), len(sessions), func(i int) {
		s := sessions[i]
		if s.err != nil || s.cluster == nil || !slices.ContainsFunc(p.drafts, func(d *draft) bool { return d.session == s }) {
			return
		}
		found, err := p.engine.readParents(ctx, s.cluster, p.lineage, p.namespacesOfParents(s))
		if err != nil {
			return
		}
		for _, d := range p.drafts {
			if d.session != s || d.failed() {
				continue
			}
			if why := found.older(d.record, s.name, d.address, d.from); why != "" {
				d.fail(d.appRange(), olderState, why)
			}
		}
	})
}

const olderState = "State is older than the cluster"

// parentsOf reads the parents of a cluster for an apply; those that may not be read are
// none.
func (a *applying) parentsOf(ctx context.Context, s *session) parents {
	if !a.engine.options.Parents {
		return nil
	}
	namespaces := map[string]bool{parentElsewhere: true}
	for _, p := range a.apps {
		if p.session == s {
			namespaces[placeOfParent(p.app.Namespace)] = true
		}
	}
	found, err := a.engine.readParents(ctx, s.cluster, a.plan.Lineage, slices.Sorted(maps.Keys(namespaces)))
	if err != nil {
		a.parents.fault(s, err)
		return nil
	}
	return found
}

// parenting is the writing of parents during an apply. It goes on beside the rest, once an
// application's record is written: a parent is never ahead of the record.
type parenting struct {
	writes group

	mu     sync.Mutex
	faults map[string]*parentFault // by cluster
}

type parentFault struct {
	err   error
	count int
}

func (w *parenting) fault(s *session, err error) {
	if errors.Is(err, errGivenUp) {
		return // the apply was interrupted
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.faults == nil {
		w.faults = map[string]*parentFault{}
	}
	if w.faults[s.name] == nil {
		w.faults[s.name] = &parentFault{err: err}
	}
	w.faults[s.name].count++
}

// done waits until all parents are written, and warns of those that are not.
func (w *parenting) done() hcl.Diagnostics {
	w.writes.Wait()
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(w.faults)) {
		f := w.faults[name]
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Recovery is incomplete",
			Detail: fmt.Sprintf("Parents on cluster %q cannot be read or written (%d of them; %s). What was applied is applied, and in the state; but if that state is lost, less of it can be rebuilt from the cluster, and an older one that is restored is not noticed. "+
				"Whoever applies needs the rights to list, patch and delete ConfigMaps in the applications' namespaces.", name, f.count, f.err),
		})
	}
	return diags
}

// keepParent writes the application's parent as its record is now, which was written before.
func (p *progress) keepParent() {
	a := p.applying
	if !a.engine.options.Parents || p.session == nil || p.session.cluster == nil {
		return
	}
	p.mu.Lock()
	record := *p.record
	record.Lineage = a.plan.Lineage
	unwritten := p.unsaved || p.departed || record.Serial == 0
	p.mu.Unlock()
	if unwritten {
		return
	}
	a.parents.writes.Go(func() {
		if _, err := p.writeParent(&record); err != nil {
			a.parents.fault(p.session, err)
		}
	})
}

// replaceParents deletes the parents that the application had under another address, or in
// another namespace, once there is one where it is to be. Until the record is written, which
// is next, it names the old one: cut off, the next apply does this again.
func (p *progress) replaceParents() {
	a := p.applying
	if !a.engine.options.Parents || p.session == nil || p.session.cluster == nil {
		return
	}
	p.mu.Lock()
	record := *p.record
	p.mu.Unlock()
	record.Lineage = a.plan.Lineage
	name := track.ParentName(record.Lineage, record.Address)
	place := placeOfParent(record.Namespace)
	isThere := func(f track.Parent) bool { return f.Namespace == place && f.Name == name }
	if record.Serial == 0 || !slices.ContainsFunc(p.formerParents(), func(f track.Parent) bool { return !isThere(f) }) && !p.deletesNamespace(place) {
		return
	}
	place, err := p.writeParent(&record)
	if err != nil {
		a.parents.fault(p.session, err)
		return
	}
	p.removeParentsBut(isThere)
}

// removeParents deletes the parents of an application that leaves. Where it turns out to
// stay, its parent is written again.
func (p *progress) removeParents() {
	if p.applying.engine.options.Parents && p.session != nil && p.session.cluster != nil {
		p.removeParentsBut(func(track.Parent) bool { return false })
	}
}

// formerParents are the parents that the application had when the apply began, also under
// the address that it had then, and the one that its record named.
func (p *progress) formerParents() []track.Parent {
	former := slices.Concat(p.parents[p.app.Address], p.parents[p.app.MovedFrom])
	if was := p.was; was != nil && !slices.ContainsFunc(former, func(f track.Parent) bool { return f.Namespace == was.Namespace && f.Name == was.Name }) {
		former = append(former, track.Parent{Namespace: was.Namespace, Name: was.Name})
	}
	return former
}

// removeParentsBut deletes the parents that the application had, but for one.
func (p *progress) removeParentsBut(stays func(track.Parent) bool) {
	for _, f := range p.formerParents() {
		if stays(f) {
			continue
		}
		if err := p.removeParent(&f); err != nil {
			p.applying.parents.fault(p.session, err)
		}
	}
}

// notesParent enters into the record where its parent is to be. The caller holds mu.
func (p *progress) notesParent() {
	if !p.applying.engine.options.Parents {
		return
	}
	parent := &state.Parent{Namespace: placeOfParent(p.record.Namespace), Name: track.ParentName(p.applying.plan.Lineage, p.app.Address)}
	for _, have := range p.parents[p.app.Address] {
		if have.Namespace == parent.Namespace {
			parent.UID = have.UID
		}
	}
	p.record.Parent = parent
}

// writeParent writes the parent of a record, and returns the namespace that it is in.
func (p *progress) writeParent(record *state.Record) (string, error) {
	place := placeOfParent(record.Namespace)
	err := p.sendParent(record, place)
	if place != parentElsewhere && (errors.Is(err, providers.ErrNotFound) || err != nil && p.deletesNamespace(place)) {
		place = parentElsewhere
		err = p.sendParent(record, place)
	}
	return place, err
}

// deletesNamespace reports whether the plan deletes a namespace.
func (p *progress) deletesNamespace(namespace string) bool {
	return slices.ContainsFunc(p.applying.plan.Applications, func(app plan.Application) bool {
		return slices.ContainsFunc(app.Changes, func(c plan.Change) bool {
			return c.Action == plan.Prune && c.ID.Kind == "Namespace" && c.ID.Group == "" && c.ID.Name == namespace
		})
	})
}

func (p *progress) sendParent(record *state.Record, namespace string) error {
	a := p.applying
	parent := track.ParentOf(record, namespace, cmp.Or(a.plan.Backend.Type, "local"))
	body, err := parent.Object()
	if err != nil {
		return err
	}
	return p.sendOne(a.requests, func(ctx context.Context) error {
		resource, err := p.session.cluster.Resource(ctx, track.ParentGVK)
		if err != nil {
			return err
		}
		_, err = p.session.cluster.Apply(ctx, providers.ApplyRequest{Resource: resource, Object: body, Manager: a.engine.options.Manager, Force: true})
		return err
	})
}

// removeParent deletes a parent that is no application's any more.
func (p *progress) removeParent(of *track.Parent) error {
	return p.sendOne(p.applying.requests, func(ctx context.Context) error {
		return deleteParent(ctx, p.session.cluster, of)
	})
}

func deleteParent(ctx context.Context, cluster providers.Cluster, of *track.Parent) error {
	resource, err := cluster.Resource(ctx, track.ParentGVK)
	if err != nil {
		return err
	}
	err = cluster.Delete(ctx, providers.DeleteRequest{Resource: resource, Namespace: of.Namespace, Name: of.Name, UID: of.UID})
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}
