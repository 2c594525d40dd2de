package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/revision"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Rollback makes the plan that takes an application back to what it was at an entry of its
// history; with 0, to what was before. It is a plan like any other: it is a sync of what was
// rendered then, whose hooks run, and what came since is pruned by the same rules. No source
// is read. The application's rules are those that it was applied with last. Its apply holds
// the application, so that it stays as it is until its sources have moved on.
//
// What no sync would delete without knowing what every application wants, a definition or a
// namespace, stays.
func (e *Engine) Rollback(ctx context.Context, config *lang.Config, address addr.Address, to int64) (*plan.Plan, hcl.Diagnostics) {
	e.use(config)
	trimmed := &lang.Config{Clusters: config.Clusters, Projects: config.Projects, Health: config.Health, Digest: config.Digest, Settings: config.Settings}
	p := &planning{
		engine: e, config: trimmed, sessions: e.newSessions(false),
		options: PlanOptions{Targets: []addr.Address{address}, Unsound: true},
	}
	if diags := append(p.collectApplied(ctx), p.readHolds(ctx)...); diags.HasErrors() {
		return nil, diags
	}
	if len(p.drafts) != 1 {
		return nil, rollbackError(address, fmt.Sprintf("%s is not one application that was applied: name one instance of it.", address))
	}
	d := p.drafts[0]
	entry, diags := p.earlier(d, to)
	if diags.HasErrors() {
		return nil, diags
	}
	found, diags := e.revisionOf(ctx, d.record, entry)
	if diags.HasErrors() {
		return nil, diags
	}
	p.sessions.connect(ctx)
	p.takeBack(d, found.Application, entry, declared(config, address))
	switch {
	case d.session.err != nil:
		d.fail(hcl.Range{}, summaryOf(d.session.err, "Cluster cannot be read"), clusterError(d.session).Error())
	case d.session.info.UID != d.record.Cluster.UID:
		d.fail(hcl.Range{}, "Another cluster", anotherCluster(d.session, d.record))
	default:
		p.desireAgain(ctx, d)
	}
	shareNamespaces(p.drafts, p.config.Rollouts)
	p.compare(ctx)
	d.spare()
	if d.rendered = entry.Rendered; d.rendered == "" {
		p.noteRendered()
	}
	if ctx.Err() != nil {
		return nil, append(p.diags, cancelled(ctx))
	}
	out, diags := p.assemble(ctx)
	if out != nil {
		d.asItWas(out, declared(config, address))
		out.Projects = nil
		p.projects(out)
	}
	return out, diags
}

func rollbackError(address addr.Address, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot be rolled back", Detail: fmt.Sprintf("%s: %s", address, detail)}}
}

// declared is an application as the configuration has it; nil where it does not.
func declared(config *lang.Config, address addr.Address) *lang.Application {
	for _, app := range config.Applications {
		if app.Address == address {
			return app
		}
	}
	return nil
}

// earlier finds the entry of the history to go back to.
func (p *planning) earlier(d *draft, to int64) (*state.Entry, hcl.Diagnostics) {
	last := d.record.LastApply()
	if last == nil {
		return nil, rollbackError(d.address, "the history has no apply of it.")
	}
	if hold := holdOf(p.holds, d.address, d.from); to == 0 && hold != nil && hold.RolledBack != nil && (last.Outcome != OutcomeSucceeded || last.Rollback == nil) {
		to = hold.RolledBack.To.ID // a rollback that did not come to its end
	}
	left := map[string]bool{last.Rendered: last.Rendered != ""} // what is not what was before
	if hold := holdOf(p.holds, d.address, d.from); hold != nil && hold.RolledBack != nil {
		for _, bad := range hold.RolledBack.Left {
			left[bad.Rendered] = bad.Rendered != ""
		}
	}
	for i := range slices.Backward(d.record.History) {
		e := &d.record.History[i]
		switch {
		case to != 0 && e.ID != to:
		case to == 0 && (e.ID == last.ID && e.Outcome == OutcomeSucceeded || !isRevision(e) || left[e.Rendered]):
		case !isRevision(e):
			return nil, rollbackError(d.address, fmt.Sprintf("revision %d is none that can be gone back to: %s. %s", e.ID, why(e), revisions(d.record)))
		default:
			return e, nil
		}
	}
	if to == 0 {
		return nil, rollbackError(d.address, "the history has no revision before the one that is applied. "+revisions(d.record))
	}
	return nil, rollbackError(d.address, fmt.Sprintf("the history has no revision %d. %s", to, revisions(d.record)))
}

// isRevision reports whether an entry has what was applied.
func isRevision(e *state.Entry) bool { return e.Revision != "" || e.Plan != nil }

// why says why an entry is nothing to go back to.
func why(e *state.Entry) string {
	switch {
	case e.Act != nil:
		return "it is no apply, but " + e.Act.String()
	case e.Outcome != OutcomeSucceeded:
		return "its apply has " + e.Outcome
	}
	return "what was applied is not kept any more"
}

// revisions says what there is to go back to.
func revisions(record *state.Record) string {
	var ids []string
	for i := range record.History {
		if isRevision(&record.History[i]) {
			ids = append(ids, fmt.Sprint(record.History[i].ID))
		}
	}
	if len(ids) == 0 {
		return "There is none that can be gone back to."
	}
	return "There are " + several(ids, len(ids)) + "."
}

