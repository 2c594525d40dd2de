package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// notAllowed is the summary of what who runs a command has no right to.
const notAllowed = "Not allowed"

// asker is who runs a command, with the rights that the configuration's roles give.
type asker struct {
	rights *access.Rights
	by     state.Holder
	config *lang.Config
}

// asking returns who runs a command, and what they may do. Where the configuration has no
// roles, everybody may do everything.
func (c *cli) asking(ctx context.Context, command string, config *lang.Config) (*asker, error) {
	by, err := c.who(ctx, command, config)
	if err != nil {
		return nil, err
	}
	return &asker{rights: access.Of(access.Roles(config), by.Identity), by: by, config: config}, nil
}

// known is an application that roles are asked about: as the configuration has it, as the
// state has it, or both.
type known struct {
	address addr.Address
	names   [][2]string // its project, and its name
}

// applications are those of the configuration and of the state, by address.
func (a *asker) applications(records []state.Versioned) []*known {
	byAddress := map[addr.Address]*known{}
	add := func(address addr.Address, project, name string) {
		if byAddress[address] == nil {
			byAddress[address] = &known{address: address}
		}
		one, names := byAddress[address], [2]string{project, name}
		if !slices.Contains(one.names, names) {
			one.names = append(one.names, names)
		}
	}
	for _, app := range a.config.Applications {
		project := ""
		if app.Project != nil {
			project = app.Project.Name
		}
		add(app.Address, project, app.Name)
	}
	for i := range records {
		if record := records[i].Record; record != nil && record.Name != "" {
			add(records[i].Address, record.Project, record.Name)
		}
	}
	var out []*known
	for _, one := range byAddress {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b *known) int { return a.address.Compare(b.address) })
	return out
}

// may answers whether an application may be done something to, under each of its names.
func (a *asker) may(action string, app *known) access.Decision {
	decision := access.Decision{Allowed: true}
	for _, name := range app.names {
		if decision = a.rights.Check(action, name[0], name[1]); !decision.Allowed {
			return decision
		}
	}
	return decision
}

// named finds an application by its address. One that nobody knows is in no project.
func named(applications []*known, address addr.Address) *known {
	for _, app := range applications {
		if app.address == address {
			return app
		}
	}
	return &known{address: address, names: [][2]string{{"", address.Name}}}
}

// because puts a refusal into words, with where the rule is.
func because(decision access.Decision) string {
	if decision.Rule == "" {
		return decision.Because
	}
	return fmt.Sprintf("%s (%s)", decision.Because, decision.Rule)
}

// refusing is what was refused of a command.
type refusing struct {
	action  string
	refused []addr.Address
	why     []string
}

func (r *refusing) add(address addr.Address, decision access.Decision) {
	r.refused = append(r.refused, address)
	r.why = append(r.why, because(decision))
}

// diagnostic tells what was refused: all that is alike at once.
func (r *refusing) diagnostic(severity hcl.DiagnosticSeverity) hcl.Diagnostics {
	var out hcl.Diagnostics
	for i, why := range r.why {
		if i == maxListed && len(r.why) > maxListed+1 {
			out = append(out, &hcl.Diagnostic{Severity: severity, Summary: notAllowed, Detail: fmt.Sprintf("%d more applications are left out.", len(r.why)-i)})
			break
		}
		out = append(out, &hcl.Diagnostic{Severity: severity, Summary: notAllowed, Detail: fmt.Sprintf("%s: %s.", r.refused[i], why)})
	}
	return out
}

// audit writes into the audit log that something was refused. Looking is not logged.
func (a *asker) audit(ctx context.Context, records *state.Records, action string, why string, addresses ...addr.Address) error {
	if records == nil || action == access.Get || action == access.Plan {
		return nil
	}
	event := state.Event{Kind: state.EventRefused, By: a.by, Act: action, Message: why, Applications: aboutAll(addresses)}
	if err := records.Audit(ctx, event); err != nil {
		return fmt.Errorf("that it was refused is not in the audit log: %w", err)
	}
	return nil
}

// refuse is the error that something is not allowed, which is in the audit log.
func (a *asker) refuse(ctx context.Context, records *state.Records, r *refusing) error {
	var lines []string
	for i, why := range r.why {
		lines = append(lines, fmt.Sprintf("%s: %s", r.refused[i], why))
	}
	err := errors.New(strings.Join(lines, "\n"))
	return failure(notAllowed, errors.Join(err, a.audit(ctx, records, r.action, strings.Join(r.why, "; "), r.refused...)))
}

