package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// policies judges the changes of all applications that can be planned, and blocks those
// whose changes violate a policy that denies. The rules go into the plan, for apply to judge by.
func (p *planning) policies(ctx context.Context, out *plan.Plan) {
	if len(p.config.Policies) == 0 {
		return
	}
	var err error
	if out.Policies, err = policy.Rules(p.config.Policies); err != nil {
		p.unusable(p.config.Policies[0], err)
		return
	}
	set, errs := policy.Compile(out.Policies)
	for _, err := range errs {
		i := slices.IndexFunc(p.config.Policies, func(g *govern.Policy) bool { return g.Address == err.Policy.Address })
		p.unusable(p.config.Policies[i], err.Err)
	}
	if set.Empty() {
		return
	}
	byCluster := map[string][]*draft{}
	for _, d := range p.drafts {
		if !d.failed() {
			byCluster[d.session.identity()] = append(byCluster[d.session.identity()], d)
		}
	}
	groups := make([][]*draft, 0, len(byCluster))
	for _, drafts := range byCluster {
		groups = append(groups, drafts)
	}
	parallel(ctx, len(groups), len(groups), func(i int) { p.policiesIn(ctx, set, groups[i]) })
}

// unusable tells of a policy that cannot be used, and blocks everything that changes: a
// policy that cannot be asked may have denied it.
func (p *planning) unusable(g *govern.Policy, err error) {
	const summary = "Policy cannot be used"
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: err.Error(), Subject: g.Range.Ptr()})
	for _, d := range p.drafts {
		if !d.failed() && slices.ContainsFunc(d.changes, func(c plan.Change) bool { return c.Action.Changes() }) {
			d.blocked = append(d.blocked, plan.Problem{
				Address: d.address, Summary: summary, Detail: fmt.Sprintf("%s cannot be asked, so that it denies.", g.Address),
				Range: rangeText(d.appRange()), Rule: rangeText(g.Range),
			})
		}
	}
}

// policiesIn judges the applications of one cluster.
func (p *planning) policiesIn(ctx context.Context, set *policy.Set, drafts []*draft) {
	var cases []policy.Case
	var of []*draft
	var overlay []policy.Case
	for _, d := range drafts {
		app := p.policed(d)
		answers := d.answers()
		for i := range d.changes {
			c := &d.changes[i]
			applies := set.Applies(app, c)
			matters := set.AsksClusters() && c.Action.Changes() || namespaceKind == c.ID.GroupKind()
			if !applies && !matters {
				continue
			}
			one := p.policyCase(ctx, d, app, c, answers[c.ID])
			overlay = append(overlay, one)
			if applies {
				cases, of = append(cases, one), append(of, d)
			}
		}
	}
	if len(cases) == 0 {
		return
	}
	world, err := p.engine.policyWorld(ctx, drafts[0].session, set, overlay)
	var results [][]plan.PolicyResult
	if err == nil {
		results, err = set.Judge(ctx, cases, world, p.engine.options.Now())
	}
	if err != nil {
		for _, d := range slices.Compact(of) {
			d.blocked = append(d.blocked, plan.Problem{
				Address: d.address, Summary: "Policies cannot be asked", Detail: err.Error() + ". What cannot be judged is denied.", Range: rangeText(d.appRange()),
			})
		}
		return
	}
	for i, found := range results {
		of[i].policies = append(of[i].policies, found...)
	}
	for _, d := range drafts {
		d.blockViolations()
	}
}

// policyCase is a change as policies see it: what the server said it comes to, where it
// was asked. Values that nobody must see are redacted.
func (p *planning) policyCase(ctx context.Context, d *draft, app *policy.Application, c *plan.Change, answer object.Object) policy.Case {
	have := p.liveOf(d, c)
	out := policy.Case{Application: app, Change: c, Asked: c.Validation == plan.ServerDryRun}
	if answer == nil {
		answer = p.engine.foreseen(ctx, d.session, c, have)
	}
	out.Before, _ = p.engine.differ.Redact(have)
	out.After, _ = p.engine.differ.Redact(answer)
	return out
}

// foreseen is what the object of a change will be, as far as that can be told without
// asking the server: nil where it goes.
func (e *Engine) foreseen(ctx context.Context, s *session, c *plan.Change, have object.Object) object.Object {
	switch c.Action {
	case plan.Prune, plan.Forget:
		return nil
	case plan.Orphan:
		return have
	case plan.Update, plan.Adopt, plan.Create:
		switch {
		case have == nil || c.Method == plan.MethodPut:
			return c.Target()
		case c.Method == plan.MethodPatch:
			return merged(have, c.Target())
		}
		after, err := e.differ.Moved(have, c.Target(), c.Moves, s.schema(ctx, c.GVK()))
		if err != nil {
			return merged(have, c.Target())
		}
		return after
	case plan.Unchanged, plan.Remember, plan.Replace, plan.Run, plan.Blocked:
	}
	return c.Target()
}

// answers are what the server said that the objects come to, of those it was asked about.
func (d *draft) answers() map[object.ID]object.Object {
	out := map[object.ID]object.Object{}
	for _, want := range d.desired {
		if want.after != nil {
			out[want.object.ID()] = want.after
		}
	}
	return out
}

// policed is the application as policies see it.
func (p *planning) policed(d *draft) *policy.Application {
	out := &policy.Application{Address: d.address, Cluster: policy.Cluster{Name: d.session.name, Server: d.session.info.Server}}
	if d.record != nil {
		out.Name, out.Project, out.Namespace = d.record.Name, d.record.Project, d.record.Namespace
	}
	if d.app != nil {
		out.Name, out.Project, out.Namespace, out.Labels, out.Info = d.app.Name, "", d.app.Destination.Namespace, d.app.Labels, d.app.Info
		if d.app.Project != nil {
			out.Project = d.app.Project.Name
		}
	}
	if c := p.sessions.configured[d.session.name]; c != nil {
		out.Cluster.Labels, out.Cluster.Annotations = c.Labels, c.Annotations
	}
	return out
}

// mostViolations is how many violations of one policy by one application are told one by
// one, where they say why it is blocked.
const mostViolations = 3

// blockViolations blocks the application for what violates a policy.
func (d *draft) blockViolations() {
	for _, same := range violations(d.policies) {
		problem := plan.Problem{Address: d.address, Summary: plan.PolicyViolated, Range: rangeText(d.appRange()), Rule: same[0].Range}
		if len(same) > mostViolations {
			problem.Detail = fmt.Sprintf("%d changes do: %s: %s", len(same), same[0].Object, violated(same[0]))
			d.blocked = append(d.blocked, problem)
			continue
		}
		for _, r := range same {
			problem.Object = &r.Object
			problem.Detail = violated(r)
			d.blocked = append(d.blocked, problem)
		}
	}
}

// violations are the results that block, by policy in the order of the first of each.
func violations(results []plan.PolicyResult) [][]*plan.PolicyResult {
	var out [][]*plan.PolicyResult
	at := map[string]int{}
	for i := range results {
		r := &results[i]
		if !r.Blocks() {
			continue
		}
		n, known := at[r.Name()]
		if !known {
			n = len(out)
			at[r.Name()] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], r)
	}
	return out
}

// violated says what is wrong, for who has to mend it.
func violated(r *plan.PolicyResult) string {
	detail := fmt.Sprintf("%s: %s", r.Name(), r.Message)
	if r.Source != "" {
		detail += fmt.Sprintf(" (rendered from %s)", r.Source)
	}
	return detail
}
