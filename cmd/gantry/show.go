package main

import "github.com/spf13/cobra"

func newShow(c *cli) *cobra.Command {
	var shown viewOptions
	var trust readingOptions
	command := &cobra.Command{
		Use:   "show PLANFILE",
		Short: "Show a saved plan",
		Long: `Shows what "gantry plan --out" wrote, as plan showed it. Neither a cluster nor the
configuration is read, and the values of Secrets are not in what is shown. Who made the plan is not asked: that is "gantry verify".`,
		Example: `  gantry show next.gantryplan
  gantry show --json next.gantryplan | jq '.applications[].digest'
  gantry show next.gantryplan --html plan.html
  gantry show next.gantryplan --markdown - --budget 30000`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := shown.reports.check(c, cmd.CommandPath()); err != nil {
				return err
			}
			saved, err := c.openPlan(cmd.Context(), args[0], trust)
			if err != nil {
				return err
			}
			return c.showPlan(saved.Plan, shown, false)
		},
		ValidArgsFunction: planFileCompletions,
	}
	shown.register(command)
	shown.registerReports(command)
	trust.registerIdentity(command)
	return command
}
