package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
)

// rollouts puts the configuration's rollouts into the plan, those of which an application
// changes. Members without changes are in it too: they must be healthy.
func (p *planning) rollouts(out *plan.Plan) {
	if p.options.Destroy {
		return
	}
	index := make(map[addr.Address]int, len(out.Applications))
	for i := range out.Applications {
		index[out.Applications[i].Address] = i
	}
	for _, rollout := range p.config.Rollouts {
		made := plan.Rollout{Address: rollout.Address}
		changes := false
		var left []string
		for _, step := range rollout.Steps {
			in := plan.RolloutStep{Applications: []int{}, MaxUpdate: step.MaxUpdate.Of(len(step.Applications)), Bake: step.Bake}
			for _, address := range step.Applications {
				i, ok := index[address]
				if !ok {
					left = append(left, address.String())
					continue
				}
				in.Applications = append(in.Applications, i)
				changes = changes || out.Applications[i].HasChanges()
			}
			slices.Sort(in.Applications)
			made.Steps = append(made.Steps, in)
		}
		if !changes {
			continue
		}
		out.Rollouts = append(out.Rollouts, made)
		if len(left) > 0 {
			p.diags = append(p.diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Rollout is not complete", Subject: rollout.Range.Ptr(),
				Detail: fmt.Sprintf("The plan leaves out applications of %s: %s. Its steps neither move them nor wait for them.", rollout.Address, strings.Join(left, ", ")),
			})
		}
	}
}

// blockRollouts blocks what a rollout would move after an application that cannot be
// applied, as long as there is something to do for it. It reports whether it blocked any.
func (p *planning) blockRollouts(built map[addr.Address]*draft) (blocked bool) {
	if p.options.Destroy {
		return false
	}
	for _, rollout := range p.config.Rollouts {
		stuck, at := p.stuck(rollout, built)
		if stuck.IsZero() {
			continue
		}
		for i, step := range rollout.Steps {
			if i <= at {
				continue
			}
			for _, address := range step.Applications {
				if d, ok := built[address]; ok && len(d.blocked) == 0 {
					blocked = true
					d.blocked = append(d.blocked, plan.Problem{
						Address: address, Summary: "Rollout cannot go on", Range: rangeText(step.Range),
						Detail: fmt.Sprintf("It belongs to step %d of %s, and %s, in step %d, cannot be applied.", i+1, rollout.Address, stuck, at+1),
					})
				}
			}
		}
	}
	return blocked
}

// blockAgainstRollouts blocks what needs a namespace or a definition that only a later step
// of its rollout would make: the one would wait for the other for ever. What depends on
// each other against the order of a rollout, the configuration is refused for.
func (p *planning) blockAgainstRollouts(built map[addr.Address]*draft, made map[addr.Address][]maker) {
	if p.options.Destroy || len(p.config.Rollouts) == 0 || len(made) == 0 {
		return
	}
	before := map[addr.Address][]addr.Address{} // the steps before an application's, of its rollout
	for _, rollout := range p.config.Rollouts {
		var earlier []addr.Address
		for _, step := range rollout.Steps {
			for _, address := range step.Applications {
				before[address] = earlier
			}
			if len(step.Applications) > 0 {
				earlier = step.Applications
			}
		}
	}
	waits := func(from, to addr.Address, rollouts bool) bool {
		seen := map[addr.Address]bool{}
		var visit func(at addr.Address) bool
		visit = func(at addr.Address) bool {
			d := built[at]
			if at == to || d == nil || d.leaves() || seen[at] {
				return at == to
			}
			seen[at] = true
			return slices.ContainsFunc(d.app.DependsOn, func(on lang.Dependency) bool { return visit(on.Address) }) ||
				slices.ContainsFunc(made[at], func(m maker) bool { return visit(m.by) }) ||
				rollouts && slices.ContainsFunc(before[at], visit)
		}
		return visit(from)
	}
	for _, d := range p.drafts {
		for _, m := range made[d.address] {
			if d.failed() || d.leaves() || !waits(m.by, d.address, true) || waits(m.by, d.address, false) {
				continue
			}
			what := "a kind of its objects is defined"
			if m.namespace != "" {
				what = fmt.Sprintf("namespace %q is made", m.namespace)
			}
			d.blocked = append(d.blocked, plan.Problem{
				Address: d.address, Summary: "Made too late by its rollout", Range: rangeText(d.appRange()),
				Detail: fmt.Sprintf("Its rollout is in its way: %s by %s, which the rollout moves only after it, so that each would wait for the other. Have it made by an application of the same step, of an earlier one, or of no rollout.", what, m.by),
			})
			break
		}
	}
}

// stuck returns the first application of a rollout that cannot be applied, and its step;
// zero where all can.
func (p *planning) stuck(rollout *govern.Rollout, built map[addr.Address]*draft) (addr.Address, int) {
	for i, step := range rollout.Steps {
		for _, address := range step.Applications {
			d, planned := built[address]
			if planned && len(d.blocked) > 0 || !planned && p.missing(address) {
				return address, i
			}
		}
	}
	return addr.Address{}, 0
}

// byStep sorts those of some drafts that are in a rollout by its steps, in the places that
// they have: of what several could make, the first to move is to make it.
func byStep(drafts []*draft, rollouts []*govern.Rollout) []*draft {
	out := slices.Clone(drafts)
	for _, rollout := range rollouts {
		steps := map[addr.Address]int{}
		for i, step := range rollout.Steps {
			for _, address := range step.Applications {
				steps[address] = i
			}
		}
		var places []int
		var members []*draft
		for i, d := range out {
			if _, ok := steps[d.address]; ok {
				places, members = append(places, i), append(members, d)
			}
		}
		slices.SortStableFunc(members, func(a, b *draft) int { return cmp.Compare(steps[a.address], steps[b.address]) })
		for i, place := range places {
			out[place] = members[i]
		}
	}
	return out
}

// gatekeepers returns the applications without changes that what moves after them in a
// rollout waits for.
func gatekeepers(p *plan.Plan) []int {
	var out []int
	for _, rollout := range p.Rollouts {
		changes := func(i int) bool { return p.Applications[i].HasChanges() }
		last := len(rollout.Steps) - 1
		for last >= 0 && !slices.ContainsFunc(rollout.Steps[last].Applications, changes) {
			last--
		}
		for _, step := range rollout.Steps[:max(last, 0)] {
			for _, i := range step.Applications {
				if !changes(i) {
					out = append(out, i)
				}
			}
		}
	}
	return out
}
