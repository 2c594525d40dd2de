package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// viewOptions are the flags that say how much of a plan is shown.
type viewOptions struct {
	verbose, unchanged bool
}

// register adds the flags to a command.
func (o *viewOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "show every field of what is created")
	flags.BoolVar(&o.unchanged, "show-unchanged", false, "list the objects that do not change, too")
}

// showPlan writes a plan as the command's result; errors says that what is wrong with
// it is told as diagnostics.
func (c *cli) showPlan(p *plan.Plan, options viewOptions, errors bool) error {
	if c.json {
		return view.JSON(c.out, p)
	}
	return view.Text(c.out, p, view.Options{
		Color: c.colour(c.out), Width: width(c.out), Now: time.Now(),
		Verbose: options.verbose, ShowUnchanged: options.unchanged, Errors: errors,
	})
}
