package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// holdOptions are the flags of hold.
type holdOptions struct{ reason, until string }

func newHold(c *cli) *cobra.Command {
	var options holdOptions
	command := &cobra.Command{
		Use:   "hold [ADDRESS...]",
		Short: "Keep applications from being applied, or list those that are",
		Long: `Holds applications: they are planned and shown, and not applied, by nobody, until they are
released or the hold ends. Their drift is not put back, and they are not destroyed. What
depends on one of them, and waits for its changes, is left out, too. Actions, such as a
restart, go on.

An address of several instances holds each of those that there are. One that is held
already gets the new reason. Without an address, what is held is listed.`,
		Example: `  gantry hold application.web --reason "incident 42"
  gantry hold 'application.web["production"]' --reason "freeze" --until 2h
  gantry hold application.web --reason "freeze" --until 2027-01-02T08:00:00Z
  gantry hold`,
		Args: takes(0, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if given := firstSet(cmd, "reason", "until"); given != "" {
					return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is about a hold: say of which application", given)}
				}
				return c.listHolds(cmd.Context())
			}
			if strings.TrimSpace(options.reason) == "" {
				return &usageError{command: cmd.CommandPath(), err: errors.New("say why: --reason TEXT. Others will read it in their plans")}
			}
			until, err := parseUntil(options.until, time.Now())
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.hold(cmd.Context(), args, options.reason, until)
		},
		ValidArgsFunction: c.targetCompletions(),
	}
	command.Flags().StringVar(&options.reason, "reason", "", "why, in a `text` that plans show")
	command.Flags().StringVar(&options.until, "until", "", "when it ends by itself: a `time` like 2027-01-02T08:00:00Z, or how long, like 2h (default: when it is released)")
	complete(command, "reason", fixedCompletions())
	complete(command, "until", fixedCompletions("1h", "8h", "24h", "168h"))
	return command
}

func newRelease(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "release ADDRESS...",
		Short: "Let applications be applied again",
		Long: `Releases applications that are held: by "gantry hold", or by a rollback. What their sources
say is planned as before, and applied by the next apply.

A hold of a rollback ends by itself, too, once the sources have moved on.`,
		Example: `  gantry release application.web`,
		Args:    takes(1, many),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.release(cmd.Context(), args) },
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return c.heldApplications(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// parseUntil reads when a hold ends; empty is never, the zero time.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	until, err := time.Parse(time.RFC3339, text)
	if d, durationErr := time.ParseDuration(text); durationErr == nil {
		until, err = now.Add(d), nil
	}
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("--until is %q, and must be a time like 2027-01-02T08:00:00Z, or how long, like 2h", text)
	case !until.After(now):
		return time.Time{}, fmt.Errorf("--until is %q, which is over", text)
	}
	return until, nil
}

// hold holds applications that the configuration or the state has.
func (c *cli) hold(ctx context.Context, args []string, reason string, until time.Time) error {
	opened, err := c.openState(ctx, "gantry hold")
	if err != nil {
		return err
	}
	addresses, err := c.meant(ctx, opened, args)
	if err != nil {
		return err
	}
	if err := opened.permit(ctx, access.Hold, addresses...); err != nil {
		return err
	}
	event := state.Event{Kind: state.EventHeld, By: opened.by, Reason: reason, Applications: aboutAll(addresses)}
	if err := opened.records.Audit(ctx, event); err != nil {
		return failure("Not recorded in the audit log", fmt.Errorf("nothing was changed: %w", err))
	}
	var made []*state.Hold
	for _, address := range addresses {
		hold, err := opened.records.PutHold(ctx, address, func(*state.Hold) (*state.Hold, error) {
			return &state.Hold{Hold: plan.Hold{Reason: reason, By: opened.by.Who, Until: until}}, nil
		})
		if err != nil {
			return failure("Hold cannot be written", fmt.Errorf("%s: %w", address, err))
		}
		made = append(made, hold)
	}
	return c.showHolds(made, "is held")
}

