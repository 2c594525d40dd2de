package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
)

func newPlan(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var out, against, from string
	var destroy, detailed bool
	var save savingOptions
	var risks failOnRisk
	var recording recordingOptions
	var commenting commentOptions
	var strangers untrustedOptions
	var remote remoteOptions
	var touched affectedOptions
	command := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would change",
		Long: `Reads the configuration, its sources and the clusters, and shows for every
application which objects would be created, updated field by field, replaced and
pruned, and which revisions that comes from. Nothing is changed.

With --out the plan is written to a file, which "gantry apply FILE" carries out as
it stands, once and before it expires: after a day, if --expires-in says nothing else.
--sign-key signs it, --encrypt-to encrypts it as a whole. With --offline no cluster and no state is asked: everything is rendered,
and the plan can be read but not applied. With --snapshot, too, it is made for the
clusters and the state as they were when "gantry snapshot" wrote the file.

With --resource and --label only those objects are changed, of the applications that are
planned. A hook belongs to a whole sync and does not run, the plan says what it leaves
out, and the history that it was only a part.

With --against, the plan is of what a change does by itself: the configuration as it
was at a revision of its git repository is rendered, and the one on disk against it.
No cluster, no state and no credentials are needed.

With --affected, only the applications are planned whose inputs a change touches: whose
blocks come to something else than they did where the change began, or that are rendered
from files which are not as they were there. What cannot be proven to be the same is planned,
and so is the end of what is no longer configured. Of the others nothing is read, and no
cluster that only they are on is asked; whether they have drifted is not known then.

With --record, what would be done to each application is recorded in the state, for the
pull request whose head is checked out: its change digest, which reviewers approve, and
which "gantry apply --require-approved" applies once it is merged. A newer record of the
same pull request takes its place. Where the protection names planners, nobody else may.

With --untrusted, a revision that strangers wrote is planned, with nothing of this machine:
its configuration and files are read from the commit, without a work tree. No command is
run, no secret, variable of the environment or state is read, no cluster is asked, and no
host is spoken to but those of --allow-host. With --snapshot it is planned with a snapshot
of the clusters, and with --against as what it changes by itself.

With --remote, a planner in the cluster plans the commit, and this waits for its plan and
shows it: no cluster is reached from here. The request and the plan go through the backend of
the state, or where --requests says. An interrupt withdraws the request. Where a newer one
takes its place, the exit code is 3.

An application with a problem costs its own plan, and that of those that depend on
it; the others are planned, and the exit code is 1.`,
		Example: `  gantry plan
  gantry plan --out next.gantryplan
  gantry plan --target 'application.web["production"]'
  gantry plan --resource 'apps/Deployment:shop/web' --label tier=front
  gantry plan --against origin/main
  gantry plan --affected
  gantry plan --affected=origin/main
  gantry plan --summary
  gantry plan --html plan.html --markdown comment.md --sarif plan.sarif
  gantry plan --offline --snapshot clusters.gantrysnapshot
  gantry plan --untrusted "$COMMIT" --against main --allow-host charts.example.com
  gantry plan --record --pull 12
  gantry plan --record --merge-queue main
  gantry plan --remote --pull 12 --wait 15m
  gantry plan --detailed-exitcode    # 0: no changes, 2: changes, 1: an error
  gantry plan --comment --out next.gantryplan
  gantry plan --fail-on-risk high    # 3: there is a risk that nobody accepts`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx := cmd.Context()
			if err := remote.check(cmd); err != nil {
				return err
			}
			if remote.on {
				return c.planRemote(ctx, &in, remotely{
					remoteOptions: remote, view: work.view, out: out, pull: commenting.pull, risks: risks, detailed: detailed, command: cmd.CommandPath(),
				})
			}
			if err := strangers.check(cmd, &work); err != nil {
				return err
			}
			if err := checkImagined(cmd, &work, against, from, out, destroy); err != nil {
				return err
			}
			if err := touched.check(cmd, &work, destroy, against); err != nil {
				return err
			}
			if err := recording.check(cmd, destroy, work.offline || against != ""); err != nil {
				return err
			}
			if work.offline && out != "" {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("a plan made with --offline cannot be applied, so it is not written: leave --out away")}
			}
			if strangers.revision != "" {
				made, err := c.planUntrusted(ctx, in, work, strangers, against)
				if err == nil {
					err = c.ends(made, risks, detailed)
				}
				return err
			}
			if against != "" {
				made, err := c.planAgainst(ctx, &in, work, against, touched)
				if err == nil {
					err = c.ends(made, risks, detailed)
				}
				return err
			}
			if !recording.record || out != "" || firstSet(cmd, "encrypt-to") != "" {
				if err := save.check(cmd, out); err != nil {
					return err
				}
			}
			saving, err := save.load(c)
			if err != nil {
				return err
			}
			work.right = access.Plan
			var recorded *recordingWork
			if recording.record {
				recorded, err = recording.prepare(ctx, c, &in, work.command)
				if opened := recording.forge; opened != nil { // no other that a pull request names
					commenting.forge = func(context.Context, *lang.Config) (providers.Forge, error) { return opened, nil }
				}
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, recorded.close()) }()
				recorded.signers, recorded.expires = saving.Signers, save.until(recorded.Now())
			}
			w, err := c.begin(ctx, &in, work)
			if err != nil {
				return err
			}
			defer w.end()
			if out != "" {
				w.expires = save.expires
			}
			only, err := w.affected(ctx, &in, touched, recorded)
			if err != nil {
				return err
			}
			made, err := w.planOnly(ctx, destroy, only)
			if made == nil {
				return err
			}
			if recorded != nil {
				if recordErr := w.record(ctx, recorded, made); recordErr != nil {
					return recordErr
				}
			}
			if out != "" {
				if saveErr := w.save(ctx, made, out, saving); saveErr != nil {
					return saveErr
				}
			}
			if err == nil {
				err = c.ends(made, risks, detailed)
			}
			return err
		},
	}
	commenting.register(command)
	command.Flags().BoolVar(&commenting.post, "comment", false, "write the plan, or why there is none, as the comment of the pull request; see gantry comment")
	commenting.around(c, command)
	in.register(c, command)
	work.register(c, command)
	work.view.registerReports(command)
	work.registerSelection(command)
	work.registerAllowEmpty(c, command)
	work.registerAllowRemoved(c, command)
	work.registerAllowDestroyed(command)
	flags := command.Flags()
	flags.StringVar(&out, "out", "", "`file` to write the plan to, for apply; as seen from the current directory")
	save.register(command)
	recording.register(command)
	touched.register(command)
	strangers.register(command)
	for _, name := range []string{"sign-key", "expires-in"} { // they are about both
		command.Flags().Lookup(name).Usage = strings.Replace(command.Flags().Lookup(name).Usage, "with --out:", "with --out, or for what --record records:", 1)
	}
	flags.BoolVar(&destroy, "destroy", false, "plan the end of every application, or of the targets")
	flags.BoolVar(&work.offline, "offline", false, "ask no cluster and no state: render and order only")
	flags.StringVar(&against, "against", "", "plan what the configuration changes since a `revision` of its git repository: a branch, tag or commit")
	flags.StringVar(&from, "snapshot", "", "with --offline: a `file` of \"gantry snapshot\" to plan with, as seen from the current directory")
	risks.register(command)
	remote.register(command)
	flags.BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where the plan has changes")
	return command
}

