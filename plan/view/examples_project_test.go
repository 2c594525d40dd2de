package view_test

import (
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// projectExample has an application that its project does not allow, and objects that
// belong to none.
func projectExample() *plan.Plan {
	p := base(web(change(plan.Update, "ConfigMap", "settings", changed("data.colour", "blue", "red"))))
	quota := object.ID{Kind: "ResourceQuota", Namespace: "shop", Name: "compute"}
	p.Problems = []plan.Problem{{
		Address: addr.Application("shop"), Object: &quota, Summary: "Kind not allowed",
		Detail: `project.production denies ResourceQuota shop/compute: namespace_resources.deny has "ResourceQuota". The rule is at projects.gantry.hcl:14,3. (from shop/quota.yaml:1)`,
		Range:  "shop.gantry.hcl:3,3", Rule: "projects.gantry.hcl:14,3",
	}}
	p.Orphans = []plan.Orphaned{
		{Project: "production", Cluster: "production", ID: object.ID{Kind: "ConfigMap", Namespace: "web", Name: "left-over"}},
		{Project: "production", Cluster: "production", ID: object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "by-hand"}},
	}
	return p
}
