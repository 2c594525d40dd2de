package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/rendercache"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge"
	"github.com/gantrycd/gantry/providers/plugin"
	"github.com/gantrycd/gantry/providers/secret"
	"github.com/gantrycd/gantry/providers/snapshot"
	"github.com/gantrycd/gantry/providers/sops"
	"github.com/gantrycd/gantry/state"
)

// defaultParallelism is how much is done at once where nothing says otherwise.
const defaultParallelism = 16

// defaultWriting is the same of a command that writes to clusters: thousands of objects are
// written fastest with so many in flight, as a minimal client is, too (docs/benchmarks.md).
const defaultWriting = 32

// workOptions are the flags of the commands that plan or apply.
type workOptions struct {
	targets []string
	// resources and label limit what is planned to some objects.
	resources []string
	label     string
	// allowEmpty are applications of which nothing need be left.
	allowEmpty []string
	// allowRemoved are generators that may shrink; only plan and apply have the flag.
	allowRemoved []string
	// allowDestroyed raises budgets of less.
	allowDestroyed optionalCount
	parallelism    int
	inFlight       int // 0 where bounded is not set
	bounded        bool
	stats          bool
	offline        bool
	noInput        bool
	events         string
	reports        []string // --report; only apply and destroy have the flag
	view           viewOptions
	confirm        confirmOptions     // only apply and destroy have the flags
	windows        windowOptions      // only what changes applications has the flags
	approving      approvingOptions   // the same
	snapshot       *snapshot.Snapshot // no flag: what is planned with in place of clusters and state; nil is none
	// sourceless: no source is read, generators' included; what is made of them is not known.
	sourceless bool
	// adapt changes what an engine works with; nil leaves it.
	adapt func(*engine.Options)
	// lockTimeout is how long others are waited for; only what changes applications has the flag.
	lockTimeout time.Duration
	command     string // "gantry apply", for others who find the state held
	// right is what the command needs the right to, of the applications that it is about, or
	// of all at once where it is about the whole state; empty asks for none.
	right      string
	wholeState bool
}

// register adds the flags to a command.
func (o *workOptions) register(c *cli, command *cobra.Command) {
	o.registerReading(c, command)
	o.view.register(command)
}

// registerReading adds the flags to a command that shows no plan.
func (o *workOptions) registerReading(c *cli, command *cobra.Command) {
	o.command = "gantry " + command.Name()
	flags := command.Flags()
	flags.StringArrayVar(&o.targets, "target", nil, "only this application, by `address`, and what it depends on; may be repeated")
	flags.IntVar(&o.parallelism, "parallelism", defaultParallelism, "`number` of sources rendered, and of requests to a cluster, at once")
	flags.BoolVar(&o.noInput, "no-input", false, "never ask: what is missing, or not approved, is an error")
	flags.BoolVar(&o.stats, "stats", false, "tell at the end what it took: time, memory, requests")
	flags.StringVar(&o.events, "events", "", "write what happens as it does, a JSON object a line, to a `file`; - is the output, and what people read goes to stderr")
	complete(command, "target", c.targetCompletions())
}

// registerInFlight adds the flag to a command that writes to clusters.
func (o *workOptions) registerInFlight(command *cobra.Command) {
	o.bounded = true
	o.parallelism = defaultWriting
	command.Flags().Lookup("parallelism").DefValue = strconv.Itoa(defaultWriting)
	command.Flags().IntVar(&o.inFlight, "parallelism-in-all", engine.DefaultInFlight, "`number` of writes to all clusters together at once")
}

// check refuses what the flags' types allow and that makes no sense.
func (o *workOptions) check() error {
	if o.parallelism < 1 {
		return &usageError{command: o.command, err: fmt.Errorf("--parallelism is %d, and must be at least 1", o.parallelism)}
	}
	if o.bounded && o.inFlight < 1 {
		return &usageError{command: o.command, err: fmt.Errorf("--parallelism-in-all is %d, and must be at least 1", o.inFlight)}
	}
	if err := o.windows.check(o.command, o.approving.override); err != nil {
		return err
	}
	if err := o.approving.check(o.command); err != nil {
		return err
	}
	return o.checkReports()
}

// addresses parses the targets: of --target, or the arguments of what reads no sources.
func (o *workOptions) addresses(ctx context.Context, c *cli) ([]addr.Address, error) {
	flag := "--target "
	if o.sourceless {
		flag = ""
	}
	var out []addr.Address
	for _, text := range o.targets {
		address, err := addr.Parse(text)
		if err != nil {
			return nil, &usageError{command: o.command, err: fmt.Errorf("%s%w", strings.Replace(flag, " ", ": ", 1), err)}
		}
		if address.Kind != "application" {
			return nil, &usageError{command: o.command, err: fmt.Errorf("%s%s: only applications can be targets%s", flag, text, c.applicationsIn(ctx, text))}
		}
		out = append(out, address)
	}
	return out, nil
}

