package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
)

// workOptions are the flags of the commands that plan or apply.
type workOptions struct {
	targets     []string
	parallelism int
	stats       bool
	offline     bool
	command     string // "gantry apply", for others who find the state held
}

// register adds the flags to a command.
func (o *workOptions) register(c *cli, command *cobra.Command) {
	o.command = "gantry " + command.Name()
	flags := command.Flags()
	flags.StringArrayVar(&o.targets, "target", nil, "only this application, by `address`, and what it depends on; may be repeated")
	flags.IntVar(&o.parallelism, "parallelism", 0, "how many sources are rendered, and requests sent to a cluster, at once (default 16)")
	flags.BoolVar(&o.stats, "stats", false, "tell at the end what it took: time, memory, requests")
	complete(command, "target", c.targetCompletions())
}

// addresses parses the targets.
func (o *workOptions) addresses() ([]addr.Address, error) {
	var out []addr.Address
	for _, text := range o.targets {
		address, err := addr.Parse(text)
		if err != nil {
			return nil, &usageError{command: o.command, err: fmt.Errorf("--target: %w", err)}
		}
		if address.Kind != "application" {
			return nil, &usageError{command: o.command, err: fmt.Errorf("--target %s: only applications can be targets", text)}
		}
		out = append(out, address)
	}
	return out, nil
}

// work is a command that plans or applies, with what it needs.
type work struct {
	cli      *cli
	options  workOptions
	targets  []addr.Address
	progress *progress
	meter    *meter
	state    *backend // nil when offline
	engine   *engine.Engine

	// What planning has beyond applying a saved plan.
	config *lang.Config
	files  map[string]*hcl.File
	diags  hcl.Diagnostics // of the configuration
}

// begin loads the configuration and wires an engine. What is wrong with the
// configuration is in work.diags: the sound part of it can be planned.
func (c *cli) begin(ctx context.Context, in *inputs, options workOptions) (*work, error) {
	w, dir, err := c.prepare(options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.end()
		}
	}()
	setup, err := c.setup(w, dir)
	if err != nil {
		return nil, err
	}
	var read *loaded
	// Generators read through the same sources that applications are rendered from.
	if read, w.diags, err = c.evaluate(ctx, in, engine.New(setup).Reader()); err != nil {
		return nil, err
	}
	w.config, w.files = read.config, read.files
	if options.offline {
		// No state is asked, so fingerprints hold within this plan only.
		if setup.Fingerprinter, err = passingFingerprinter(); err != nil {
			return nil, err
		}
	} else {
		if w.state, err = openBackend(ctx, dir, backendOf(w.config)); err != nil {
			return nil, err
		}
		w.state.give(&setup)
	}
	w.engine = engine.New(setup)
	return w, nil
}

// beginSaved reads a saved plan and wires an engine that applies it.
func (c *cli) beginSaved(ctx context.Context, file string, options workOptions) (w *work, saved *plan.Plan, err error) {
	w, dir, err := c.prepare(options)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			w.end()
		}
	}()
	if saved, err = planfile.ReadFile(file, nil); err != nil {
		return nil, nil, err
	}
	setup, err := c.setup(w, dir)
	if err != nil {
		return nil, nil, err
	}
	if w.state, err = openBackend(ctx, dir, saved.Backend); err != nil {
		return nil, nil, err
	}
	if saved, err = planfile.Unseal(saved, w.state.identity); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	w.state.give(&setup)
	w.engine = engine.New(setup)
	return w, saved, nil
}

// prepare starts what shows progress.
func (c *cli) prepare(options workOptions) (*work, string, error) {
	targets, err := options.addresses()
	if err != nil {
		return nil, "", err
	}
	if options.parallelism < 0 {
		return nil, "", &usageError{command: options.command, err: fmt.Errorf("--parallelism is %d, and must be more than 0", options.parallelism)}
	}
	dir, err := c.directory()
	if err != nil {
		return nil, "", err
	}
	return &work{cli: c, options: options, targets: targets, progress: newProgress(c), meter: newMeter()}, dir, nil
}

// setup gathers what an engine works with, but for the state.
func (c *cli) setup(w *work, dir string) (engine.Options, error) {
	cache, err := c.cache()
	if err != nil {
		return engine.Options{}, err
	}
	return engine.Options{
		Sources:       c.sources(dir, cache),
		Renderers:     renderers(),
		Clusters:      w.meter.clusters(c.clusters(dir, cache)),
		Version:       version,
		Parallelism:   w.options.parallelism,
		HealthTimeout: healthTimeout,
		Events:        w.progress.event,
	}, nil
}

// end ends what prepare started.
func (w *work) end() {
	w.progress.close()
	if w.options.stats {
		w.cli.showStats(w.meter.stats())
	}
}
