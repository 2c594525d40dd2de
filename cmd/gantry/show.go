package main

import "github.com/spf13/cobra"

func newShow(c *cli) *cobra.Command {
	var shown viewOptions
	var trust readingOptions
	var asComment bool
	command := &cobra.Command{
		Use:   "show PLANFILE",
		Short: "Show a saved plan",
		Long: `Shows what "gantry plan --out" wrote, as plan showed it. Neither a cluster nor the
configuration is read, and the values of Secrets are not in what is shown. Who made the plan is not asked: that is "gantry verify".`,
		Example: `  gantry show next.gantryplan
  gantry show --json next.gantryplan | jq '.applications[].digest'
  gantry show next.gantryplan --html plan.html
  gantry show next.gantryplan --markdown - --budget 30000
  gantry show --comment next.gantryplan`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := shown.reports.check(c, cmd.CommandPath()); err != nil {
				return err
			}
			saved, err := c.openPlan(cmd.Context(), args[0], trust)
			if err != nil {
				return err
			}
			if asComment {
				return c.showComment(saved.Plan, shown.reports.budget)
			}
			return c.showPlan(saved.Plan, shown, false)
		},
		ValidArgsFunction: planFileCompletions,
	}
	shown.register(command)
	shown.registerReports(command)
	trust.registerIdentity(command)
	command.Flags().BoolVar(&asComment, "comment", false, "print what \"gantry comment\" would write, in at most --budget bytes")
	for _, other := range []string{"summary", "full", "steps", "html", "markdown"} {
		command.MarkFlagsMutuallyExclusive("comment", other)
	}
	return command
}
