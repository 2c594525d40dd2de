package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completer completes one word.
type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// complete says how a flag's value is completed.
func complete(command *cobra.Command, flag string, with completer) {
	if err := command.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(fmt.Sprintf("completion of --%s: %v. This is a bug in gantry.", flag, err))
	}
}

func fixedCompletions(words ...string) completer {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// directoryCompletions offers directories.
func directoryCompletions(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// planFileCompletions offers plan files.
func planFileCompletions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"gantryplan"}, cobra.ShellCompDirectiveFilterFileExt
}

// targetCompletions offers the addresses of applications: blocks, and where
// that needs no repository their instances.
func (c *cli) targetCompletions() completer {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.knownApplications(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// variableCompletions offers "name=" for each variable.
func (c *cli) variableCompletions() completer {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.knownVariables(cmd.Context()), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}
