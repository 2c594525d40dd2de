package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
)

// healOptions are the flags of apply that are about drift.
type healOptions struct {
	heal, dryRun, detailed bool
}

func (o *healOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&o.heal, "self-heal", false, "put back what others have changed since the last apply, of applications that heal themselves; the arguments are addresses of applications, none is all")
	flags.BoolVar(&o.dryRun, "dry-run", false, "with --self-heal: show what would be put back, and change nothing")
	flags.BoolVar(&o.detailed, "detailed-exitcode", false, "with --self-heal: exit with 2 where there was something to put back")
}

// check refuses flags that say nothing without --self-heal, or nothing with it.
func (o *healOptions) check(cmd *cobra.Command) error {
	others := []string{"manual", "auto-approve", "refresh", "resume", "resource", "label", "locked", "allow-empty", "allow-removed", "allow-destroyed"}
	if !o.heal {
		others = []string{"dry-run", "detailed-exitcode"}
	}
	given := firstSet(cmd, append(others, trustFlags()...)...)
	switch {
	case given == "" || !o.heal && given != "dry-run" && given != "detailed-exitcode":
		return nil
	case o.heal:
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s has no effect with --self-heal: nothing is done but what was applied before", given)}
	}
	return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is for --self-heal", given)}
}

// selfHeal puts back what others have changed.
func (c *cli) selfHeal(ctx context.Context, in *inputs, work workOptions, options healOptions) error {
	if !options.dryRun {
		if err := c.onlySigned(work.command); err != nil {
			return err
		}
	}
	work.sourceless, work.right = true, access.Apply
	if options.dryRun {
		work.right = access.Get
	}
	w, err := c.begin(ctx, in, work)
	if err != nil {
		return err
	}
	defer w.end()
	found, diags := w.engine.Heal(ctx, w.config, w.targets)
	w.progress.pause()
	diags = append(w.diags, diags...)
	if found != nil {
		found.Plan.Backend = w.place.Backend
		if err := c.showHealing(found, work.view, options, diags.HasErrors()); err != nil {
			return err
		}
	}
	c.printDiagnostics(w.files, diags)
	if found == nil {
		return failed(diags)
	}
	unread := slices.ContainsFunc(found.Left, func(l engine.LeftAlone) bool { return l.Unread })
	if err := failed(diags); err == nil && unread && !found.Plan.HasChanges() {
		return exitCode(exitError)
	} else if !found.Plan.HasChanges() {
		return err
	}
	if !options.dryRun {
		if err := w.apply(ctx, found.Plan); err != nil {
			return err
		}
	}
	if err := failed(diags); err != nil {
		return err
	}
	if unread {
		return exitCode(exitError)
	}
	if options.detailed {
		return exitCode(exitChanges)
	}
	return nil
}

// healJSON is what --self-heal writes for programs before it begins.
type healJSON struct {
	FormatVersion string          `json:"formatVersion"`
	Drifted       bool            `json:"drifted"` // there is something to put back
	DryRun        bool            `json:"dryRun"`
	Left          []leftJSON      `json:"left"`
	Plan          json.RawMessage `json:"plan"`
}

type leftJSON struct {
	Application string      `json:"application"`
	Object      *objectJSON `json:"object"` // null: the whole application
	Why         string      `json:"why"`
	Unread      bool        `json:"unread"`  // its cluster cannot be read
	Unasked     bool        `json:"unasked"` // it does not heal itself, and was not looked at
}

type objectJSON struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// showHealing shows what is put back, and what is left alone and why.
func (c *cli) showHealing(found *engine.Healing, how viewOptions, options healOptions, errors bool) error {
	if c.json {
		c.events.plan(found.Plan)
		var text bytes.Buffer
		if err := view.JSON(&text, found.Plan); err != nil {
			return err
		}
		out := healJSON{FormatVersion: "1.0", Drifted: found.Plan.HasChanges(), DryRun: options.dryRun, Left: []leftJSON{}, Plan: text.Bytes()}
		for _, left := range found.Left {
			one := leftJSON{Application: left.Address.String(), Why: left.Why, Unread: left.Unread, Unasked: left.Unasked}
			if id := left.Object; id != (object.ID{}) {
				one.Object = &objectJSON{id.Group, id.Kind, id.Namespace, id.Name}
			}
			out.Left = append(out.Left, one)
		}
		return c.writeJSON(out)
	}
	if found.Plan.HasChanges() {
		if err := c.showPlan(found.Plan, how, errors); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(c.out, paint(c.colour(c.out), green, "Nothing to put back: ")+
		count(len(found.Plan.Applications), "application")+" as applied."); err != nil {
		return err
	}
	_, err := fmt.Fprint(c.out, leftText(found.Left))
	return err
}

// leftText says what is left alone, and why. Applications that nobody asked to be healed
// are one line.
func leftText(left []engine.LeftAlone) string {
	var b strings.Builder
	var unasked []string
	for _, l := range left {
		what := l.Address.String()
		switch {
		case l.Unasked:
			unasked = append(unasked, what)
			continue
		case l.Object != object.ID{}:
			what += ": " + l.Object.String()
		}
		head := "Left alone"
		if l.Unread {
			head = "Not read"
		}
		fmt.Fprintf(&b, "%s: %s: %s.\n", head, printable(what), printable(strings.TrimSuffix(l.Why, ".")))
	}
	if len(unasked) > 0 {
		fmt.Fprintf(&b, "Not set to heal themselves: %s.\n", printable(some(unasked)))
	}
	return b.String()
}