// applicationsIn lists the applications that could be targets: those in a module, or all.
func (c *cli) applicationsIn(ctx context.Context, module string) string {
	known := c.knownApplications(ctx)
	within := slices.DeleteFunc(slices.Clone(known), func(address string) bool {
		return !strings.HasPrefix(address, module+".") && !strings.HasPrefix(address, module+"[")
	})
	switch {
	case len(within) > 0:
		return "; in it there are " + some(within)
	case len(known) > 0:
		return "; there are " + some(known)
	}
	return ""
}

// work is a command that plans or applies, with what it needs.
type work struct {
	secrets  providers.Secrets // reads what is logged in with
	cli      *cli
	dir      string
	options  workOptions
	targets  []addr.Address
	allowed  []addr.Address // generators that may shrink
	only     *selection.Selection
	empty    []addr.Address // applications of which nothing need be left
	progress *progress
	meter    *meter
	state    *backend // nil when offline
	place    place    // where it is, or would be
	engine   *engine.Engine
	with     engine.Options // what engine works with
	lock     *sourcelock.Lock
	passing  bool                  // fingerprints hold within the plan only
	file     []byte                // of the plan that is applied, where it is from one
	verified string                // who speaks for that file; empty where nobody was asked for
	resumes  bool                  // what is left of a plan is done
	changed  bool                  // an apply has changed something
	withheld map[addr.Address]bool // what who runs it has no right to, and is left out
	answered bool                  // a person has approved the plan at a terminal
	speakers []approval.Speaker    // who stands behind that file
	inputs   *inputs               // of what is resumed; nil of others
	// approving is what is known of approvals; nil where none are asked for.
	approving *approving

	// expires is how long a plan that is saved can be applied.
	expires expiry

	// What planning has beyond applying a saved plan.
	config *lang.Config
	files  map[string]*hcl.File
	diags  hcl.Diagnostics // of the configuration
}

