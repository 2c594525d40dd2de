package main

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// validation is what `gantry validate --json` prints.
type validation struct {
	Valid       bool         `json:"valid"`
	Errors      int          `json:"errors"`
	Warnings    int          `json:"warnings"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

func newValidate(c *cli) *cobra.Command {
	var in inputs
	command := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration",
		Long: `Reads the configuration and evaluates what can be without the outside world: no
repository, cluster or state is asked, and variables need no values. Shows all that
is wrong, with where.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, diags, err := c.evaluate(cmd.Context(), &in, nil)
			if err != nil {
				return err
			}
			if c.json {
				if err := c.writeJSON(toValidation(diags)); err != nil {
					return err
				}
				return failed(diags)
			}
			c.printDiagnostics(loaded.files, diags)
			if diags.HasErrors() {
				return exitCode(exitError)
			}
			fmt.Fprintln(c.out, validText(loaded))
			return nil
		},
	}
	in.register(c, command)
	return command
}

// validText says what was found to be right.
func validText(loaded *loaded) string {
	text := "The configuration is valid"
	if n := len(loaded.config.Applications); n > 0 {
		text += ": " + count(n, "application")
	}
	if n := len(loaded.config.Deferred); n > 0 {
		text += fmt.Sprintf("; %s more once a plan has read what generators need", count(n, "block"))
	}
	return text + "."
}

func toValidation(diags hcl.Diagnostics) validation {
	v := validation{Valid: !diags.HasErrors(), Diagnostics: []diagnostic{}}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			v.Errors++
		} else {
			v.Warnings++
		}
		v.Diagnostics = append(v.Diagnostics, toDiagnostic(d))
	}
	return v
}
