package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/comment"
)

func newComment(c *cli) *cobra.Command {
	options := commentOptions{post: true}
	var trust readingOptions
	command := &cobra.Command{
		Use:   "comment PLANFILE",
		Short: "Show a saved plan in its pull request",
		Long: `Writes what "gantry plan --out" saved as a comment of the pull request, in place of the
one of an earlier plan, and sets the check gantry/plan on the commit, with what is wrong at
the lines that it is about. "gantry plan --comment" does both in one, and tells of a plan
that failed, too.

Which forge and repository that is says the block forge of the configuration, or else the CI
system whose job this is; the token is in GANTRY_FORGE_TOKEN, or in the forge's own variable.
The pull request is the one that the CI system runs for, or the open one with the commit that
is checked out as its head. Where its head has moved on, its comment is left alone.`,
		Example: `  gantry comment next.gantryplan
  gantry comment next.gantryplan --pull 17 --labels
  gantry show --comment next.gantryplan    # only print it`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			saved, err := c.openPlan(cmd.Context(), args[0], trust)
			if err != nil {
				return err
			}
			// Nothing but the forge block is read of it: it need not be right.
			read, _, err := c.evaluate(cmd.Context(), &inputs{partial: true}, nil)
			if err != nil {
				return err
			}
			c.heard.ofConfig(read.config)
			c.heard.ofPlan(saved.Plan)
			return nil
		},
		ValidArgsFunction: planFileCompletions,
	}
	options.register(command)
	options.around(c, command)
	trust.registerIdentity(command)
	return command
}

// showComment prints a plan as a comment of it would be.
func (c *cli) showComment(p *plan.Plan, budget int) error {
	_, options, err := (&commentOptions{}).about(c)
	if err != nil {
		return err
	}
	options.Budget = budget
	if budget == 0 {
		options.Budget = 1 << 40
	}
	body, err := comment.Body(p, nil, options)
	if err != nil {
		return failure("Comment cannot be written", err)
	}
	_, err = fmt.Fprintf(c.out, "%s\n%s", comment.Marker(options.Key, false), body)
	return err
}
