package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/promote"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/providers"
)

// promoteOptions are the flags of promote.
type promoteOptions struct {
	from, to, base, reason string
	soak                   time.Duration
	dry, override          bool
}

func newPromote(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var options promoteOptions
	command := &cobra.Command{
		Use:   "promote [ADDRESS] --from NAME --to NAME",
		Short: "Propose what runs in one place for another, as a pull request",
		Long: `Opens a pull request that gives one instance of an application the pinned inputs of another:
revisions of sources, versions of charts, tags and digests of images. Nothing else changes.
The pull request says what speaks for it: which change digest is applied where it comes from,
when and by whom that was applied, and since when it is healthy.

NAME is a key of the for_each of the application or of a module that it is in, a name between
the slashes of such a key, or the cluster that it goes to. Without ADDRESS, both names are
addresses of applications.

What is promoted is what was applied. So nothing is where the instance that it comes from is
held, not healthy, was changed by others, or is not as its configuration says; --soak asks that
it was healthy for a while. --override-evidence goes past that, with a --reason that the pull
request shows.

An input is changed where it is written: in the application, in what that refers to, in a file
of variables or in a file of data. Where something else uses the same text, too, nothing is
changed, and it says where that is. Run it in a clean checkout of the branch that the pull
request is for. The branch of an open pull request for the same names is written anew, unless
it has commits of somebody else.`,
		Example: `  gantry promote application.web --from staging --to production
  gantry promote application.web --from staging --to production --soak 24h
  gantry promote application.web --from staging --to production --dry-run
  gantry promote --from application.web_staging --to application.web_production
  gantry promote application.web --from staging --to production --override-evidence --reason "INC-42"`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			of, err := options.check(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			work.right = access.Plan
			return c.promote(cmd.Context(), &in, work, options, of)
		},
		ValidArgsFunction: c.targetCompletions(),
	}
	in.register(c, command)
	work.registerReading(c, command)
	flags := command.Flags()
	if err := flags.MarkHidden("target"); err != nil {
		panic(err)
	}
	flags.StringVar(&options.from, "from", "", "the instance that shows how it should be: a `name`")
	flags.StringVar(&options.to, "to", "", "the instance that is to become so: a `name`")
	flags.StringVar(&options.base, "base", "", "the `branch` that the pull request is for (default: the repository's default branch)")
	flags.DurationVar(&options.soak, "soak", 0, "how `long` the one that it comes from must have been healthy")
	flags.BoolVar(&options.dry, "dry-run", false, "show the edit and the evidence, and propose nothing")
	flags.BoolVar(&options.override, "override-evidence", false, "propose it whatever speaks against it; needs a --reason, which the pull request shows")
	flags.StringVar(&options.reason, "reason", "", "why --override-evidence, in a `text`")
	complete(command, "from", c.promotionCompletions())
	complete(command, "to", c.promotionCompletions())
	complete(command, "base", fixedCompletions("main"))
	complete(command, "soak", fixedCompletions("1h", "24h"))
	complete(command, "reason", fixedCompletions())
	return command
}

// promotionCompletions offers the keys of applications, and the clusters that they go to.
func (c *cli) promotionCompletions() completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		read, _, err := c.evaluate(cmd.Context(), &inputs{}, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return promote.Names(read.config, strings.Join(args, "")), cobra.ShellCompDirectiveNoFileComp
	}
}

func (o *promoteOptions) check(args []string) (addr.Address, error) {
	var of addr.Address
	if len(args) == 1 {
		var err error
		if of, err = addr.Parse(args[0]); err != nil {
			return of, err
		}
		if of.Kind != "application" {
			return of, fmt.Errorf("%s is no application", args[0])
		}
	}
	switch {
	case o.from == "" || o.to == "":
		return of, errors.New("say where from and where to: --from NAME --to NAME")
	case o.soak < 0:
		return of, fmt.Errorf("--soak is %s, and cannot be less than nothing", o.soak)
	case o.override && strings.TrimSpace(o.reason) == "":
		return of, errors.New("say why the evidence does not matter: --reason TEXT. The pull request shows it")
	case !o.override && o.reason != "":
		return of, errors.New("--reason is for --override-evidence")
	}
	return of, nil
}

// promoted is a promotion, and what came of it.
type promoted struct {
	Application string                 `json:"application,omitempty"`
	From        string                 `json:"from"`
	To          string                 `json:"to"`
	Changes     []promote.Change       `json:"changes"`
	Left        []promote.Left         `json:"left"`
	Evidence    []*promote.Evidence    `json:"evidence"`
	Reason      string                 `json:"reason,omitempty"`
	Diff        string                 `json:"diff,omitempty"`
	Branch      string                 `json:"branch,omitempty"`
	Commit      string                 `json:"commit,omitempty"`
	PullRequest *providers.PullRequest `json:"pullRequest,omitempty"`
	// Updated: the pull request was open already.
	Updated bool `json:"updated,omitempty"`
}