// revisionOf reads all that an application was at an entry.
func (e *Engine) revisionOf(ctx context.Context, record *state.Record, entry *state.Entry) (*revision.Revision, hcl.Diagnostics) {
	refuse := func(format string, words ...any) hcl.Diagnostics {
		return rollbackError(record.Address, fmt.Sprintf("revision %d ", entry.ID)+fmt.Sprintf(format, words...))
	}
	found, err := revisionsIn(e.options.Records).Load(ctx, entry, e.options.Identity)
	if err == nil {
		found.Application, err = planfile.UnsealApplication(found.Application, e.options.Identity)
	}
	if err != nil {
		return nil, refuse("cannot be read: %s", err)
	}
	if lacks := found.Lacks(); len(lacks) > 0 {
		reason := "what they were was never written down"
		if found.Lost != nil {
			reason = found.Lost.Error()
		}
		names := make([]string, len(lacks))
		for i, id := range lacks {
			names[i] = id.String()
		}
		return nil, refuse("is not whole: it lacks %s (%s).", several(names, mostReasons), reason)
	}
	return found, nil
}

// takeBack gives a draft the application as it was, with the rules that it has.
func (p *planning) takeBack(d *draft, was *plan.Application, entry *state.Entry, now *lang.Application) {
	d.applied, d.pins = was, entry.Sources
	d.rollback = &plan.Rollback{From: d.record.LastApply().ID, To: entry.ID, Config: p.config.Digest}
	app := &lang.Application{Address: d.address, Name: d.record.Name, IgnoreDifferences: ignoredRules(d.record.Settings.Ignored)}
	app.Sync.Conflicts = d.record.Settings.Conflicts
	if now != nil {
		*app = *now
	}
	app.Destination.Namespace, app.Sync.CreateNamespace, app.DependsOn, app.Sources = d.record.Namespace, false, nil, nil
	for _, on := range d.record.DependsOn {
		app.DependsOn = append(app.DependsOn, lang.Dependency{Address: on})
	}
	d.app = app
	p.engine.redactAsApplied(was)
}

// redactAsApplied has what was redacted of an application when it was applied be redacted.
func (e *Engine) redactAsApplied(was *plan.Application) {
	for i := range was.Changes {
		if c := &was.Changes[i]; len(c.Redacted) > 0 {
			e.redactions = append(e.redactions, redaction{func(id object.ID) bool { return id == c.ID }, c.Redacted})
		}
	}
	e.differ = e.differ.Redacting(e.redactions.paths)
}

// desireAgain makes a draft want all that the application was, hooks too.
func (p *planning) desireAgain(ctx context.Context, d *draft) {
	p.guardApplication(d)
	for _, problem := range p.engine.pinned(p.engine.rules(d.app.Project), d.pins) {
		d.refuse(d.appRange(), problem)
	}
	byID := map[object.ID]*plan.Change{}
	hooks := map[string]bool{} // one of several phases is there for each
	var again []rendering
	for i := range d.applied.Changes {
		c := &d.applied.Changes[i]
		target := c.Target()
		if c.Hook != nil {
			digest := p.engine.differ.Digest(target)
			if hooks[digest] {
				continue
			}
			hooks[digest] = true
		} else {
			byID[c.ID] = c
		}
		again = append(again, rendering{Rendered: providers.Rendered{Object: target, Origin: c.Origin}, source: c.Source})
	}
	define(d, again)
	p.engine.desire(ctx, d, again, p.lineage)
	for _, want := range d.desired {
		if was := byID[want.object.ID()]; was != nil {
			want.whenAbsent = was.Keep
			want.options.Unvalidated = was.Unvalidated
			want.options.Replace = want.options.Replace || was.Method == plan.MethodPut
		}
	}
}

// spare leaves alone what a plan of one application cannot delete.
func (d *draft) spare() {
	for i := range d.changes {
		c := &d.changes[i]
		wanted := slices.ContainsFunc(d.desired, func(want *desired) bool { return want.object.ID() == c.ID })
		if c.Action != plan.Blocked || wanted || !precious[c.ID.GroupKind()] {
			continue
		}
		c.Action, c.Reason = plan.Unchanged, "it came later, and a rollback deletes nothing of its kind"
		d.warn(fmt.Sprintf("%s stays: it came later than the revision, and a rollback deletes nothing of its kind.", c.ID))
	}
}

// asItWas makes a plan one of what was, by the rules that there are. Sync windows are those
// of now, where the application is configured.
func (d *draft) asItWas(p *plan.Plan, now *lang.Application) {
	for i := range p.Applications {
		app := &p.Applications[i]
		as := app.Settings.As // as whom the draft speaks to the cluster
		app.Settings = d.record.Settings
		app.Settings.As = as
		if now != nil {
			app.Settings.Windows = windowsOf(now)
		} else {
			app.Project = d.record.Project
		}
		for _, c := range p.Clusters {
			if c.Name == app.Cluster {
				app.Digest = changeDigest(app, c.UID)
			}
		}
	}
	openings(p)
}
