package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/affected"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
)

// affectedOptions are the flags that limit a plan to what a change touches.
type affectedOptions struct {
	base string // a revision, or mergeBase; empty for a plan of everything
}

// mergeBase is what --affected is without a value.
const mergeBase = "the merge base"

func (o *affectedOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.base, "affected", "", "plan only the applications whose inputs a change touches, since a `revision` (default: where the change began, on the branch that it is for)")
	flags.Lookup("affected").NoOptDefVal = mergeBase
	complete(command, "affected", fixedCompletions())
}

// check refuses flags that do not go together.
func (o *affectedOptions) check(cmd *cobra.Command, work *workOptions, destroy bool, against string) error {
	var err error
	switch given := cmd.Flags().Changed("affected"); {
	case given && o.base == "":
		err = errors.New("--affected= needs a revision: a branch, tag or commit; or leave the = away")
	case !given:
	case destroy:
		err = errors.New("--affected is of what a change touches, and --destroy ends everything: leave one of them away")
	case len(work.targets) > 0:
		err = errors.New("--affected and --target both say what is planned: leave one of them away")
	case against != "" && o.base != mergeBase:
		err = errors.New("--against says what is compared with: give --affected without a revision")
	}
	if err != nil {
		return &usageError{command: cmd.CommandPath(), err: err}
	}
	return nil
}

// comparedRepository is the repository of a configuration, with its history.
type comparedRepository struct {
	*against.Repository
	history *git.History
}

func openCompared(dir string) (*comparedRepository, error) {
	repository, err := against.OpenRepository(dir)
	if errors.Is(err, against.ErrNoRepository) {
		return nil, errors.New("the configuration is in no git repository, so that there is no change")
	}
	if err != nil {
		return nil, err
	}
	history, err := git.OpenHistory(repository.Root())
	if errors.Is(err, providers.ErrNotFound) {
		return nil, fmt.Errorf("%s has no commit yet, so that there is nothing to compare with", repository.Root())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", repository.Root(), err)
	}
	return &comparedRepository{repository, history}, nil
}

// base is what the change is compared with, as people call it and as a commit: where the
// branch that it is for and what is checked out parted. A revision whose history is not in
// the clone is compared with as it is: more may be held to be touched, never less.
func (r *comparedRepository) base(ctx context.Context, asked, branch string) (name, commit string, err error) {
	tip := ""
	if asked == mergeBase {
		if name, tip = branch, r.history.Branch(branch); tip == "" {
			return "", "", fmt.Errorf("the branch %q, which the change is for, is not in this clone: fetch it, or say what to compare with, as in --affected=origin/main", branch)
		}
	} else {
		revision, err := r.At(ctx, asked)
		if err != nil {
			return "", "", err
		}
		name, tip = asked, revision.Commit
	}
	head, err := r.history.Head()
	if err != nil {
		return "", "", err
	}
	commit, err = r.history.MergeBase(ctx, head, tip)
	if errors.Is(err, git.ErrUnrelated) {
		err = fmt.Errorf("%w: what is checked out (%.8s) does not come from %s, so that there is no place where the change began", err, head, name)
	}
	if errors.Is(err, git.ErrShallow) && asked != mergeBase {
		return name, tip, nil
	}
	if errors.Is(err, git.ErrShallow) {
		err = fmt.Errorf("%w, so that it is not known where the change began. Fetch all of it (with fetch-depth: 0, or git fetch --unshallow), or say what to compare with, as in --affected=origin/%s", err, branch)
	}
	return name, commit, err
}

// branchOfChange is the branch that a change is for: what the recording or the CI system
// says, or else the default branch.
func (c *cli) branchOfChange(r *comparedRepository, recorded *recordingWork) (string, error) {
	if recorded != nil {
		return recorded.recording.Base, nil
	}
	at, err := c.changeOfJob()
	if err != nil {
		return "", err
	}
	if at.branch != "" {
		return at.branch, nil
	}
	return defaultBranch(&gathering{repository: r.Repository, commits: r.history}), nil
}

// affected finds what the change of a configuration touches.
func (w *work) affected(ctx context.Context, in *inputs, o affectedOptions, recorded *recordingWork) (_ *engine.Affected, err error) {
	if o.base == "" {
		return nil, nil
	}
	repository, err := openCompared(w.dir)
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	defer func() { err = errors.Join(err, repository.history.Close()) }()
	branch, err := w.cli.branchOfChange(repository, recorded)
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	name, commit, err := repository.base(ctx, o.base, branch)
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	revision, err := repository.At(ctx, commit)
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	files := comparing(ctx, repository.history, commit)
	defer func() { _, _ = files() }() // before the history is closed
	before, beforeFiles, beforeDiags, err := w.cli.atRevision(ctx, in, w, revision)
	if err != nil {
		return nil, err
	}
	w.progress.pause()
	w.cli.printDiagnostics(beforeFiles, asOf(name, beforeDiags))
	return w.touchedSince(ctx, before, revision, files, name, branch)
}

// comparing compares the work tree with a commit, while something else is done.
func comparing(ctx context.Context, history *git.History, commit string) func() (*git.Comparison, error) {
	var files *git.Comparison
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		files, err = history.Compare(ctx, commit)
	}()
	return func() (*git.Comparison, error) {
		<-done
		return files, err
	}
}

// touchedSince finds what the change since a revision touches. branch is another name for it,
// as sources may have it.
func (w *work) touchedSince(ctx context.Context, before *against.Side, revision *against.Revision, compared func() (*git.Comparison, error), name, branch string) (*engine.Affected, error) {
	files, err := compared()
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	found, err := affected.Find(ctx,
		affected.Side{Config: before.Config, Engine: engine.New(before.Options)},
		affected.Side{Config: w.config, Engine: engine.New(w.with)},
		affected.Options{
			Ref: name, Files: files, Below: revision.Below(), Parallelism: w.options.parallelism,
			Tracks: func(location source.Location) bool { return revision.Tracks(location, branch) },
		})
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	w.progress.note(affectedNote(found))
	return engine.Only(*found), nil
}

// touchedSinceRevision is touchedSince for what is compared with a revision anyway.
func (w *work) touchedSinceRevision(ctx context.Context, before *against.Side, repository *against.Repository, revision *against.Revision) (_ *engine.Affected, err error) {
	history, err := git.OpenHistory(repository.Root())
	if err != nil {
		return nil, failure("Change cannot be told", err)
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	return w.touchedSince(ctx, before, revision, comparing(ctx, history, revision.Commit), revision.Ref, repository.Default())
}

// affectedNote tells what is planned and what is not.
func affectedNote(found *plan.Affected) string {
	return fmt.Sprintf("Of %s, %d may be touched by the change since %s (%.12s).",
		count(len(found.Touched)+len(found.Others), "application"), len(found.Touched), found.Ref, found.Commit)
}
