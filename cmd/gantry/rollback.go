package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
)

func newRollback(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var out string
	var to int64
	var approved bool
	var save savingOptions
	command := &cobra.Command{
		Use:   "rollback ADDRESS",
		Short: "Take an application back to what it was",
		Long: `Plans the way back to what an application was at a revision of its history, shows the plan,
asks, and carries it out. What is applied are the objects as they were then, Secrets too:
no source is read, so that it works when the repository is gone. It is a sync like any
other: hooks of that revision run, and what came later is pruned. Definitions and
namespaces that came later stay.

So that it sticks, the application is held from then on: plans show it, and do not apply
it, until its sources have moved on to something else than what it was rolled back from, or
until "gantry release". An edit that changes nothing of the application does not count.

With --out the plan is written to a file, which "gantry apply FILE" carries out.`,
		Example: `  gantry rollback application.web
  gantry rollback application.web --to 5
  gantry rollback application.web --to 5 --out back.gantryplan
  gantry rollback application.web --auto-approve`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := oneApplication(args[0])
			if err == nil && cmd.Flags().Changed("to") && to < 1 {
				err = errors.New("--to is a revision, which is a number from 1")
			}
			if err == nil && out != "" && approved {
				err = errors.New("with --out nothing is applied: leave --auto-approve away")
			}
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			if err := save.check(cmd, out); err != nil {
				return err
			}
			saving, err := save.load(c)
			if err != nil {
				return err
			}
			if out == "" {
				if err := c.onlySigned(work.command); err != nil {
					return err
				}
			}
			work.sourceless = true
			w, err := c.begin(cmd.Context(), &in, work)
			if err != nil {
				return err
			}
			defer w.end()
			if err := w.permitOne(cmd.Context(), access.Rollback, address); err != nil {
				return err
			}
			made, diags := w.engine.Rollback(cmd.Context(), w.config, address, to)
			made, err = w.present(made, diags)
			switch {
			case made == nil:
				return err
			case out != "":
				made.ExpiresAt = save.until(made.CreatedAt)
				if saveErr := w.save(cmd.Context(), made, out, saving); saveErr != nil {
					return saveErr
				}
				return err
			case err != nil || !made.HasChanges():
				return err
			}
			return w.approveAndApply(cmd.Context(), made, planned{approved: approved, question: "Roll back?"})
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.knownApplications(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		},
	}
	in.register(c, command)
	work.register(c, command)
	if err := command.Flags().MarkHidden("target"); err != nil {
		panic(err)
	}
	work.confirm.register(command)
	work.registerReport(command)
	work.registerLocking(command)
	work.windows.register(command)
	work.approving.registerOverride(command)
	save.register(command)
	flags := command.Flags()
	flags.Int64Var(&to, "to", 0, "the `revision` to go back to, as \"gantry history\" numbers them (default: the one before)")
	flags.StringVarP(&out, "out", "o", "", "`file` to write the plan to, for apply; as seen from the current directory")
	flags.BoolVar(&approved, "auto-approve", false, "do not ask")
	complete(command, "to", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.revisionCompletions(cmd.Context(), args[0]), cobra.ShellCompDirectiveNoFileComp
	})
	return command
}
