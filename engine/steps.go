package engine

import (
	"slices"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// steps lays out what apply does. Within an application the stages follow each
// other, each closed by a wait that the next one needs; so the number of edges
// grows with the number of objects, not with its square. Applications follow what
// they depend on, and leave before it.
func steps(p *plan.Plan, stages map[addr.Address][]order.Stage, made map[addr.Address][]maker) []plan.Step {
	edges := follows(p)
	depends := make([][]int, len(edges)) // without the makers of namespaces alone: these need one step, not the whole
	for i := range edges {
		depends[i] = slices.Clone(edges[i])
	}
	withMakers(edges, p, made)
	sequence := plan.Sequence(edges)
	b := &stepBuilder{plan: p, namespaces: namespaceSteps{}, last: make([]int, len(p.Applications)), awaited: awaited(p, edges, sequence)}
	for _, i := range gatekeepers(p) {
		b.awaited[i] = true
	}
	for _, i := range sequence {
		var needs []int
		for _, other := range edges[i] {
			if b.last[other] > 0 && (slices.Contains(depends[i], other) || definesFor(made[p.Applications[i].Address], p.Applications[other].Address)) {
				needs = append(needs, b.last[other]-1)
			}
		}
		for _, m := range made[p.Applications[i].Address] {
			if step, ok := b.namespaces[[2]string{m.by.String(), m.namespace}]; ok {
				needs = append(needs, step)
			}
		}
		b.application(i, stages[p.Applications[i].Address], needs)
	}
	return b.steps
}

// definesFor reports whether an application defines a kind for another.
func definesFor(made []maker, by addr.Address) bool { return slices.Contains(made, maker{by: by}) }

type stepBuilder struct {
	plan  *plan.Plan
	steps []plan.Step
	// last is, by application, one more than the index of the step that ends it; 0 where it has none.
	last []int
	// awaited tells, by application, that something which changes comes after it, or waits
	// for it in a rollout.
	awaited    []bool
	namespaces namespaceSteps
}

func (b *stepBuilder) add(step plan.Step) int {
	b.steps = append(b.steps, step)
	return len(b.steps) - 1
}

// application adds the steps of one application.
func (b *stepBuilder) application(i int, stages []order.Stage, needs []int) {
	app := &b.plan.Applications[i]
	if app.IsBlocked() || b.plan.Offline {
		return
	}
	if !app.HasChanges() {
		if !b.awaited[i] {
			return
		}
		// Nothing to do, but who depends on it waits until it is healthy.
		there := slices.DeleteFunc(indices(len(app.Changes)), func(change int) bool { return isForLeaving(app.Changes[change].Phase) })
		b.last[i] = b.add(plan.Step{Kind: plan.StepWait, Application: i, Changes: there, Needs: needs}) + 1
		return
	}
	waited := map[int]bool{}
	last := plan.Step{Kind: plan.StepWait, Application: i}
	for s := range stages {
		stage := &stages[s]
		if stage.Phase == plan.PhaseSyncFail {
			continue
		}
		writes := b.stage(i, stage, plan.OnSuccess, needs)
		await := b.written(app, stage.Await)
		if len(writes) == 0 && len(await) == 0 {
			continue
		}
		if len(writes) == 0 {
			writes = needs
		}
		for _, change := range await {
			waited[change] = true
		}
		last.Phase, last.Wave = stage.Phase, stage.Wave
		needs = []int{b.add(plan.Step{Kind: plan.StepWait, Application: i, Changes: await, Needs: writes, Phase: stage.Phase, Wave: stage.Wave})}
	}
	// Stages wait for what the next one needs; the application is done when the rest
	// is healthy too.
	rest := slices.DeleteFunc(b.written(app, indices(len(app.Changes))), func(change int) bool {
		return waited[change] || app.Changes[change].Phase == plan.PhaseSyncFail
	})
	if len(rest) > 0 {
		last.Changes, last.Needs = rest, needs
		needs = []int{b.add(last)}
	}
	needs = []int{b.add(plan.Step{Kind: plan.StepRecord, Application: i, Needs: needs})}
	b.last[i] = needs[0] + 1
	b.failure(i, stages, needs)
}

// stage adds what one stage writes and deletes, and returns those steps.
func (b *stepBuilder) stage(i int, stage *order.Stage, on plan.StepOn, needs []int) []int {
	app := &b.plan.Applications[i]
	var out []int
	for _, change := range stage.Items {
		step := plan.Step{Kind: plan.StepWrite, Application: i, Change: change, Needs: needs, On: on, Phase: stage.Phase, Wave: stage.Wave}
		switch action := app.Changes[change].Action; {
		case action == plan.Prune || action == plan.Orphan:
			step.Kind = plan.StepDelete
			out = append(out, b.add(step))
		case action.Changes():
			at := b.add(step)
			b.namespaces.note(app, &app.Changes[change], at)
			out = append(out, at)
		}
	}
	return out
}

// failure adds the hooks of SyncFail, which are taken once the application is over, if
// something of it has failed. Each stage is waited for, however the one before ended.
func (b *stepBuilder) failure(i int, stages []order.Stage, needs []int) {
	for s := range stages {
		stage := &stages[s]
		if stage.Phase != plan.PhaseSyncFail {
			continue
		}
		if writes := b.stage(i, stage, plan.OnFailure, needs); len(writes) > 0 {
			needs = []int{b.add(plan.Step{
				Kind: plan.StepWait, Application: i, Changes: b.written(&b.plan.Applications[i], stage.Items), Needs: writes,
				On: plan.OnFailure, Phase: stage.Phase, Wave: stage.Wave,
			})}
		}
	}
}

// isForLeaving reports whether hooks of a phase are for when their application leaves.
func isForLeaving(phase plan.Phase) bool {
	return phase == plan.PhasePreDelete || phase == plan.PhasePostDelete
}

// written returns those of an application's changes that leave an object behind:
// what was not written need not be waited for.
func (b *stepBuilder) written(app *plan.Application, changes []int) []int {
	var out []int
	for _, change := range changes {
		if action := app.Changes[change].Action; action.Changes() && action != plan.Prune && action != plan.Orphan {
			out = append(out, change)
		}
	}
	return out
}

// follows returns for each application those that it comes after: what it
// depends on, or for one that leaves, what leaves and depends on it.
func follows(p *plan.Plan) [][]int {
	index := make(map[addr.Address]int, len(p.Applications))
	for i := range p.Applications {
		index[p.Applications[i].Address] = i
	}
	edges := make([][]int, len(p.Applications))
	for i := range p.Applications {
		for _, address := range p.Applications[i].DependsOn {
			j, ok := index[address]
			switch {
			case !ok || j == i || p.Applications[i].Leaves != p.Applications[j].Leaves:
			case p.Applications[i].Leaves:
				edges[j] = append(edges[j], i)
			default:
				edges[i] = append(edges[i], j)
			}
		}
	}
	return edges
}

// awaited tells of each application whether one that changes comes after it,
// however far.
func awaited(p *plan.Plan, edges [][]int, sequence []int) []bool {
	out := make([]bool, len(edges))
	for _, i := range slices.Backward(sequence) {
		if p.Applications[i].HasChanges() || out[i] {
			for _, other := range edges[i] {
				out[other] = true
			}
		}
	}
	return out
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
