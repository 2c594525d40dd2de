package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan"
)

func newApply(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var trust readingOptions
	var heal healOptions
	var approved, refresh, resume bool
	command := &cobra.Command{
		Use:   "apply [PLANFILE | --self-heal [ADDRESS...]]",
		Short: "Change the clusters as planned",
		Long: `With a plan file, carries out that plan as it stands: no source is read, and the very
objects that were reviewed are sent. Where a configuration is in the directory, its rules
(projects, roles, windows, policies) hold beside those in the plan, and a plan that they
do not allow is refused. What has changed in a
cluster since the plan was made, and matters to it, leaves the application out and
says so. A plan is applied once, and before it expires; one that did not finish may be
applied again. With --verify-key or --bundle it must be signed.

With --require-approved, what is applied is what reviewers have approved: see
docs/approvals.md. It runs on the protected branch, plans again, and reads the reviews from
the forge; an application goes ahead if what would be done to it is what a planner recorded
for the merged head of its pull request, and enough of those who count have approved that.
The others are left out, with the reason, and the exit code is 3. A saved plan is held to
the same where the protection asks for approvals. Nothing else is applied then, but with
--override-approval and a --reason, by who has the right to override. What a policy wants
approved is applied in no other way either, whatever the protection asks for.

With --refresh the saved plan is planned anew, from the configuration, and what is
applied is the new plan, for the applications whose change digest is the same: what was
approved. The others are left out.

Without one, plans, shows the plan, asks, and carries it out.

With --self-heal, puts applications back to what was last applied of them, and does
nothing else: fields that someone changed get their value again, objects that someone
deleted are made again. It is for applications with automated { self_heal = true }, and
does not ask; no source is read, so that nothing new is applied. What is left alone is
named, with the reason. Run it on a schedule.

Applications are applied in the order of their references, as many at once as that
allows; objects so that they can be created, and each application waits until it is
healthy. What is pruned goes when the rest is healthy. An application that fails costs
those that depend on it: the exit code is 5 where something was applied and something
was not, and 1 where nothing was.

An apply holds the applications that it changes, and no others: applies of others go on
beside it. Who wants one that is held is told who has it, or waits with --lock-timeout.
Nobody has to unlock anything; see gantry unlock. An apply that was stopped for so long
that another took over ends with the exit code 6.

What no sync window lets be applied now is left out, with what follows it, and others go
on; where that is all that was not applied, the exit code is 7. See docs/windows.md.

Deletions that need to be confirmed (Prune=confirm, Delete=confirm) are asked about at
a terminal. Elsewhere the application is left out unless --confirm names each of them.

Ctrl-C finishes what is in flight, records what was done, and stops. A second one
leaves at once; the next run finishes or forgets what was in flight.`,
		Example: `  gantry apply
  gantry apply next.gantryplan
  gantry apply next.gantryplan --verify-key ci.pub
  gantry apply next.gantryplan --refresh
  gantry apply --resume
  gantry apply --require-approved
  gantry apply --override-approval --reason "INC-42: approvers are asleep"
  gantry apply --lock-timeout 10m
  gantry apply --auto-approve --target application.web
  gantry apply next.gantryplan --confirm 'PersistentVolumeClaim shop/data'
  gantry apply --self-heal
  gantry apply --self-heal --dry-run --detailed-exitcode application.web`,
		Args: func(cmd *cobra.Command, args []string) error {
			if heal.heal {
				return nil
			}
			return takes(0, 1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := heal.check(cmd); err != nil {
				return err
			}
			if heal.heal {
				work.targets = append(work.targets, args...)
				return c.selfHeal(ctx, &in, work, heal)
			}
			if err := c.checkSaved(cmd, args, refresh, resume); err != nil {
				return err
			}
			if resume {
				return c.resume(ctx, strings.Join(args, ""), &in, work, trust, approved)
			}
			if refresh {
				return c.applyRefreshed(ctx, args[0], &in, work, trust)
			}
			if len(args) == 1 {
				if given := firstSet(cmd, ofPlanning()...); given != "" {
					return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s has no effect on a saved plan: give it to plan", given)}
				}
				return c.applySaved(ctx, args[0], &in, work, trust)
			}
			return c.planAndApply(ctx, &in, work, planned{approved: approved || work.approving.require, question: "Apply this plan?"})
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if heal.heal {
				return c.targetCompletions()(cmd, args, typed)
			}
			return planFileCompletions(cmd, args, typed)
		},
	}
	in.register(c, command)
	work.register(c, command)
	work.confirm.register(command)
	work.registerInFlight(command)
	work.registerSelection(command)
	work.registerAllowEmpty(c, command)
	work.registerAllowRemoved(c, command)
	work.registerAllowDestroyed(command)
	work.registerReport(command)
	work.registerLocking(command)
	work.windows.register(command)
	work.approving.register(command)
	trust.registerIdentity(command)
	trust.registerTrust(command)
	heal.register(command)
	command.Flags().BoolVar(&refresh, "refresh", false, "plan a saved plan anew, and apply what is still the same change")
	command.Flags().BoolVar(&resume, "resume", false, "do what is left of a plan whose apply did not finish: of the plan file, or of the last")
	command.Flags().BoolVar(&approved, "auto-approve", false, "do not ask")
	return command
}

// ofPlanning are the flags that say what is planned.
func ofPlanning() []string {
	return []string{"var", "var-file", "target", "resource", "label", "locked", "allow-empty", "allow-removed", "allow-destroyed"}
}

// checkSaved refuses flags that say nothing about what is applied.
func (c *cli) checkSaved(cmd *cobra.Command, args []string, refresh, resume bool) error {
	usage := func(format string, words ...any) error {
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf(format, words...)}
	}
	if given := firstSet(cmd, append(ofPlanning(), "refresh", "self-heal")...); resume && given != "" {
		return usage("--%s has no effect with --resume: what is left of the plan is done as it was planned", given)
	}
	if given := firstSet(cmd, append(trustFlags(), "refresh")...); len(args) == 0 && !resume && given != "" {
		return usage("--%s is about a saved plan: say which", given)
	}
	if given := firstSet(cmd, "target", "resource", "label"); refresh && given != "" {
		return usage("--%s has no effect with --refresh: the saved plan says what it is of", given)
	}
	return nil
}

