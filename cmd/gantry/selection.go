package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/lang/addr"
)

// registerSelection adds the flags that limit a command to some objects.
func (o *workOptions) registerSelection(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&o.resources, "resource", nil, "only these objects, as `group/Kind:namespace/name`, any of which may be a pattern or left away; ! in front leaves out; may be repeated")
	flags.StringVar(&o.label, "label", "", "only objects with these labels: a `selector` such as app=web,tier!=back")
	complete(command, "resource", cobra.NoFileCompletions)
	complete(command, "label", cobra.NoFileCompletions)
}

// registerAllowEmpty adds the flag that lets applications lose all they have.
func (o *workOptions) registerAllowEmpty(c *cli, command *cobra.Command) {
	command.Flags().StringArrayVar(&o.allowEmpty, "allow-empty", nil, "let all that there is of this application, by `address`, be deleted because its sources come to nothing; may be repeated")
	complete(command, "allow-empty", c.targetCompletions())
}

// selected parses what limits the command to some objects, and the applications that may
// lose all they have.
func (o *workOptions) selected() (*selection.Selection, []addr.Address, error) {
	only, err := selection.Parse(o.resources, o.label)
	if err != nil {
		return nil, nil, &usageError{command: o.command, err: err}
	}
	var empty []addr.Address
	for _, text := range o.allowEmpty {
		address, err := addr.Parse(text)
		if err == nil && address.Kind != "application" {
			err = fmt.Errorf("%s is no application", text)
		}
		if err != nil {
			return nil, nil, &usageError{command: o.command, err: fmt.Errorf("--allow-empty: %w", err)}
		}
		empty = append(empty, address)
	}
	return only, empty, nil
}
