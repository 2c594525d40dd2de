package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// limit takes out of the plan what is not selected, where it is limited to some objects,
// and hooks, which belong to a whole sync. Of each application it says what it leaves
// out. A namespace that create_namespace makes stays in, where what is selected needs it.
func (p *planning) limit() {
	only := p.options.Only
	if only == nil {
		return
	}
	made := map[string]map[object.ID]bool{} // by cluster: what the plan makes, of namespaces and definitions
	var all []*limited
	for _, c := range p.compared {
		for _, d := range p.soundIn(c.session) {
			all = append(all, c.limit(d, only))
		}
	}
	for _, l := range all {
		key := l.draft.session.identity()
		if made[key] == nil {
			made[key] = map[object.ID]bool{}
		}
		l.makes(all, made[key])
	}
	if len(all) > 0 && !slices.ContainsFunc(all, func(l *limited) bool { return l.names }) {
		p.diags = append(p.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Nothing is selected",
			Detail: fmt.Sprintf("None of the objects of the planned applications is one of those selected: %s. Is a kind, name or label mistyped?", only),
		})
	}
	for _, l := range all {
		l.lacks(made[l.draft.session.identity()])
		l.leaveOut(only)
	}
}

// limited is an application of which only a part is planned.
type limited struct {
	draft *draft
	in    []bool // by index in the draft's changes
	wants map[object.ID]*desired
	names bool // something of it is named by the selection, whether it changes or not
}

// limit decides which changes of an application are selected.
func (c *comparison) limit(d *draft, only *selection.Selection) *limited {
	l := &limited{draft: d, in: make([]bool, len(d.changes)), wants: map[object.ID]*desired{}}
	for _, want := range d.desired {
		l.wants[want.object.ID()] = want
	}
	for i := range d.changes {
		change := &d.changes[i]
		has := change.Hook == nil && only.Has(change.ID, c.labels(l, change))
		l.names = l.names || has
		l.in[i] = change.Action == plan.Unchanged || has
	}
	return l
}

// labels are those that a changed object has, or where it goes those that it had.
func (c *comparison) labels(l *limited, change *plan.Change) map[string]string {
	if want := l.wants[change.ID]; want != nil {
		return want.object.Labels()
	}
	if c.live == nil {
		return nil
	}
	owned := state.Owned{ID: change.ID, Version: change.Version, Plural: change.Plural, Namespaced: change.Namespaced}
	have, err := c.live.find(servedAs(&owned), change.ID.Namespace, change.ID.Name)
	if err != nil || have == nil {
		return nil
	}
	return have.Labels()
}

// creates reports whether the i-th change makes what a namespace or kind that this plan
// makes is needed for.
func (l *limited) creates(i int) bool {
	return l.in[i] && l.draft.changes[i].Action == plan.Create
}

// makes notes the namespaces and definitions that are made of the application: those
// selected, and of others the namespaces of create_namespace that something selected of
// any application needs.
func (l *limited) makes(all []*limited, made map[object.ID]bool) {
	for i := range l.draft.changes {
		change := &l.draft.changes[i]
		kind := change.ID.GroupKind()
		if kind != namespaceKind && kind != crdKind || !change.Action.Changes() || change.Action.Deletes() {
			continue
		}
		if kind == namespaceKind && change.Keep && !l.in[i] {
			l.in[i] = slices.ContainsFunc(all, func(other *limited) bool { return other.needs(l.draft, change.ID.Name) })
		}
		made[change.ID] = l.in[i]
	}
}

// needs reports whether something that is selected is created in a namespace of the
// cluster that another application is in.
func (l *limited) needs(of *draft, namespace string) bool {
	if l.draft.session.identity() != of.session.identity() {
		return false
	}
	for i := range l.draft.changes {
		if l.creates(i) && l.draft.changes[i].ID.Namespace == namespace {
			return true
		}
	}
	return false
}

// lacks blocks what is selected and needs a namespace or definition that is not.
func (l *limited) lacks(made map[object.ID]bool) {
	for i := range l.draft.changes {
		change := &l.draft.changes[i]
		if !l.creates(i) {
			continue
		}
		needs := []object.ID{{Kind: namespaceKind.Kind, Name: change.ID.Namespace}}
		if want := l.wants[change.ID]; want != nil && want.pending {
			needs = append(needs, l.draft.session.definers(change.ID.GroupKind())...)
		}
		for _, need := range needs {
			if selected, planned := made[need]; planned && !selected {
				block(change, "Needs what is left out", fmt.Sprintf("%s is made by this plan, and is not selected. Add --resource '%s:%s'.", need, need.Kind, need.Name))
				break
			}
		}
	}
}

// definers names the definitions of this plan that define a kind.
func (s *session) definers(kind object.GroupKind) []object.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []object.ID
	for _, d := range s.defined[kind] {
		if !slices.Contains(out, d.by) {
			out = append(out, d.by)
		}
	}
	return out
}

// endings names the hooks that run when the application leaves.
func (l *limited) endings() []string {
	var out []string
	for i := range l.draft.changes {
		if c := &l.draft.changes[i]; isForLeaving(c.Phase) {
			out = append(out, c.ID.String())
		}
	}
	return out
}

// leaveOut takes out of the application what is not selected, and says so.
func (l *limited) leaveOut(only *selection.Selection) {
	var left []string
	hooks := false
	var kept []plan.Change
	for i := range l.draft.changes {
		change := &l.draft.changes[i]
		switch {
		case l.in[i]:
			kept = append(kept, *change)
		case change.Hook != nil:
			hooks = true
		default:
			left = append(left, fmt.Sprintf("%s of %s", change.Action, change.ID))
		}
	}
	changes := slices.ContainsFunc(kept, func(c plan.Change) bool { return c.Action != plan.Unchanged })
	if hooks && (changes || len(left) > 0) {
		left = append(left, "its hooks")
	}
	endings := l.endings()
	l.draft.changes = kept
	if len(left) == 0 {
		return
	}
	l.draft.partial = true
	if deletes := slices.ContainsFunc(kept, func(c plan.Change) bool { return c.Action == plan.Prune }); hooks && deletes && l.draft.leaves() {
		l.draft.blocked = append(l.draft.blocked, plan.Problem{
			Address: l.draft.address, Summary: "Hooks would be left out", Detail: fmt.Sprintf(
				"It leaves, and has hooks that run before or after its objects are deleted (%s); a plan of some objects (%s) would delete without them. "+
					"Plan it as a whole, with --target '%s' where that is all there is to be.", strings.Join(endings, ", "), only, l.draft.address),
		})
	}
	l.draft.warn(fmt.Sprintf("Only a part of it is planned (%s). Left out: %s.", only, listed(left)))
}
