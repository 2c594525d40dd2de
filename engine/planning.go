package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// PlanOptions narrow a plan.
type PlanOptions struct {
	// Targets are the applications to plan, as blocks or instances; what they
	// depend on is planned with them. Empty is all.
	Targets []addr.Address
	// Affected limits the plan to what a change touches; nil is everything.
	Affected *Affected
	// Only limits the plan to some objects of these applications, without hooks; nil is
	// all of them.
	Only *selection.Selection
	// AllowEmpty are applications, as blocks or instances, of which nothing need be left.
	AllowEmpty []addr.Address
	// Destroy plans the end of every application.
	Destroy bool
	// Unsound says that the configuration has errors beyond what it tells of itself: what
	// it gives to others is left as it is.
	Unsound bool
	// Offline renders and orders, and asks no cluster and no state: everything is a
	// prediction. Such a plan cannot be applied.
	Offline bool
	// Expires is how long apply takes the plan; 0 is for ever.
	Expires time.Duration
	// Rendered is told the objects that each application is to have, before they are
	// compared with anything: in their namespaces, without the marks of their owner.
	// Values of Secrets are in clear. It may be nil.
	Rendered func(addr.Address, []object.Object)
	// AllowRemoved are generators, as blocks or instances, that may give however many
	// items less than when their applications were last applied.
	AllowRemoved []addr.Address
	// AllowDestroyed raises budgets for what is destroyed that are less; nil leaves them.
	AllowDestroyed *int
}

// Plan makes a plan. Errors are isolated: an application whose source, cluster or
// objects have a problem is left out or blocked, with its diagnostics, and the
// others are planned. The plan is nil only where there is nothing to show at all:
// the state cannot be read, or the context has ended.
func (e *Engine) Plan(ctx context.Context, config *lang.Config, options PlanOptions) (*plan.Plan, hcl.Diagnostics) {
	e.use(config)
	p := &planning{engine: e, config: config, options: options, sessions: e.newSessions(options.Offline)}
	if diags := p.collect(ctx); diags.HasErrors() {
		return nil, diags
	}
	if diags := p.verifyReads(ctx); diags.HasErrors() {
		return nil, append(p.diags, diags...)
	}
	if diags := p.compareGenerators(ctx); diags.HasErrors() {
		return nil, diags
	}
	p.sessions.connect(ctx)
	var background group
	defer background.Wait()
	p.early = p.readEarly(ctx, &background)
	rendered := p.render(ctx)
	p.shape(ctx, rendered)
	p.tellRendered()
	p.refuseOlder(ctx)
	p.others = p.leftOut(ctx)
	claim(slices.Concat(p.others, p.drafts)) // of two, it is told where the latter is written
	shareNamespaces(p.drafts, p.config.Rollouts)
	p.compare(ctx)
	p.noteRendered()
	p.limit()
	p.tellUnrendered(ctx)
	if ctx.Err() != nil {
		return nil, append(p.diags, cancelled(ctx))
	}
	return p.assemble(ctx)
}

// planning is one plan in the making.
type planning struct {
	engine   *Engine
	config   *lang.Config
	options  PlanOptions
	sessions *sessions
	drafts   []*draft                       // sorted by address
	others   []*draft                       // what the plan leaves out, where it matters what that wants; sorted by address
	records  map[addr.Address]*state.Record // of all applications
	moved    map[addr.Address]addr.Address  // where the state has what was moved, by the address that it has now
	lineage  string
	holds    map[addr.Address]*state.Hold // those of all applications
	early    map[*session]*early
	compared []*comparison // one for each cluster block
	unsteady answers       // whether charts may render something else every time
	diags    hcl.Diagnostics
	// generators are what the configuration's give, and what they gave, sorted.
	generators []plan.Generator
}

// collect decides which applications are planned: those of the configuration,
// and those that only the state knows.
func (p *planning) collect(ctx context.Context) hcl.Diagnostics {
	p.records = map[addr.Address]*state.Record{}
	if !p.options.Offline {
		p.lineage = p.engine.options.Records.Lineage()
		entries, err := p.engine.options.Records.List(ctx)
		if err != nil {
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
		}
		for _, entry := range entries {
			p.records[entry.Address] = entry.Record
		}
		if diags := p.readHolds(ctx); diags.HasErrors() {
			return diags
		}
	}
	p.rename()
	records := maps.Clone(p.records)
	for _, c := range p.config.Clusters {
		// Made known, so that records find them; only those in use are connected to.
		p.sessions.known(c)
	}
	chosen := p.chosen(records)
	for _, app := range p.config.Applications {
		record := records[app.Address]
		delete(records, app.Address)
		if !chosen(app.Address) {
			continue
		}
		p.include(app, record)
	}
	for address, record := range records {
		if chosen(address) && !p.spared(address) {
			p.leave(address, p.asRemoved(address, record))
		}
	}
	sortDrafts(p.drafts)
	return p.diags
}