// begin loads the configuration and wires an engine. What is wrong with the
// configuration is in work.diags: the sound part of it can be planned.
func (c *cli) begin(ctx context.Context, in *inputs, options workOptions) (*work, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	w, err := c.prepare(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := w.load(ctx, in); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

// load evaluates the configuration and opens the state that it names.
func (w *work) load(ctx context.Context, in *inputs) error {
	setup, err := w.setup()
	if err != nil {
		return err
	}
	if w.lock, err = w.cli.openLock(w.dir, in.lockMode()); err != nil {
		return err
	}
	setup.Lock = w.lock
	if !w.options.noInput {
		if err := w.cli.askForVariables(ctx, in); err != nil {
			return err
		}
	}
	var reader lang.Reader
	if !w.options.sourceless {
		// Generators read through the same sources that applications are rendered from.
		reader = engine.New(setup).Reader()
	}
	read, diags, err := w.cli.evaluate(ctx, in, reader)
	if err != nil {
		return err
	}
	w.config, w.files, w.diags = read.config, read.files, diags
	w.cli.heard.ofConfig(read.config)
	if w.config.Settings.Backend.Type == lang.UnknownBackend && diags.HasErrors() {
		// Another state must not be opened in the place of the one that is meant.
		w.cli.printDiagnostics(w.files, diags)
		return failed(diags)
	}
	if w.options.offline {
		if w.place, err = w.cli.settle(backendOf(w.config)); err != nil {
			return err
		}
		setup.Fingerprinter, w.passing, err = w.cli.offlineFingerprinter(ctx, w.dir, w.place)
	} else {
		err = w.open(ctx, &setup, backendOf(w.config))
	}
	if err != nil {
		return err
	}
	if err := w.permit(ctx, w.options.right); err != nil {
		if w.config.RolesUnknown { // which is why, and these are to be mended
			w.cli.printDiagnostics(w.files, onlyErrors(w.diags))
		}
		return err
	}
	setup.Withheld = w.withheld
	if w.options.snapshot != nil {
		if err := restore(ctx, &setup, w.options.snapshot); err != nil {
			return err
		}
	}
	w.engine, w.with = engine.New(setup), setup
	return nil
}

// beginSaved reads a saved plan and wires an engine that applies it.
func (c *cli) beginSaved(ctx context.Context, file string, options workOptions, trust readingOptions) (*work, *plan.Plan, error) {
	if err := options.check(); err != nil {
		return nil, nil, err
	}
	w, err := c.prepare(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	saved, err := w.loadSaved(ctx, file, trust)
	if err != nil {
		w.end()
		return nil, nil, err
	}
	return w, saved, nil
}

// loadSaved reads a saved plan and opens the state that it was made from.
func (w *work) loadSaved(ctx context.Context, file string, trust readingOptions) (*plan.Plan, error) {
	read, err := w.cli.openPlan(ctx, file, trust)
	if err != nil {
		return nil, err
	}
	saved := read.Plan
	w.file, w.verified, w.speakers = read.data, read.speaker(), read.speakers()
	setup, err := w.setup()
	if err != nil {
		return nil, err
	}
	if err := w.open(ctx, &setup, w.cli.placeOf(ctx, saved.Backend), state.Existing()); err != nil {
		return nil, err
	}
	if saved, err = planfile.Unseal(saved, w.state.identity); err != nil {
		return nil, failure("Plan file cannot be opened", fmt.Errorf("%s: %w", file, w.state.sealedHere(err)))
	}
	w.engine = engine.New(setup)
	return saved, nil
}

// open opens the state for an engine.
func (w *work) open(ctx context.Context, setup *engine.Options, named place, options ...state.Option) error {
	opened, err := w.cli.openBackend(ctx, w.dir, named, options...)
	if err != nil {
		return err
	}
	w.state, w.place = opened, opened.place
	opened.give(setup)
	w.locking(setup)
	return w.keepRenderings(setup)
}

// keepRenderings has the engine keep what it renders, unless the environment says not to.
func (w *work) keepRenderings(setup *engine.Options) error {
	if w.cli.getenv("GANTRY_RENDER_CACHE") == "off" {
		return nil
	}
	cache, err := w.cli.cache()
	if err != nil {
		return err
	}
	setup.Renderings, err = rendercache.Open(filepath.Join(cache, "rendered"), setup.Fingerprinter, version, setup.Log)
	if err == nil {
		setup.Renderings.Prune()
	}
	return err
}

// prepare starts what shows progress.
func (c *cli) prepare(ctx context.Context, options workOptions) (*work, error) {
	if err := options.view.reports.check(c, options.command); err != nil {
		return nil, err
	}
	if err := c.openEvents(options.events, options.command); err != nil {
		return nil, err
	}
	targets, err := options.addresses(ctx, c)
	if err != nil {
		return nil, err
	}
	allowed, err := options.allowed(ctx, c)
	if err != nil {
		return nil, err
	}
	only, empty, err := options.selected()
	if err != nil {
		return nil, err
	}
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	return &work{cli: c, dir: dir, options: options, targets: targets, allowed: allowed, only: only, empty: empty, progress: newProgress(c), meter: newMeter()}, nil
}

// setup gathers what an engine works with, but for the state.
func (w *work) setup() (engine.Options, error) {
	cache, err := w.cli.cache()
	if err != nil {
		return engine.Options{}, err
	}
	clusters := w.meter.clusters(w.cli.clusters(w.dir, cache))
	secrets := w.cli.secrets(w.dir, clusters)
	w.secrets = secrets
	out := engine.Options{
		Sources:       secret.Sources(w.cli.sources(w.dir, cache, false), secrets),
		Renderers:     renderers(),
		Clusters:      secret.Clusters(clusters, secrets),
		Decrypter:     sops.New(sops.Options{Secrets: secrets, Getenv: w.cli.getenv, Dir: w.dir}),
		Plugins:       secret.Plugins(plugin.New(plugin.Options{Proxy: http.ProxyFromEnvironment}), secrets),
		Forges:        forge.Forges{Proxy: http.ProxyFromEnvironment},
		Remotes:       w.remotes(),
		Notifiers:     notifiers(),
		Secrets:       secrets,
		Version:       version,
		Parallelism:   w.options.parallelism,
		InFlight:      w.options.inFlight,
		HealthTimeout: healthTimeout,
		Events:        w.progress.event,
	}
	if w.options.adapt != nil {
		w.options.adapt(&out)
	}
	return out, nil
}

// end ends what prepare started.
func (w *work) end() {
	w.progress.close()
	if w.approving != nil {
		_ = w.approving.close() // it was read only
	}
	if w.options.stats {
		taken := w.meter.stats()
		if w.engine != nil {
			predictions := w.engine.Predictions()
			taken.Predictions = &predictions
		}
		w.cli.showStats(taken)
	}
}
