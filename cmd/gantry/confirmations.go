package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/view/words"
)

// confirmOptions are the flags that confirm deletions which need it.
type confirmOptions struct {
	objects []string
	all     bool
}

// register adds the flags to a command.
func (o *confirmOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&o.objects, "confirm", nil, "confirm the deletion of this `object`, as the plan names it (\"PersistentVolumeClaim shop/data\"), where it needs to be; may be repeated")
	flags.BoolVar(&o.all, "confirm-deletions", false, "confirm all deletions that need to be")
	complete(command, "confirm", confirmCompletions)
}

// confirmCompletions offers the deletions of a saved plan that need to be confirmed: no
// other plan is there yet.
func confirmCompletions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) != 1 {
		return nil, none
	}
	data, err := planfile.Load(args[0])
	if err != nil {
		return nil, none
	}
	read, err := planfile.Read(bytes.NewReader(data), planfile.ReadOptions{})
	if err != nil { // it is encrypted, or none
		return nil, none
	}
	var out []string
	for i := range read.Plan.Applications {
		for _, c := range read.Plan.Applications[i].ToConfirm() {
			out = append(out, c.ID.String())
		}
	}
	return out, none
}

// confirmed is which deletions of a plan are confirmed: by the flags, or by who answers
// at a terminal. What nobody confirms, apply refuses.
func (w *work) confirmed(ctx context.Context, p *plan.Plan) (engine.Confirmed, error) {
	out := engine.Confirmed{All: w.options.confirm.all}
	var needed []*plan.Change
	for i := range p.Applications {
		needed = append(needed, p.Applications[i].ToConfirm()...)
	}
	for _, text := range w.options.confirm.objects {
		id, err := object.ParseID(text)
		if err != nil {
			return out, &usageError{command: w.options.command, err: fmt.Errorf("--confirm: %w", err)}
		}
		if !slices.ContainsFunc(needed, func(c *plan.Change) bool { return c.ID == id }) {
			return out, &usageError{command: w.options.command, err: fmt.Errorf("--confirm: the plan has no deletion of %s that needs to be confirmed%s", id, thereAre(needed))}
		}
		out.Objects = append(out.Objects, id)
	}
	left := slices.DeleteFunc(needed, func(c *plan.Change) bool { return out.Has(c.ID) })
	if len(left) == 0 || w.options.noInput || !isTerminal(w.cli.in) {
		return out, nil
	}
	question := fmt.Sprintf("%s to be confirmed: %s.\nDelete %s?", needs(len(left)), names(left), them(len(left)))
	if err := w.cli.confirm(ctx, question, false); err != nil {
		return out, err
	}
	for _, c := range left {
		out.Objects = append(out.Objects, c.ID)
	}
	return out, nil
}

func needs(n int) string {
	if n == 1 {
		return "1 deletion needs"
	}
	return words.Counted(n, "deletion") + " need"
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// thereAre says which deletions could be meant.
func thereAre(needed []*plan.Change) string {
	if len(needed) == 0 {
		return "; there is none"
	}
	return "; there is " + names(needed)
}

func names(changes []*plan.Change) string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.ID.String()
	}
	return strings.Join(out, ", ")
}
