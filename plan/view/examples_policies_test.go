package view_test

import (
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// policiesExample has policies that deny, want an approval, warn and are exempt: of
// expressions, and of Kubernetes.
func policiesExample() *plan.Plan {
	rollout := change(plan.Update, "Deployment.apps", "podinfo", changed("spec.template.spec.containers[name=app].image", "example.com/podinfo:6.7.1", "example.com/podinfo:latest"))
	service := change(plan.Create, "Service", "podinfo")
	a := web(rollout, service)
	result := func(policy, rule string, enforcement plan.PolicyEnforcement, c plan.Change, message string) plan.PolicyResult {
		return plan.PolicyResult{Policy: policy, Rule: rule, Enforcement: enforcement, Object: c.ID, Action: c.Action, Message: message, Range: "policies.gantry.hcl:3,1"}
	}
	denied := result("policy.no_latest_tag", "", plan.PolicyDeny, rollout, "podinfo runs a :latest image")
	denied.Source = "web/deployment.yaml:1"
	approve := result("policy.public_services", "", plan.PolicyApprove, service, "podinfo is reached from everywhere")
	warned := result("policy.admission", "replicas", plan.PolicyWarn, rollout, "object.spec.replicas must be no greater than 5")
	warned.Binding = "everywhere"
	exempt := result("policy.probes", "", plan.PolicyDeny, rollout, "podinfo has no readiness probe")
	exempt.Exempt, exempt.Until, exempt.Range = "it is replaced in March", time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), "policies.gantry.hcl:14,3"
	approve.Approvals = &plan.PolicyApprovals{Count: 1}
	a.Policies = []plan.PolicyResult{denied, warned, exempt, approve}
	a.Blocked = []plan.Problem{
		{Address: a.Address, Object: &rollout.ID, Summary: plan.PolicyViolated, Detail: "policy.no_latest_tag: podinfo runs a :latest image (rendered from web/deployment.yaml:1)", Range: "web.gantry.hcl:3,1", Rule: "policies.gantry.hcl:3,1"},
	}
	var many []plan.Change
	for _, name := range numbered("settings", 12) {
		many = append(many, change(plan.Create, "ConfigMap", name))
	}
	shop := web(many...)
	shop.Address = addr.Application("shop")
	open := result("policy.public_services", "", plan.PolicyApprove, many[0], "settings-0 is reached from everywhere")
	open.Approvals = &plan.PolicyApprovals{Count: 2, Groups: []string{"example:security", "!example:contractors"}, NotAuthor: true}
	shop.Policies = append(shop.Policies, open)
	for _, c := range many {
		shop.Policies = append(shop.Policies, result("policy.labels", "", plan.PolicyWarn, c, c.ID.Name+" has no label \"team\"\nand should"))
	}
	return base(shop, a)
}