// include plans an application of the configuration.
func (p *planning) include(app *lang.Application, record *state.Record) {
	switch {
	case p.options.Destroy:
		if record != nil {
			p.leave(app.Address, withSettings(record, app))
		}
		return
	case app.Lifecycle.Disabled:
		return
	}
	d := &draft{
		address: app.Address, app: app, record: record, from: p.moved[app.Address], imports: p.config.Refactoring.Into(app.Address),
	}
	p.enter(d)
	p.drafts = append(p.drafts, d)
}

// leave plans the end of an application that the state knows.
func (p *planning) leave(address addr.Address, record *state.Record) {
	if record.Settings.NoDestroy {
		p.diags = append(p.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Application left in place",
			Detail: fmt.Sprintf("%s is no longer in the configuration, and lifecycle.destroy was false when it was last applied: its %d objects stay, and so does its record.", address, len(record.Objects)),
		})
		return
	}
	d := &draft{
		address: address, record: record, from: p.moved[address],
		removed: !p.options.Destroy && p.config.Refactoring.Leaves(address) != nil,
	}
	p.enter(d)
	p.drafts = append(p.drafts, d)
}

// elsewhere refuses an application whose cluster is another than it was applied
// to: its objects there would be left behind unnoticed.
func elsewhere(d *draft) bool {
	if d.record == nil || d.session.info.UID == "" || d.record.Cluster.UID == d.session.info.UID {
		return false
	}
	was, now := d.record.Cluster, d.session
	if was.Name != now.name {
		d.fail(d.appDestination(), "Destination cluster changes", fmt.Sprintf(
			"It was applied to cluster %q and now names %q. Its %d objects there would be left behind. Destroy it first "+
				"(gantry destroy --target '%s'), or give the new one another name.", was.Name, now.name, len(d.record.Objects), d.address))
		return true
	}
	d.fail(d.appDestination(), "Another cluster", fmt.Sprintf(
		"Cluster %q at %s is not the one that the application was applied to: its kube-system namespace has uid %s, and had %s. "+
			"Correct the cluster block; if the old cluster is gone for good, remove the application's record from the state.",
		now.name, now.info.Server, now.info.UID, was.UID))
	return true
}

// withSettings is a record with the settings that the configuration has now: who
// destroys what is still configured means its present rules.
func withSettings(record *state.Record, app *lang.Application) *state.Record {
	current := *record
	current.Settings = (&draft{app: app}).settings()
	return &current
}

// chosen returns whether an application is among the targets, or something that
// they depend on.
func (p *planning) chosen(records map[addr.Address]*state.Record) func(addr.Address) bool {
	withheld := p.engine.options.Withheld
	if affected := p.options.Affected; affected != nil {
		configured := map[addr.Address]bool{}
		for _, app := range p.config.Applications {
			configured[app.Address] = true
		}
		return func(a addr.Address) bool { return (affected.chosen[a] || !configured[a]) && !withheld[a] }
	}
	if len(p.options.Targets) == 0 {
		return func(a addr.Address) bool { return !withheld[a] }
	}
	needs := map[addr.Address][]addr.Address{}
	var all []addr.Address
	for _, app := range p.config.Applications {
		all = append(all, app.Address)
		for _, dependency := range app.DependsOn {
			needs[app.Address] = append(needs[app.Address], dependency.Address)
		}
	}
	for address := range records {
		all = append(all, address)
	}
	picked := map[addr.Address]bool{}
	var pick func(addr.Address)
	pick = func(a addr.Address) {
		if picked[a] {
			return
		}
		picked[a] = true
		if !p.options.Destroy {
			for _, need := range needs[a] {
				pick(need)
			}
		}
	}
	for _, target := range p.options.Targets {
		found := false
		for _, address := range all {
			if address == target || address.Block() == target {
				pick(address)
				found = true
			}
		}
		if !found && !p.broken(target) {
			p.diags = append(p.diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Unknown target",
				Detail: fmt.Sprintf("There is no %s, neither in the configuration nor in the state.", target) + nearest(target, all),
			})
		}
	}
	return func(a addr.Address) bool { return picked[a] && !withheld[a] }
}

