package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// rebuildOptions are the flags of state rebuild.
type rebuildOptions struct {
	engine.RebuildOptions
	dryRun, approved bool
}

func newStateRebuild(c *cli) *cobra.Command {
	var in inputs
	var options rebuildOptions
	command := &cobra.Command{
		Use:   "rebuild",
		Short: "Recover a lost state from the clusters",
		Long: `Finds out from the clusters of the configuration which objects are whose, by the marks that
every object of an application carries, and writes the records that are missing, broken or
behind. It reads the metadata of everything that carries marks, one list for each kind, and
writes nothing to any cluster. After it, a plan of an unchanged configuration is empty.

A record that has more than was found keeps it, unless --replace says otherwise. What is not
on the clusters does not come back: the history, and what it would take to roll back; which
hooks have run; what is sealed. Where the clusters have objects of several installations,
--lineage says which of them this is to be.

The exit code is 0, or 1 where something could not be read or written.`,
		Example: `  gantry state rebuild --dry-run
  gantry state rebuild
  gantry state rebuild --cluster production --auto-approve`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.stateRebuild(cmd.Context(), &in, options)
		},
	}
	in.register(c, command)
	flags := command.Flags()
	flags.StringArrayVar(&options.Clusters, "cluster", nil, "read only this cluster, by `name`; may be repeated")
	flags.StringVar(&options.Lineage, "lineage", "", "the installation whose objects these are, by its `UUID`")
	flags.BoolVar(&options.Replace, "replace", false, "take out of records what is not on the clusters")
	flags.BoolVar(&options.dryRun, "dry-run", false, "show what would be written, and write nothing")
	flags.BoolVar(&options.approved, "auto-approve", false, "do not ask")
	complete(command, "cluster", fixedCompletions())
	complete(command, "lineage", fixedCompletions())
	return command
}

// readingState are the options of a command that asks state and clusters, and no source.
func readingState(command string) workOptions {
	return workOptions{sourceless: true, noInput: true, parallelism: defaultParallelism, command: command}
}

// mendingState are those of a command that is about the whole state.
func mendingState(command string) workOptions {
	out := readingState(command)
	out.right, out.wholeState = access.State, true
	return out
}

// mending is the state of a command's engine, to be mended.
func (w *work) mending(ctx context.Context) (*openedState, error) {
	by, err := w.by(ctx)
	if err != nil {
		return nil, err
	}
	return &openedState{cli: w.cli, records: w.state.records, by: by}, nil
}

func (c *cli) stateRebuild(ctx context.Context, in *inputs, options rebuildOptions) error {
	w, err := c.begin(ctx, in, mendingState("gantry state rebuild"))
	if err != nil {
		return err
	}
	defer w.end()
	for _, name := range options.Clusters {
		if !hasCluster(w, name) {
			return failure("Unknown cluster", fmt.Errorf("the configuration has no cluster %q", name))
		}
	}
	found, diags := w.engine.Rebuild(ctx, w.config, options.RebuildOptions)
	w.progress.pause()
	c.printDiagnostics(w.files, append(w.diags, diags...))
	if found == nil {
		return failed(diags)
	}
	if c.json {
		err = c.writeJSON(found)
	} else {
		err = c.showRecovery(found)
	}
	if err != nil || options.dryRun || !found.Writes() {
		return errors.Join(err, failed(diags))
	}
	if err := c.agree(ctx, "Write these records?", options.approved); err != nil {
		return err
	}
	opened, err := w.mending(ctx)
	if err != nil {
		return err
	}
	if err := opened.records.Inherit(ctx, found.Lineage); err != nil {
		return failure("State is of another installation", fmt.Errorf("%w. Move it away to rebuild the other one in its place", err))
	}
	event := state.Event{Kind: state.EventRebuilt}
	for i := range found.Applications {
		if a := &found.Applications[i]; a.Write {
			event.Applications = append(event.Applications, state.EventApplication{Address: a.Address, Serial: a.Parent})
		}
	}
	if err := opened.alone(ctx, event, func(records *state.Records) error { return found.Write(ctx, records) }); err != nil {
		return err
	}
	if err := c.rememberPlace(w.dir, w.state.place, found.Lineage); err != nil {
		return err
	}
	if !c.json {
		if _, err := fmt.Fprintf(c.out, "%s written.\n", count(len(event.Applications), "record")); err != nil {
			return err
		}
	}
	return failed(diags)
}

func hasCluster(w *work, name string) bool {
	for _, cluster := range w.config.Clusters {
		if cluster.Name == name {
			return true
		}
	}
	return false
}

func (c *cli) showRecovery(found *engine.Recovery) error {
	fmt.Fprintf(c.out, "Installation %s\n\n", found.Lineage)
	table := [][]string{{"APPLICATION", "CLUSTER", "ON CLUSTER", "RECORD", "ADDED", "NOT FOUND", "PARENT"}}
	for _, a := range found.Applications {
		parent := "-"
		if a.Parent > 0 {
			parent = fmt.Sprintf("serial %d", a.Parent)
		}
		table = append(table, []string{a.Address.String(), a.Cluster, count(a.Objects, "object"), a.Was, fmt.Sprint(a.Added), fmt.Sprint(a.Lost), parent})
	}
	if err := writeTable(c.out, table); err != nil {
		return err
	}
	c.tellUnread(found.Unread)
	if !found.Writes() {
		_, err := fmt.Fprintln(c.out, "\nThe state has all of it.")
		return err
	}
	return nil
}

// tellUnread says what could not be read.
func (c *cli) tellUnread(unread []string) {
	for _, text := range unread {
		fmt.Fprintf(c.err, "Not read: %s\n", printable(text))
	}
}

func newStateAccept(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "accept ADDRESS...",
		Short: "Go on with a state that is older than the clusters",
		Long: `Has plans and applies go by what the state has of an application, although its cluster knows
of a later record: after an older backup of the state was restored that is the best there
is, or after part of the state was lost that is not missed.

What the application came to own since that backup is not in the state: it is neither shown
nor pruned. "gantry state rebuild" finds it, and is nearly always what you want instead.
The override is in the audit log.`,
		Example: `  gantry state accept application.web`,
		Args:    takes(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			addresses, err := parseApplications(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.stateAccept(cmd.Context(), addresses)
		},
		ValidArgsFunction: c.targetCompletions(),
	}
}

func (c *cli) stateAccept(ctx context.Context, addresses []addr.Address) error {
	w, err := c.begin(ctx, &inputs{partial: true}, readingState("gantry state accept"))
	if err != nil {
		return err
	}
	defer w.end()
	opened, err := w.mending(ctx)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if err := w.permitOne(ctx, access.State, address); err != nil {
			return err
		}
	}
	for _, address := range addresses {
		event := state.Event{Kind: state.EventAccepted, Applications: []state.EventApplication{{Address: address}}}
		var serial int64
		err := opened.alone(ctx, event, func(records *state.Records) (err error) {
			serial, err = w.engine.Accept(ctx, w.config, records, address)
			return err
		})
		w.progress.pause()
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s: the state is not older than its cluster; nothing was changed.\n", address)
		if serial > 0 {
			text = fmt.Sprintf("%s goes by what the state has; its cluster knew of serial %d.\n", address, serial)
		}
		if _, err := fmt.Fprint(c.out, text); err != nil {
			return err
		}
	}
	return nil
}
