package main

import (
	"fmt"
	"strings"

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
	text += "."
	config := loaded.config
	var unset []string
	for _, v := range config.Unset {
		unset = append(unset, "var."+v.Name)
	}
	if n := len(unset); n > 0 {
		text += fmt.Sprintf("\n%s: what depends on %s is checked only as far as that goes without. Give %s with --var or --var-file to check it all.",
			count(n, "variable")+" without a value ("+strings.Join(unset, ", ")+")", them(n), them(n))
	}
	if n := len(config.Deferred); n > 0 {
		var blocks []string
		for _, address := range config.Deferred {
			blocks = append(blocks, address.String())
		}
		because := "what generators need"
		if len(unset) > 0 {
			because = "these values, and what generators need"
		}
		text += fmt.Sprintf("\nNot known without %s, and for a plan to tell: %s.", because, strings.Join(blocks, ", "))
	}
	return text
}

// them is "it" for one and "them" for several.
func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
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
