package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/snapshot"
)

// checkImagined refuses flags of plan that make no sense together, and reads the
// snapshot.
func checkImagined(cmd *cobra.Command, work *workOptions, ref, file, out string, destroy bool) error {
	usage := func(text string) error {
		return &usageError{command: cmd.CommandPath(), err: errors.New(text)}
	}
	switch {
	case cmd.Flags().Changed("against") && ref == "":
		return usage("--against needs a revision: a branch, tag or commit")
	case ref != "" && out != "":
		return usage("a plan made with --against cannot be applied, so it is not written: leave --out away")
	case ref != "" && destroy:
		return usage("--against shows what a change of the configuration does, and --destroy plans the end of it: leave one of them away")
	case file != "" && !work.offline && ref == "":
		return usage("--snapshot is for planning without the clusters: add --offline")
	case file == "":
		return nil
	}
	read, err := snapshot.ReadFile(file)
	if err != nil {
		return failure("Snapshot cannot be read", err)
	}
	work.snapshot = read
	return nil
}

// planAgainst plans what the configuration changes since a revision, and shows it.
func (c *cli) planAgainst(ctx context.Context, in *inputs, options workOptions, ref string, touched affectedOptions) (*plan.Plan, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	repository, err := against.OpenRepository(dir)
	if err != nil {
		return nil, failure("No git repository", err)
	}
	revision, err := repository.At(ctx, ref)
	if err != nil {
		return nil, failure("Revision cannot be read", err)
	}
	about := aboutOf(options.snapshot)
	options.offline, options.snapshot = true, nil
	options.adapt = func(o *engine.Options) {
		o.Clusters, o.Sources = noClusters{"--against"}, revision.After(o.Sources)
	}
	options.right = access.Plan
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return nil, err
	}
	defer w.end()
	return w.planSince(ctx, in, revision, about, func(before *against.Side) (*engine.Affected, error) {
		if touched.base == "" {
			return nil, nil
		}
		return w.touchedSinceRevision(ctx, before, repository, revision)
	})
}

// planSince plans what the configuration that is loaded changes since a revision, and
// shows it. only, where it is not nil, limits that.
func (w *work) planSince(ctx context.Context, in *inputs, revision *against.Revision, about against.About, only func(before *against.Side) (*engine.Affected, error)) (*plan.Plan, error) {
	before, beforeFiles, beforeDiags, err := w.cli.atRevision(ctx, in, w, revision)
	if err != nil {
		return nil, err
	}
	options := against.Options{Ref: revision.Ref, Commit: revision.Commit, Targets: w.targets, AllowRemoved: w.allowed, About: about}
	if only != nil {
		if options.Affected, err = only(before); err != nil {
			return nil, err
		}
	}
	made, former, diags := against.Plan(ctx, *before, against.Side{Config: w.config, Options: w.with, Unsound: w.diags.HasErrors()}, options)
	w.progress.pause()
	w.cli.printDiagnostics(beforeFiles, asOf(revision.Ref, append(beforeDiags, former...)))
	return w.present(made, diags)
}

// atRevision evaluates the configuration as it was.
func (c *cli) atRevision(ctx context.Context, in *inputs, w *work, revision *against.Revision) (*against.Side, map[string]*hcl.File, hcl.Diagnostics, error) {
	tree, existed := revision.Configuration()
	side := &against.Side{Options: w.with}
	side.Options.Sources = revision.Before(w.with.Sources)
	file, lockFiles, diags := lockAt(w.dir, tree)
	if diags.HasErrors() {
		return nil, nil, nil, failure("Lock file cannot be read", fmt.Errorf("at %s: %w", revision.Ref, diags))
	}
	side.Options.Lock = sourcelock.New(file, in.lockMode())
	then := *in
	then.former = true
	read, diags, err := c.evaluateTree(ctx, &then, engine.New(side.Options).Reader(), tree, revision.OpenDir)
	if err != nil {
		return nil, nil, nil, err
	}
	side.Config, side.Unsound = read.config, diags.HasErrors()
	for name, file := range lockFiles {
		read.files[name] = file
	}
	if !existed {
		side.Config.Incomplete = false // there was nothing, and nothing is missing
		diags = hcl.Diagnostics{{
			Severity: hcl.DiagWarning, Summary: "No configuration there yet",
			Detail: "The configuration's directory is not in that revision: everything is new.",
		}}
	}
	return side, read.files, diags, nil
}

// lockAt reads the lock file of a tree, or without one that on disk; there need not be one.
func lockAt(dir string, tree fs.FS) (*lockfile.File, map[string]*hcl.File, hcl.Diagnostics) {
	if tree == nil {
		return readLock(dir)
	}
	name := filepath.Join(dir, lockfile.Name)
	src, err := fs.ReadFile(tree, lockfile.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return &lockfile.File{}, nil, nil
	}
	if err != nil {
		return nil, nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the lock file", Detail: err.Error()}}
	}
	file, diags := lockfile.Parse(src, name)
	return file, map[string]*hcl.File{name: {Bytes: src}}, diags
}

// asOf says of diagnostics that they are of the configuration as it was. They are
// warnings: it is the other one that is to be right.
func asOf(ref string, diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, diag := range diags {
		told := *diag
		told.Severity = hcl.DiagWarning
		told.Detail = fmt.Sprintf("At %s: %s", ref, diag.Detail)
		out = append(out, &told)
	}
	return out
}

// aboutOf tells what charts are told of clusters by a snapshot; nil where there is
// none.
func aboutOf(taken *snapshot.Snapshot) against.About {
	if taken == nil {
		return nil
	}
	return func(cluster string) (string, []string) {
		for _, content := range taken.Clusters {
			if content.Name == cluster {
				return content.Version, content.APIVersions
			}
		}
		return "", nil
	}
}

// noClusters is for who must not ask any, for a flag.
type noClusters struct{ flag string }

// Connect implements providers.Clusters.
func (n noClusters) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	return nil, fmt.Errorf("%w: cluster %q is not asked with %s", providers.ErrUnsupported, name, n.flag)
}