// plan makes a plan and shows it with what is wrong. The error is that something
// is, and has been told; the plan is nil where there is nothing to show.
func (w *work) plan(ctx context.Context, destroy bool) (*plan.Plan, error) {
	return w.planOnly(ctx, destroy, nil)
}

// planOnly is plan, limited to what a change touches; nil is everything.
func (w *work) planOnly(ctx context.Context, destroy bool, affected *engine.Affected) (*plan.Plan, error) {
	made, diags := w.engine.Plan(ctx, w.config, engine.PlanOptions{
		Affected: affected, Targets: w.targets, Only: w.only, AllowEmpty: w.empty, Destroy: destroy, Offline: w.options.offline && w.options.snapshot == nil, AllowRemoved: w.allowed,
		AllowDestroyed: w.options.allowDestroyed.value, Unsound: w.diags.HasErrors(), Expires: w.expires.duration(),
	})
	if made != nil && w.options.snapshot != nil {
		made.Offline, made.AsOf = true, w.options.snapshot.TakenAt
	}
	return w.present(made, diags)
}

// present shows a plan with what is wrong. The error is that something is.
func (w *work) present(made *plan.Plan, diags hcl.Diagnostics) (*plan.Plan, error) {
	w.progress.pause()
	diags = append(append(w.diags, diags...), unlocked(w.lock)...)
	if made != nil {
		made.Backend = w.place.Backend
		if w.passing && hasSecrets(made) {
			diags = append(diags, passingFingerprints())
		}
		if err := w.cli.showPlan(made, w.options.view, diags.HasErrors()); err != nil {
			return nil, err
		}
	}
	w.cli.printDiagnostics(w.files, diags)
	return made, failed(diags)
}

// hasSecrets reports whether a plan shows fingerprints.
func hasSecrets(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Applications, func(a plan.Application) bool {
		return slices.ContainsFunc(a.Changes, func(c plan.Change) bool { return c.Secret != nil })
	})
}

func passingFingerprints() *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "Fingerprints of this plan alone",
		Detail: "What stands for the values of Secrets is made with a key of this plan, as there is no state here to take the installation's from. It tells nothing when compared with another plan.",
	}
}

// applyCommand is what applies a plan file in the same place. The file is named as
// seen from the current directory, whatever --chdir says.
func (c *cli) applyCommand(file string) string {
	words := []string{"gantry"}
	if c.dir != "" {
		words = append(words, "-C", quoted(c.dir))
	}
	return strings.Join(append(words, "apply", quoted(file)), " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	if strings.IndexFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:@%+=,", r)
	}) < 0 && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// save writes a plan file and says how to go on.
func (w *work) save(ctx context.Context, made *plan.Plan, file string, options planfile.WriteOptions) error {
	options.Recipient = w.state.recipient()
	if err := w.encryptPlan(ctx, &options); err != nil {
		return err
	}
	if err := planfile.WriteFile(file, made, options); err != nil {
		return failure("Plan file cannot be written", err)
	}
	by, err := w.by(ctx)
	if err != nil {
		return err
	}
	if err := w.engine.LogSaved(context.WithoutCancel(w.cli.ctx), made, by); err != nil {
		fmt.Fprintf(w.cli.err, "Not recorded in the audit log that this plan was saved: %s.\n", printable(err.Error()))
	}
	if made.HasChanges() || made.ChangesOutputs() {
		w.progress.note(fmt.Sprintf("Saved to %s. To carry it out:\n\n  %s", file, w.cli.applyCommand(file)))
	} else {
		w.progress.note(fmt.Sprintf("Saved to %s. There is nothing in it to carry out.", file))
	}
	return nil
}
