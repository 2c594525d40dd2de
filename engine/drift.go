package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
)

// Drift is what became of applications since they were last applied, by others' doing.
type Drift struct {
	Applications []DriftedApplication // sorted by address; those that are as applied too
}

// Drifted reports whether anything is not as it was applied.
func (d *Drift) Drifted() bool {
	return slices.ContainsFunc(d.Applications, func(a DriftedApplication) bool { return len(a.Objects) > 0 })
}

// DriftedApplication is one application.
type DriftedApplication struct {
	Address   addr.Address
	Cluster   string
	Namespace string
	AppliedAt time.Time // when its newest apply ended
	Checked   int       // how many objects were compared
	Objects   []DriftedObject
	// Unknown says why the values that were applied are not known of all objects; empty
	// where they are.
	Unknown string
}

// DriftedObject is one object that is not as it was applied.
type DriftedObject struct {
	ID      object.ID
	Version string
	How     DriftKind
	By      string // of Claimed: who says that it is theirs
	// Fields are what is different, as a plan would put it back: Before is what there is
	// now, After what was applied; Drift says who. Where Known is false, After is nil.
	Fields []plan.FieldChange
	Known  bool
}

// DriftKind is what happened to an object.
type DriftKind string

// What can happen to an object.
const (
	DriftChanged  DriftKind = "changed"  // some of its fields are
	DriftDeleted  DriftKind = "deleted"  // it is gone
	DriftReplaced DriftKind = "replaced" // another one has its name
	DriftClaimed  DriftKind = "claimed"  // its mark says that it is another application's
)

// Drift compares what was last applied with what the clusters have: a plan with no input
// change. What is in the state is compared, and nothing else: neither what the
// configuration says since, nor what its sources say since, which are read as
// they were when they were applied. Nothing is sent to a cluster but what reads.
//
// Fields that are not ours are not compared, so that an autoscaler's replicas are no drift.
// An application with a problem costs itself; the diagnostics tell. Where only is not nil,
// only what it selects is compared.
func (e *Engine) Drift(ctx context.Context, config *lang.Config, targets []addr.Address, only *selection.Selection) (*Drift, hcl.Diagnostics) {
	settings := e.options
	settings.Lock = nil // what was applied may be older than what is locked
	past := New(settings)
	past.use(config)
	p := &planning{engine: past, config: config, options: PlanOptions{Targets: targets, Only: only}, sessions: past.newSessions(false)}
	if diags := p.collectApplied(ctx); diags.HasErrors() {
		return nil, diags
	}
	p.sessions.connect(ctx)
	out := &Drift{Applications: make([]DriftedApplication, len(p.drafts))}
	told := make([]hcl.Diagnostics, len(p.drafts))
	parallel(ctx, past.options.Parallelism, len(p.drafts), func(i int) {
		out.Applications[i], told[i] = p.drift(ctx, p.drafts[i])
	})
	diags := p.diags
	for _, more := range told {
		diags = append(diags, more...)
	}
	if ctx.Err() != nil {
		return nil, append(diags, cancelled(ctx))
	}
	return out, diags
}

// collectApplied makes a draft of every application that the state knows; of those
// that the configuration still has, with what it says of them.
func (p *planning) collectApplied(ctx context.Context) hcl.Diagnostics {
	p.lineage = p.engine.options.Records.Lineage()
	p.records = map[addr.Address]*state.Record{}
	entries, err := p.engine.options.Records.List(ctx)
	if err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	}
	for _, entry := range entries {
		p.records[entry.Address] = entry.Record
	}
	for _, c := range p.config.Clusters {
		p.sessions.known(c)
	}
	declared := map[addr.Address]*lang.Application{}
	for _, app := range p.config.Applications {
		declared[app.Address] = app
	}
	chosen := p.chosen(p.records)
	for address, record := range p.records {
		if !chosen(address) || len(record.Objects) == 0 {
			continue
		}
		d := &draft{address: address, record: record, app: asApplied(declared[address], record)}
		p.enter(d)
		p.drafts = append(p.drafts, d)
	}
	sortDrafts(p.drafts)
	return p.diags
}

// asApplied is an application with its sources as they were last applied, as far as they
// can be told; nil where it is not declared, or has another destination now.
func asApplied(app *lang.Application, record *state.Record) *lang.Application {
	if app == nil || app.Destination.Cluster == nil || app.Destination.Cluster.Name != record.Cluster.Name || app.Destination.Namespace != record.Namespace {
		return nil
	}
	out := *app
	out.Sources = slices.Clone(app.Sources)
	for i, pin := range record.LastSources() {
		if i < len(out.Sources) && out.Sources[i].Type == pin.Type && out.Sources[i].URL == pin.URL && out.Sources[i].Chart == pin.Chart && pin.Type != source.Directory && pin.Resolved != "" {
			out.Sources[i].Revision = pin.Resolved
		}
	}
	return &out
}

