package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/action"
	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// ActOptions are an action to plan.
type ActOptions struct {
	Application addr.Address
	// Object is what it is done to, an object of the application. An empty Group or
	// Namespace is whichever the application has, if there is one only.
	Object     object.ID
	Action     string // "restart"
	Parameters map[string]string
	// NoWait has apply end as soon as the action is begun, and not wait until its object
	// is healthy.
	NoWait  bool
	Expires time.Duration // how long apply takes the plan; 0 is for ever
}

// Act makes the plan of an action on one object of an application. The configuration
// says how clusters are reached, and nothing else: no source is read. The plan has that
// one change, and says what it relies on as any other; a plan without changes is of an
// action that has nothing to do.
func (e *Engine) Act(ctx context.Context, config *lang.Config, options ActOptions) (*plan.Plan, hcl.Diagnostics) {
	e.use(config)
	t, diags := e.aim(ctx, config, options)
	if diags.HasErrors() {
		return nil, diags
	}
	out := &plan.Plan{
		ToolVersion: e.options.Version, CreatedAt: e.options.Now().UTC(), Lineage: e.options.Records.Lineage(), ID: uuid.NewString(),
		Act: &plan.Act{Name: options.Action, Object: &t.owned.ID, Parameters: options.Parameters},
	}
	if options.Expires > 0 {
		out.ExpiresAt = out.CreatedAt.Add(options.Expires)
	}
	d := &draft{address: options.Application, record: t.record, session: t.session, pins: t.record.LastSources()}
	if why := t.action.NotNow(t.have); why != "" {
		return nil, append(diags, actError("Action makes no sense now", fmt.Sprintf("%s of %s: %s.", options.Action, t.owned.ID, why)))
	}
	effect, err := t.action.On(t.have, t.values, out.CreatedAt, out.ID[:8])
	if err == nil {
		err = e.actOn(ctx, d, t, effect)
	}
	if err != nil {
		return nil, append(diags, actError(summaryOf(err, "Action cannot be done"), fmt.Sprintf("%s of %s: %s.", options.Action, t.owned.ID, err)))
	}
	if out.Policies, err = policy.Rules(config.Policies); err != nil { // apply asks them, with the object as it will be
		return nil, append(diags, actError("Policies cannot be kept", err.Error()))
	}
	app := d.application()
	app.Leaves, app.Prior = false, nil
	app.Digest = changeDigest(&app, t.session.info.UID)
	out.Applications = []plan.Application{app}
	p := &planning{engine: e, config: config, sessions: t.sessions}
	out.Clusters = p.clusters(map[addr.Address]*draft{d.address: d})
	p.projects(out)
	out.Roles = e.rolesInUse()
	out.Steps = actSteps(&out.Applications[0], options.NoWait)
	if out.Health, err = health.Rules(config.Health); err != nil {
		return nil, append(diags, actError("Health rules cannot be kept", err.Error()))
	}
	out.InputDigest = inputDigest(config, out)
	return out, diags
}

func actError(summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
}

// acting is what an action is done to.
type acting struct {
	sessions *sessions
	session  *session
	record   *state.Record
	owned    *state.Owned
	resource providers.Resource
	have     object.Object
	action   *action.Action
	values   action.Values
	ignored  []lang.IgnoreDifference // of the configuration, those that are about it
}

// aim finds what an action is done to, and makes sure that it is the application's.
func (e *Engine) aim(ctx context.Context, config *lang.Config, options ActOptions) (*acting, hcl.Diagnostics) {
	refuse := func(summary, format string, args ...any) (*acting, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{actError(summary, fmt.Sprintf(format, args...))}
	}
	t := &acting{sessions: e.newSessions(false)}
	entries, err := e.options.Records.List(ctx)
	if err != nil {
		return refuse("State cannot be read", "%s", err)
	}
	var all []addr.Address
	for _, entry := range entries {
		all = append(all, entry.Address)
		if entry.Address == options.Application {
			t.record = entry.Record
		}
	}
	if t.record == nil {
		return refuse("Unknown application", "There is no %s in the state: it was never applied.%s", options.Application, nearest(options.Application, all))
	}
	if t.owned, err = ownedLike(t.record, options.Object); err != nil {
		return refuse("Object is not the application's", "%s", inSentence(err))
	}
	if t.action, err = action.Find(t.owned.ID.GroupKind(), options.Action); err != nil {
		return refuse("Unknown action", "%s", inSentence(err))
	}
	if t.values, err = t.action.Values(options.Parameters); err != nil {
		return refuse("Wrong parameters", "%s", inSentence(err))
	}
	if slices.ContainsFunc(t.record.Journal, func(i state.Intent) bool { return i.ID == t.owned.ID }) {
		return refuse("Apply is not finished", "%s: an apply of %s was interrupted. Apply again first.", options.Application, t.owned.ID)
	}
	for _, c := range config.Clusters {
		t.sessions.known(c)
	}
	t.session = t.sessions.recorded(t.record)
	t.sessions.connect(ctx)
	switch s := t.session; {
	case s.err != nil:
		return refuse(summaryOf(s.err, "Cluster cannot be read"), "%s", clusterError(s))
	case s.info.UID != t.record.Cluster.UID:
		return refuse("Another cluster", "%s", anotherCluster(s, t.record))
	}
	if t.resource, err = t.session.owned(ctx, t.owned); err == nil {
		t.have, err = t.session.cluster.Get(ctx, t.resource, t.owned.ID.Namespace, t.owned.ID.Name)
	}
	if errors.Is(err, providers.ErrNotFound) {
		return refuse("Object is gone", "%s was deleted since it was applied. Apply again first.", t.owned.ID)
	}
	if err != nil {
		return refuse(summaryOf(err, "Live object cannot be read"), "%s: %s", t.owned.ID, err)
	}
	lineage, owner, marked := track.Owner(t.have)
	if ours := marked && lineage == e.options.Records.Lineage() && owner == options.Application; !ours && t.have.UID() != t.owned.UID {
		return refuse("Object is not the application's", "%s is another object than was applied: it was deleted and made anew by someone else.", t.owned.ID)
	}
	for _, app := range config.Applications {
		if app.Address != options.Application {
			continue
		}
		for _, rule := range app.IgnoreDifferences {
			if matcher, err := diff.CompileIgnore(rule); err == nil && matcher.Matches(t.owned.ID) {
				t.ignored = append(t.ignored, rule)
			}
		}
	}
	return t, nil
}

