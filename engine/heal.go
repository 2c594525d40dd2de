package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Healing is what the correction of drift comes to.
type Healing struct {
	Plan *plan.Plan
	// Left is what is not corrected, and why: sorted, applications before their objects.
	Left []LeftAlone
}

// LeftAlone is an application, or one object of it, whose drift is not corrected.
type LeftAlone struct {
	Address addr.Address
	Object  object.ID // zero: the whole application
	Why     string
	// Unread: its cluster cannot be read, so that nobody knows whether it has drifted.
	Unread bool
	// Unasked: nobody has said that the application heals itself, so that it was not
	// looked at.
	Unasked bool
}

// Heal makes the plan that puts applications back to what was last applied of them: those
// that heal themselves, as they were applied and as they are configured. Fields of theirs
// that someone changed get the value that was applied, objects that someone deleted are
// made again, and nothing else is done: what is sent is what the history has of the last
// apply. No source is read. Of the configuration counts how clusters are reached, and
// what makes for less: an application that no longer heals itself, that is not enabled or
// not updated, and fields that are left to others.
//
// An application whose last apply did not succeed, or is not finished, is left alone, and
// so is an object of which a controller has what was applied, or that someone made anew.
func (e *Engine) Heal(ctx context.Context, config *lang.Config, targets []addr.Address) (*Healing, hcl.Diagnostics) {
	e.use(config)
	// What is not applied yet says nothing here.
	trimmed := &lang.Config{Clusters: config.Clusters, Projects: config.Projects, Health: config.Health, Digest: config.Digest, Settings: config.Settings}
	options := PlanOptions{Targets: targets, Unsound: true}
	p := &planning{engine: e, config: trimmed, options: options, sessions: e.newSessions(false)}
	if diags := append(p.collectApplied(ctx), p.readHolds(ctx)...); diags.HasErrors() {
		return nil, diags
	}
	out := &Healing{}
	declared := map[addr.Address]*lang.Application{}
	for _, app := range config.Applications {
		declared[app.Address] = app
	}
	h := &healer{planning: p, out: out, declared: declared, owned: map[addr.Address]*state.Record{}}
	p.drafts = slices.DeleteFunc(p.drafts, func(d *draft) bool { return !h.takes(ctx, d) })
	p.sessions.connect(ctx)
	h.desire(ctx)
	shareNamespaces(p.drafts, p.config.Rollouts)
	p.compare(ctx)
	for _, d := range p.drafts {
		h.restrain(ctx, d)
	}
	if ctx.Err() != nil {
		return nil, append(p.diags, cancelled(ctx))
	}
	var diags hcl.Diagnostics
	out.Plan, diags = p.assemble(ctx)
	if out.Plan == nil {
		return nil, diags
	}
	h.finish()
	return out, diags
}

// healer is one healing in the making.
type healer struct {
	*planning
	out      *Healing
	declared map[addr.Address]*lang.Application
	owned    map[addr.Address]*state.Record // the whole records
}

func (h *healer) leave(d *draft, id object.ID, why string) {
	h.out.Left = append(h.out.Left, LeftAlone{Address: d.address, Object: id, Why: why})
}

// takes reports whether an application is healed; where it is not, it says why.
func (h *healer) takes(ctx context.Context, d *draft) bool {
	if why := h.unasked(d); why != "" {
		h.out.Left = append(h.out.Left, LeftAlone{Address: d.address, Why: why, Unasked: true})
		return false
	}
	why := unfinished(d.record)
	if hold := holdOf(h.holds, d.address, d.from); hold != nil && !hold.Rollback {
		why = fmt.Sprintf("it is held: %s", hold)
	}
	if app := h.declared[d.address]; why == "" && app != nil {
		switch {
		case app.Lifecycle.Disabled:
			why = "it is not enabled"
		case app.Lifecycle.NoUpdate:
			why = "lifecycle.update is false"
		}
	}
	if why == "" {
		why = h.recall(ctx, d)
	}
	if problems := h.forbidden(d); why == "" && len(problems) > 0 {
		why = problems[0].Detail
	}
	if why != "" {
		h.leave(d, object.ID{}, why)
	}
	return why == ""
}

