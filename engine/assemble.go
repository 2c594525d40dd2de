package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
)

// assemble makes the plan of the drafts: each application's changes in order, who
// is blocked by whom, the steps, and the digests.
func (p *planning) assemble(ctx context.Context) (*plan.Plan, hcl.Diagnostics) {
	out := &plan.Plan{
		ToolVersion:    p.engine.options.Version,
		CreatedAt:      p.engine.options.Now().UTC(),
		Destroy:        p.options.Destroy,
		Offline:        p.options.Offline,
		Lineage:        p.lineage,
		Generators:     p.generators,
		AllowDestroyed: p.options.AllowDestroyed,
		Selected:       p.options.Only.Given(),
	}
	if protection := p.config.Settings.Protection; protection != nil {
		out.MaxDestroyed = protection.MaxDestroyed
	}
	p.identify(out)
	var err error
	if out.Health, err = health.Rules(p.config.Health); err != nil {
		return nil, append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Health rules cannot be kept", Detail: err.Error()})
	}
	for _, target := range p.options.Targets {
		out.Targets = append(out.Targets, target.String())
	}
	if affected := p.options.Affected; affected != nil {
		out.Affected = &affected.Affected
	}
	built := map[addr.Address]*draft{}
	stages := map[addr.Address][]order.Stage{}
	for _, d := range p.drafts {
		if d.failed() {
			for _, f := range d.failures {
				out.Problems = append(out.Problems, f.problem)
			}
			continue
		}
		built[d.address] = d
		p.dropIdleHooks(ctx, d)
		if p.options.Only == nil { // hooks belong to a whole sync
			d.forgetHooks()
		}
		stages[d.address] = d.arrange()
	}
	var planned []*draft
	for _, d := range p.drafts {
		if !d.failed() {
			planned = append(planned, d)
		}
	}
	made := makers(planned)
	p.heedHolds()
	p.blockFrozen()
	p.policies(ctx, out)
	p.blockShrunk()
	p.blockEmpty()
	p.budgets(out)
	p.blockAgainstRollouts(built, made)
	p.blockDependents(built, made)
	p.blockLeaving(built)
	if p.planBudget(out) {
		p.blockDependents(built, made)
		p.blockLeaving(built)
	}
	for p.blockRollouts(built) {
		p.blockDependents(built, made)
		p.blockLeaving(built)
	}
	p.tellHolds(built)
	risks := p.risks(ctx)
	if ctx.Err() != nil {
		return nil, append(p.diags, cancelled(ctx))
	}
	p.diags = append(p.diags, draftDiagnostics(p.drafts)...)
	for _, d := range p.drafts {
		if !d.failed() {
			app := d.application()
			app.Risks = risks[d.address]
			out.Applications = append(out.Applications, app)
		}
	}
	for _, broken := range p.config.Broken {
		out.Problems = append(out.Problems, plan.Problem{
			Address: broken.Address, Summary: "Application cannot be evaluated",
			Detail: "Its block, or what it refers to, has errors. It is left as it is.", Range: rangeText(broken.Range),
		})
	}
	sortProblems(out.Problems)
	p.publish(ctx, out)
	if out.Notify, err = p.messages(); err != nil {
		return nil, append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Triggers cannot be kept", Detail: err.Error()})
	}
	out.Clusters = p.clusters(built)
	p.projects(out)
	p.orphans(ctx, out)
	p.rollouts(out)
	p.resumable(ctx, out)
	openings(out)
	out.Steps = steps(out, stages, made)
	out.InputDigest = inputDigest(p.config, out)
	return out, p.diags
}

// arrange sorts the draft's changes into the order in which they are carried
// out, and returns the stages as indices into them.
func (d *draft) arrange() []order.Stage {
	slices.SortStableFunc(d.changes, func(a, b plan.Change) int { return a.ID.Compare(b.ID) })
	items := make([]order.Item, len(d.changes))
	for i := range d.changes {
		c := &d.changes[i]
		items[i] = order.Item{
			ID: c.ID, Phase: c.Phase, Wave: c.Wave, Hook: c.Hook != nil,
			Delete: c.Action == plan.Prune || c.Action == plan.Orphan || c.Action == plan.Forget,
			Last:   d.last[c.ID] || !d.leaves() && !d.app.Sync.PruneInWaves, Object: c.Body,
		}
	}
	stages := order.Stages(items)
	sorted := make([]plan.Change, 0, len(d.changes))
	moved := make([]int, len(d.changes))
	for _, stage := range stages {
		for i, item := range stage.Items {
			moved[item] = len(sorted)
			stage.Items[i] = len(sorted)
			sorted = append(sorted, d.changes[item])
		}
	}
	for _, stage := range stages {
		for i, item := range stage.Await {
			stage.Await[i] = moved[item]
		}
	}
	if len(sorted) != len(d.changes) {
		panic(fmt.Sprintf("%s: %d changes became %d in order. This is a bug in gantry", d.address, len(d.changes), len(sorted)))
	}
	d.changes = sorted
	for i := range d.changes {
		if c := &d.changes[i]; c.Action == plan.Blocked {
			d.blocked = append(d.blocked, plan.Problem{Address: d.address, Object: &c.ID, Summary: "Change is blocked", Detail: from(c), Range: rangeText(d.sourceRange(c.Source))})
		}
	}
	return stages
}

