package main

import (
	"bytes"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// viewOptions are the flags that say how much of a plan is shown, and where else.
type viewOptions struct {
	verbose, unchanged, summary, full, steps bool

	pages   bool // the command does nothing after it shows the plan, so that it may page
	noPager bool
	reports reportOptions
}

// register adds the flags to a command.
func (o *viewOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "show every field of what is created")
	flags.BoolVar(&o.unchanged, "show-unchanged", false, "list the objects that do not change, too")
	flags.BoolVar(&o.summary, "summary", false, "show a table of applications in place of their changes")
	flags.BoolVar(&o.full, "full", false, "leave nothing out: every object, field and line, and what is the same again")
	flags.BoolVar(&o.steps, "steps", false, "show what is done in which order, and what is waited for, in place of the changes")
	command.MarkFlagsMutuallyExclusive("summary", "full")
	command.MarkFlagsMutuallyExclusive("summary", "steps")
}

// registerReports adds the flags of commands that show a plan and do no more.
func (o *viewOptions) registerReports(command *cobra.Command) {
	o.pages = true
	command.Flags().BoolVar(&o.noPager, "no-pager", false, "write to the terminal what does not fit on it, too")
	o.reports.register(command)
}

// showPlan writes a plan as the command's result, and the reports that were asked for;
// errors says that what is wrong with it is told as diagnostics.
func (c *cli) showPlan(p *plan.Plan, options viewOptions, errors bool) error {
	c.events.plan(p)
	c.heard.ofPlan(p)
	taken, err := c.writeReports(p, options.reports)
	if err != nil || taken {
		return err
	}
	if c.json {
		return view.JSON(c.out, p)
	}
	show := func(w io.Writer) error {
		how := view.Options{
			Color: c.colour(c.out), Width: width(c.out), Now: time.Now(), Summary: options.summary, Full: options.full,
			Verbose: options.verbose, ShowUnchanged: options.unchanged, Errors: errors,
		}
		if options.steps {
			return view.TextSteps(w, p, how)
		}
		return view.Text(w, p, how)
	}
	if !options.pages || options.noPager {
		return show(c.out)
	}
	var text bytes.Buffer
	if err := show(&text); err != nil {
		return err
	}
	return c.page(text.Bytes())
}