// forbidden are the rules of the application's project that it does not hold by now.
func (h *healer) forbidden(d *draft) []plan.Problem {
	project := projectNamed(h.config, d.record.Project)
	if app := h.declared[d.address]; app != nil {
		project = app.Project
	}
	rules := h.engine.rules(project)
	return append(rules.Frozen(), h.engine.pinned(rules, d.pins)...)
}

// unasked says why an application does not heal itself; empty where it does.
func (h *healer) unasked(d *draft) string {
	if !d.record.Settings.HealsItself() {
		return "it does not heal itself, as it was last applied"
	}
	if app := h.declared[d.address]; app != nil && (app.Sync.Automated == nil || !app.Sync.Automated.Enabled || !app.Sync.Automated.SelfHeal) {
		return "it does not heal itself, as it is configured by now"
	}
	return ""
}

// unfinished says why the last apply of an application is nothing to go back to; empty
// where it is. What was done beside applies does not count: a correction that failed is
// tried again.
func unfinished(record *state.Record) string {
	if record.LastApply() == nil {
		return "the history has no apply of it"
	}
	for _, e := range slices.Backward(record.History) { // after one that failed, an apply of a part does not mend the rest
		if e.Act == nil && e.Outcome != OutcomeSucceeded {
			return fmt.Sprintf("its last apply, at %s by %s, has %s. Apply it", moment(e.FinishedAt), orUnknown(e.By), e.Outcome)
		}
		if e.Act == nil && !e.Partial {
			break
		}
	}
	if newest := record.History[len(record.History)-1]; len(record.Journal) > 0 && (newest.Act == nil || newest.Outcome == OutcomeSucceeded) {
		return "an apply of it was interrupted. Apply it"
	}
	return ""
}

// recall gives a draft the application as it was last applied, and nothing that was
// configured since.
func (h *healer) recall(ctx context.Context, d *draft) string {
	applied, err := h.engine.lastApplied(ctx, d.record)
	if err == nil && applied != nil {
		applied, err = planfile.UnsealApplication(applied, h.engine.options.Identity)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("what was applied cannot be read: %s", err)
	case applied == nil:
		return "the history does not have what was applied. Apply it once"
	}
	h.owned[d.address] = d.record
	d.applied, d.pins = applied, d.record.LastSources()
	app := &lang.Application{Address: d.address, Name: d.record.Name}
	app.Destination.Namespace = d.record.Namespace
	app.Sync.Conflicts = "leave" // what never was ours stays so
	for _, on := range d.record.DependsOn {
		app.DependsOn = append(app.DependsOn, lang.Dependency{Address: on})
	}
	app.IgnoreDifferences = ignoredRules(d.record.Settings.Ignored)
	if declared := h.declared[d.address]; declared != nil {
		app.IgnoreDifferences = append(app.IgnoreDifferences, declared.IgnoreDifferences...)
	}
	h.engine.redactAsApplied(applied)
	d.app = app
	return ""
}

// desire makes the drafts want what was applied, as far as they own it still.
func (h *healer) desire(ctx context.Context) {
	h.drafts = slices.DeleteFunc(h.drafts, func(d *draft) bool {
		why := ""
		switch {
		case d.session.err != nil:
			why = clusterError(d.session).Error()
		case d.session.info.UID != d.record.Cluster.UID:
			why = anotherCluster(d.session, d.record)
		default:
			h.desireOne(ctx, d)
			if d.failed() {
				why = d.failures[0].problem.Summary + ": " + d.failures[0].problem.Detail
			}
		}
		if why != "" {
			h.leave(d, object.ID{}, why)
			h.out.Left[len(h.out.Left)-1].Unread = d.session.err != nil
		}
		return why != ""
	})
}

