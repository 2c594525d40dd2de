package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
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
		Args: takes(0, 0),
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
	return text + "." + unsetText(loaded.config) + deferredText(loaded.config)
}

// unsetText says which variables have no value, and what that means.
func unsetText(config *lang.Config) string {
	if len(config.Unset) == 0 {
		return ""
	}
	var names []string
	for _, v := range config.Unset {
		names = append(names, "var."+v.Name)
	}
	return fmt.Sprintf("\nWithout a value: %s. What depends on it was not checked; give one with --var or --var-file to check that too.", strings.Join(names, ", "))
}

// deferredText says what only a plan can tell.
func deferredText(config *lang.Config) string {
	if len(config.Deferred) == 0 {
		return ""
	}
	var blocks, plans []string
	for _, address := range config.Deferred {
		blocks = append(blocks, address.String())
	}
	if len(config.Unset) > 0 {
		plans = append(plans, "has these values")
	}
	if len(config.Unset) == 0 || slices.ContainsFunc(config.Graph, func(n lang.Node) bool { return n.Address.Kind == "generator" }) {
		plans = append(plans, "reads what generators need")
	}
	return fmt.Sprintf("\nKnown only to a plan, which %s: %s.", strings.Join(plans, " and "), strings.Join(blocks, ", "))
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