// drift compares one application.
func (p *planning) drift(ctx context.Context, d *draft) (DriftedApplication, hcl.Diagnostics) {
	out := DriftedApplication{Address: d.address, Cluster: d.session.name, Namespace: d.record.Namespace}
	if history := d.record.History; len(history) > 0 {
		out.AppliedAt = history[len(history)-1].FinishedAt
	}
	refuse := func(summary, detail string) (DriftedApplication, hcl.Diagnostics) {
		return out, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf("%s: %s", d.address, detail)}}
	}
	switch s := d.session; {
	case s.err != nil:
		return refuse(summaryOf(s.err, "Cluster cannot be read"), clusterError(s).Error())
	case s.info.UID != d.record.Cluster.UID:
		return refuse("Another cluster", fmt.Sprintf("cluster %q at %s is not the one that it was applied to: its kube-system namespace has uid %s, and had %s.",
			s.name, s.info.Server, s.info.UID, d.record.Cluster.UID))
	}
	applied := p.applied(ctx, d)
	switch {
	case d.failed():
		out.Unknown = d.failures[0].problem.Summary + ": " + d.failures[0].problem.Detail
	case d.app == nil:
		out.Unknown = "the configuration no longer has it as it was applied"
	}
	c := &comparison{engine: p.engine, session: d.session, lineage: p.lineage}
	ask := newWanted()
	var owned []*state.Owned
	for i := range d.record.Objects {
		o := &d.record.Objects[i]
		if o.Hook || len(o.Fields) == 0 {
			continue
		}
		if resource, err := d.session.owned(ctx, o); err == nil {
			ask.add(resource, o.ID.Namespace, o.ID.Name)
		}
		owned = append(owned, o)
	}
	c.live = ask.read(ctx, d.session.cluster, p.engine.options.Parallelism, nil)
	owned = slices.DeleteFunc(owned, func(o *state.Owned) bool {
		labels := applied[o.ID].Labels()
		if have, err := c.live.find(servedAs(o), o.ID.Namespace, o.ID.Name); err == nil && have != nil {
			labels = have.Labels()
		}
		return !p.options.Only.Has(o.ID, labels)
	})
	var mu sync.Mutex
	var diags hcl.Diagnostics
	parallel(ctx, p.engine.options.Parallelism, len(owned), func(i int) {
		found, err := c.drifted(ctx, d, owned[i], applied[owned[i].ID])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: summaryOf(err, "Live object cannot be read"), Detail: fmt.Sprintf("%s: %s: %s", d.address, owned[i].ID, err),
			})
			return
		}
		out.Checked++
		if found != nil {
			if !found.Known && found.How == DriftChanged && out.Unknown == "" {
				out.Unknown = "the configuration renders it in another way now"
			}
			out.Objects = append(out.Objects, *found)
		}
	})
	if out.Unknown != "" && !slices.ContainsFunc(out.Objects, func(o DriftedObject) bool { return !o.Known }) {
		out.Unknown = ""
	}
	slices.SortFunc(out.Objects, func(a, b DriftedObject) int { return a.ID.Compare(b.ID) })
	return out, diags
}

// applied renders an application as it was last applied: what comes out as it was
// recorded, by the objects' identities.
func (p *planning) applied(ctx context.Context, d *draft) map[object.ID]object.Object {
	if d.app == nil {
		return nil
	}
	p.guardApplication(d)
	rendered := p.engine.render(ctx, d)
	define(d, rendered)
	p.engine.desire(ctx, d, rendered, p.lineage)
	out := map[object.ID]object.Object{}
	for _, want := range d.desired {
		out[want.object.ID()] = diff.Normalize(want.object)
	}
	return out
}

// drifted compares one object with what the record has of it; nil where nothing drifted.
// applied is what it is rendered to, which may be something else by now.
func (c *comparison) drifted(ctx context.Context, d *draft, owned *state.Owned, applied object.Object) (*DriftedObject, error) {
	out := &DriftedObject{ID: owned.ID, Version: owned.Version, How: DriftChanged}
	resource, err := c.session.owned(ctx, owned)
	if err != nil {
		return nil, err
	}
	have, err := c.live.find(resource, owned.ID.Namespace, owned.ID.Name)
	switch {
	case err != nil:
		return nil, err
	case have == nil:
		out.How = DriftDeleted
		return out, nil
	case owned.UID != "" && have.UID() != owned.UID:
		out.How = DriftReplaced
	default:
		if lineage, owner, ok := track.Owner(have); ok && (lineage != c.lineage || owner != d.address) {
			out.How, out.By = DriftClaimed, owner.String()
		}
	}
	kind := c.session.schema(ctx, object.GVK{Group: owned.ID.Group, Version: owned.Version, Kind: owned.ID.Kind})
	if applied != nil {
		if applied, err = c.engine.differ.Release(ctx, d.ignore, applied, have, kind); err != nil {
			return nil, err
		}
		out.Known = owned.Desired == c.engine.differ.Digest(applied)
	}
	if !out.Known {
		applied = nil
	}
	if out.Fields, err = c.engine.differ.Drifted(have, applied, owned, kind); err != nil {
		return nil, err
	}
	if out.How == DriftChanged && len(out.Fields) == 0 {
		return nil, nil
	}
	return out, nil
}
