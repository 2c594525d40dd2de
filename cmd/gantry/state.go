package main

import "github.com/spf13/cobra"

func newState(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "state",
		Short: "Look at what gantry remembers, mend it, and rebuild it from the clusters",
		Long: `Looks at the state: per application, what it owns on its cluster, and what was done last.
The state is an inventory and a history. What the objects are like is asked of the clusters,
so that a lost state can be rebuilt from them.

None of these commands changes what runs.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(stateCommands(c)...)
	return command
}

// stateCommands are what "gantry state" can do.
func stateCommands(c *cli) []*cobra.Command {
	return []*cobra.Command{
		newStateList(c),
		newStateShow(c),
		newStateMove(c),
		newStateRemove(c),
		newStatePull(c),
		newStateRebuild(c),
		newStateVerify(c),
		newStateAccept(c),
		newStatePush(c),
		newStateRotate(c),
	}
}