// from is why a change is blocked, and the place that its object is from.
func from(c *plan.Change) string {
	if c.Origin == "" {
		return c.Reason
	}
	return fmt.Sprintf("%s (rendered from %s)", c.Reason, c.Origin)
}

// blockDependents blocks every application that depends on one that cannot be
// applied, as long as there is something to do for it.
func (p *planning) blockDependents(built map[addr.Address]*draft, made map[addr.Address][]maker) {
	if p.options.Destroy {
		return
	}
	for again := true; again; {
		again = false
		for _, d := range p.drafts {
			if d.failed() || d.leaves() || len(d.blocked) > 0 {
				continue
			}
			needs := slices.Clone(d.app.DependsOn)
			for _, m := range made[d.address] {
				needs = append(needs, lang.Dependency{Address: m.by, Range: d.app.Range})
			}
			for _, dependency := range needs {
				on, planned := built[dependency.Address]
				failed := !planned && p.missing(dependency.Address)
				if !failed && (!planned || len(on.blocked) == 0) {
					continue
				}
				d.blocked = append(d.blocked, plan.Problem{
					Address: d.address, Summary: "Dependency cannot be applied",
					Detail: fmt.Sprintf("It depends on %s, which cannot be applied.", dependency.Address),
					Range:  rangeText(dependency.Range),
				})
				again = true
				break
			}
		}
	}
}

// blockLeaving blocks the end of every application that one which stays depends
// on: one that is prevented from leaving, that cannot be planned, or that is no
// target.
func (p *planning) blockLeaving(built map[addr.Address]*draft) {
	for again := true; again; {
		again = false
		for address, record := range p.records {
			who, planned := built[address]
			depends := record.DependsOn
			if planned && !who.leaves() {
				depends = nil // what it depends on now is in the configuration, and does not leave
				for _, dependency := range who.app.DependsOn {
					depends = append(depends, dependency.Address)
				}
			}
			if planned && who.leaves() && len(who.blocked) == 0 {
				continue
			}
			for _, on := range depends {
				d, ok := built[on]
				if !ok || !d.leaves() || len(d.blocked) > 0 {
					continue
				}
				d.blocked = append(d.blocked, plan.Problem{
					Address: on, Summary: "Still depended on", Detail: fmt.Sprintf("%s depends on it and stays.", address),
				})
				again = true
			}
		}
	}
}

// missing reports whether an application that others depend on should have been in
// the plan and is not.
func (p *planning) missing(address addr.Address) bool {
	return p.broken(address) || p.deferred(address) || slices.ContainsFunc(p.drafts, func(d *draft) bool { return d.address == address && d.failed() })
}

// application is the draft as the plan has it.
func (d *draft) application() plan.Application {
	out := plan.Application{
		Address: d.address, Leaves: d.leaves(), Partial: d.partial, MovedFrom: d.from, Cluster: d.session.name, Sources: d.pins,
		Changes: d.changes, Blocked: d.blocked, Warnings: d.warnings, Settings: d.settings(),
	}
	out.Policies = d.policies
	out.Held, out.Lifts, out.Rollback, out.Rendered = d.held, d.lifts, d.rollback, d.rendered
	if d.record != nil {
		out.Serial, out.Prior, out.Lasted = d.record.Serial, d.record.LastSources(), d.record.Lasted()
		out.Failed = lastFailure(d.record)
		out.Name, out.Project, out.Namespace, out.DependsOn = d.record.Name, d.record.Project, d.record.Namespace, d.record.DependsOn
	}
	if d.app != nil {
		out.Name, out.Namespace, out.Labels = d.app.Name, d.app.Destination.Namespace, d.app.Labels
		out.Info = d.app.Info
		out.Project, out.DependsOn = "", nil
		if d.app.Project != nil {
			out.Project = d.app.Project.Name
		}
		for _, dependency := range d.app.DependsOn {
			out.DependsOn = append(out.DependsOn, dependency.Address)
		}
	}
	d.healsFromNow(&out)
	d.recovers(&out)
	out.Digest = changeDigest(&out, d.session.info.UID)
	return out
}

// clusters lists the clusters that the plan's applications are in.
func (p *planning) clusters(built map[addr.Address]*draft) []plan.Cluster {
	used := map[string]bool{}
	for _, d := range built {
		used[d.session.name] = true
	}
	var out []plan.Cluster
	for _, session := range p.sessions.list() {
		if used[session.name] { // once, as whomever
			delete(used, session.name)
			made := plan.Cluster{
				Name: session.name, UID: session.info.UID, Server: session.info.Server, Version: session.info.Version,
				Connection: session.connection, Credentials: session.credentials,
			}
			if c := p.sessions.configured[session.name]; c != nil && len(p.config.Policies) > 0 {
				made.Labels, made.Annotations = c.Labels, c.Annotations
			}
			out = append(out, made)
		}
	}
	return out
}

// pins lists what the plan read, each once, sorted.
func pins(p *plan.Plan, more []source.Pin) []source.Pin {
	byKey := map[string]source.Pin{}
	for _, pin := range more {
		byKey[pin.Key()] = pin
	}
	for i := range p.Applications {
		for _, pin := range p.Applications[i].Sources {
			pin.Path = ""
			byKey[pin.Key()] = pin
		}
	}
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	out := make([]source.Pin, len(keys))
	for i, key := range keys {
		out[i] = byKey[key]
	}
	return out
}