func (c *cli) promote(ctx context.Context, in *inputs, options workOptions, how promoteOptions, of addr.Address) (err error) {
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	c.printDiagnostics(w.files, w.diags)
	if err := failed(w.diags); err != nil {
		return err
	}
	pairs, err := promote.Pairs(w.config, of, how.from, how.to)
	if err != nil {
		return failure("Nothing to promote", err)
	}
	var at *proposing
	if !how.dry {
		if at, err = c.proposing(ctx, in, how.base); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, at.close()) }()
	}
	made := &promote.Promotion{From: how.from, To: how.to, Reason: how.reason}
	if !of.IsZero() {
		made.Application = of.String()
	}
	if err := w.evident(ctx, how, pairs, made); err != nil {
		return err
	}
	out := &promoted{Application: made.Application, From: how.from, To: how.to, Changes: made.Changes, Left: made.Left, Evidence: made.Evidence, Reason: how.reason}
	if len(made.Changes) == 0 {
		return c.showPromoted(out, how)
	}
	trying, err := c.trying(in, w)
	if err != nil {
		return err
	}
	edited, err := trying.search(ctx, w.config, made.Changes)
	if err != nil {
		return failure("Input cannot be promoted", err)
	}
	if err := carryLocks(w, made.Changes, trying.files, edited); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(edited)) {
		out.Diff += lineDiff(name, string(trying.files[name]), string(edited[name]))
	}
	if at != nil {
		if err := at.propose(ctx, w, made, edited, out); err != nil {
			return err
		}
	}
	w.progress.pause()
	return c.showPromoted(out, how)
}

// carryLocks adds to the edit what the lock file has to say of revisions that it holds by a
// range so far, and that are asked for by what that came to from now on.
func carryLocks(w *work, changes []promote.Change, files, edited map[string][]byte) error {
	file, src, diags := lockfile.Read(w.dir)
	if diags.HasErrors() {
		return failure("Lock file cannot be read", diags)
	}
	carried := false
	for i := range changes {
		from, to, ok := changes[i].Locations()
		if !ok {
			continue
		}
		if entry, found := sourcelock.Carried(file, from, to); found {
			file.Set(entry)
			carried = true
		}
	}
	if carried {
		files[lockfile.Name], edited[lockfile.Name] = src, file.Bytes()
	}
	return nil
}

// evident finds out what speaks for a promotion, and what changes. It refuses what something
// speaks against, unless that is gone past.
func (w *work) evident(ctx context.Context, how promoteOptions, pairs []promote.Pair, made *promote.Promotion) error {
	from := map[addr.Address]bool{}
	for _, pair := range pairs {
		from[pair.From.Address] = true
	}
	targets := slices.SortedFunc(maps.Keys(from), addr.Address.Compare)
	planned, diags := w.engine.Plan(ctx, w.config, engine.PlanOptions{Targets: targets})
	w.progress.pause()
	if planned == nil {
		w.cli.printDiagnostics(w.files, diags)
		return failed(diags)
	}
	now, diags := w.engine.Status(ctx, w.config, engine.StatusOptions{Tree: true, Chosen: func(a addr.Address) bool { return from[a] }})
	w.cli.printDiagnostics(w.files, diags)
	if err := failed(diags); err != nil {
		return err
	}
	for _, pair := range pairs {
		address := pair.From.Address
		record, _, err := w.state.records.Get(ctx, address)
		if err != nil {
			return failure("State cannot be read", err)
		}
		known := promote.Known{Record: record, Planned: applicationOf(planned, address), Status: statusOf(now, address), Now: now.At, Soak: how.soak}
		found, err := known.Judge(address)
		if err != nil {
			return failure("Nothing speaks for it", err)
		}
		changes, left, err := pair.Choose(found.Sources)
		if err != nil {
			return failure("Input cannot be promoted", err)
		}
		made.Evidence, made.Changes, made.Left = append(made.Evidence, found), append(made.Changes, changes...), append(made.Left, left...)
	}
	if against := made.Objections(); len(against) > 0 && !how.override {
		return failure("Something speaks against it", fmt.Errorf("%s. Mend that, or go past it with --override-evidence and a --reason, which the pull request shows", strings.Join(against, "; ")))
	}
	return nil
}

func statusOf(s *status.Status, address addr.Address) *status.Application {
	for i := range s.Applications {
		if s.Applications[i].Address == address {
			return &s.Applications[i]
		}
	}
	return nil
}

// showPromoted tells what came of it.
func (c *cli) showPromoted(out *promoted, how promoteOptions) error {
	if c.json {
		if out.Changes == nil {
			out.Changes = []promote.Change{}
		}
		if out.Left == nil {
			out.Left = []promote.Left{}
		}
		return c.writeJSON(out)
	}
	var b strings.Builder
	for _, e := range out.Evidence {
		fmt.Fprintf(&b, "%s has %.19s since %s", e.Application, e.Digest, e.AppliedAt.Format(time.RFC3339))
		if !e.HealthySince.IsZero() {
			fmt.Fprintf(&b, ", and is %s since %s", e.Health, e.HealthySince.Format(time.RFC3339))
		} else {
			fmt.Fprintf(&b, ", and is %s", e.Health)
		}
		b.WriteString(".\n")
		for _, text := range e.Objections {
			fmt.Fprintf(&b, "  Gone past: %s.\n", text)
		}
	}
	if len(out.Changes) == 0 {
		fmt.Fprintf(&b, "Nothing to promote: %q has the pinned inputs of %q.\n", out.To, out.From)
	}
	for _, change := range out.Changes {
		fmt.Fprintf(&b, "%s: %s %s -> %s (%s:%d)\n", change.Application, change.Input, change.Old, change.New, change.File, change.Line)
	}
	for _, left := range out.Left {
		fmt.Fprintf(&b, "%s: %s stays: %s\n", left.Application, left.Input, left.Why)
	}
	switch {
	case out.PullRequest != nil && out.Updated:
		fmt.Fprintf(&b, "Updated #%d: %s\n", out.PullRequest.Number, out.PullRequest.URL)
	case out.PullRequest != nil:
		fmt.Fprintf(&b, "Opened #%d: %s\n", out.PullRequest.Number, out.PullRequest.URL)
	case how.dry && out.Diff != "":
		b.WriteString("\n" + out.Diff)
	}
	_, err := fmt.Fprint(c.out, printable(b.String()))
	return err
}