// nearest asks whether another address was meant; empty where none is like it.
func nearest(target addr.Address, all []addr.Address) string {
	// Their beginnings are the same: only what is behind tells how like they are.
	names, keys := map[string]addr.Address{}, map[string]addr.Address{}
	for _, address := range all {
		names[address.Name] = address.Block()
		if address.Block() == target.Block() {
			keys[address.Key] = address
		}
	}
	near, ok := keys[schema.Suggest(target.Key, slices.Collect(maps.Keys(keys)))]
	if !ok {
		near, ok = names[schema.Suggest(target.Name, slices.Collect(maps.Keys(names)))]
	}
	if !ok {
		return ""
	}
	return fmt.Sprintf(" Did you mean %s?", near)
}

// broken reports whether an address, or the block it is an instance of, could
// not be evaluated.
func (p *planning) broken(address addr.Address) bool {
	return slices.ContainsFunc(p.config.Broken, func(b lang.Broken) bool {
		return b.Address.Covers(address) || address.Covers(b.Address)
	})
}

// deferred reports whether an address, or the block it is an instance of, cannot be
// told without what generators read.
func (p *planning) deferred(address addr.Address) bool {
	return slices.ContainsFunc(p.config.Deferred, func(d addr.Address) bool { return d.Covers(address) })
}

// spared reports whether an application that is not in the configuration is so
// only because its block could not be evaluated: it is left alone.
func (p *planning) spared(address addr.Address) bool {
	if p.options.Destroy {
		return false
	}
	return p.config.Incomplete || p.broken(address) || p.deferred(address)
}

// render reads and renders the sources of all applications, side by side.
func (p *planning) render(ctx context.Context) [][]rendering {
	out := make([][]rendering, len(p.drafts))
	parallel(ctx, p.engine.options.Parallelism, len(p.drafts), func(i int) {
		d := p.drafts[i]
		if d.failed() {
			return
		}
		if d.session.err != nil {
			d.fail(p.clusterRange(d), summaryOf(d.session.err, "Cluster cannot be read"), clusterError(d.session).Error())
			return
		}
		if elsewhere(d) || d.leaves() {
			return
		}
		if p.guardApplication(d); d.failed() {
			return // what is not allowed is not read, either
		}
		out[i] = p.engine.render(ctx, d)
		p.engine.emit(Event{Kind: EventRendered, Application: d.address, Total: len(out[i])})
	})
	return out
}

// compileIgnored compiles what an application leaves to others.
func (d *draft) compileIgnored() {
	for _, rule := range d.app.IgnoreDifferences {
		ignore, err := diff.CompileIgnore(rule)
		if err != nil {
			d.fail(rule.Range, "Invalid ignore_differences", err.Error())
			continue
		}
		d.ignore = append(d.ignore, ignore)
	}
}

func (p *planning) clusterRange(d *draft) hcl.Range {
	if d.app != nil && d.app.Destination.Cluster != nil {
		return d.app.Destination.Cluster.Range
	}
	return hcl.Range{}
}

// shape turns what was rendered into desired objects.
func (p *planning) shape(ctx context.Context, rendered [][]rendering) {
	for i, d := range p.drafts {
		if !d.failed() && !d.leaves() {
			define(d, rendered[i])
		}
	}
	parallel(ctx, p.engine.options.Parallelism, len(p.drafts), func(i int) {
		switch d := p.drafts[i]; {
		case d.failed():
		case d.leaves():
			p.engine.lastHooks(ctx, d, p.lineage)
		default:
			p.engine.desire(ctx, d, rendered[i], p.lineage)
		}
	})
}

// compare reads the live objects and decides what happens to each object. Cluster
// blocks that name the same cluster are compared as one: objects may move between
// their applications.
func (p *planning) compare(ctx context.Context) {
	shared := map[string]*claims{}
	var all []*comparison
	goes := map[*draft][]*state.Owned{}
	for _, session := range p.sessions.list() {
		if session.err != nil {
			continue
		}
		of := shared[session.identity()]
		if of == nil {
			of = &claims{makes: map[string]bool{}, owners: map[object.ID]addr.Address{}, held: map[object.ID]addr.Address{}}
			shared[session.identity()] = of
			for _, d := range p.others {
				if d.session.identity() != session.identity() {
					continue
				}
				for _, want := range d.desired {
					of.owners[want.object.ID()] = d.address
				}
			}
		}
		c := &comparison{claims: of, engine: p.engine, session: session, lineage: p.lineage, records: p.records, uncertain: p.uncertain(), policed: len(p.config.Policies) > 0}
		p.readLive(ctx, c, goes)
		all = append(all, c)
	}
	for _, c := range all {
		p.decide(ctx, c, p.soundIn(c.session), goes)
	}
	p.compared = all
	p.takes(ctx, all)
}

// soundIn returns the drafts of a cluster block that can be planned.
func (p *planning) soundIn(session *session) []*draft {
	var out []*draft
	for _, d := range p.drafts {
		if d.session == session && !d.failed() {
			out = append(out, d)
		}
	}
	return out
}

