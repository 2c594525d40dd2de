package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
)

// placeInRollouts finds for each application of a rollout the first step that it matches,
// and checks that the order of the steps can be kept.
func (f *finisher) placeInRollouts() {
	c := f.config
	apps := make(map[addr.Address]*Application, len(c.Applications))
	for _, app := range c.Applications {
		apps[app.Address] = app
	}
	in := map[addr.Address]*govern.Rollout{}
	for _, rollout := range c.Rollouts {
		for _, address := range rollout.Applications {
			app := apps[address]
			if other := in[address]; other != nil {
				f.diags = append(f.diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: "Application in two rollouts", Subject: rollout.Range.Ptr(),
					Detail: fmt.Sprintf("%s belongs to %s already, and can move in one rollout only. Take it out of one of them.", address, other.Address),
				})
				continue
			}
			in[address] = rollout
			if app != nil { // else it is not there for a reason that is told elsewhere
				f.placeInStep(rollout, app)
			}
		}
	}
	f.checkRolloutOrder(apps)
}

func (f *finisher) placeInStep(rollout *govern.Rollout, app *Application) {
	values, err := late.Rollout.Values(map[string]cty.Value{"app": rolloutValue(app)})
	if err != nil {
		f.diags = append(f.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Step cannot be told", Subject: rollout.Range.Ptr(), Detail: fmt.Sprintf("%s: %s. This is a bug in gantry.", app.Address, err)})
		return
	}
	for i := range rollout.Steps {
		step := &rollout.Steps[i]
		belongs := step.Match.IsZero()
		if !belongs {
			var diags hcl.Diagnostics
			if belongs, diags = step.Match.True(values); diags.HasErrors() {
				for _, diag := range diags {
					diag.Detail = fmt.Sprintf("For %s: %s", app.Address, diag.Detail)
				}
				f.diags = append(f.diags, diags...)
				return
			}
		}
		if belongs {
			step.Applications = append(step.Applications, app.Address)
			return
		}
	}
	f.diags = append(f.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Application in no step", Subject: rollout.Range.Ptr(),
		Detail: fmt.Sprintf("%s belongs to %s, and no step of it matches. Add a step without match as the last one, for all that are left.", app.Address, rollout.Address),
	})
}

// rolloutValue is what expressions of a rollout know of an application.
func rolloutValue(app *Application) cty.Value {
	project, server := cty.NullVal(cty.String), cty.NullVal(cty.String)
	if app.Project != nil {
		project = cty.StringVal(app.Project.Name)
	}
	attributes := map[string]cty.Value{
		"address": cty.StringVal(app.Address.String()), "name": cty.StringVal(app.Name), "namespace": cty.StringVal(app.Destination.Namespace),
		"project": project, "labels": stringsValue(app.Labels), "info": stringsValue(app.Info),
	}
	if cluster := app.Destination.Cluster; cluster != nil {
		if cluster.Connection.Server != "" {
			server = cty.StringVal(cluster.Connection.Server)
		}
		attributes["cluster"] = cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(cluster.Name), "server": server,
			"labels": stringsValue(cluster.Labels), "annotations": stringsValue(cluster.Annotations),
		})
	}
	return cty.ObjectVal(attributes)
}

func stringsValue(m map[string]string) cty.Value {
	if len(m) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	values := make(map[string]cty.Value, len(m))
	for key, text := range m {
		values[key] = cty.StringVal(text)
	}
	return cty.MapVal(values)
}

// rolloutOrder finds applications that would wait for each other: by what they depend
// on, and by the steps of rollouts.
type rolloutOrder struct {
	apps  map[addr.Address]*Application
	steps map[addr.Address]rolloutStep
	state map[any]int // 1: on the path, 2: done
	path  []any       // addresses, and the rolloutSteps that they wait for to be over
	found func(cycle []any)
}

// rolloutStep is a step of a rollout, counted from 0. As something to wait for it is that
// all the steps before it are over.
type rolloutStep struct {
	rollout *govern.Rollout
	step    int
}

func (f *finisher) checkRolloutOrder(apps map[addr.Address]*Application) {
	o := &rolloutOrder{apps: apps, steps: map[addr.Address]rolloutStep{}, state: map[any]int{}}
	for _, rollout := range f.config.Rollouts {
		for i := range rollout.Steps {
			for _, address := range rollout.Steps[i].Applications {
				o.steps[address] = rolloutStep{rollout, i}
			}
		}
	}
	told := map[*govern.Rollout]bool{}
	o.found = func(cycle []any) {
		for _, at := range cycle {
			if step, ok := at.(rolloutStep); ok && !told[step.rollout] {
				told[step.rollout] = true
				f.diags = append(f.diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: "Dependency against the order of a rollout", Subject: step.rollout.Steps[step.step].Range.Ptr(),
					Detail: fmt.Sprintf("These wait for each other: %s. Put an application into the same step as what depends on it, or into an earlier one.", cycleText(cycle)),
				})
				return
			}
		}
	}
	for _, app := range f.config.Applications {
		if _, member := o.steps[app.Address]; member {
			o.visit(app.Address)
		}
	}
}

// visit looks for cycles from an address or a rolloutStep on.
func (o *rolloutOrder) visit(at any) {
	switch o.state[at] {
	case 1:
		o.found(o.path[slices.Index(o.path, at):])
		return
	case 2:
		return
	}
	o.state[at] = 1
	o.path = append(o.path, at)
	switch at := at.(type) {
	case addr.Address:
		if app := o.apps[at]; app != nil {
			for _, dependency := range app.DependsOn {
				o.visit(dependency.Address)
			}
		}
		if step, ok := o.steps[at]; ok && step.step > 0 {
			o.visit(step)
		}
	case rolloutStep:
		for _, address := range at.rollout.Steps[at.step-1].Applications {
			o.visit(address)
		}
		if at.step > 1 {
			o.visit(rolloutStep{at.rollout, at.step - 1})
		}
	}
	o.path = o.path[:len(o.path)-1]
	o.state[at] = 2
}

// cycleText says who waits for whom.
func cycleText(cycle []any) string {
	// It begins with an application, so that each step is between two.
	if _, ok := cycle[0].(rolloutStep); ok {
		cycle = append(slices.Clone(cycle[1:]), cycle[0])
	}
	var parts []string
	for i := 0; i < len(cycle); {
		from, step := cycle[i].(addr.Address), (*rolloutStep)(nil)
		for i++; i < len(cycle); i++ {
			next, ok := cycle[i].(rolloutStep)
			if !ok {
				break
			}
			if step == nil {
				step = &next
			}
		}
		to, _ := cycle[i%len(cycle)].(addr.Address)
		if step != nil {
			parts = append(parts, fmt.Sprintf("%s, in step %d of %s, waits for %s, in a step before it", from, step.step+1, step.rollout.Address, to))
		} else {
			parts = append(parts, fmt.Sprintf("%s depends on %s", from, to))
		}
	}
	return strings.Join(parts, "; ")
}
