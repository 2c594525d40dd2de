package main

import (
	"errors"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lsp"
)

func newLSP(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "lsp",
		Short: "Serve an editor: completion, diagnostics and more",
		Long: `Speaks the Language Server Protocol on stdin and stdout. Editors start it; there is
nothing to see for people. docs/editors/README.md has how to set up some.

It reads the files of the configuration and evaluates what can be without the outside
world, as gantry validate does. It asks no repository, cluster or state, and writes no
file.`,
		Example: `  gantry lsp`,
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.favourTime()
			err := lsp.Serve(cmd.Context(), lsp.Options{In: c.in, Out: c.out, Log: c.err, Version: version, Modules: c.cachedModules})
			if errors.Is(err, lsp.ErrNotShutDown) {
				return exitCode(exitError) // as the protocol has it, without a word
			}
			return err
		},
	}
	flags := command.Flags()
	flags.Bool("stdio", true, "the streams to use, which are these in any case; some editors say so")
	_ = flags.MarkHidden("stdio") // it is there
	return command
}

// cachedModules reads the modules that gantry init has fetched for a directory.
func (c *cli) cachedModules(dir string) lang.ModuleReader {
	modules, _, _ := c.moduleReader(dir, nil, &inputs{}, nil) // what is wrong with the lock file, init says
	return modules
}

// favourTime gives memory for time, up to a gigabyte, as an author waits for every
// answer: collecting garbage less often makes an analysis a quarter faster. What the
// environment says about it counts more.
func (c *cli) favourTime() {
	if c.getenv("GOGC") == "" && c.getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(1 << 30)
	}
}
