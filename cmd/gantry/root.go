package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot returns the program's commands.
func newRoot(c *cli) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "gantry",
		Short: "Plan and apply for Kubernetes delivery",
		Long: `Gantry reads what your clusters should run from *.gantry.hcl files, shows what
would change, field by field, and changes it when you say so.

A first configuration:   gantry init
What would change:       gantry plan
Change it:               gantry apply`,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true, // finish reports them
		SilenceUsage:               true,
		DisableAutoGenTag:          true,
		Args:                       noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				return c.showVersion()
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVar(&showVersion, "version", false, "show the version, as \"gantry version\" does")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{command: cmd.CommandPath(), err: flagError(cmd, err)}
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&c.dir, "chdir", "C", "", "`directory` of the configuration, in place of the current one")
	flags.BoolVar(&c.json, "json", false, "the result as JSON on stdout; what is done, and diagnostics, as JSON lines on stderr")
	flags.BoolVar(&c.noColor, "no-color", false, "no colours, as with NO_COLOR set")
	flags.StringVar(&c.cacheDir, "cache-dir", "", "`directory` for what is fetched (default $GANTRY_CACHE, or gantry in the user's cache)")
	c.backend.register(root, flags, "backend", "backend-config", "that state is in, in place of the configuration's")
	flags.StringVar(&c.identityFile, "identity-file", "", "the `file` with the identity that opens the state's secrets (default $GANTRY_IDENTITY_FILE, or .gantry/identity)")
	flags.StringVar(&c.whoFlags.token, "identity-token", "", "the `token` that says who runs the command, which others on this machine may see: better in $GANTRY_IDENTITY_TOKEN, or in the file that $GANTRY_IDENTITY_TOKEN_FILE names")
	flags.StringVar(&c.whoFlags.sshKey, "identity-ssh-key", "", "the `file` with the SSH private key that proves who runs the command (default $GANTRY_IDENTITY_SSH_KEY)")
	complete(root, "identity-token", fixedCompletions())
	complete(root, "chdir", directoryCompletions)
	complete(root, "cache-dir", directoryCompletions)

	root.AddCommand(
		newInit(c),
		newValidate(c),
		newFmt(c),
		newPlan(c),
		newPlanner(c),
		newStatus(c),
		newHealth(c),
		newDrift(c),
		newSnapshot(c),
		newShow(c),
		newComment(c),
		newVerify(c),
		newApply(c),
		newDestroy(c),
		newRevisions(c),
		newRollback(c),
		newWindows(c),
		newPromote(c),
		newApprove(c),
		newHold(c),
		newRelease(c),
		newAction(c),
		newBootstrap(c),
		newRollout(c),
		newNotify(c),
		newCanI(c),
		newRoles(c),
		newState(c),
		newUnlock(c),
		newLog(c),
		newOutput(c),
		newGraph(c),
		newGenerate(c),
		newSchema(c),
		newTest(c),
		newConsole(c),
		newImport(c),
		newLSP(c),
		newLogin(c),
		newLogout(c),
		newWhoami(c),
		newVersion(c),
		newCompletion(c),
	)
	for _, command := range root.Commands() {
		wrapArgs(command)
		for _, child := range command.Commands() {
			wrapArgs(child)
		}
	}
	wrapArgs(root)
	return root
}

// noCommand refuses a command that there is not, and suggests those that are near.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(". Did you mean %q?", strings.Join(near, `" or "`))
	}
	return errors.New(text)
}

// wrapArgs makes a wrong number of arguments a usage error, like a wrong flag.
func wrapArgs(command *cobra.Command) {
	check := command.Args
	if check == nil {
		return
	}
	command.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{command: cmd.CommandPath(), err: err}
		}
		return nil
	}
}
