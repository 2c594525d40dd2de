package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
)

// gathering is the repository that a configuration is in, for what approvals need of it.
type gathering struct {
	*evidence.Gatherer
	repository *against.Repository
	commits    *git.History
}

func (g *gathering) close() error { return g.commits.Close() }

// gather opens the repository of the configuration. The forge is asked later, and is the one
// that a configuration of the protected branch names.
func (c *cli) gather(in *inputs) (*gathering, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	repository, err := against.OpenRepository(dir)
	if errors.Is(err, against.ErrNoRepository) {
		return nil, failure("No git repository", errors.New("the configuration is in no git repository, and approvals are of commits"))
	}
	if err != nil {
		return nil, failure("No git repository", err)
	}
	history, err := git.OpenHistory(repository.Root())
	if err != nil {
		return nil, failure("No git repository", fmt.Errorf("%s: %w", repository.Root(), err))
	}
	known := map[string]*lang.Config{}
	out := &gathering{repository: repository, commits: history, Gatherer: &evidence.Gatherer{
		History: history, Now: time.Now,
		Open: func(ctx context.Context, config *lang.Config) (providers.Forge, error) { return c.forge(ctx, config) },
		Config: func(ctx context.Context, commit string) (*lang.Config, error) {
			if known[commit] == nil {
				config, err := c.configAt(ctx, in, repository, commit)
				if err != nil {
					return nil, err
				}
				known[commit] = config
			}
			return known[commit], nil
		},
	}}
	return out, nil
}

// configAt evaluates the configuration as it was at a commit, with modules as its lock file has
// them. Where what it needs of these is not in the cache, that is read.
func (c *cli) configAt(ctx context.Context, in *inputs, repository *against.Repository, commit string) (*lang.Config, error) {
	revision, err := repository.At(ctx, commit)
	if err != nil {
		return nil, err
	}
	tree, existed := revision.Configuration()
	if !existed {
		return nil, errors.New("the configuration's directory is not in that commit")
	}
	then := inputs{vars: in.vars, varFiles: in.varFiles, answers: in.answers, former: true}
	read, diags, err := c.evaluateTree(ctx, &then, nil, tree, revision.OpenDir)
	if err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		w := &work{cli: c, options: workOptions{parallelism: defaultParallelism}, meter: newMeter(), progress: newProgress(c)}
		defer w.progress.close()
		if w.dir, err = c.directory(); err != nil {
			return nil, err
		}
		setup, err := w.setup()
		if err != nil {
			return nil, err
		}
		lock, _, lockDiags := lockAt(w.dir, tree)
		if lockDiags.HasErrors() {
			return nil, failure("Lock file cannot be read", fmt.Errorf("at %.8s: %w", commit, lockDiags))
		}
		setup.Lock = sourcelock.New(lock, in.lockMode())
		if read, diags, err = c.evaluateTree(ctx, &then, engine.New(setup).Reader(), tree, revision.OpenDir); err != nil {
			return nil, err
		}
	}
	config := read.config
	switch {
	case config == nil || config.Unguarded || config.RolesUnknown || diags.HasErrors():
		return nil, &brokenError{files: read.files, diags: diags}
	case len(config.Unset) > 0 && len(config.Projects)+len(config.Roles)+len(config.Policies) > 0:
		return nil, fmt.Errorf("the variable %q has no value, so that what it allows is not known", config.Unset[0].Name)
	}
	return config, nil
}

// brokenError says that a configuration has errors, so that what it allows is not known.
type brokenError struct {
	files map[string]*hcl.File
	diags hcl.Diagnostics // may have no errors, where its roles or projects cannot be told
}

// Error implements error.
func (e *brokenError) Error() string {
	return "it has errors, so that what it allows is not known: " + firstError(e.diags)
}

// firstError tells the first error, and where that is.
func firstError(diags hcl.Diagnostics) string {
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		text := diag.Summary + ": " + diag.Detail
		if _, elsewhere := outside(diag); diag.Subject != nil && !elsewhere {
			text = fmt.Sprintf("%s:%d: %s", diag.Subject.Filename, diag.Subject.Start.Line, text)
		}
		return text
	}
	return "its roles or projects cannot be told"
}
