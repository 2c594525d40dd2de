package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// policing is the policies that an apply judges by: the plan's, and those of its guards.
type policing struct {
	set    *policy.Set
	guards *Guards
}

// policies makes ready what an apply judges by. A policy that cannot be used is a reason
// to apply nothing.
func policiesOf(p *plan.Plan, guards *Guards) (policing, hcl.Diagnostics) {
	all := p.Policies
	if guards != nil {
		all = slices.Clone(guards.Policies)
		for _, one := range p.Policies {
			if !slices.ContainsFunc(guards.Policies, func(g plan.Policy) bool { return samePolicy(&g, &one) }) {
				all = append(all, one)
			}
		}
	}
	set, errs := policy.Compile(all)
	if len(errs) > 0 {
		texts := make([]string, len(errs))
		for i, err := range errs {
			texts[i] = err.Error()
		}
		return policing{}, refusal(fmt.Sprintf("Its policies cannot be asked, and what cannot be judged is denied. %s.", strings.Join(texts, "; ")))
	}
	return policing{set, guards}, nil
}

// samePolicy reports whether two policies are the same rule.
func samePolicy(a, b *plan.Policy) bool {
	left, errLeft := canonical(a)
	right, errRight := canonical(b)
	return errLeft == nil && errRight == nil && left == right
}

// canonical is a policy's JSON with its members in order, those of expressions too.
func canonical(p *plan.Policy) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return "", err
	}
	text, err = json.Marshal(plain)
	return string(text), err
}

// police judges what the plan does to one cluster, before anything is sent to it: an
// application with a change that violates a policy is left out, unless the policy wants an
// approval, and there is one.
func (a *applying) police(ctx context.Context, s *session, apps []*progress) {
	if a.policing.set.Empty() {
		return
	}
	set := a.policing.set
	var cases, overlay []policy.Case
	var of []*progress
	for _, p := range apps {
		app := a.policed(p)
		for i := range p.app.Changes {
			c := &p.app.Changes[i]
			applies := set.Applies(app, c)
			if !applies && (!set.AsksClusters() || !c.Action.Changes()) && c.ID.GroupKind() != namespaceKind {
				continue
			}
			one := a.policyCase(ctx, p, app, i)
			overlay = append(overlay, one)
			if applies && !p.isSkipped() {
				cases, of = append(cases, one), append(of, p)
			}
		}
	}
	if len(cases) == 0 {
		return
	}
	world, err := a.engine.policyWorld(ctx, s, set, overlay)
	var results [][]plan.PolicyResult
	if err == nil {
		results, err = set.Judge(ctx, cases, world, a.engine.options.Now())
	}
	if err != nil {
		for _, p := range slices.Compact(of) {
			p.skip(fmt.Sprintf("policies cannot be asked, and what cannot be judged is denied: %s", err))
		}
		return
	}
	again := a.hearAgain(ctx, cases, results, of)
	if len(again) > 0 {
		some := make([]policy.Case, len(again))
		for k, i := range again {
			some[k] = cases[i]
		}
		judged, err := set.Judge(ctx, some, world, a.engine.options.Now())
		if err == nil {
			for k, i := range again {
				results[i] = judged[k]
			}
		}
	}
	reasons := map[*progress][]plan.PolicyResult{}
	for i, found := range results {
		reasons[of[i]] = append(reasons[of[i]], found...)
	}
	for p, found := range reasons {
		if why := violationsText(found); why != "" {
			p.skip(why)
		} else if why := a.lacksApproval(ctx, p, found); why != "" {
			a.protected.leaveOut(p.app.Address)
			p.skip(why)
		}
	}
}

// hearAgain asks the server what objects come to that violate a policy as they are sent:
// what it fills in may be what the policy asks for, as it was when the plan was made. It
// returns which cases have another object since.
func (a *applying) hearAgain(ctx context.Context, cases []policy.Case, results [][]plan.PolicyResult, of []*progress) []int {
	var ask []int
	for i, found := range results {
		c := cases[i].Change
		if c.Predicted || c.Method != "" || c.Action != plan.Create && c.Action != plan.Update && c.Action != plan.Adopt {
			continue
		}
		if slices.ContainsFunc(found, func(r plan.PolicyResult) bool { return r.Blocks() || r.NeedsApproval() }) {
			ask = append(ask, i)
		}
	}
	answers := make([]object.Object, len(ask))
	parallel(ctx, a.engine.options.Parallelism, len(ask), func(k int) {
		p, c := of[ask[k]], cases[ask[k]].Change
		if c.Target() == nil || len(c.Sealed) > 0 && c.Secret == nil {
			return
		}
		request := p.applyRequest(c)
		request.DryRun = true
		if have := p.liveOf(c); have != nil {
			request.UID = have.UID()
		} else {
			request.New = true
		}
		answer, err := p.session.cluster.Apply(ctx, request)
		if err == nil {
			answers[k] = answer.Object
		}
	})
	var out []int
	for k, i := range ask {
		if answers[k] != nil {
			cases[i].After, _ = a.engine.differ.Redact(answers[k])
			out = append(out, i)
		}
	}
	return out
}

// policyCase is the i-th change of an application as policies see it.
func (a *applying) policyCase(ctx context.Context, p *progress, app *policy.Application, i int) policy.Case {
	c := &p.app.Changes[i]
	out := policy.Case{Application: app, Change: c, Asked: c.Validation == plan.ServerDryRun}
	have := p.seen(i)
	out.Before, _ = a.engine.differ.Redact(have)
	out.After, _ = a.engine.differ.Redact(a.engine.foreseen(ctx, p.session, c, have))
	return out
}

// policed is the application as policies see it. What the guards know of it and of its
// cluster counts, whatever the plan says.
func (a *applying) policed(p *progress) *policy.Application {
	out := &policy.Application{
		Address: p.app.Address, Name: p.app.Name, Project: p.app.Project, Namespace: p.app.Namespace, Labels: p.app.Labels, Info: p.app.Info,
		Cluster: policy.Cluster{Name: p.session.name, Server: p.session.info.Server},
	}
	for i := range a.plan.Clusters {
		if c := &a.plan.Clusters[i]; c.Name == p.session.name {
			out.Cluster.Labels, out.Cluster.Annotations = c.Labels, c.Annotations
		}
	}
	guards := a.policing.guards
	if guards == nil {
		return out
	}
	if project, known := guards.Applications[p.app.Address]; known {
		out.Project = project
	}
	if c, known := guards.Clusters[p.session.name]; known {
		out.Cluster.Labels, out.Cluster.Annotations = c.Labels, c.Annotations
	}
	return out
}

// violationsText says why policies do not allow an application to be applied; empty where
// they do.
func violationsText(results []plan.PolicyResult) string {
	var parts []string
	for _, same := range violations(results) {
		part := fmt.Sprintf("%s: %s", same[0].Object, violated(same[0]))
		if more := len(same) - 1; more > 0 {
			part += fmt.Sprintf(" (and %d more)", more)
		}
		if at := same[0].Range; at != "" {
			part += fmt.Sprintf(", by the rule at %s", at)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return "it violates policies: " + several(parts, mostReasons)
}