// inSentence is an error as a sentence of a diagnostic.
func inSentence(err error) string {
	text := err.Error()
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// anotherCluster says that a cluster is not the one that an application was applied to.
func anotherCluster(s *session, record *state.Record) string {
	return fmt.Sprintf("cluster %q at %s is not the one that it was applied to: its kube-system namespace has uid %s, and had %s.",
		s.name, s.info.Server, s.info.UID, record.Cluster.UID)
}

// ownedLike finds an object of a record by as much of its identity as was given.
func ownedLike(record *state.Record, like object.ID) (*state.Owned, error) {
	var found, named []*state.Owned
	for i := range record.Objects {
		o := &record.Objects[i]
		if o.ID.Name != like.Name || like.Namespace != "" && o.ID.Namespace != like.Namespace {
			continue
		}
		named = append(named, o)
		if strings.EqualFold(o.ID.Kind, like.Kind) && (like.Group == "" || o.ID.Group == like.Group) {
			found = append(found, o)
		}
	}
	list := func(of []*state.Owned) string {
		texts := make([]string, len(of))
		for i, o := range of {
			texts[i] = o.ID.String()
		}
		return several(texts, mostReasons)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("%s could be each of %s. Say which, by group and namespace", like, list(found))
	case len(named) > 0:
		return nil, fmt.Errorf("there is no %s among the objects of %s; of that name there is %s", like, record.Address, list(named))
	}
	return nil, fmt.Errorf("there is no %s among the objects of %s. \"gantry action --list\" lists those that something can be done to", like, record.Address)
}

// actOn makes the changes of an action.
func (e *Engine) actOn(ctx context.Context, d *draft, t *acting, effect action.Effect) error {
	if effect.Makes != nil {
		return e.actMaking(ctx, d, t, effect.Makes)
	}
	for _, p := range effect.Patches {
		change := plan.Change{
			ID: t.owned.ID, Version: t.resource.GVK.Version, Plural: t.resource.Plural, Namespaced: t.resource.Namespaced, Wave: t.owned.Wave,
			Action: plan.Update, Method: plan.MethodPatch, Subresource: p.Subresource, UID: t.have.UID(), Seen: t.have.ResourceVersion(),
			Redacted: e.redactions.pointers(t.owned.ID),
		}
		(&comparison{engine: e}).body(&change, p.Body)
		fields, ours := e.differ.Patched(t.have, p.Body, t.owned)
		if len(fields) == 0 {
			continue
		}
		warnings, err := e.tryPatch(ctx, t.session.cluster, &change)
		if err != nil {
			return err
		}
		change.Fields, change.Warnings, change.Validation = fields, warnings, plan.ServerDryRun
		d.changes = append(d.changes, change)
		d.warnings = append(d.warnings, undone(t, ours)...)
	}
	if scaled(d.changes) {
		d.warnings = append(d.warnings, scalers(ctx, t.session, t.owned.ID)...)
	}
	return nil
}

// actMaking makes the change of an action that makes an object. It is marked as the
// application's, so that an apply that was interrupted finds it again; and it is kept in
// the record as what a hook leaves is: it goes with the application, and nobody takes it
// for dropped.
func (e *Engine) actMaking(ctx context.Context, d *draft, t *acting, made object.Object) error {
	resource, err := t.session.cluster.Resource(ctx, made.GVK())
	if err != nil {
		return err
	}
	made = track.Stamp(made, e.options.Records.Lineage(), d.address)
	answer, err := t.session.cluster.Create(ctx, providers.ApplyRequest{Resource: resource, Object: made, Manager: e.options.Manager, DryRun: true})
	if err != nil {
		return fmt.Errorf("the server does not take it: %w", scrub(e.differ, err, made))
	}
	change := plan.Change{
		ID: made.ID(), Version: resource.GVK.Version, Plural: resource.Plural, Namespaced: resource.Namespaced, Wave: t.owned.Wave,
		Action: plan.Create, Hook: &plan.Hook{}, Desired: e.differ.Digest(made), Redacted: e.redactions.pointers(made.ID()),
		Warnings: answer.Warnings, Validation: plan.ServerDryRun,
	}
	(&comparison{engine: e}).body(&change, made)
	d.changes = append(d.changes, change)
	return nil
}

// actSteps are the changes of an action, one after the other, and the wait for what they
// come to.
func actSteps(app *plan.Application, noWait bool) []plan.Step {
	var out []plan.Step
	var needs []int
	add := func(step plan.Step) {
		step.Needs = needs
		out = append(out, step)
		needs = []int{len(out) - 1}
	}
	for i := range app.Changes {
		add(plan.Step{Kind: plan.StepWrite, Change: i})
	}
	if len(out) == 0 {
		return nil
	}
	if !noWait { // the last tells how the object is after all of them
		add(plan.Step{Kind: plan.StepWait, Changes: []int{len(app.Changes) - 1}})
	}
	add(plan.Step{Kind: plan.StepRecord})
	return out
}