// release lets applications go.
func (c *cli) release(ctx context.Context, args []string) error {
	opened, err := c.openState(ctx, "gantry release")
	if err != nil {
		return err
	}
	holds, err := opened.records.Holds(ctx)
	if err != nil {
		return failure("State cannot be read", err)
	}
	var addresses []addr.Address
	for _, arg := range args {
		address, err := addr.Parse(arg)
		if err != nil {
			return &usageError{command: "gantry release", err: err}
		}
		found := false
		for held := range holds {
			if address.Covers(held) && !slices.Contains(addresses, held) {
				addresses, found = append(addresses, held), true
			}
		}
		if !found {
			text := fmt.Sprintf("%s is not held", address)
			if names := heldNames(holds); len(names) > 0 {
				text += "; held are " + some(names)
			} else {
				text += "; nothing is"
			}
			return failure("Nothing to release", errors.New(text))
		}
	}
	slices.SortFunc(addresses, addr.Address.Compare)
	if err := opened.permit(ctx, access.Hold, addresses...); err != nil {
		return err
	}
	event := state.Event{Kind: state.EventReleased, By: opened.by, Applications: aboutAll(addresses)}
	if err := opened.records.Audit(ctx, event); err != nil {
		return failure("Not recorded in the audit log", fmt.Errorf("nothing was changed: %w", err))
	}
	var released []*state.Hold
	for _, address := range addresses {
		hold, err := opened.records.DeleteHold(ctx, address, time.Time{})
		if err != nil {
			return failure("Hold cannot be removed", fmt.Errorf("%s: %w", address, err))
		}
		if hold != nil {
			released = append(released, hold)
		}
	}
	return c.showHolds(released, "is released; it was held")
}

func (c *cli) listHolds(ctx context.Context) error {
	opened, err := c.openState(ctx, "gantry hold")
	if err != nil {
		return err
	}
	holds, err := opened.records.Holds(ctx)
	if err != nil {
		return failure("State cannot be read", err)
	}
	mayGet, err := opened.mayGet(ctx)
	if err != nil {
		return err
	}
	var all []*state.Hold
	for _, hold := range holds {
		if mayGet(hold.Address) {
			all = append(all, hold)
		}
	}
	slices.SortFunc(all, func(a, b *state.Hold) int { return a.Address.Compare(b.Address) })
	if len(all) == 0 && !c.json {
		_, err := fmt.Fprintln(c.out, "Nothing is held.")
		return err
	}
	return c.showHolds(all, "is held")
}

func (c *cli) showHolds(holds []*state.Hold, what string) error {
	if c.json {
		out := []*plan.Hold{}
		for _, hold := range holds {
			out = append(out, &hold.Hold)
		}
		return c.writeJSON(map[string]any{"holds": out})
	}
	for _, hold := range holds {
		if _, err := fmt.Fprintf(c.out, "%s %s: %s.\n", printable(hold.Address.String()), what, printable(hold.String())); err != nil {
			return err
		}
	}
	return nil
}

// meant are the applications that some addresses mean, sorted: of the configuration and of
// the state. Where the configuration cannot tell all of its applications, an address is
// taken as it is.
func (c *cli) meant(ctx context.Context, opened *openedState, args []string) ([]addr.Address, error) {
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, err
	}
	records, err := opened.list(ctx)
	if err != nil {
		return nil, err
	}
	var known, out []addr.Address
	for _, app := range read.config.Applications {
		known = append(known, app.Address)
	}
	for _, record := range records {
		known = append(known, record.Address)
	}
	for _, arg := range args {
		address, err := addr.Parse(arg)
		if err == nil && address.Kind != "application" {
			err = fmt.Errorf("%s: only applications can be held", arg)
		}
		if err != nil {
			return nil, &usageError{command: "gantry hold", err: err}
		}
		found := false
		for _, have := range known {
			if address.Covers(have) {
				out, found = append(out, have), true
			}
		}
		switch {
		case found:
		case tellsAll(read.config):
			return nil, unknownApplication(address, known)
		default:
			out = append(out, address)
		}
	}
	slices.SortFunc(out, addr.Address.Compare)
	return slices.Compact(out), nil
}

// tellsAll reports whether a configuration tells all applications that it has.
func tellsAll(config *lang.Config) bool {
	return !config.Incomplete && len(config.Broken) == 0 && len(config.Deferred) == 0
}

func unknownApplication(address addr.Address, known []addr.Address) error {
	names := make([]string, len(known))
	for i, have := range known {
		names[i] = have.String()
	}
	text := fmt.Sprintf("there is no %s, neither in the configuration nor in the state", address)
	if near := schema.Suggest(address.String(), names); near != "" {
		text += fmt.Sprintf(". Did you mean %s?", near)
	}
	return failure("Unknown application", errors.New(text))
}

// heldApplications are the addresses of what is held, for completion.
func (c *cli) heldApplications(ctx context.Context) []string {
	opened, err := c.openState(ctx, "gantry release")
	if err != nil {
		return nil
	}
	holds, _ := opened.records.Holds(ctx)
	return heldNames(holds)
}

func heldNames(holds map[addr.Address]*state.Hold) []string {
	var out []string
	for address := range holds {
		out = append(out, address.String())
	}
	slices.Sort(out)
	return out
}

func aboutAll(addresses []addr.Address) []state.EventApplication {
	out := make([]state.EventApplication, len(addresses))
	for i, address := range addresses {
		out[i].Address = address
	}
	return out
}
