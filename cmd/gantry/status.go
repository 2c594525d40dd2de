package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/providers/watched"
)

// statusOptions are the flags of status.
type statusOptions struct {
	tree, unhealthy, watch, detailed bool
	interval                         time.Duration
}

func newStatus(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var options statusOptions
	command := &cobra.Command{
		Use:   "status [ADDRESS...]",
		Short: "Show how applications are",
		Long: `Shows for each application whether what it owns is as it was last applied, how healthy
it is and why not, when it was applied last, and what is being applied now. Of an
address of several instances all are shown.

It is read from the state and by lists from the clusters: no source is read, nothing is
rendered, and nothing is sent. With --watch each list is made once, and followed by a
watch. So it does not tell what an apply would change: "gantry plan" does. What others
have changed is told in short: "gantry drift" tells it in full.

The exit code is 0, or 1 where something cannot be read. With --detailed-exitcode it is 2
where an application is not Synced, or neither Healthy nor Suspended.`,
		Example: `  gantry status
  gantry status application.web --tree
  gantry status --unhealthy --watch
  gantry status --json | jq '.applications[] | select(.health == "Degraded") | .cause'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if options.interval < time.Second {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--interval is %s, and must be at least 1s", options.interval)}
			}
			chosen, err := choosing(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			work.sourceless = true
			return c.status(cmd.Context(), &in, work, options, chosen)
		},
		ValidArgsFunction: c.targetCompletions(),
	}
	in.register(c, command)
	work.registerReading(c, command)
	flags := command.Flags()
	if err := flags.MarkHidden("target"); err != nil {
		panic(err)
	}
	flags.BoolVar(&options.tree, "tree", false, "show every object, and the ReplicaSets, Jobs and Pods that it made")
	flags.BoolVar(&options.unhealthy, "unhealthy", false, "show only applications that are neither Healthy nor Suspended")
	flags.BoolVar(&options.watch, "watch", false, "look again until it is interrupted")
	flags.DurationVar(&options.interval, "interval", 3*time.Second, "with --watch: how `long` until it looks again")
	flags.BoolVar(&options.detailed, "detailed-exitcode", false, "exit with 2 where something is not Synced, or not healthy")
	return command
}

// choosing is which applications some addresses mean: one, or the instances of a block or
// of a module's.
func choosing(args []string) (map[string]func(addr.Address) bool, error) {
	out := map[string]func(addr.Address) bool{}
	for _, text := range args {
		address, err := addr.Parse(text)
		if err != nil {
			return nil, err
		}
		if address.Kind != "application" {
			return nil, fmt.Errorf("%s is no application", text)
		}
		name := address.String()
		out[name] = func(a addr.Address) bool {
			return a.String() == name || strings.HasPrefix(a.String(), name+"[")
		}
	}
	return out, nil
}

func (c *cli) status(ctx context.Context, in *inputs, options workOptions, how statusOptions, chosen map[string]func(addr.Address) bool) error {
	options.right = access.Get
	if how.watch {
		var kept *watched.Clusters
		options.adapt = func(o *engine.Options) {
			kept = watched.New(o.Clusters)
			o.Clusters = kept
		}
		defer func() {
			if kept != nil {
				kept.Close()
			}
		}()
	}
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	what := engine.StatusOptions{Tree: how.tree}
	if len(chosen) > 0 {
		what.Chosen = func(a addr.Address) bool {
			for _, is := range chosen {
				if is(a) {
					return true
				}
			}
			return false
		}
	}
	if how.watch {
		c.notices.hush()
	}
	c.printDiagnostics(w.files, w.diags)
	shown := &statusScreen{cli: c, how: how, screen: screen{out: c.out, colour: c.colour(c.out)}}
	for {
		now, diags := w.engine.Status(ctx, w.config, what)
		w.progress.pause()
		if _, stopped := interrupted(ctx); stopped && how.watch {
			return shown.leave()
		}
		c.printDiagnostics(w.files, diags)
		if err := failed(diags); err != nil {
			return err
		}
		if err := c.missed(ctx, now, chosen); err != nil {
			return err
		}
		if err := shown.show(now); err != nil {
			return err
		}
		if !how.watch {
			return how.verdict(now, failed(w.diags))
		}
		select {
		case <-ctx.Done():
			return shown.leave()
		case <-time.After(how.interval):
		}
	}
}

// verdict is the exit code of what was shown; err is what is wrong with the configuration.
func (o *statusOptions) verdict(s *status.Status, err error) error {
	wrong := false
	for i := range s.Applications {
		if a := &s.Applications[i]; a.Sync == status.Unknown {
			return exitCode(exitError)
		} else if a.Sync != status.Synced || !status.Healthy(a.Health) {
			wrong = true
		}
	}
	if err == nil && wrong && o.detailed {
		return exitCode(exitChanges)
	}
	return err
}

// missed refuses an address that no application has.
func (c *cli) missed(ctx context.Context, s *status.Status, chosen map[string]func(addr.Address) bool) error {
	for name, is := range chosen {
		found := false
		for i := range s.Applications {
			found = found || is(s.Applications[i].Address)
		}
		if found {
			continue
		}
		text := fmt.Sprintf("there is no %s, neither in the configuration nor in the state", name)
		if near := schema.Suggest(name, c.knownApplications(ctx)); near != "" {
			text += fmt.Sprintf(". Did you mean %s?", near)
		}
		return failure("Unknown application", fmt.Errorf("%s", text))
	}
	return nil
}

// statusScreen shows a status once, or again and again: in place on a terminal, elsewhere
// whenever it is another one.
type statusScreen struct {
	cli    *cli
	how    statusOptions
	screen screen
	last   string
}

func (s *statusScreen) show(now *status.Status) error {
	if s.how.unhealthy {
		kept := now.Applications[:0]
		for i := range now.Applications {
			if !status.Healthy(now.Applications[i].Health) {
				kept = append(kept, now.Applications[i])
			}
		}
		now.Applications = kept
	}
	if s.cli.json {
		return s.json(now)
	}
	view := statusView{tree: s.how.tree, width: width(s.cli.out), now: now.At}
	rows := view.rows(now)
	if s.how.watch && isTerminal(s.cli.out) && s.cli.getenv("TERM") != "dumb" {
		columns, lines := size(s.cli.out)
		rows = append([]row{{{now.At.UTC().Format("15:04:05 MST"), dim}}}, rows...)
		if more := len(rows) - (lines - 1); more > 0 {
			rows = append(rows[:lines-2], row{{fmt.Sprintf("and %s more", count(more+1, "line")), dim}})
		}
		s.screen.draw(rows, columns, lines)
		return nil
	}
	var b strings.Builder
	for _, r := range rows {
		text, _ := r.fit(0, s.screen.colour)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	if s.how.watch {
		if same, err := s.same(now); same || err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.cli.out, "%s\n%s\n", now.At.Format(time.RFC3339), b.String())
		return err
	}
	_, err := io.WriteString(s.cli.out, b.String())
	return err
}

// json writes a status for programs: indented, or a line each time where it is watched.
func (s *statusScreen) json(now *status.Status) error {
	if !s.how.watch {
		return s.cli.writeJSON(now)
	}
	if same, err := s.same(now); same || err != nil {
		return err
	}
	return jsonEncoder(s.cli.out).Encode(now)
}

// same reports whether a status is as the one before but for the time.
func (s *statusScreen) same(now *status.Status) (bool, error) {
	timeless := *now
	timeless.At = time.Time{}
	text, err := json.Marshal(timeless)
	if err != nil || string(text) == s.last {
		return true, err
	}
	s.last = string(text)
	return false, nil
}

// leave ends what was watched below what was shown last.
func (s *statusScreen) leave() error {
	if len(s.screen.drawn) > 0 {
		fmt.Fprintln(s.cli.out)
	}
	return nil
}
