package view_test

import (
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// rolloutExample is a canary, and what moves after it and after each other.
func rolloutExample() *plan.Plan {
	canary := web(change(plan.Create, "ConfigMap", "podinfo"))
	canary.Lasted = 40 * time.Second
	p := base(canary)
	for i, name := range []string{"webs-a", "webs-b", "webs-c"} {
		next := canary
		next.Address, next.Name, next.Lasted = addr.Application(name), name, time.Duration(i+1)*time.Minute
		p.Applications = append(p.Applications, next)
	}
	for i := range p.Applications {
		p.Steps = append(p.Steps, plan.Step{Kind: plan.StepWrite, Application: i, Needs: map[int][]int{2: {1}, 3: {1}}[i]})
	}
	p.Rollouts = []plan.Rollout{{Address: addr.Address{Kind: "rollout", Name: "web"}, Steps: []plan.RolloutStep{
		{Applications: []int{0}, Bake: 10 * time.Minute}, {Applications: []int{1, 2, 3}, MaxUpdate: 2}, {Applications: []int{}},
	}}}
	return p
}

// unsettledExample has nothing to change, and an application that did not become healthy.
func unsettledExample() *plan.Plan {
	a := web(change(plan.Unchanged, "Deployment.apps", "podinfo"))
	a.Failed = &plan.Failure{At: noon.Add(-time.Hour), Outcome: "failed", Message: "Deployment.apps web/podinfo: is not healthy:\nno pod can be scheduled.", Resumable: true}
	return base(a)
}

// heldExample has an application that a person holds, one that goes back to what it was,
// and one whose hold ends.
func heldExample() *plan.Plan {
	recolour := func() plan.Change {
		return change(plan.Update, "ConfigMap", "settings", changed("data.colour", "blue", "red"))
	}
	held := web(recolour())
	held.Held = &plan.Hold{Address: held.Address, Reason: "the database moves", By: "alice@laptop", Since: noon.Add(-time.Hour), Until: noon.Add(24 * time.Hour)}
	back := web(recolour())
	back.Address = addr.Application("web").Instance("staging")
	back.Rollback = &plan.Rollback{From: 7, To: 5, Config: "sha256:abc"}
	free := web(recolour())
	free.Address = addr.Application("web").Instance("test")
	free.Lifts = &plan.Hold{Address: free.Address, Reason: "rolled back from revision 7 to 5", By: "alice@laptop", Since: noon.Add(-time.Hour), Rollback: true}
	return base(held, back, free)
}
