package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/options"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// draft is an application while it is being planned. Each stage of planning
// fills in its part; a stage leaves alone a draft that has failed. Only one
// goroutine works on a draft at a time.
type draft struct {
	address addr.Address
	app     *lang.Application // nil: leaves, for it is no longer in the configuration or is destroyed
	record  *state.Record     // nil: never applied
	from    addr.Address      // where the state has it, if under another address
	removed bool              // a removed block says what becomes of its objects
	applied *plan.Application // what is put back, of an application that heals itself; nil for others
	// bodiless are the objects whose bodies the history does not have.
	bodiless map[object.ID]bool
	partial  bool     // some of its changes are left out, for the plan is limited to others
	session  *session // nil only where the cluster could not be told

	held     *plan.Hold     // why it is not applied; nil where it is
	lifts    *plan.Hold     // the hold of a rollback that ends with this plan
	rollback *plan.Rollback // nil where it is as its sources say
	rendered string         // a digest of all that it is to have

	ignore   []*diff.Ignore    // compiled ignore_differences
	imports  []refactor.Import // import blocks that are about it
	pins     []source.Pin
	desired  []*desired
	changes  []plan.Change
	last     map[object.ID]bool // what is pruned after everything else is done
	warnings []string
	failures []failure
	blocked  []plan.Problem
	policies []plan.PolicyResult
}

// desired is one object that an application wants, and with it what was found out
// about it.
type desired struct {
	object    object.Object // normalised and stamped: what is sent
	origin    string
	source    int
	inClear   []string // fields of a Secret that everyone sees who can read the source
	placement order.Placement
	options   options.Options
	phase     plan.Phase // one of the placement's
	resource  providers.Resource
	// kept is the hook as the state has it, of an application that leaves; nil for others.
	kept *plan.Change
	// pending: the server does not know the kind yet, this plan brings its definition.
	pending bool
	// served is how the server has the kind in another version, where pending.
	served *providers.Resource
	// missing: the server does not know the kind, nothing in this plan defines it, and the
	// sync options say that it will come. It is pending, too.
	missing bool
	// whenAbsent: wanted only if it does not exist; left alone otherwise, unless managed.
	whenAbsent bool
	// after is what the server said that it comes to, where it was asked and policies are.
	after object.Object
	// managed: the namespace of create_namespace has metadata, which it is to have also
	// where it is there already.
	managed bool
}

// failure is why an application cannot be planned.
type failure struct {
	problem plan.Problem
	subject *hcl.Range
	told    bool // by the diagnostic of another application
	// concerned are the applications that the diagnostic is about, where they are several.
	concerned Concerned
}

// Concerned is the Extra of a diagnostic about several applications: which.
type Concerned []addr.Address

// failed reports whether the application cannot be planned.
func (d *draft) failed() bool { return len(d.failures) > 0 }

// fail records why the application cannot be planned.
func (d *draft) fail(subject hcl.Range, summary, detail string) {
	d.failures = append(d.failures, failure{
		problem: plan.Problem{Address: d.address, Summary: summary, Detail: detail, Range: rangeText(subject)},
		subject: subject.Ptr(),
	})
}

// failObject is fail for one object.
func (d *draft) failObject(subject hcl.Range, id object.ID, summary, detail string) {
	d.fail(subject, summary, detail)
	d.failures[len(d.failures)-1].problem.Object = &id
}

// leaves reports whether the application goes.
func (d *draft) leaves() bool { return d.app == nil }

// settings are the application's rules: the configuration's, or for one that
// leaves those it was last applied with.
func (d *draft) settings() plan.Settings {
	out := d.rules()
	if d.session != nil {
		out.As = d.session.as
	}
	return out
}

