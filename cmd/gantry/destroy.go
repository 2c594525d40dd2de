package main

import "github.com/spf13/cobra"

func newDestroy(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var approved bool
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Delete what was applied",
		Long: `Plans the end of every application, or of the targets, shows the plan, asks, and
carries it out: dependents first, objects in the reverse of the order in which they
were made. Only what the state says that Gantry made or adopted is deleted;
on_destroy, prevent_destroy, max_destroyed and annotations that keep an object are
heeded. What goes with the objects is counted and named: what they own, what is in
their namespaces, and volumes with their data.

To review it first: gantry plan --destroy --out end.gantryplan

Where the protection of the branch asks for approvals, nobody can have approved this in a
pull request: remove the blocks from the configuration instead, or go past it with
--override-approval and a --reason, which needs the right to override.`,
		Example: `  gantry destroy
  gantry destroy --target 'application.web["staging"]'`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.planAndApply(cmd.Context(), &in, work, planned{
				destroy: true, approved: approved, question: "Delete all of this?",
			})
		},
	}
	in.register(c, command)
	work.register(c, command)
	work.registerAllowDestroyed(command)
	work.confirm.register(command)
	work.registerInFlight(command)
	work.registerReport(command)
	work.registerLocking(command)
	work.windows.register(command)
	work.approving.registerOverride(command)
	command.Flags().BoolVar(&approved, "auto-approve", false, "do not ask")
	return command
}
