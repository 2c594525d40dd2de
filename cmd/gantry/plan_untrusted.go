package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/helmrepo"
	"github.com/gantrycd/gantry/providers/ociregistry"
	"github.com/gantrycd/gantry/providers/plugin"
	"github.com/gantrycd/gantry/providers/secret"
	"github.com/gantrycd/gantry/providers/sops"
	network "github.com/gantrycd/gantry/providers/web"
)

// untrustedOptions are the flags of a plan of what strangers wrote.
type untrustedOptions struct {
	revision string
	hosts    []string
}

func (o *untrustedOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.revision, "untrusted", "", "plan a `revision` of the git repository that strangers wrote, with nothing of this machine: no commands, secrets, environment, clusters, or network")
	flags.StringArrayVar(&o.hosts, "allow-host", nil, "with --untrusted: a `host` that sources may be read from, as in git.example.com, *.example.com, 10.1.2.3:8443; may be repeated")
	complete(command, "untrusted", fixedCompletions())
	complete(command, "allow-host", fixedCompletions())
}

// check refuses what does not go with it, and has the plan be offline.
func (o *untrustedOptions) check(cmd *cobra.Command, work *workOptions) error {
	usage := func(text string) error { return &usageError{command: cmd.CommandPath(), err: errors.New(text)} }
	switch given := firstSet(cmd, "out", "record", "affected", "comment", "labels", "pull", "destroy", "sign-key", "encrypt-to"); {
	case !cmd.Flags().Changed("untrusted"):
		if len(o.hosts) > 0 {
			return usage("--allow-host is about what is not trusted: add --untrusted")
		}
		return nil
	case o.revision == "":
		return usage("--untrusted needs a revision: a commit, or a branch or tag of this clone")
	case given != "":
		return usage("a plan of what is not trusted is only shown: leave --" + given + " away")
	}
	work.offline, work.noInput = true, true
	return nil
}

// planUntrusted plans a revision that strangers wrote, alone or against another, and shows
// it. Whatever their configuration says, nothing of it is run or written to this disk, and
// nothing is read but the commit and what the allowed hosts have.
func (c *cli) planUntrusted(ctx context.Context, in inputs, options workOptions, o untrustedOptions, ref string) (*plan.Plan, error) {
	hosts, err := network.ParseHosts(o.hosts...)
	if err != nil {
		return nil, &usageError{command: options.command, err: fmt.Errorf("--allow-host: %w", err)}
	}
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	repository, err := against.OpenRepository(dir)
	if err != nil {
		return nil, failure("No git repository", err)
	}
	revision, err := repository.At(ctx, o.revision)
	if err != nil {
		return nil, failure("Revision cannot be read", err)
	}
	// What others have fetched with their credentials is in the cache: it is not shared.
	cache, err := os.MkdirTemp("", "gantry-untrusted-*")
	if err != nil {
		return nil, failure("Cache cannot be made", err)
	}
	defer func() { _ = os.RemoveAll(cache) }()
	about := aboutOf(options.snapshot)
	if ref != "" {
		options.snapshot = nil
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	w, err := c.prepare(ctx, options)
	if err != nil {
		return nil, err
	}
	defer w.end()
	in.closed = true
	setup := w.closedSetup(revision, hosts, cache)
	if err := w.loadRevision(ctx, &in, setup, revision, repository.Below()); err != nil {
		return nil, err
	}
	if ref == "" {
		return w.plan(ctx, false)
	}
	base, err := repository.At(ctx, ref)
	if err != nil {
		return nil, failure("Revision cannot be read", err)
	}
	return w.planSince(ctx, &in, base, about, nil)
}

// closedSetup is what an engine works with that plans what strangers wrote. It is not
// setup with something taken away: what is not named here is not there.
func (w *work) closedSetup(revision *against.Revision, hosts *network.Hosts, cache string) engine.Options {
	proxy := http.ProxyFromEnvironment
	secrets := noSecrets{}
	w.secrets = secrets
	return engine.Options{
		Sources: revision.Before(secret.Sources(map[source.Type]providers.Source{
			source.Git:  git.New(git.Options{CacheDir: filepath.Join(cache, "git"), Proxy: proxy, Hosts: hosts}),
			source.Helm: helmrepo.New(helmrepo.Options{Proxy: proxy, Hosts: hosts}),
			source.OCI:  ociregistry.New(ociregistry.Options{Proxy: proxy, Hosts: hosts}),
		}, secrets)),
		Renderers:   renderers(),
		Clusters:    noClusters{"--untrusted"},
		Decrypter:   sops.New(sops.Options{Secrets: secrets}),
		Plugins:     secret.Plugins(plugin.New(plugin.Options{Proxy: proxy, Hosts: hosts}), secrets),
		Secrets:     secrets,
		Version:     version,
		Parallelism: w.options.parallelism,
		Events:      w.progress.event,
	}
}

// loadRevision evaluates the configuration of a revision, for an engine that works with
// setup.
func (w *work) loadRevision(ctx context.Context, in *inputs, setup engine.Options, revision *against.Revision, below string) error {
	tree, existed := revision.Configuration()
	if !existed {
		return failure("No configuration there", fmt.Errorf("revision %s has no directory %s", revision.Ref, below))
	}
	file, files, diags := lockAt(w.dir, tree)
	if diags.HasErrors() {
		w.cli.printDiagnostics(files, diags)
		return exitCode(exitError)
	}
	w.lock = sourcelock.New(file, in.lockMode())
	setup.Lock = w.lock
	// With the installation's key, strangers could try what a Secret's value is.
	key, err := seal.GenerateKey()
	if err != nil {
		return err
	}
	if setup.Fingerprinter, err = seal.NewFingerprinter(key); err != nil {
		return err
	}
	w.passing = true
	read, diags, err := w.cli.evaluateTree(ctx, in, engine.New(setup).Reader(), tree, revision.OpenDir)
	if err != nil {
		return err
	}
	w.config, w.files, w.diags = read.config, read.files, diags
	for name, file := range files {
		w.files[name] = file
	}
	if w.options.snapshot != nil {
		if err := restore(ctx, &setup, w.options.snapshot); err != nil {
			return err
		}
	}
	w.engine, w.with = engine.New(setup), setup
	return nil
}

// noSecrets reads none.
type noSecrets struct{}

// Read implements providers.Secrets.
func (noSecrets) Read(_ context.Context, asked *target.Secret) (object.Sensitive, error) {
	return "", fmt.Errorf("%s is not read: no secret is, with --untrusted", asked.Address)
}
