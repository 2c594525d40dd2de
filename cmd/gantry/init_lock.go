package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
)

// initOptions are the flags of init.
type initOptions struct {
	upgrade     bool
	branches    bool
	setBranches bool // --lock-branches was given

	migrate     bool         // --migrate-state
	from        backendFlags // --from, --from-config
	dryRun      bool         // --dry-run
	lockTimeout time.Duration
}

// locked is one entry of the lock file as JSON.
type locked struct {
	Kind      string `json:"kind"`
	URL       string `json:"url"`
	Chart     string `json:"chart,omitempty"`
	Requested string `json:"requested"`
	Version   string `json:"version,omitempty"`
	Revision  string `json:"revision,omitempty"`
	Digest    string `json:"digest,omitempty"`
}

// lockChange is what changes of an entry as JSON; was is missing for a new one, now
// for one that is no longer there.
type lockChange struct {
	Was *locked `json:"was,omitempty"`
	Now *locked `json:"now,omitempty"`

	change sourcelock.Change
}

func toLocked(e *lockfile.Entry) *locked {
	if e == nil {
		return nil
	}
	return &locked{
		Kind: string(e.Kind), URL: e.URL, Chart: e.Chart, Requested: e.Requested,
		Version: e.Version, Revision: e.Revision, Digest: e.Digest,
	}
}

// lockSources fetches what the configuration asks for and writes the lock file: all
// of it, or nothing.
func (c *cli) lockSources(ctx context.Context, in *inputs, options initOptions, result *initialised) (*lang.Config, error) {
	file, files, diags := readLock(result.Directory)
	if diags.HasErrors() {
		c.printDiagnostics(files, diags)
		return nil, exitCode(exitError)
	}
	if options.setBranches {
		file.LockBranches = options.branches
	}
	mode := sourcelock.Record
	if options.upgrade {
		mode = sourcelock.Upgrade
	}
	lock := sourcelock.New(file, mode)
	read, diags, err := c.fetch(ctx, in, lock)
	if err != nil {
		return nil, err
	}
	whole := len(read.config.Deferred) == 0 && !read.config.Incomplete
	recorded, changes := lock.Result(whole)
	if in.locked && !diags.HasErrors() {
		diags = append(diags, drifted(changes)...)
	}
	if !whole && !diags.HasErrors() {
		diags = append(diags, waiting(read.config)...)
	}
	c.printDiagnostics(read.files, withoutPlans(diags))
	if diags.HasErrors() {
		return nil, exitCode(exitError)
	}
	result.Locked, result.Changes = []locked{}, []lockChange{}
	for _, entry := range recorded.Entries() {
		result.Locked = append(result.Locked, *toLocked(&entry))
	}
	for _, change := range changes {
		result.Changes = append(result.Changes, lockChange{Was: toLocked(change.Was), Now: toLocked(change.Now), change: change})
	}
	if len(changes) == 0 && !options.setBranches || ctx.Err() != nil {
		return read.config, context.Cause(ctx)
	}
	return read.config, lockfile.Write(result.Directory, recorded)
}

// fetch evaluates the configuration and reads all its sources.
func (c *cli) fetch(ctx context.Context, in *inputs, lock *sourcelock.Lock) (*loaded, hcl.Diagnostics, error) {
	w, err := c.prepare(ctx, workOptions{command: "gantry init", parallelism: defaultParallelism})
	if err != nil {
		return nil, nil, err
	}
	defer w.end()
	setup, err := w.setup()
	if err != nil {
		return nil, nil, err
	}
	setup.Lock = lock
	e := engine.New(setup)
	partial := *in
	partial.partial = true
	read, diags, err := c.evaluate(ctx, &partial, e.Reader())
	if err == nil && !diags.HasErrors() {
		diags = append(diags, e.Fetch(ctx, read.config)...)
	}
	return read, diags, err
}

// drifted says what --locked refuses.
func drifted(changes []sourcelock.Change) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, change := range changes {
		var detail string
		switch {
		case change.Was == nil:
			detail = fmt.Sprintf("%s is not in it, and is now %s.", change.Key, change.Now)
		case change.Now == nil:
			detail = fmt.Sprintf("%s is in it as %s, and nothing in the configuration asks for it.", change.Key, change.Was)
		default:
			detail = fmt.Sprintf("%s is in it as %s, and is now %s.", change.Key, change.Was, change.Now)
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "The lock file is not current",
			Detail: detail + " Run \"gantry init\" without --locked and commit " + lockfile.Name + ".",
		})
	}
	return diags
}

// waiting says what could not be recorded yet.
func waiting(config *lang.Config) hcl.Diagnostics {
	var list []string
	for _, address := range config.Deferred {
		list = append(list, address.String())
	}
	slices.Sort(list)
	if len(list) == 0 {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Summary: "Not everything could be recorded",
		Detail: fmt.Sprintf("What these read depends on variables without a value: %s. The lock file keeps what it has of them. Give the values with --var or --var-file to record all.", strings.Join(list, ", ")),
	}}
}

// showLocked tells people what is in the lock file, and what changed in it.
func (c *cli) showLocked(result *initialised) {
	if len(result.Locked) == 0 && len(result.Changes) == 0 {
		return
	}
	state := "as it was"
	if len(result.Changes) > 0 {
		state = count(len(result.Changes), "change")
	}
	fmt.Fprintf(c.out, "%s has %s (%s)\n", lockfile.Name, count(len(result.Locked), "source"), state)
	for _, shown := range result.Changes {
		switch change := shown.change; {
		case change.Was == nil:
			fmt.Fprintf(c.out, "  %s %s: %s\n", paint(c.colour(c.out), green, "+"), change.Key, change.Now)
		case change.Now == nil:
			fmt.Fprintf(c.out, "  %s %s: %s\n", paint(c.colour(c.out), red, "-"), change.Key, change.Was)
		default:
			fmt.Fprintf(c.out, "  %s %s: %s → %s\n", paint(c.colour(c.out), yellow, "~"), change.Key, change.Was, change.Now)
		}
	}
	fmt.Fprintln(c.out)
}
