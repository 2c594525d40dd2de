package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
)

// recordingOptions are the flags that say what a plan is recorded for.
type recordingOptions struct {
	record bool
	pull   int64
	queue  string
	base   string

	forge providers.Forge // that of the protected branch, once it is open
}

func (o *recordingOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&o.record, "record", false, "record the change digest of each application for the pull request whose head is checked out, so that approvals of it count; needs to be run by a planner that the protection names")
	flags.StringVar(&o.queue, "merge-queue", "", "with --record: what is checked out was made by a merge queue, to become the `branch`")
	flags.StringVar(&o.base, "base", "", "with --record: the `branch` whose configuration says which forge is asked (default: the repository's default branch)")
	complete(command, "merge-queue", fixedCompletions("main"))
	complete(command, "base", fixedCompletions("main"))
}

// check refuses flags that do not go together.
func (o *recordingOptions) check(cmd *cobra.Command, destroy, imagined bool) error {
	var err error
	if o.pull, err = cmd.Flags().GetInt64("pull"); err != nil { // the flag is that of the comment, too
		return err
	}
	switch given := firstSet(cmd, "merge-queue", "base"); {
	case given != "" && !o.record:
		err = fmt.Errorf("--%s is about what is recorded: add --record", given)
	case !o.record:
	case o.pull < 0 || o.pull == 0 && cmd.Flags().Changed("pull"):
		err = fmt.Errorf("--pull is %d, and must be the number of a pull request", o.pull)
	case o.pull != 0 && o.queue != "":
		err = errors.New("--pull and --merge-queue say two things about what is checked out: leave one of them away")
	case destroy:
		err = errors.New("--record is of what a pull request changes, and --destroy ends everything: leave one of them away")
	case imagined:
		err = errors.New("--record needs a plan that can be applied: leave --offline and --against away")
	}
	if err != nil {
		return &usageError{command: cmd.CommandPath(), err: err}
	}
	return nil
}

// recordingWork is what is needed to record a plan.
type recordingWork struct {
	*gathering
	recording *evidence.Recording
	signers   []*signature.Signer
	expires   time.Time
}

// prepare finds out what is checked out, and who runs this, by the rules of the protected
// branch: a pull request does not say who vouches for whom.
func (o *recordingOptions) prepare(ctx context.Context, c *cli, in *inputs, command string) (*recordingWork, error) {
	g, err := c.gather(in)
	if err != nil {
		return nil, err
	}
	out := &recordingWork{gathering: g}
	main := o.base
	if main == "" {
		main = defaultBranch(g)
	}
	out.recording, err = g.Prepare(ctx, o.pull, o.queue, main)
	o.forge = g.Forge
	var head *evidence.HeadError
	var broken *brokenError
	switch {
	case err == nil:
		_, err = c.who(ctx, command, out.recording.Config)
	case errors.As(err, &head) && errors.As(err, &broken) && broken.diags.HasErrors():
		// What a plan would say: nothing is planned, for the state might be another's.
		c.printDiagnostics(broken.files, broken.diags)
		return nil, errors.Join(failed(broken.diags), g.close())
	}
	if err != nil {
		return nil, errors.Join(recordingFailure(err), g.close())
	}
	return out, nil
}

// recordingFailure gives an error that was not told yet a summary.
func recordingFailure(err error) error {
	var told *failedError
	if errors.As(err, &told) {
		return err
	}
	return failure("Plan cannot be recorded", err)
}

// defaultBranch is the branch that is applied from, as far as the clone knows.
func defaultBranch(g *gathering) string {
	if name := g.repository.Default(); name != "" {
		return name
	}
	for _, name := range []string{"main", "master"} {
		if g.commits.Branch(name) != "" {
			return name
		}
	}
	if branches := g.commits.Branches(); len(branches) == 1 {
		return branches[0]
	}
	return "main"
}

// record records a plan, and tells it.
func (w *work) record(ctx context.Context, r *recordingWork, made *plan.Plan) error {
	by, err := w.by(ctx)
	if err != nil {
		return err
	}
	r.Records = w.state.records
	recorded, err := r.Record(ctx, r.recording, made, by, r.expires, r.signers)
	if err != nil {
		return recordingFailure(err)
	}
	var file bytes.Buffer
	err = planfile.Write(&file, made, planfile.WriteOptions{Recipient: w.state.recipient()})
	if err == nil {
		err = w.state.records.KeepRecordedPlan(ctx, recorded, file.Bytes())
	}
	if err != nil { // it only shows what differs later
		fmt.Fprintf(w.cli.err, "The plan itself is not kept: %s.\n", printable(err.Error()))
	}
	if err := r.Prune(ctx); err != nil {
		fmt.Fprintf(w.cli.err, "Old records are not pruned: %s.\n", printable(err.Error()))
	}
	text := fmt.Sprintf("Recorded %s for %s", count(len(recorded.Applications), "application"), recorded)
	if !recorded.ExpiresAt.IsZero() {
		text += ", until " + recorded.ExpiresAt.Format("Mon 2006-01-02 15:04 MST")
	}
	blocked := slices.ContainsFunc(made.Applications, func(a plan.Application) bool { return a.IsBlocked() })
	if blocked {
		text += ". What is blocked is not recorded"
	}
	w.progress.note(text + ".")
	return nil
}
