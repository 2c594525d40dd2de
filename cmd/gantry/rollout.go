package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/rollout"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan/view/words"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

func newRollout(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "rollout",
		Short: "Look at a rollout, pause, resume or abort it",
		Long: `Looks at the rollouts of the configuration, and steers the one that is being applied: from
another terminal, or from another machine that shares the state. What is asked of a rollout
is written into the state; an apply that is under way looks at it every few seconds, and
the next one does before it starts anything.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(
		c.rolloutCommand("status", "Show how far a rollout is", `Shows at which step a rollout is, what is asked of it, and by whom.`, (*cli).rolloutStatus),
		c.rolloutCommand("pause", "Start no further application of a rollout", `Pauses a rollout: applications that have started go on, and no further one starts until
"gantry rollout resume". A rollout that is not being applied now is paused too: the next
apply waits before its first application.`, (*cli).pauseRollout),
		c.rolloutCommand("resume", "Go on with a rollout", `Takes back what "gantry rollout pause" or "gantry rollout abort" asked for. What an apply
has left out for an aborted rollout is applied by the next one.`, (*cli).resumeRollout),
		c.rolloutCommand("abort", "End a rollout", `Aborts a rollout for the plan that is being applied: applications that have started go on
to their end, and the others are left out. The next plan is not concerned.`, (*cli).abortRollout),
	)
	return command
}

func (c *cli) rolloutCommand(name, short, long string, do func(*cli, context.Context, *state.Records, *govern.Rollout) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " ADDRESS", Short: short, Long: long,
		Example: "  gantry rollout " + name + " rollout.web",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			records, found, err := c.rolloutOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return do(c, cmd.Context(), records, found)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			read, _, err := c.evaluate(cmd.Context(), &inputs{partial: true}, nil)
			if err != nil || len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return rolloutNames(read.config.Rollouts), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func rolloutNames(rollouts []*govern.Rollout) []string {
	out := make([]string, len(rollouts))
	for i, r := range rollouts {
		out[i] = r.Address.String()
	}
	return out
}

// rolloutOf returns the rollout of an address, and the state.
func (c *cli) rolloutOf(ctx context.Context, text string) (*state.Records, *govern.Rollout, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, nil, err
	}
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, nil, err
	}
	address, err := addr.Parse(text)
	if err != nil {
		return nil, nil, failure("Invalid address", err)
	}
	i := slices.IndexFunc(read.config.Rollouts, func(r *govern.Rollout) bool { return r.Address == address })
	if i < 0 {
		known := "no rollouts"
		if names := rolloutNames(read.config.Rollouts); len(names) > 0 {
			known = some(names)
		}
		return nil, nil, failure("No such rollout", fmt.Errorf("the configuration has no %s: it has %s", address, known))
	}
	records, err := c.openExisting(ctx, dir, backendOf(read.config))
	if errors.Is(err, state.ErrNoInstallation) {
		return nil, nil, failure("Nothing applied yet", errors.New("there is no state yet: it is made by the first plan that is applied"))
	}
	if err != nil {
		return nil, nil, failure("State cannot be opened", err)
	}
	return records, read.config.Rollouts[i], nil
}

func (c *cli) pauseRollout(ctx context.Context, records *state.Records, r *govern.Rollout) error {
	return c.orderRollout(ctx, records, r, rollout.Pause, "is paused: no further application starts", nil)
}

func (c *cli) resumeRollout(ctx context.Context, records *state.Records, r *govern.Rollout) error {
	return c.orderRollout(ctx, records, r, rollout.Go, "goes on", nil)
}

func (c *cli) abortRollout(ctx context.Context, records *state.Records, r *govern.Rollout) error {
	return c.orderRollout(ctx, records, r, rollout.Abort, "is aborted: what has not started is left out", func(known *state.Rollout) error {
		if known.Plan == "" || known.Ended {
			return errors.New("no apply of it is under way. To keep the next one from starting anything, pause it")
		}
		return nil
	})
}

// orderRollout writes down what is asked of a rollout.
func (c *cli) orderRollout(ctx context.Context, records *state.Records, r *govern.Rollout, order rollout.Order, done string, check func(*state.Rollout) error) error {
	var refused error
	err := records.ChangeRollout(ctx, r.Address, func(known *state.Rollout) error {
		if check != nil {
			if refused = check(known); refused != nil {
				return refused
			}
		}
		known.Order, known.OrderedBy, known.OrderedAt = string(order), process.Self("rollout", time.Now()).Who, time.Now().UTC().Truncate(time.Second)
		return nil
	})
	switch {
	case refused != nil:
		return failure("Rollout cannot be aborted", fmt.Errorf("%s: %w", r.Address, refused))
	case err != nil:
		return failure("State cannot be written", err)
	}
	if c.json {
		return c.rolloutStatus(ctx, records, r)
	}
	_, err = fmt.Fprintf(c.out, "%s %s.\n", r.Address, done)
	return err
}

// rolloutStatus shows how far a rollout is.
func (c *cli) rolloutStatus(ctx context.Context, records *state.Records, r *govern.Rollout) error {
	known, err := records.Rollout(ctx, r.Address)
	if err != nil {
		return failure("State cannot be read", err)
	}
	if known == nil {
		known = &state.Rollout{}
	}
	if known.Plan == "" { // nobody has counted them yet
		known.Steps = len(r.Steps)
	}
	if c.json {
		out := struct {
			Address string `json:"address"`
			Order   string `json:"order"`
			By      string `json:"orderedBy,omitempty"`
			Plan    string `json:"plan,omitempty"`
			Step    int    `json:"step"`
			Steps   int    `json:"steps"`
			State   string `json:"state"`
			Applied bool   `json:"beingApplied"`
		}{r.Address.String(), cmp.Or(known.Order, "go"), known.OrderedBy, known.Plan, known.Step, known.Steps, known.State, known.Plan != "" && !known.Ended}
		return c.writeJSON(out)
	}
	text := known.State
	switch {
	case known.Plan == "" && text == "":
		text = "was not applied yet"
	case known.Ended && known.Step < known.Steps:
		text += " (the apply of it is over)"
	}
	fmt.Fprintf(c.out, "%s: %s\n", r.Address, text)
	if known.Order != "" {
		asked := map[string]string{string(rollout.Pause): "paused", string(rollout.Abort): "aborted"}
		fmt.Fprintf(c.out, "It is %s, by %s, %s.\n", asked[known.Order], known.OrderedBy, words.Ago(known.OrderedAt, time.Now()))
	}
	for i, step := range r.Steps {
		names := make([]string, len(step.Applications))
		for j, address := range step.Applications {
			names[j] = address.String()
		}
		fmt.Fprintf(c.out, "  step %d: %s\n", i+1, some(names))
	}
	return nil
}
