package main

import (
	"context"
	"fmt"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan"
)

// applyRefreshed plans anew what a saved plan is about, and applies what is still the
// same.
func (c *cli) applyRefreshed(ctx context.Context, file string, in *inputs, options workOptions, trust readingOptions) error {
	saved, err := c.openPlan(ctx, file, trust)
	if err != nil {
		return err
	}
	if act := saved.Plan.Act; act != nil {
		return failure("Plan cannot be applied", fmt.Errorf("%s: it is of %s, and nothing of the configuration is in it that could be planned anew: apply it without --refresh", file, act))
	}
	options.targets = saved.Plan.Targets
	if selected := saved.Plan.Selected; selected != nil {
		options.resources, options.label = selected.Resources, selected.Labels
	}
	if options.allowDestroyed.value == nil {
		options.allowDestroyed.value = saved.Plan.AllowDestroyed
	}
	options.right = access.Apply
	if saved.Plan.Destroy {
		options.right = access.Destroy
	}
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	if lineage := w.state.records.Lineage(); lineage != saved.Plan.Lineage {
		return failure("Plan cannot be applied", fmt.Errorf("%s: it was made from another state: the plan's lineage is %s, this state's is %s", file, saved.Plan.Lineage, lineage))
	}
	made, err := w.plan(ctx, saved.Plan.Destroy)
	if made == nil {
		return err
	}
	if refreshErr := w.applyAsSaved(ctx, saved.Plan, made); refreshErr != nil {
		return refreshErr
	}
	return w.partly(err) // what planning could not plan is still an error
}

func (w *work) applyAsSaved(ctx context.Context, saved, made *plan.Plan) error {
	refreshed, diags := engine.Refresh(saved, made)
	w.cli.printDiagnostics(w.files, diags)
	if err := w.apply(ctx, refreshed); err != nil {
		return err
	}
	return w.partly(failed(diags))
}
