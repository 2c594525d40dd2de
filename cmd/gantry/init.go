package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
)

// starter is the configuration that init writes into an empty directory.
const starter = `# A first configuration. "gantry plan" shows what it would do.

# A context of your kubeconfig. This one is the local cluster that
# "gantry-cluster up" starts.
cluster "main" {
  context = "gantry-default"
}

application "hello" {
  source {
    objects = [{
      apiVersion = "v1"
      kind       = "ConfigMap"
      metadata   = { name = "hello" }
      data       = { message = "Delivered by Gantry" }
    }]
  }

  destination {
    cluster   = cluster.main
    namespace = "hello"
  }

  sync {
    create_namespace = true
  }
}
`

// starterFile is its name.
const starterFile = "main.gantry.hcl"

// ignored are the files that do not belong into a repository.
const ignored = "*.gantryplan\n"

// initialised is what `gantry init --json` prints.
type initialised struct {
	Directory string       `json:"directory"`
	Wrote     []string     `json:"wrote"`
	Lineage   string       `json:"lineage"`
	Recipient string       `json:"recipient"`
	Locked    []locked     `json:"locked"`
	Changes   []lockChange `json:"changes"`
	Backend   stateBackend `json:"backend"`
	Migration *migration   `json:"migration,omitempty"`
}

// stateBackend says where the state is as JSON.
type stateBackend struct {
	Type      string            `json:"type"`
	Arguments map[string]string `json:"arguments,omitempty"` // without credentials
	Place     string            `json:"place"`
	// SetBy are the flags and variables that say so in place of the configuration.
	SetBy []string `json:"setBy,omitempty"`
}

func newInit(c *cli) *cobra.Command {
	var in inputs
	var options initOptions
	command := &cobra.Command{
		Use:   "init",
		Short: "Prepare a directory",
		Long: `Prepares a directory for planning: fetches the modules, charts and repositories that
the configuration asks for, records in .gantry.lock.hcl which version, commit or
digest each of them is, and begins the state where there is none, with a lineage of
its own and a key that seals the values of Secrets in saved plans. In a directory
without configuration it writes one to start from.

What the lock file has is kept, and what the configuration no longer asks for leaves
it; with --upgrade everything is looked up anew. A tag that is no longer where it was
is an error. Branches that repositories track move by design and are recorded only
after --lock-branches. Where anything cannot be read, the lock file stays as it was.

Where the backend in the configuration is another than this directory has worked with,
no state is begun in its place: --migrate-state moves the state there, verified, and
--reconfigure leaves it where it was. Moving copies everything but locks, reads it back,
and only then marks the old state as moved. A move that was cut off goes on when it is
run again. --dry-run tells what would be moved.

It may be run again at any time. Variables need no values: what depends on them is
recorded once they have.`,
		Example: `  gantry init
  gantry init --upgrade
  gantry init --locked             # in CI: the lock file has all, and changes nothing
  gantry init --migrate-state
  gantry init --migrate-state --from local --from-config path=../old/.gantry`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if other := firstSet(cmd, "upgrade", "lock-branches"); in.locked && other != "" {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s changes the lock file, and --locked refuses that: leave one of them out", other)}
			}
			if err := options.check(cmd); err != nil {
				return err
			}
			options.setBranches = cmd.Flags().Changed("lock-branches")
			result, err := c.initialise(cmd.Context(), &in, options)
			if err != nil {
				return err
			}
			if c.json {
				return c.writeJSON(result)
			}
			for _, file := range result.Wrote {
				fmt.Fprintf(c.out, "Wrote %s\n", filepath.Join(result.Directory, file))
			}
			c.showLocked(result)
			c.showMigration(result.Migration)
			fmt.Fprintf(c.out, "Ready. What the configuration would change:\n\n  gantry plan\n")
			return nil
		},
	}
	in.register(c, command)
	flags := command.Flags()
	flags.BoolVar(&options.upgrade, "upgrade", false, "look everything up anew, and record the newest that the configuration allows")
	flags.BoolVar(&options.branches, "lock-branches", false, "record where the branches that repositories track are, too; --lock-branches=false ends it")
	flags.BoolVar(&options.migrate, "migrate-state", false, "move the state to where the configuration has it from now on")
	flags.BoolVar(&c.reconfigure, "reconfigure", false, "go on with the backend of the configuration, and leave the state that this directory has worked with")
	options.from.register(command, flags, "from", "from-config", "that the state comes from, with --migrate-state (default the one that was worked with)")
	flags.BoolVar(&options.dryRun, "dry-run", false, "with --migrate-state: tell what would be moved, and move nothing")
	flags.DurationVar(&options.lockTimeout, "lock-timeout", 0, "with --migrate-state: how `long` to wait for whoever is at work on the state")
	return command
}

// check refuses flags that say nothing together.
func (o *initOptions) check(cmd *cobra.Command) error {
	if other := firstSet(cmd, "from", "from-config", "dry-run", "lock-timeout"); other != "" && !o.migrate {
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is about moving the state: give --migrate-state, too", other)}
	}
	if o.migrate && firstSet(cmd, "reconfigure") != "" {
		return &usageError{command: cmd.CommandPath(), err: errors.New("--reconfigure leaves the state where it was, and --migrate-state moves it: leave one of them out")}
	}
	return nil
}

// initialise prepares the directory.
func (c *cli) initialise(ctx context.Context, in *inputs, options initOptions) (*initialised, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	result := &initialised{Directory: dir}
	if result.Wrote, err = writeStarter(dir); err != nil {
		return nil, err
	}
	config, err := c.lockSources(ctx, in, options, result)
	if err != nil {
		return nil, err
	}
	if options.migrate {
		asker, err := c.asking(ctx, "gantry init --migrate-state", config)
		if err != nil {
			return nil, err
		}
		if err := asker.permitAll(ctx, nil, access.State); err != nil {
			return nil, err
		}
		result.Migration, err = c.migrateState(ctx, dir, backendOf(config), options)
		if err != nil || options.dryRun {
			return result, err
		}
	}
	opened, err := c.openBackend(ctx, dir, backendOf(config))
	if err != nil {
		return nil, err
	}
	result.Backend = stateBackend{Type: opened.place.Type, Arguments: opened.place.Arguments, Place: opened.place.shown(dir), SetBy: opened.place.from}
	result.Lineage, result.Recipient = opened.records.Lineage(), opened.recipient().String()
	return result, nil
}

// writeStarter writes the first configuration into a directory that has none, and
// returns the files that it wrote.
func writeStarter(dir string) ([]string, error) {
	wrote := []string{}
	for _, pattern := range []string{"*.gantry.hcl", "*.gantry.json"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		if len(files) > 0 {
			return wrote, nil
		}
	}
	for _, file := range []struct{ name, content string }{{starterFile, starter}, {".gitignore", ignored}} {
		err := writeNew(filepath.Join(dir, file.name), file.content)
		switch {
		case errors.Is(err, fs.ErrExist):
		case err != nil:
			return nil, err
		default:
			wrote = append(wrote, file.name)
		}
	}
	return wrote, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}
