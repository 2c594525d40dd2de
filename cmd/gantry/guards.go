package main

import (
	"context"
	"fmt"

	"github.com/gantrycd/gantry/engine"
)

// guards are the rules that hold where a plan is applied, beside its own: those of the
// configuration that it was just made from, or for a saved plan of the configuration that
// is in the directory, evaluated without reading any source. Nil is none. Rules that cannot
// be told are an error: a plan that they might not allow is not applied.
func (w *work) guards(ctx context.Context) (*engine.Guards, error) {
	if w.config != nil {
		return engine.GuardsOf(w.config), nil
	}
	read, diags, err := w.cli.evaluate(ctx, &inputs{}, nil)
	if err != nil {
		return nil, err
	}
	if len(read.files) == 0 || read.config == nil {
		return nil, nil // there is no configuration here
	}
	if diags.HasErrors() {
		w.cli.printDiagnostics(read.files, diags)
		return nil, failure("Rules cannot be told", fmt.Errorf("the configuration in %s has errors, so that what it allows is not known. Mend it, or apply where there is none", w.dir))
	}
	if config := read.config; len(config.Unset) > 0 && len(config.Projects)+len(config.Roles)+len(config.Policies) > 0 {
		return nil, failure("Rules cannot be told", fmt.Errorf("the variable %q of the configuration in %s has no value, so that what it allows is not known. Set it in the environment or in a file of values", config.Unset[0].Name, w.dir))
	}
	return engine.GuardsOf(read.config), nil
}