func (h *healer) desireOne(ctx context.Context, d *draft) {
	h.guardApplication(d)
	bodies := map[object.ID]*plan.Change{}
	var rendered []rendering
	for i := range d.applied.Changes {
		c := &d.applied.Changes[i]
		if owned := d.record.Find(c.ID); owned != nil && !owned.Hook && c.Hook == nil && c.Body != nil && c.Action != plan.Prune {
			bodies[c.ID] = c
			rendered = append(rendered, rendering{Rendered: providers.Rendered{Object: c.Target(), Origin: c.Origin}, source: c.Source})
		}
	}
	// Nothing that is not wanted is let go of: what is not known is not touched.
	known := *d.record
	known.Journal, known.Hooks = nil, nil
	known.Objects = slices.DeleteFunc(slices.Clone(known.Objects), func(o state.Owned) bool {
		if bodies[o.ID] == nil && !o.Hook {
			h.leave(d, o.ID, "the history does not have what was applied of it. Apply the application once")
		}
		return bodies[o.ID] == nil
	})
	d.record = &known
	define(d, rendered)
	h.engine.desire(ctx, d, rendered, h.lineage)
	for _, want := range d.desired {
		was := bodies[want.object.ID()]
		want.whenAbsent = was.Keep
		want.options.Unvalidated, want.options.Force = was.Unvalidated, false
		want.options.Replace = was.Method == plan.MethodPut
	}
}

// restrain takes out of a draft what is not to be corrected.
func (h *healer) restrain(ctx context.Context, d *draft) {
	if d.failed() {
		h.leave(d, object.ID{}, d.failures[0].problem.Summary+": "+d.failures[0].problem.Detail)
		d.failures, d.changes = nil, nil
		return
	}
	d.warnings = nil // of the apply
	d.changes = slices.DeleteFunc(d.changes, func(c plan.Change) bool {
		why := h.refuses(ctx, d, &c)
		if why != "" {
			h.leave(d, c.ID, why)
		}
		return why != "" || c.Action == plan.Update && len(brought(c.Fields)) == 0 && !slices.ContainsFunc(c.Fields, func(f plan.FieldChange) bool { return f.Drift != nil })
	})
	for i := range d.changes {
		if c := &d.changes[i]; c.Action.Changes() {
			if again := h.fought(d, c); again != "" {
				d.warnings = append(d.warnings, again)
			}
		}
	}
}

// refuses says why the drift of an object is not corrected; empty where it is.
func (h *healer) refuses(ctx context.Context, d *draft, c *plan.Change) string {
	owned := d.record.Find(c.ID)
	switch c.Action {
	case plan.Blocked:
		return c.Reason
	case plan.Unchanged, plan.Create:
		return ""
	case plan.Update:
	case plan.Forget, plan.Remember, plan.Orphan, plan.Adopt, plan.Replace, plan.Run, plan.Prune:
		return fmt.Sprintf("putting it back is no update, but %s", c.Action)
	}
	if c.UID != owned.UID {
		have, err := d.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
		if err != nil {
			return err.Error()
		}
		if lineage, owner, ok := track.Owner(have); !ok || lineage != h.lineage || owner != d.address {
			return "it was deleted, and someone has made another one of its name"
		}
	}
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Drift != nil && isController(f) {
			return fmt.Sprintf("%s was applied, and %s sets it. Leave it out of the sources, or to others by ignore_differences", f.Path, f.Drift.Manager)
		}
	}
	return ""
}

// isController reports whether a field was changed by what Kubernetes itself scales with:
// a HorizontalPodAutoscaler would change it again at once.
func isController(f *plan.FieldChange) bool {
	return f.Drift.Manager == "kube-controller-manager" && f.Path == "spec.replicas"
}

// How often an object may be put back in fightTime before that is called a fight.
const (
	fightTime  = time.Hour
	fightCount = 3
)