// planned is how a plan that was just made goes on.
type planned struct {
	destroy  bool
	approved bool // do not ask
	question string
}

// planAndApply plans, shows, asks and applies.
func (c *cli) planAndApply(ctx context.Context, in *inputs, options workOptions, how planned) error {
	if err := c.onlySigned(options.command); err != nil {
		return err
	}
	options.right = access.Apply
	if how.destroy {
		options.right = access.Destroy
	}
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	if err := w.await(ctx); err != nil {
		return err
	}
	made, err := w.plan(ctx, how.destroy)
	if made != nil && options.approving.require {
		if approveErr := w.approve(ctx, in, made); approveErr != nil {
			return approveErr
		}
	}
	if made == nil || !made.HasChanges() {
		w.remember(ctx, made)
		if err != nil {
			return err
		}
		return w.publish(ctx, made)
	}
	if applyErr := w.approveAndApply(ctx, made, how); applyErr != nil {
		return applyErr
	}
	return w.partly(err) // what planning could not plan is still an error
}

// approveAndApply asks about a plan that was shown, and carries it out.
func (w *work) approveAndApply(ctx context.Context, made *plan.Plan, how planned) error {
	if !how.approved {
		if err := w.cli.confirm(ctx, withDestroyed(made, how.question), w.options.noInput); err != nil {
			return err
		}
		w.answered = true
	}
	return w.apply(ctx, made)
}

// applySaved carries out a saved plan.
func (c *cli) applySaved(ctx context.Context, file string, in *inputs, options workOptions, trust readingOptions) error {
	w, saved, err := c.beginSaved(ctx, file, options, trust)
	if err != nil {
		return err
	}
	defer w.end()
	require := options.approving.require
	if !require && !options.approving.override && saved.Act == nil {
		if require, err = w.asksForApproval(ctx, saved); err != nil {
			return err
		}
	}
	if require {
		if err := w.approve(ctx, in, saved); err != nil {
			return err
		}
	}
	return w.apply(ctx, saved)
}

// apply carries out a plan and tells what came of it.
func (w *work) apply(ctx context.Context, p *plan.Plan) error {
	if !p.HasChanges() && !p.IsBlocked() {
		w.remember(ctx, p)
		if err := w.publish(ctx, p); err != nil {
			return err
		}
		return w.cli.showResult(&engine.Result{Outputs: p.Publishes()}, 0)
	}
	confirmed, err := w.confirmed(ctx, p)
	if err != nil {
		return err
	}
	start := time.Now()
	by, err := w.by(ctx)
	if err != nil {
		return err
	}
	guards, err := w.guards(ctx)
	if err != nil {
		return err
	}
	w.progress.applying(p)
	options := engine.ApplyOptions{
		By: by, Guards: guards, Confirmed: confirmed, GiveUp: w.cli.giveUp, Resume: w.resumes, File: w.file, Verified: w.verified, Signers: w.speakers,
	}
	if w.options.approving.override {
		options.OverrideApproval = strings.TrimSpace(w.options.windows.reason)
	}
	if a := w.approving; a != nil {
		options.Guards = a.guard(guards)
		var stop func()
		ctx, stop = a.watched(ctx, &options)
		defer stop()
	}
	w.options.windows.give(&options, w.answered)
	if err := w.awaitWindow(ctx, p, options); err != nil {
		return w.superseded(ctx, err)
	}
	result, diags := w.engine.Apply(ctx, p, options)
	if err := w.superseded(ctx, nil); err != nil {
		return err
	}
	w.changed = result.HasChanged()
	w.progress.pause()
	reportErr := w.report(ctx, p, result, diags, by.Who)
	if result != nil {
		if err := w.cli.showResult(result, time.Since(start)); err != nil {
			return err
		}
	}
	w.cli.tellOutcome(w.files, diags, result, w.progress.told())
	if result != nil && result.Lost {
		return exitCode(exitLost)
	}
	if w.approving != nil {
		w.tellNotShown(w.approving.show(context.WithoutCancel(ctx), result, diags))
	} else if w.resumes {
		w.tellNotShown(w.showResumed(context.WithoutCancel(ctx), result, diags))
	}
	if err := failed(diags); err != nil {
		if result != nil && outsideWindow(result) {
			return exitCode(exitWindow)
		}
		if w.unapprovedExit(result, diags) {
			return exitCode(exitUnapproved)
		}
		return w.partly(err)
	}
	return reportErr
}

// partly gives the exit code where something is wrong that was told: another one where
// something else was applied.
func (w *work) partly(err error) error {
	var code exitCode
	if w.changed && errors.As(err, &code) && code == exitError {
		return exitCode(exitPartial)
	}
	return err
}

// firstSet returns the first of the flags that was given, or "".
func firstSet(cmd *cobra.Command, names ...string) string {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}
