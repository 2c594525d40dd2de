package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/state"
)

// ApplyOptions is how a plan is carried out.
type ApplyOptions struct {
	// By is who applies, for the history and for others who find the state held.
	By state.Holder
	// Confirmed are the deletions that someone has confirmed, of those that need it. An
	// application of which one is missing is left out.
	Confirmed Confirmed
	// GiveUp, when it is closed, gives up requests in flight: those of an apply that was
	// cancelled are given up after some seconds otherwise. It may be nil.
	GiveUp <-chan struct{}
	// Resume refuses a plan that was not begun, or since which another was applied.
	Resume bool
	// File is the plan's file, where it is from one; the state keeps it until the plan is
	// applied.
	File []byte
	// Verified says who speaks for the plan's file, for the audit log; empty where nobody was
	// asked for.
	Verified string
	// Manual: a person has started it, so that it passes the sync windows that say so.
	Manual bool
	// OverrideWindow is why it is done whatever sync windows say; empty heeds them. It is in
	// the audit log.
	OverrideWindow string
	// Guards are rules that hold beside those that the plan has; nil is none.
	Guards *Guards
	// Approved is what was found to be approved, where protection asks for that; nil is
	// nothing.
	Approved *Approved
	// Signers are who stands behind the plan's file, verified.
	Signers []approval.Speaker
	// OverrideApproval is why it is done without approval; empty asks for it. It is in the
	// audit log.
	OverrideApproval string
	// Imagined: nothing is changed but what is in memory, so that nobody is asked to approve.
	Imagined bool
	// Begun, where set, is called once nobody else is at work on the applications, before
	// anything is recorded or sent; its error ends the apply.
	Begun func(context.Context) error
}

// Result is what an apply did.
type Result struct {
	Applications []Outcome `json:"applications"` // sorted by address; those with nothing to do are left out
	// Slowest is the chain of applications that ended last; nil where nothing was applied.
	Slowest *Chain `json:"slowest,omitempty"`
	// Outputs are those of the configuration, where all of it was applied.
	Outputs []published.Output `json:"outputs,omitempty"`
	// Lost tells that the apply ended because it lost the lock.
	Lost bool `json:"lost,omitempty"`
	// Unsaved is where what could not be written into the state was saved; empty where all
	// was, or nothing could be saved.
	Unsaved string `json:"unsaved,omitempty"`
}

// HasChanged reports whether the apply has changed anything in a cluster.
func (r *Result) HasChanged() bool {
	return r != nil && slices.ContainsFunc(r.Applications, func(o Outcome) bool { return o.Done.Changes() > 0 })
}

// Outcome is how an apply of one application ended.
type Outcome struct {
	Address addr.Address `json:"address"`
	Outcome string       `json:"outcome"` // OutcomeSucceeded, ...
	Message string       `json:"message,omitempty"`
	Done    plan.Counts  `json:"done,omitempty"` // what was done, by action
	Elapsed Seconds      `json:"elapsedSeconds"`
	// OutsideWindow: what was not done was left for its sync window alone, or it follows such
	// an application.
	OutsideWindow bool `json:"outsideWindow,omitempty"`
	// Unapproved: it was left out for it is not approved, or follows such an application.
	Unapproved bool `json:"unapproved,omitempty"`
}

// How an application's apply ends.
const (
	OutcomeSucceeded = "succeeded"
	OutcomeFailed    = "failed"
	OutcomeCancelled = "cancelled"
	OutcomeSkipped   = "skipped" // nothing of it was begun: it is blocked, stale, or follows one that failed
)