// permit refuses what who runs the command may not do to applications. Nothing is done to
// any of them then.
func (s *openedState) permit(ctx context.Context, action string, addresses ...addr.Address) error {
	if s.asker.rights.Open() {
		return nil
	}
	records, err := s.list(ctx)
	if err != nil {
		return err
	}
	applications := s.asker.applications(records)
	r := &refusing{action: action}
	for _, address := range addresses {
		if decision := s.asker.may(action, named(applications, address)); !decision.Allowed {
			r.add(address, decision)
		}
	}
	if len(r.refused) == 0 {
		return nil
	}
	return s.asker.refuse(ctx, s.records, r)
}

// permitState refuses who has no right to the state what is about all of it.
func (s *openedState) permitState(ctx context.Context) error {
	return s.asker.permitAll(ctx, s.records, access.State)
}

// permitAll refuses what is about all applications at once.
func (a *asker) permitAll(ctx context.Context, records *state.Records, action string) error {
	decision := a.rights.CheckAll(action)
	if decision.Allowed {
		return nil
	}
	why := because(decision)
	return failure(notAllowed, errors.Join(errors.New(why), a.audit(ctx, records, action, why)))
}

// mayGet reports whether an application may be seen by who runs the command.
func (s *openedState) mayGet(ctx context.Context) (func(addr.Address) bool, error) {
	if s.asker.rights.Open() {
		return func(addr.Address) bool { return true }, nil
	}
	records, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	applications := s.asker.applications(records)
	return func(address addr.Address) bool { return s.asker.may(access.Get, named(applications, address)).Allowed }, nil
}

// permit finds out what who runs the command may do, before anything is done. What they may
// not is left out of what is planned, with a warning where the command only looks and names
// no application; an application that they name, and all of them together, are refused. What
// asks no cluster and no state needs no right: it tells what is in the files at hand.
func (w *work) permit(ctx context.Context, action string) error {
	if action == "" || w.options.offline {
		return nil
	}
	a, err := w.cli.asking(ctx, w.options.command, w.config)
	if err != nil || a.rights.Open() {
		return err
	}
	var records *state.Records
	var recorded []state.Versioned
	if w.state != nil {
		records = w.state.records
		if recorded, err = records.List(ctx); err != nil && len(recorded) == 0 {
			return failure("State cannot be read", err)
		}
	}
	if w.options.wholeState {
		return a.permitAll(ctx, records, action)
	}
	r := &refusing{action: action}
	applications := a.applications(recorded)
	asked := 0
	for _, app := range applications {
		if len(w.targets) > 0 && !slices.ContainsFunc(w.targets, func(t addr.Address) bool { return t.Covers(app.address) }) {
			if !a.may(action, app).Allowed {
				w.withhold(app.address) // also where another needs it
			}
			continue
		}
		asked++
		if decision := a.may(action, app); !decision.Allowed {
			r.add(app.address, decision)
			w.withhold(app.address)
		}
	}
	looks := action == access.Get || action == access.Plan
	switch {
	case len(r.refused) == 0:
		return nil
	case len(w.targets) > 0 || len(r.refused) == asked:
		return a.refuse(ctx, records, r)
	case looks:
		w.diags = append(w.diags, r.diagnostic(hcl.DiagWarning)...)
		return nil
	}
	w.diags = append(w.diags, r.diagnostic(hcl.DiagError)...)
	return a.audit(ctx, records, action, strings.Join(r.why, "; "), r.refused...)
}

func (w *work) withhold(address addr.Address) {
	if w.withheld == nil {
		w.withheld = map[addr.Address]bool{}
	}
	w.withheld[address] = true
}

// permitOne refuses what who runs the command may not do to one application.
func (w *work) permitOne(ctx context.Context, action string, address addr.Address) error {
	targets, whole := w.targets, w.options.wholeState
	defer func() { w.targets, w.options.wholeState = targets, whole }()
	w.targets, w.options.wholeState = []addr.Address{address}, false
	return w.permit(ctx, action)
}

// maySee reports whether an entry of the audit log may be seen: everything that it is
// about. One that is about no application may be seen by who may see all.
func (s *openedState) maySee(entry *state.LoggedEvent, mayGet func(addr.Address) bool) bool {
	if len(entry.Applications) == 0 {
		return s.asker.rights.CheckAll(access.Get).Allowed
	}
	return !slices.ContainsFunc(entry.Applications, func(app state.EventApplication) bool { return !mayGet(app.Address) })
}
