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