// uncertain says why there may be applications which want what no application of
// the plan wants; empty where there are none.
func (p *planning) uncertain() string {
	if p.options.Destroy {
		return ""
	}
	for _, d := range slices.Concat(p.drafts, p.others) {
		if d.failed() {
			return fmt.Sprintf("%s cannot be planned", d.address)
		}
	}
	switch {
	case p.config.Incomplete:
		return "parts of the configuration cannot be read"
	case len(p.config.Broken) > 0:
		return fmt.Sprintf("%s cannot be evaluated", p.config.Broken[0].Address)
	case len(p.config.Deferred) > 0:
		return fmt.Sprintf("%s is not known yet", p.config.Deferred[0])
	case len(p.options.Targets) > 0:
		return "the plan is limited by --target"
	case len(p.engine.options.Withheld) > 0:
		return "the plan is limited by the rights of who asks"
	}
	return ""
}

// readLive notes what the applications of a cluster block want and let go of, and
// reads what the cluster has of it.
func (p *planning) readLive(ctx context.Context, c *comparison, goes map[*draft][]*state.Owned) {
	ask := newWanted()
	for _, d := range p.drafts {
		if d.session != c.session {
			continue
		}
		wants := map[object.ID]bool{}
		for _, want := range d.desired {
			id := want.object.ID()
			wants[id] = true
			c.owners[id] = d.address // one that failed still wants what it rendered
			switch {
			case d.failed() || id.Name == "":
			case !want.pending:
				ask.add(want.resource, id.Namespace, id.Name)
			case want.served != nil:
				ask.add(*want.served, id.Namespace, id.Name)
			}
		}
		if d.failed() {
			continue
		}
		for _, owned := range d.record.Owns() {
			if wants[owned.ID] || owned.Hook && !d.leaves() {
				continue
			}
			goes[d] = append(goes[d], &owned)
			c.held[owned.ID] = d.address
			if c.session.cluster == nil {
				continue
			}
			if resource, err := c.session.owned(ctx, &owned); err == nil {
				ask.add(resource, owned.ID.Namespace, owned.ID.Name)
			}
		}
	}
	if c.session.cluster != nil {
		p.engine.emit(Event{Kind: EventReading, Subject: c.session.name, Total: len(ask.names)})
		c.live = ask.read(ctx, c.session.cluster, p.engine.options.Parallelism, p.early[c.session])
	}
	c.created(p.soundIn(c.session))
}

// created notes the namespaces that this plan makes.
func (c *comparison) created(drafts []*draft) {
	for _, d := range drafts {
		for _, want := range d.desired {
			if id := want.object.ID(); id.GroupKind() == (object.GroupKind{Kind: "Namespace"}) {
				if c.live == nil {
					c.makes[id.Name] = true
				} else if have, err := c.live.find(want.resource, "", id.Name); err == nil && have == nil {
					c.makes[id.Name] = true
				}
			}
		}
	}
}

// decide compares all objects of a cluster, side by side however they are spread
// over applications.
func (p *planning) decide(ctx context.Context, c *comparison, drafts []*draft, goes map[*draft][]*state.Owned) {
	type task struct {
		draft *draft
		want  *desired
		owned *state.Owned
		out   *plan.Change
	}
	var tasks []task
	for _, d := range drafts {
		d.bodiless = p.engine.bodiless(ctx, d.record)
		for _, want := range d.desired {
			tasks = append(tasks, task{draft: d, want: want})
		}
		for _, owned := range goes[d] {
			tasks = append(tasks, task{draft: d, owned: owned})
		}
	}
	parallel(ctx, p.engine.options.Parallelism, len(tasks), func(i int) {
		t := &tasks[i]
		if t.want != nil {
			t.out = c.want(ctx, t.draft, t.want)
			c.remember(ctx, t.draft, t.want, t.out)
		} else {
			t.out = c.gone(ctx, t.draft, t.owned)
		}
	})
	for i := range tasks {
		if tasks[i].out != nil {
			tasks[i].draft.changes = append(tasks[i].draft.changes, *tasks[i].out)
			c.notePruneLast(tasks[i].draft, tasks[i].out)
		}
	}
	for i, d := range drafts {
		p.engine.emit(Event{Kind: EventCompared, Application: d.address, Done: i + 1, Total: len(drafts)})
	}
}

// cancelled is the diagnostic of a command that was interrupted.
func cancelled(ctx context.Context) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cancelled", Detail: fmt.Sprintf("Stopped before it was finished: %s. Nothing was changed.", context.Cause(ctx))}
}