// Apply carries out a plan: it reads no source and no configuration, and sends the
// very objects that the plan holds. Before anything is written, what the plan relied on is
// checked against the clusters; an application for which it no longer holds is
// left out, with the reason, and so is what depends on it. When the context
// ends, requests in flight are completed, for some seconds at most, what was done is
// recorded, and the rest is left.
func (e *Engine) Apply(ctx context.Context, p *plan.Plan, options ApplyOptions) (result *Result, diags hcl.Diagnostics) {
	if diags := e.refuse(p); diags.HasErrors() {
		return nil, diags
	}
	assessor, err := health.NewAssessor(p.Health)
	if err != nil {
		return nil, refusal(fmt.Sprintf("Its rules of health cannot be used: %s.", err))
	}
	if diags := judge(p, options.Guards); diags.HasErrors() {
		return nil, diags
	}
	policing, diags := policiesOf(p, options.Guards)
	if diags.HasErrors() {
		return nil, diags
	}
	rights := rightsOf(p, &options)
	if p, diags = e.permit(ctx, p, rights, options.By); diags.HasErrors() {
		return nil, diags
	}
	protected, diags := e.protect(ctx, p, rights, &options)
	if diags.HasErrors() {
		return nil, diags
	}
	p = protected.plan
	courier := e.newCourier(p, options.By)
	defer func() { diags = append(diags, courier.deliver(ctx)...) }() // once others may go on
	lease, diags := e.enter(ctx, options.By, scopeOf(p))
	if diags.HasErrors() {
		return nil, diags
	}
	defer func() { diags = append(diags, e.leave(ctx, lease)...) }()
	ctx, end, release := whileHeld(ctx, lease)
	defer release()
	if options.Begun != nil {
		if err := options.Begun(ctx); err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Apply gave up", Detail: fmt.Sprintf("Nothing was changed: %s.", err)}}
		}
	}
	resumed, diags := e.used(ctx, p)
	if diags.HasErrors() {
		return nil, diags
	}
	left, diags := e.leftOf(ctx, p, resumed)
	if options.Resume && !diags.HasErrors() {
		diags = left.resumable(resumed)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	a := newApplying(e, p, lease, options.By)
	a.resumed, a.left, a.health, a.confirmations = resumed, left, assessor, options.Confirmed
	a.verified, a.manual, a.override = options.Verified, options.Manual, options.OverrideWindow
	a.heedWindows(options.Guards)
	a.policing, a.rights, a.protected = policing, rights, protected
	defer a.close()
	a.caller, a.end = ctx, end
	requests, stop := inFlight(ctx, options.GiveUp)
	defer stop()
	a.requests = requests
	for _, record := range []func(context.Context) hcl.Diagnostics{a.useApprovals, a.logBegun, a.begun, a.supersede} {
		if diags := record(ctx); diags.HasErrors() {
			return nil, diags
		}
	}
	for _, app := range a.apps {
		if why := left.superseded(app.app.Address); why != "" && options.Resume {
			app.skip(why)
			app.superseded = true
		}
	}
	e.probe(PointAfterBegun)
	courier.begun(ctx)
	a.prepare(ctx)
	kept := a.keep(ctx, options.File) // what goes wrong with that matters only if this fails
	a.run(ctx)
	a.preparing.Wait()
	result, diags = a.result()
	ctx = context.WithoutCancel(ctx)
	courier.ended(ctx, a)
	diags = append(diags, a.stopped(ctx, result)...)
	diags = append(diags, a.parents.done()...)
	diags = append(diags, a.endUses(ctx)...)
	diags = append(diags, a.logEnded(ctx, result)...)
	switch {
	case result.Lost:
		return result, diags
	case diags.HasErrors():
		diags = append(diags, kept...)
	default:
		e.probe(PointBeforeEnd)
		diags = append(diags, a.ended(ctx)...)
		e.probe(PointAfterEnd)
		diags = append(diags, notPublished(e.recordPublished(ctx, a.records, p))...)
		result.Outputs = p.Publishes()
	}
	e.probe(PointBeforeGenerators)
	return result, append(diags, notRecorded(e.recordGenerators(ctx, a.records, p))...)
}

func holdSummary(err error) string {
	if errors.Is(err, state.ErrLocked) {
		return "State is held"
	}
	return "State cannot be written"
}

// refuse says why a plan cannot be applied at all.
func (e *Engine) refuse(p *plan.Plan) hcl.Diagnostics {
	if p.Offline {
		return refusal("It was made offline, without asking a cluster: its objects are predictions. Plan again without --offline.")
	}
	if lineage := e.options.Records.Lineage(); p.Lineage != lineage {
		return refusal(fmt.Sprintf("It was made from another state: the plan's lineage is %s, this state's is %s.", p.Lineage, lineage))
	}
	if why := e.expired(p); why != "" {
		return refusal(why)
	}
	return nil
}

