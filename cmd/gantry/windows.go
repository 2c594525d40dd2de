package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/window"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schedule"
	"github.com/gantrycd/gantry/plan"
)

// windowsOptions are the flags of windows.
type windowsOptions struct {
	from   string
	days   int
	manual bool
}

func newWindows(c *cli) *cobra.Command {
	var in inputs
	var options windowsOptions
	command := &cobra.Command{
		Use:   "windows [ADDRESS...]",
		Short: "Show when applications may be applied, by their sync windows",
		Long: `Shows a calendar of the sync windows: for each application that has any, or those of the
arguments, the windows that are for it, whether it may be applied now, and the times of the
next days at which it may be, by the clocks of the windows' zone. Applications with the
same windows are told together. It reads no source, no state and no cluster; applications
that generators make of what they read from sources are not known here.`,
		Example: `  gantry windows
  gantry windows application.web --days 14
  gantry windows --from 2026-10-24 --days 3
  gantry windows --manual
  gantry windows --json`,
		Args:              takes(0, many),
		RunE:              func(cmd *cobra.Command, args []string) error { return c.windows(cmd.Context(), &in, args, options) },
		ValidArgsFunction: c.targetCompletions(),
	}
	in.register(c, command)
	flags := command.Flags()
	flags.StringVar(&options.from, "from", "", "the first `day`, like 2026-10-24, or a time like 2026-10-24T08:00:00Z (default: now)")
	flags.IntVar(&options.days, "days", 7, "how many `days` are shown, up to 366")
	flags.BoolVar(&options.manual, "manual", false, "as for what a person starts")
	complete(command, "from", fixedCompletions())
	complete(command, "days", fixedCompletions("1", "7", "14", "31"))
	return command
}

// maxDays is how many days a calendar may have.
const maxDays = 366

// start reads when the calendar begins; a day begins at its midnight in the zone.
func (o *windowsOptions) start(now time.Time, zone *time.Location) (time.Time, error) {
	if o.days < 1 || o.days > maxDays {
		return time.Time{}, fmt.Errorf("--days is %d, and must be from 1 to %d", o.days, maxDays)
	}
	if o.from == "" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339, o.from); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, o.from, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("--from is %q, and must be a day like 2026-10-24, or a time like 2026-10-24T08:00:00Z", o.from)
	}
	return at, nil
}

// windowsJSON is what applications with the same windows have, for programs.
type windowsJSON struct {
	Applications []addr.Address `json:"applications"`
	Windows      []plan.Window  `json:"windows"`
	Now          *plan.Opening  `json:"now"`
	From         time.Time      `json:"from"`
	To           time.Time      `json:"to"`
	Openings     []intervalJSON `json:"openings"` // sorted; cut off at from and to
	zone         *time.Location
	text         string
	openings     []schedule.Interval
}

type intervalJSON struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// windows shows the calendar.
func (c *cli) windows(ctx context.Context, in *inputs, args []string, options windowsOptions) error {
	read, diags, err := c.evaluate(ctx, in, nil)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		c.printDiagnostics(read.files, diags)
		return failed(diags)
	}
	apps, err := chosenApplications(read.config, args)
	if err != nil {
		return err
	}
	now := time.Now()
	var all []*windowsJSON
	for _, app := range apps {
		if app.Project == nil {
			continue
		}
		planned := window.For(app.Project.Rules.Windows, app.WindowSubject())
		if len(planned) == 0 {
			continue
		}
		key := fmt.Sprintf("%+v", planned)
		at := slices.IndexFunc(all, func(w *windowsJSON) bool { return w.text == key })
		if at < 0 {
			made, err := calendar(planned, now, options)
			if err != nil {
				return err
			}
			made.text = key
			at, all = len(all), append(all, made)
		}
		all[at].Applications = append(all[at].Applications, app.Address)
	}
	if c.json {
		if all == nil {
			all = []*windowsJSON{}
		}
		return c.writeJSON(map[string]any{"formatVersion": "1.0", "groups": all})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(c.out, "No sync windows: applications may be applied at any time.")
		return err
	}
	var text strings.Builder
	for _, group := range all {
		group.write(&text, options)
	}
	_, err = fmt.Fprint(c.out, text.String())
	return err
}

// chosenApplications are those that addresses name; all where there are none.
func chosenApplications(config *lang.Config, args []string) ([]*lang.Application, error) {
	if len(args) == 0 {
		return config.Applications, nil
	}
	var out []*lang.Application
	for _, arg := range args {
		address, err := addr.Parse(arg)
		if err != nil {
			return nil, &usageError{command: "gantry windows", err: err}
		}
		found := false
		for _, app := range config.Applications {
			if address.Covers(app.Address) || app.Project != nil && app.Project.Address == address {
				found = true
				if !slices.Contains(out, app) {
					out = append(out, app)
				}
			}
		}
		if !found {
			return nil, failure("Unknown application", fmt.Errorf("there is no %s in the configuration that is known without its sources", address))
		}
	}
	return out, nil
}

// calendar is when applications with some windows may be applied.
func calendar(planned []plan.Window, now time.Time, options windowsOptions) (*windowsJSON, error) {
	windows, err := window.Parse(planned)
	if err != nil {
		return nil, failure("Sync windows cannot be judged", err)
	}
	sync := window.Sync{Manual: options.manual}
	opening := windows.Opening(now, sync)
	out := &windowsJSON{Windows: planned, Now: &opening, zone: time.UTC, Openings: []intervalJSON{}}
	if zone, err := time.LoadLocation(opening.TimeZone); err == nil {
		out.zone = zone
	}
	if out.From, err = options.start(now.In(out.zone), out.zone); err != nil {
		return nil, &usageError{command: "gantry windows", err: err}
	}
	out.From = out.From.In(out.zone)
	out.To = out.From.AddDate(0, 0, options.days)
	out.openings = windows.Openings(out.From, out.To, sync)
	for _, open := range out.openings {
		out.Openings = append(out.Openings, intervalJSON{open.From.In(out.zone), open.To.In(out.zone)})
	}
	return out, nil
}

// write shows a group to people.
func (w *windowsJSON) write(out *strings.Builder, options windowsOptions) {
	names := make([]string, len(w.Applications))
	for i, address := range w.Applications {
		names[i] = address.String()
	}
	fmt.Fprintf(out, "%s\n", printable(some(names)))
	for i := range w.Windows {
		fmt.Fprintf(out, "  %s  (%s)\n", printable(w.Windows[i].String()), printable(w.Windows[i].At))
	}
	if options.from == "" {
		fmt.Fprintf(out, "  %s\n", printable(w.Now.String()))
	}
	const shown = "Mon 2006-01-02 15:04 MST"
	fmt.Fprintf(out, "  from %s to %s, by the clocks of %s:\n", w.From.Format(shown), w.To.Format(shown), printable(w.Now.TimeZone))
	for _, open := range w.Openings {
		fmt.Fprintf(out, "    open  %s  to  %s  (%s)\n", open.From.Format(shown), open.To.Format(shown), plan.Spell(open.To.Sub(open.From)))
	}
	if len(w.Openings) == 0 {
		out.WriteString("    closed all the time\n")
	}
	out.WriteString("\n")
}
