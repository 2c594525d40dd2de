package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/object"
)

func newBootstrap(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "bootstrap",
		Short: "Print what a cluster needs for Gantry in CI",
		Long: `Prints Kubernetes objects for an administrator to read and to apply. Nothing is applied
by these commands.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{command: cmd.CommandPath(), err: errors.New("say what: rbac or planner")}
		},
	}
	command.AddCommand(newBootstrapRBAC(c), newBootstrapPlanner(c))
	return command
}

// printObjects prints objects as YAML documents below a comment, or as one List in JSON.
func (c *cli) printObjects(comment string, objects []object.Object) error {
	if c.json {
		items := make([]any, len(objects))
		for i, o := range objects {
			items[i] = o
		}
		encoder := json.NewEncoder(c.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	}
	var out bytes.Buffer
	out.WriteString(comment)
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return fmt.Errorf("%s cannot be written: %w", o.ID(), err)
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	_, err := io.Copy(c.out, &out)
	return err
}
