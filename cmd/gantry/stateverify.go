package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
)

func newStateVerify(c *cli) *cobra.Command {
	var in inputs
	command := &cobra.Command{
		Use:   "verify",
		Short: "Compare the state with the clusters",
		Long: `Compares what the state says is whose with what the clusters have: objects that are missing,
that are others by now, or that lost the marks of their application; objects that carry
marks and are in no record; and whether the state is older than the clusters know. Only
metadata is read, and nothing is written.

It does not compare what objects are like: that is "gantry drift".

The exit code is 0 where they agree, 2 where they differ, and 1 where something could not be
read.`,
		Example: `  gantry state verify
  gantry state verify --json | jq '.extra'`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.stateVerify(cmd.Context(), &in)
		},
	}
	in.register(c, command)
	return command
}

func (c *cli) stateVerify(ctx context.Context, in *inputs) error {
	w, err := c.begin(ctx, in, mendingState("gantry state verify"))
	if err != nil {
		return err
	}
	defer w.end()
	found, diags := w.engine.Inspect(ctx, w.config)
	w.progress.pause()
	c.printDiagnostics(w.files, append(w.diags, diags...))
	if found == nil {
		return failed(diags)
	}
	if c.json {
		err = c.writeJSON(found)
	} else {
		err = c.showInspection(found)
	}
	if err == nil {
		err = failed(diags)
	}
	if err == nil && found.Differs() {
		err = exitCode(exitChanges)
	}
	return err
}

func (c *cli) showInspection(found *engine.Inspection) error {
	objects := 0
	line := func(f *engine.Found) {
		fmt.Fprintf(c.out, "  %-8s %s: %s\n", f.What, f.Object, printable(f.Detail))
	}
	for i := range found.Applications {
		a := &found.Applications[i]
		objects += a.Objects
		if len(a.Findings) > 0 {
			fmt.Fprintf(c.out, "%s on cluster %q\n", a.Address, a.Cluster)
		}
		for j := range a.Findings {
			line(&a.Findings[j])
		}
	}
	if len(found.Extra) > 0 {
		fmt.Fprintln(c.out, "In no record")
	}
	for i := range found.Extra {
		line(&found.Extra[i])
	}
	c.tellUnread(found.Unread)
	if found.Differs() {
		return nil
	}
	_, err := fmt.Fprintf(c.out, "State and clusters agree about %s of %s.\n", count(objects, "object"), count(len(found.Applications), "application"))
	return err
}
