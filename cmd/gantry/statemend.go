package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

func newStateMove(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "mv FROM TO",
		Short: "Give an application of the state another address",
		Long: `Gives an application of the state another address, with its history and its hold. Nothing on
its cluster changes by that: the next plan shows that the marks on its objects change, and nothing else.

A "moved" block in the configuration does the same for everybody who applies it, and is
reviewed; this is for what cannot wait for that. Cut off at any moment, either the old or the
new address counts, and the same command again finishes it.`,
		Example: `  gantry state mv application.shop application.web
  gantry state mv application.web 'application.web["eu"]'`,
		Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseApplication(args[0])
			var to addr.Address
			if err == nil {
				to, err = parseApplication(args[1])
			}
			if err == nil && from == to {
				err = fmt.Errorf("%s is what it has already", to)
			}
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.stateMove(cmd.Context(), from, to)
		},
		ValidArgsFunction: c.recordedCompletions(1),
	}
}

func (c *cli) stateMove(ctx context.Context, from, to addr.Address) error {
	opened, err := c.openState(ctx, "gantry state mv")
	if err != nil {
		return err
	}
	if err := opened.permit(ctx, access.State, from); err != nil {
		return err
	}
	old, _, err := opened.records.Get(ctx, from)
	if err != nil {
		return failure("State cannot be read", err)
	}
	now, _, err := opened.records.Get(ctx, to)
	if err != nil {
		return failure("State cannot be read", err)
	}
	begun := now != nil && now.MovedFrom == from
	switch {
	case old == nil && !begun:
		return opened.unknown(ctx, from)
	case now != nil && !begun:
		return failure("Address is taken", fmt.Errorf("the state has %s already, with %s. Move that one first, or remove it from the state", to, count(len(now.Objects), "object")))
	}
	event := state.Event{Kind: state.EventRecordMove, Applications: []state.EventApplication{{Address: from, To: to}}}
	if err := opened.alone(ctx, event, func(records *state.Records) error { return records.Move(ctx, from, to) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is %s now. The next plan marks its objects anew, and changes nothing else of them, once the configuration has it under that address.\n", from, to)
	return err
}

func newStatePull(c *cli) *cobra.Command {
	var out string
	command := &cobra.Command{
		Use:   "pull [ADDRESS]",
		Short: "Copy the state to a file",
		Long: `Writes a copy of the state, or of what it has of one application, as JSON: records, history,
holds, what is published, the audit log; everything but locks. What is sealed or encrypted
in the store is so in the copy. The same state gives the same bytes.

The file is readable by you only. Keep it like the state itself, and the identity apart from
it: Secrets in it are sealed to that.`,
		Example: `  gantry state pull -o backup.json
  gantry state pull application.web | jq .`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var of addr.Address
			if len(args) > 0 {
				var err error
				if of, err = parseApplication(args[0]); err != nil {
					return &usageError{command: cmd.CommandPath(), err: err}
				}
			}
			return c.statePull(cmd.Context(), of, out)
		},
		ValidArgsFunction: c.recordedCompletions(1),
	}
	command.Flags().StringVarP(&out, "output", "o", "", "write to this `file`, in place of the output")
	return command
}

func (c *cli) statePull(ctx context.Context, of addr.Address, path string) error {
	opened, err := c.openState(ctx, "gantry state pull")
	if err != nil {
		return err
	}
	if of.IsZero() {
		err = opened.permitState(ctx)
	} else {
		err = opened.permit(ctx, access.State, of)
	}
	if err != nil {
		return err
	}
	if !of.IsZero() {
		if known, _, err := opened.records.Get(ctx, of); err == nil && known == nil {
			return opened.unknown(ctx, of)
		}
	}
	copied, err := opened.records.Export(ctx, of)
	if err != nil {
		return failure("State cannot be read", err)
	}
	if path == "" {
		return c.writeJSON(copied)
	}
	text, err := json.MarshalIndent(copied, "", "  ")
	if err == nil {
		err = writePrivate(path, append(text, '\n'))
	}
	if err != nil {
		return failure("File cannot be written", err)
	}
	_, err = fmt.Fprintf(c.err, "%s copied to %s.\n", count(len(copied.Keys), "document"), path)
	return err
}

// writePrivate writes a file that its owner alone can read, whole or not at all.
func writePrivate(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func newStateRemove(c *cli) *cobra.Command {
	var approved bool
	command := &cobra.Command{
		Use:   "rm ADDRESS...",
		Short: "Forget applications, and leave their objects",
		Long: `Forgets applications: their records go, with their history and their holds. Their objects
stay on the clusters as they are, marks included, and belong to nobody then: what the configuration
still has is adopted by the next apply, and the rest is yours to delete.

A "removed" block with destroy = false does this by a plan, which takes the marks off, too.
This is for applications whose cluster is gone, or whose record is of no use.`,
		Example: `  gantry state rm application.web
  gantry state rm 'application.web["eu"]' --auto-approve`,
		Args: takes(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			addresses, err := parseApplications(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.stateRemove(cmd.Context(), addresses, approved)
		},
		ValidArgsFunction: c.recordedCompletions(many),
	}
	command.Flags().BoolVar(&approved, "auto-approve", false, "do not ask")
	return command
}

func (c *cli) stateRemove(ctx context.Context, addresses []addr.Address, approved bool) error {
	opened, err := c.openState(ctx, "gantry state rm")
	if err != nil {
		return err
	}
	if err := opened.permit(ctx, access.State, addresses...); err != nil {
		return err
	}
	event := state.Event{Kind: state.EventForgotten}
	var gone []*state.Record
	for _, address := range addresses {
		record, err := opened.record(ctx, address)
		if err != nil {
			return err
		}
		gone = append(gone, record)
		event.Applications = append(event.Applications, state.EventApplication{Address: address, Serial: record.Serial})
		c.tellStaying(record)
	}
	if err := c.agree(ctx, fmt.Sprintf("Forget %s?", count(len(gone), "application")), approved); err != nil {
		return err
	}
	if err := opened.alone(ctx, event, func(records *state.Records) error { return forget(ctx, records, addresses) }); err != nil {
		return err
	}
	c.removeParents(ctx, gone)
	_, err = fmt.Fprintf(c.out, "%s forgotten.\n", count(len(gone), "application"))
	return err
}

// removeParents deletes the parents of applications that were forgotten, where their
// clusters can be reached: they would tell that the state is older than it was.
func (c *cli) removeParents(ctx context.Context, gone []*state.Record) {
	w, err := c.begin(ctx, &inputs{partial: true}, readingState("gantry state rm"))
	if err == nil {
		defer w.end()
	}
	for _, record := range gone {
		if err == nil {
			err = w.engine.RemoveParent(ctx, w.config, record)
		}
		if err != nil {
			fmt.Fprintf(c.err, "The parent of %s stays on cluster %q (%s). If the application is applied again there, a plan asks for \"gantry state accept\" first.\n", record.Address, record.Cluster.Name, printable(err.Error()))
		}
	}
}

// tellStaying says what an application leaves behind that is forgotten.
func (c *cli) tellStaying(r *state.Record) {
	const most = 20
	fmt.Fprintf(c.err, "%s: %s on cluster %q stay, and belong to nobody then:\n", r.Address, count(len(r.Owns()), "object"), r.Cluster.Name)
	for i, o := range r.Owns() {
		if i == most {
			fmt.Fprintf(c.err, "  and %d more\n", len(r.Owns())-most)
			break
		}
		fmt.Fprintf(c.err, "  %s\n", o.ID)
	}
}

// agree asks before something is done to the state that cannot be taken back.
func (c *cli) agree(ctx context.Context, question string, approved bool) error {
	if approved {
		return nil
	}
	if !isTerminal(c.in) {
		return failure("Not approved", errors.New("nobody is here to approve: give --auto-approve"))
	}
	return c.confirm(ctx, strings.TrimSpace(question), false)
}
