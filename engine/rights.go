package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// notAllowed is the summary of what somebody has no right to.
const notAllowed = "Not allowed"

// rights are those of who applies: by the roles of the plan, and by those of the
// configuration where it is applied. Both must allow what is done.
type rights struct {
	sets   []*access.Rights
	guards *Guards
	// doubted: the plan is from a file for which nobody speaks, so that what it says of
	// itself, that it is an action or a rollback, is not taken for true.
	doubted bool
}

func rightsOf(p *plan.Plan, options *ApplyOptions) *rights {
	out := &rights{guards: options.Guards, doubted: options.File != nil && options.Verified == ""}
	sets := [][]plan.Role{p.Roles}
	if options.Guards != nil {
		sets = append(sets, options.Guards.Roles)
	}
	for _, roles := range sets {
		if of := access.Of(roles, options.By.Identity); !of.Open() {
			out.sets = append(out.sets, of)
		}
	}
	return out
}

// called is how rights know an application.
type called struct{ project, application string }

// names are those of an application by which it is asked about: that of the plan and, where
// that knows it, that of the configuration.
func (r *rights) names(app *plan.Application) []called {
	out := []called{{app.Project, app.Name}}
	if r.guards != nil {
		if project, known := r.guards.Applications[app.Address]; known {
			out = append(out, called{project, r.guards.Names[app.Address]})
		}
	}
	slices.SortFunc(out, func(a, b called) int {
		return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.application, b.application))
	})
	return slices.Compact(out)
}

// may answers whether an application may be done something to, under each of its names.
func (r *rights) may(action string, names []called) access.Decision {
	decision := access.Decision{Allowed: true}
	for _, set := range r.sets {
		for _, name := range names {
			if decision = set.Check(action, name.project, name.application); !decision.Allowed {
				return decision
			}
		}
	}
	return decision
}

// needed are the rights that are needed to apply an application's part of a plan.
func (r *rights) needed(p *plan.Plan, app *plan.Application) []string {
	switch {
	case p.Act != nil && p.Act.Object != nil:
		return r.unless(access.ObjectAction(p.Act.Object.GroupKind(), p.Act.Name), !actsOn(p, app))
	case app.Leaves:
		return r.unless(access.Destroy, slices.ContainsFunc(app.Changes, func(c plan.Change) bool { return c.Action.Changes() && !takesAway(c.Action) }))
	case app.Rollback != nil:
		return r.unless(access.Rollback, false)
	}
	return []string{access.Apply}
}

// unless is a right, and with it that to apply where the plan does more, or may.
func (r *rights) unless(right string, more bool) []string {
	if more || r.doubted && right != access.Destroy {
		return []string{right, access.Apply}
	}
	return []string{right}
}

// actsOn reports whether an application changes in one object alone, by a patch or by what
// an action makes beside it.
func actsOn(p *plan.Plan, app *plan.Application) bool {
	changed := 0
	for i := range app.Changes {
		if c := &app.Changes[i]; c.Action.Changes() {
			changed++
			if c.ID != *p.Act.Object && c.Action != plan.Create {
				return false
			}
		}
	}
	return changed <= 1
}

// takesAway reports whether an action is one of an application that leaves.
func takesAway(action plan.Action) bool { return action == plan.Prune || action == plan.Orphan }

// refusal says why an application's part of a plan may not be applied; empty where it may.
func (r *rights) refusal(p *plan.Plan, app *plan.Application, names []called) (action, why string) {
	for _, right := range r.needed(p, app) {
		if decision := r.may(right, names); !decision.Allowed {
			return right, refused(decision)
		}
	}
	return "", ""
}

// refused puts a refusal into a sentence, with where the rule is.
func refused(decision access.Decision) string {
	if decision.Rule == "" {
		return decision.Because
	}
	return fmt.Sprintf("%s (%s)", decision.Because, decision.Rule)
}

// permit refuses what who applies may not do, each application by itself: it returns the
// plan with those blocked. That they were refused is in the audit log. Where nothing is
// left, nothing is begun.
func (e *Engine) permit(ctx context.Context, p *plan.Plan, r *rights, by state.Holder) (*plan.Plan, hcl.Diagnostics) {
	if len(r.sets) == 0 {
		return p, nil
	}
	out := *p
	out.Applications = slices.Clone(p.Applications)
	left := false
	events := map[string]*state.Event{}
	var diags hcl.Diagnostics
	for i := range out.Applications {
		app := &out.Applications[i]
		if !app.HasChanges() || app.IsBlocked() {
			continue
		}
		action, why := r.refusal(p, app, r.names(app))
		if why == "" {
			left = true
			continue
		}
		app.Blocked = append(slices.Clone(app.Blocked), plan.Problem{Address: app.Address, Summary: notAllowed, Detail: why})
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: notAllowed, Detail: fmt.Sprintf("%s: %s.", app.Address, why)})
		event := events[action]
		if event == nil {
			event = &state.Event{Kind: state.EventRefused, By: by, Plan: p.ID, Act: action, Message: why}
			events[action] = event
		}
		event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest, Serial: app.Serial})
	}
	for _, event := range events {
		if err := e.options.Records.Audit(ctx, *event); err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Not recorded in the audit log", Detail: fmt.Sprintf("That it was refused is not in the audit log: %s.", err)})
		}
	}
	if len(diags) == 0 || left {
		return &out, nil
	}
	return nil, diags
}

// may answers whether the application may be done something to by who applies.
func (p *progress) may(action string) access.Decision {
	return p.applying.rights.may(action, p.applying.rights.names(p.app))
}

// heedRights leaves out an application that is another by its record, to which who applies
// has no right: one that is renamed, or moved to another project, needs the rights to both.
func (p *progress) heedRights(ctx context.Context, record *state.Record) {
	a := p.applying
	if record == nil || len(a.rights.sets) == 0 || record.Name == "" {
		return
	}
	action, why := a.rights.refusal(a.plan, p.app, []called{{record.Project, record.Name}})
	if why == "" {
		return
	}
	why = "as it was last applied, " + why
	event := a.logged(state.EventRefused)
	event.Act, event.Message = action, why
	event.Applications = []state.EventApplication{{Address: p.app.Address, Digest: p.app.Digest, Serial: p.app.Serial}}
	if err := a.records.Audit(ctx, event); err != nil {
		why += "; that is not in the audit log: " + err.Error()
	}
	p.mu.Lock()
	p.refused = true
	p.mu.Unlock()
	p.skip(why)
}

// rolesInUse are those of the configuration that is planned.
func (e *Engine) rolesInUse() []plan.Role {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.roles
}

// limited reports whether the plan is of a part of the configuration.
func (p *planning) limited() bool {
	return len(p.options.Targets) > 0 || p.options.Affected != nil || len(p.engine.options.Withheld) > 0
}
