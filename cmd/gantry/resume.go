package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// resume does what is left of a plan whose apply did not finish, and nothing else: of the
// one in a file, or of the last one, which the state keeps. What is left is shown first.
func (c *cli) resume(ctx context.Context, file string, in *inputs, options workOptions, trust readingOptions, approved bool) error {
	if err := options.check(); err != nil {
		return err
	}
	w, err := c.prepare(ctx, options)
	if err != nil {
		return err
	}
	defer w.end()
	saved, err := w.loadUnfinished(ctx, file, trust)
	if err != nil {
		return err
	}
	left, diags := w.engine.Remaining(ctx, saved)
	if diags.HasErrors() {
		c.printDiagnostics(nil, diags)
		return failed(diags)
	}
	w.progress.pause()
	if err := c.showPlan(left, options.view, false); err != nil {
		return err
	}
	w.resumes, w.inputs = true, in
	if left.HasChanges() && !approved {
		question := fmt.Sprintf("This is what is left: %s of %d. Go on?", count(left.Counts().Changes(), "change"), saved.Counts().Changes())
		if err := c.confirm(ctx, withDestroyed(left, question), options.noInput); err != nil {
			return err
		}
	}
	return w.apply(ctx, saved)
}

// loadUnfinished reads the plan to resume and opens the state that it was made from.
func (w *work) loadUnfinished(ctx context.Context, file string, trust readingOptions) (*plan.Plan, error) {
	if file != "" {
		return w.loadSaved(ctx, file, trust)
	}
	named, err := w.cli.backendHere(ctx)
	if err != nil {
		return nil, err
	}
	records, err := w.cli.openExisting(ctx, w.dir, named)
	if errors.Is(err, state.ErrNoInstallation) {
		return nil, failure("Nothing to resume", errors.New("nothing was applied yet. Run gantry apply"))
	}
	if err != nil {
		return nil, failure("State cannot be opened", err)
	}
	kept, err := records.KeptPlans(ctx)
	if err != nil {
		return nil, failure("State cannot be read", err)
	}
	if len(kept) == 0 {
		return nil, failure("Nothing to resume", errors.New("the last apply came to its end, or its plan is not kept. Run gantry plan to see what there is to do"))
	}
	return w.openUnfinished(ctx, kept[0].File, named, trust)
}

// openUnfinished opens the plan file that a state keeps.
func (w *work) openUnfinished(ctx context.Context, kept []byte, named place, trust readingOptions) (*plan.Plan, error) {
	keys, err := w.cli.trusted(trust)
	if err != nil {
		return nil, failure("Plan cannot be verified", err)
	}
	read, err := w.cli.decode(ctx, kept, trust, keys)
	if errors.Is(err, planfile.ErrSignature) {
		return nil, failure("Plan is not trusted", fmt.Errorf("the plan that is to be resumed: %w", err))
	}
	if err != nil {
		return nil, failure("Plan cannot be read", fmt.Errorf("the plan that is to be resumed: %w", err))
	}
	setup, err := w.setup()
	if err != nil {
		return nil, err
	}
	if err := w.open(ctx, &setup, named, state.Existing()); err != nil {
		return nil, err
	}
	saved, err := planfile.Unseal(read.Plan, w.state.identity)
	if err != nil {
		return nil, failure("Plan cannot be opened", fmt.Errorf("the plan that is to be resumed: %w", err))
	}
	w.file = kept
	w.engine = engine.New(setup)
	return saved, nil
}

// backendHere is where the state of the configuration in this directory is.
func (c *cli) backendHere(ctx context.Context) (place, error) {
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return place{}, err
	}
	if read.config.Settings.Backend.Type == lang.UnknownBackend {
		c.printDiagnostics(read.files, diags)
		return place{}, exitCode(exitError)
	}
	return backendOf(read.config), nil
}
