package main

import (
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan/planfile"
)

func newShow(c *cli) *cobra.Command {
	var shown viewOptions
	command := &cobra.Command{
		Use:   "show PLANFILE",
		Short: "Show a saved plan",
		Long: `Shows what "gantry plan --out" wrote, as plan showed it. Neither a cluster nor the
configuration is read, and the values of Secrets are not in what is shown.`,
		Example: `  gantry show next.gantryplan
  gantry show --json next.gantryplan | jq '.applications[].digest'`,
		Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			saved, err := planfile.ReadFile(args[0], planfile.ReadOptions{})
			if err != nil {
				return failure("Plan file cannot be read", err)
			}
			return c.showPlan(saved.Plan, shown, false)
		},
		ValidArgsFunction: planFileCompletions,
	}
	shown.register(command)
	return command
}