// applying is one apply.
type applying struct {
	engine   *Engine
	plan     *plan.Plan
	lease    *state.Lease
	records  *state.Records // those of the engine, as long as the lease holds
	by       state.Holder
	verified string // who speaks for the plan's file
	manual   bool   // a person has started it
	override string // why sync windows are not heeded; empty where they are
	parents  parenting
	holds    holdings
	resumed  bool   // an apply of the plan was begun before, and did not finish
	left     leftOf // what of it may still be meant then
	// confirmations are the deletions that were confirmed.
	confirmations Confirmed
	policing      policing
	rights        *rights
	protected     *protected
	sessions      *sessions
	apps          []*progress // as in plan.Applications
	watchers      *watchers
	// caller is the context of the apply, and requests that of what it sends: see inFlight.
	caller, requests context.Context
	end              func(error) // ends caller
	notes            notes
	preparing        group
	health           *health.Assessor              // by the plan's rules
	defines          map[object.GroupKind]bool     // kinds whose definition the plan writes
	deletes          map[string]map[object.ID]bool // by the cluster's uid: what the plan deletes
}

func newApplying(e *Engine, p *plan.Plan, lease *state.Lease, by state.Holder) *applying {
	e.differ = e.differ.Redacting(planned(p))
	a := &applying{
		engine: e, plan: p, lease: lease, records: e.options.Records.Under(lease), by: by, sessions: e.newSessions(false),
		watchers: newWatchers(e.options.Now), defines: map[object.GroupKind]bool{}, deletes: map[string]map[object.ID]bool{},
	}
	clusters := map[string]*plan.Cluster{}
	for i := range p.Clusters {
		c := &p.Clusters[i]
		clusters[c.Name] = c
	}
	for i := range p.Applications {
		app := &p.Applications[i]
		a.apps = append(a.apps, &progress{
			applying: a, app: app, session: a.sessionOf(clusters[app.Cluster], app),
			results: map[int]*written{}, done: plan.Counts{},
		})
		for j := range app.Changes {
			if gone := &app.Changes[j]; gone.Action == plan.Prune || app.Leaves && gone.Action == plan.Run {
				a.pruned(app.Cluster, a.apps[i].idOf(j))
			}
			if crd := &app.Changes[j]; crd.ID.GroupKind() == crdKind && crd.Body != nil {
				a.defines[definedKind(crd)] = true
			}
		}
	}
	return a
}

// sessionOf is the session that an application's requests are made in; nil where the plan
// does not have its cluster.
func (a *applying) sessionOf(c *plan.Cluster, app *plan.Application) *session {
	if c == nil {
		return nil
	}
	return a.sessions.open(c.Name, c.Connection, c.Credentials, app.Settings.As)
}

// pruned notes an object that the plan deletes.
func (a *applying) pruned(cluster string, id object.ID) {
	for i := range a.plan.Clusters {
		if c := &a.plan.Clusters[i]; c.Name == cluster {
			if a.deletes[c.UID] == nil {
				a.deletes[c.UID] = map[object.ID]bool{}
			}
			a.deletes[c.UID][id] = true
		}
	}
}

// result gathers how the applications ended.
func (a *applying) result() (*Result, hcl.Diagnostics) {
	out := &Result{Slowest: a.slowest()}
	var diags hcl.Diagnostics
	for _, p := range a.apps {
		outcome, ok := p.outcomeOf()
		if !ok {
			continue
		}
		out.Applications = append(out.Applications, outcome)
		summary := map[string]string{
			OutcomeFailed: "Apply failed", OutcomeCancelled: "Apply was cancelled", OutcomeSkipped: "Application left out",
		}[outcome.Outcome]
		if outcome.Outcome == OutcomeSkipped && outcome.OutsideWindow {
			summary = "Outside of the sync window"
		}
		if outcome.Outcome == OutcomeSkipped && p.refused {
			summary = notAllowed
		}
		if outcome.Outcome == OutcomeSkipped && outcome.Unapproved {
			summary = NotApproved
		}
		severity := hcl.DiagError
		if p.superseded {
			severity = hcl.DiagWarning
		}
		if summary != "" {
			diags = append(diags, &hcl.Diagnostic{
				Severity: severity, Summary: summary, Detail: fmt.Sprintf("%s: %s", outcome.Address, outcome.Message),
			})
		}
	}
	return out, diags
}

func (a *applying) close() { a.watchers.close() }

// sending returns the context of one write: it outlives a cancelled apply, so that
// a request in flight is completed, and ends before the lease does.
func (a *applying) sending() (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(a.engine.options.RequestTimeout)
	if end := a.lease.Deadline(); end.Before(deadline) {
		deadline = end
	}
	return context.WithDeadlineCause(a.requests, deadline, errNoAnswer)
}