// fought warns of an object that is put back again and again.
func (h *healer) fought(d *draft, c *plan.Change) string {
	count := 1 // this one
	var managers []string
	for _, entry := range h.owned[d.address].History {
		if entry.Act == nil || entry.Act.Name != plan.SelfHeal || !slices.Contains(entry.Objects, c.ID) || h.engine.options.Now().Sub(entry.FinishedAt) > fightTime {
			continue
		}
		count++
		managers = append(managers, entry.Managers...)
	}
	if count <= fightCount {
		return ""
	}
	managers = append(managers, driftedBy(c)...)
	slices.Sort(managers)
	who := "Someone"
	if managers = slices.Compact(managers); len(managers) > 0 {
		who = several(managers, mostReasons)
	}
	return fmt.Sprintf("%s is put back for the %s time in an hour: %s changes it again and again. Find out why, or leave the field to others by ignore_differences.",
		c.ID, ordinal(count), who)
}

func ordinal(n int) string {
	if n%100 >= 11 && n%100 <= 13 {
		return fmt.Sprintf("%dth", n)
	}
	switch n % 10 {
	case 1:
		return fmt.Sprintf("%dst", n)
	case 2:
		return fmt.Sprintf("%dnd", n)
	case 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// finish makes the plan one of healing: each application is as it was applied in all but
// its changes.
func (h *healer) finish() {
	p := h.out.Plan
	p.Act = &plan.Act{Name: plan.SelfHeal}
	uids := map[string]string{}
	for i := range p.Clusters {
		uids[p.Clusters[i].Name] = p.Clusters[i].UID
	}
	for i := range p.Applications {
		app := &p.Applications[i]
		record := h.owned[app.Address]
		as := app.Settings.As // as whom the draft speaks to the cluster
		app.Settings, app.Prior, app.Labels = record.Settings, nil, nil
		app.Settings.As, app.Project = as, record.Project
		if declared := h.declared[app.Address]; declared != nil {
			app.Settings.Windows = windowsOf(declared)
		}
		app.Digest = changeDigest(app, uids[app.Cluster])
	}
	p.Projects = nil
	h.projects(p)
	openings(p)
	slices.SortStableFunc(h.out.Left, func(a, b LeftAlone) int {
		if c := a.Address.Compare(b.Address); c != 0 {
			return c
		}
		return a.Object.Compare(b.Object)
	})
}

// healsFromNow notes that an application that was applied before heals itself from now on,
// or no longer does, which is to be recorded whatever else changes.
func (d *draft) healsFromNow(out *plan.Application) {
	if d.record == nil || d.app == nil || d.applied != nil || d.record.Settings.HealsItself() == out.Settings.HealsItself() {
		return
	}
	out.Resets = true
	says := "Once this is applied, its drift is no longer put back without approval: automated.self_heal is not set any more."
	if out.Settings.HealsItself() {
		says = "Once this is applied, its drift is put back without approval: automated.self_heal is set."
	}
	out.Warnings = append(slices.Clone(out.Warnings), says)
}

// ignoredRules are the fields that an application left to others when it was applied.
func ignoredRules(ignored []plan.IgnoreRule) []lang.IgnoreDifference {
	out := make([]lang.IgnoreDifference, len(ignored))
	for i, r := range ignored {
		out[i] = lang.IgnoreDifference{
			Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name,
			JSONPointers: r.JSONPointers, JQPathExpressions: r.JQPathExpressions, FieldManagers: r.FieldManagers,
		}
	}
	return out
}

// ignoreRules are the fields that an application leaves to others, as its settings have
// them.
func ignoreRules(rules []lang.IgnoreDifference) []plan.IgnoreRule {
	var out []plan.IgnoreRule
	for _, r := range rules {
		if _, err := diff.CompileIgnore(r); err != nil {
			continue // the draft has failed for it
		}
		out = append(out, plan.IgnoreRule{
			Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name,
			JSONPointers: r.JSONPointers, JQPathExpressions: r.JQPathExpressions, FieldManagers: r.FieldManagers,
		})
	}
	return out
}
