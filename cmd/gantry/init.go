package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
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
	Directory string   `json:"directory"`
	Wrote     []string `json:"wrote"`
	Lineage   string   `json:"lineage"`
	Recipient string   `json:"recipient"`
}

func newInit(c *cli) *cobra.Command {
	var in inputs
	command := &cobra.Command{
		Use:   "init",
		Short: "Prepare a directory",
		Long: `Prepares a directory for planning: begins the state where there is none, with a
lineage of its own and a key that seals the values of Secrets in saved plans. In a
directory without configuration it writes one to start from.

It changes nothing that is there and may be run again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := c.directory()
			if err != nil {
				return err
			}
			result := initialised{Directory: dir, Wrote: []string{}}
			if result.Wrote, err = writeStarter(dir); err != nil {
				return err
			}
			loaded, diags, err := c.evaluate(cmd.Context(), &in, nil)
			if err != nil {
				return err
			}
			c.printDiagnostics(loaded.files, diags)
			if diags.HasErrors() {
				return exitCode(exitError)
			}
			opened, err := openBackend(cmd.Context(), dir, backendOf(loaded.config))
			if err != nil {
				return err
			}
			result.Lineage, result.Recipient = opened.records.Lineage(), opened.recipient().String()
			if c.json {
				return c.writeJSON(result)
			}
			for _, file := range result.Wrote {
				fmt.Fprintf(c.out, "Wrote %s\n", filepath.Join(dir, file))
			}
			fmt.Fprintf(c.out, "Ready. What the configuration would change:\n\n  gantry plan\n")
			return nil
		},
	}
	in.register(c, command)
	return command
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
