package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/words"
)

func newDrift(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	command := &cobra.Command{
		Use:   "drift",
		Short: "Show what others have changed since the last apply",
		Long: `Compares what was last applied with what the clusters have, and shows who changed
what, from what to what. It is a plan without new input: what the configuration and
its sources say since is no drift, and neither are fields that never were ours, such
as an autoscaler's replicas. Nothing is changed, and nothing but reading is asked of
the clusters, so that it can run with the rights of a reader.

The exit code is 0 where everything is as it was applied, 2 where something is not,
and 1 where that cannot be told of everything, so that a schedule can act on it.
"gantry plan" shows what putting it back comes to, and "gantry apply" does it.`,
		Example: `  gantry drift
  gantry drift --target application.web
  gantry drift --resource 'apps/Deployment:*/*' --label tier=front
  gantry drift --json | jq '.applications[] | select(.objects != [])'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.drift(cmd.Context(), &in, work)
		},
	}
	in.register(c, command)
	work.registerReading(c, command)
	work.registerSelection(command)
	return command
}

func (c *cli) drift(ctx context.Context, in *inputs, options workOptions) error {
	options.right = access.Get
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	found, diags := w.engine.Drift(ctx, w.config, w.targets, w.only)
	w.progress.pause()
	diags = append(w.diags, diags...)
	if found != nil {
		if c.json {
			err = writeDrift(c.out, found)
		} else {
			(&driftText{out: c.out, colour: c.colour(c.out), now: time.Now(), unread: diags.HasErrors()}).all(found)
		}
		if err != nil {
			return err
		}
	}
	c.printDiagnostics(w.files, diags)
	if err := failed(diags); err != nil {
		return err
	}
	if found.Drifted() {
		return exitCode(exitChanges)
	}
	return nil
}

// driftText writes drift for people, plain enough for a message to a channel.
type driftText struct {
	out    io.Writer
	colour bool
	now    time.Time
	unread bool // not all could be read
}

func (t *driftText) line(depth int, format string, args ...any) {
	fmt.Fprintf(t.out, "%*s%s\n", depth*2, "", fmt.Sprintf(format, args...))
}

func (t *driftText) all(d *engine.Drift) {
	objects, drifted, checked := 0, 0, 0
	for i := range d.Applications {
		a := &d.Applications[i]
		checked += a.Checked
		if len(a.Objects) == 0 {
			continue
		}
		objects += len(a.Objects)
		drifted++
		t.application(a)
	}
	where := fmt.Sprintf("%s of %s", count(checked, "object"), count(len(d.Applications), "application"))
	if drifted == 0 && t.unread {
		t.line(0, "%s", paint(t.colour, yellow, "No drift in what was read: ")+where+" as applied.")
		return
	}
	if drifted == 0 {
		t.line(0, "%s", paint(t.colour, green, "No drift: ")+where+" as applied.")
		return
	}
	t.line(0, "%s", paint(t.colour, yellow, "Drift: ")+fmt.Sprintf("%s in %s, of %s.", count(objects, "object"), count(drifted, "application"), where))
}

func (t *driftText) application(a *engine.DriftedApplication) {
	applied := ""
	if !a.AppliedAt.IsZero() {
		applied = ", last applied " + words.Ago(a.AppliedAt, t.now)
	}
	t.line(0, "%s (cluster %s%s)", paint(t.colour, bold, a.Address.String()), words.Printable(a.Cluster), applied)
	for i := range a.Objects {
		t.object(&a.Objects[i])
	}
	if a.Unknown != "" {
		t.line(1, "What was applied is not known of some objects: %s", words.Printable(a.Unknown))
	}
	fmt.Fprintln(t.out)
}

func (t *driftText) object(o *engine.DriftedObject) {
	name := words.Printable(o.ID.String())
	switch o.How {
	case engine.DriftDeleted:
		t.line(1, "%s %s was deleted", paint(t.colour, red, "-"), name)
	case engine.DriftReplaced:
		t.line(1, "%s %s was deleted and made again", paint(t.colour, yellow, "±"), name)
	case engine.DriftClaimed:
		t.line(1, "%s %s is marked as an object of %s", paint(t.colour, yellow, "!"), name, words.Printable(o.By))
	case engine.DriftChanged:
		t.line(1, "%s %s", paint(t.colour, yellow, "~"), name)
	}
	for i := range o.Fields {
		t.line(3, "%s", driftedField(&o.Fields[i], o.Known, t.now))
	}
}

// driftedField says what became of a field, and by whom.
func driftedField(f *plan.FieldChange, known bool, now time.Time) string {
	path := words.Printable(f.Path)
	var what string
	switch {
	case f.Owned:
		what = fmt.Sprintf("%s: %s as it was, no longer ours", path, driftValue(firstNonNil(f.After, f.Before)))
	case f.Kind == plan.Added && known: // to be added by a plan: it is gone
		what = fmt.Sprintf("%s: %s was removed", path, driftValue(f.After))
	case f.Kind == plan.Added:
		what = path + ": was removed"
	case f.Kind == plan.Removed:
		what = fmt.Sprintf("%s: %s was added", path, driftValue(f.Before))
	case known:
		what = fmt.Sprintf("%s: %s → %s", path, driftValue(f.After), driftValue(f.Before))
	default:
		what = fmt.Sprintf("%s: now %s", path, driftValue(f.Before))
	}
	if f.Drift == nil {
		return what
	}
	by := ", by " + words.Printable(f.Drift.Manager)
	if f.Drift.Operation != "" {
		by += " (" + f.Drift.Operation + ")"
	}
	if !f.Drift.At.IsZero() {
		by += " " + words.Ago(f.Drift.At, now)
	}
	return what + by
}

func firstNonNil(a, b any) any {
	if a != nil {
		return a
	}
	return b
}

// driftValue is a value in one short line.
func driftValue(v any) string {
	const most = 120
	text := []rune(words.Printable(view.Value(v)))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