func (d *draft) rules() plan.Settings {
	if d.app == nil {
		return d.record.Settings
	}
	sync := &d.app.Sync
	out := plan.Settings{
		OnDestroy:      d.app.OnDestroy,
		PreventDestroy: d.app.Lifecycle.PreventDestroy,
		NoDestroy:      d.app.Lifecycle.NoDestroy,
		Propagation:    cmp.Or(options.Propagation(sync.PrunePropagationPolicy), "Foreground"),
		Conflicts:      sync.Conflicts,
		HealthTimeout:  sync.HealthTimeout,
		HistoryLimit:   d.app.HistoryLimit,
		MaxDestroyed:   d.app.Lifecycle.MaxDestroyed,
		PruneInWaves:   sync.PruneInWaves,
		Ignored:        ignoreRules(d.app.IgnoreDifferences),
		Windows:        windowsOf(d.app),
	}
	if automated := sync.Automated; automated != nil && automated.Enabled {
		out.Automated, out.SelfHeal = true, automated.SelfHeal
	}
	if retry := sync.Retry; retry != nil && retry.Limit > 0 {
		out.Retry = &plan.Retry{Limit: retry.Limit, Backoff: retry.Backoff, Factor: retry.Factor, MaxDuration: retry.MaxDuration}
	}
	for _, timeout := range slices.Backward(sync.Timeouts) { // the last counts, and here the first does
		for _, kind := range timeout.Kinds {
			out.Timeouts = append(out.Timeouts, plan.KindTimeout{Kind: kind, Timeout: timeout.After})
		}
	}
	return out
}

// sourceRange returns where the i-th source was written, or the application.
func (d *draft) sourceRange(i int) hcl.Range {
	if d.app == nil {
		return hcl.Range{}
	}
	if i < len(d.app.Sources) && d.app.Sources[i].Range.Filename != "" {
		return d.app.Sources[i].Range
	}
	return d.app.Range
}

func (d *draft) appRange() hcl.Range {
	if d.app == nil {
		return hcl.Range{}
	}
	return d.app.Range
}

func (d *draft) appDestination() hcl.Range {
	if d.app == nil {
		return hcl.Range{}
	}
	return d.app.Destination.Range
}

// diagnostics turns the draft's failures and blocks into diagnostics.
func (d *draft) diagnostics() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, f := range d.failures {
		if f.told {
			continue
		}
		subject := f.subject
		if subject != nil && subject.Filename == "" {
			subject = nil
		}
		diag := &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  f.problem.Summary,
			Detail:   fmt.Sprintf("%s: %s", d.address, f.problem.Detail),
			Subject:  subject,
		}
		if f.concerned != nil {
			diag.Extra = f.concerned
		}
		diags = append(diags, diag)
	}
	for _, problem := range d.blocked {
		if problem.Summary == tooManyRemoved || problem.Summary == planDestroysTooMuch {
			continue // told once, of the generator or of the plan
		}
		var subject *hcl.Range
		if r := d.appRange(); r.Filename != "" {
			subject = &r
		}
		detail := problem.Detail
		if problem.Object != nil {
			detail = fmt.Sprintf("%s: %s", problem.Object, detail)
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  problem.Summary,
			Detail:   fmt.Sprintf("%s: %s", d.address, detail),
			Subject:  subject,
		})
	}
	return diags
}

// rangeText renders a range as "file:line,column", empty for none.
func rangeText(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

// summaryOf gives an error of a provider its fixed summary.
func summaryOf(err error, otherwise string) string {
	switch {
	case errors.Is(err, providers.ErrUnauthorized):
		return "Wrong credentials"
	case errors.Is(err, providers.ErrForbidden):
		return "Not allowed"
	case errors.Is(err, providers.ErrUnreachable):
		return "Unreachable"
	case errors.Is(err, providers.ErrUnknownKind):
		return "Unknown kind"
	case errors.Is(err, sourcelock.ErrNotLocked):
		return "Not in the lock file"
	case errors.Is(err, sourcelock.ErrMoved):
		return "Moved since it was locked"
	}
	return otherwise
}

func sortDrafts(drafts []*draft) {
	slices.SortFunc(drafts, func(a, b *draft) int { return a.address.Compare(b.address) })
}

func sortProblems(problems []plan.Problem) {
	slices.SortStableFunc(problems, func(a, b plan.Problem) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
}
