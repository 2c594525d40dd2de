package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/helmrepo"
	"github.com/gantrycd/gantry/providers/jsonnet"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/localdir"
	"github.com/gantrycd/gantry/providers/manifests"
	"github.com/gantrycd/gantry/providers/ociregistry"
	"github.com/gantrycd/gantry/providers/secret"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// This file says which implementations exist. Nothing registers itself.

// stateFolder is where the local backend keeps everything, below the
// configuration's directory.
const stateFolder = ".gantry"

// sources returns what locations are read with; offline, from what the cache has.
func (c *cli) sources(dir, cache string, offline bool) map[source.Type]providers.Source {
	return map[source.Type]providers.Source{
		source.Git: git.New(git.Options{
			CacheDir:    filepath.Join(cache, "git"),
			KnownHosts:  c.knownHosts(),
			SSHAuthSock: c.getenv("SSH_AUTH_SOCK"),
			Proxy:       http.ProxyFromEnvironment,
			Offline:     offline,
		}),
		source.Helm: helmrepo.New(helmrepo.Options{Proxy: http.ProxyFromEnvironment}),
		source.OCI: ociregistry.New(ociregistry.Options{
			CacheDir: filepath.Join(cache, "oci"),
			Proxy:    http.ProxyFromEnvironment,
			Offline:  offline,
		}),
		source.Directory: localdir.New(localdir.Options{Root: dir}),
	}
}

// renderers returns what turns files into objects.
func renderers() engine.Renderers {
	return engine.Renderers{
		Manifests: manifests.New(), Helm: helm.New(), Kustomize: kustomize.New(), Jsonnet: jsonnet.New(),
	}
}

// clusters returns how clusters are reached.
func (c *cli) clusters(dir, cache string) providers.Clusters {
	return kubernetes.New(kubernetes.Options{
		Version: version, BaseDir: dir, CacheDir: filepath.Join(cache, "openapi"), Getenv: c.getenv,
	})
}

// secrets returns what reads credentials when they are used.
func (c *cli) secrets(dir string, clusters providers.Clusters) providers.Secrets {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // "~/" is then a directory like others
	}
	return secret.New(secret.Options{
		Dir: dir, Home: home, LookupEnv: os.LookupEnv, Environ: os.Environ(), Clusters: clusters,
	})
}

func (c *cli) knownHosts() []string {
	if home, err := os.UserHomeDir(); err == nil {
		return []string{filepath.Join(home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	}
	return nil
}

// backend is an opened state, and what seals its secrets.
type backend struct {
	records  *state.Records
	place    place
	identity *seal.Identity  // nil where it is not here: what is sealed cannot be opened
	to       *seal.Recipient // whom secrets are sealed to
}

// openBackend opens the state that a configuration or a plan names; where there
// is none yet, it begins one.
func (c *cli) openBackend(ctx context.Context, dir string, named place, options ...state.Option) (*backend, error) {
	records, at, err := c.openRecords(ctx, dir, named, options...)
	if err != nil {
		return nil, err
	}
	folder := at.folder(dir)
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	opened := &backend{records: records, place: at}
	if opened.identity, opened.to, err = c.openIdentity(ctx, records, at, folder); err != nil {
		return nil, err
	}
	return opened, c.rememberPlace(dir, at, records.Lineage())
}

// openRecords opens what the state remembers, and tells where that is.
func (c *cli) openRecords(ctx context.Context, dir string, named place, options ...state.Option) (*state.Records, place, error) {
	at, err := c.settle(named)
	if err != nil {
		return nil, place{}, err
	}
	records, err := c.open(ctx, dir, at, options...)
	if errors.Is(err, state.ErrNoInstallation) {
		return nil, place{}, failure("No state here", fmt.Errorf("%w in %s. A saved plan is applied where it was made, in the same directory (see --chdir) and with the same backend", err, at.shown(dir)))
	}
	if err != nil {
		return nil, place{}, failure("State cannot be opened", said(at, err))
	}
	return records, at, nil
}

// shown names a settled place, for people.
func (p place) shown(dir string) string {
	if p.isLocal() {
		return localFolder(dir, p.Arguments)
	}
	return p.String()
}

// localFolder is where a backend "local" keeps everything.
func localFolder(dir string, arguments map[string]string) string {
	switch path := arguments["path"]; {
	case path == "":
		return filepath.Join(dir, stateFolder)
	case filepath.IsAbs(path):
		return path
	default:
		return filepath.Join(dir, path)
	}
}

// openExisting opens a state to read it, and makes nothing.
func (c *cli) openExisting(ctx context.Context, dir string, named place) (*state.Records, error) {
	at, err := c.settle(named)
	if err != nil {
		return nil, err
	}
	records, err := c.open(ctx, dir, at, state.Existing())
	return records, said(at, err)
}

// remotes returns what reads the states of other configurations, and makes nothing
// there; nil offline, where no state is asked.
func (w *work) remotes() func(context.Context, lang.RemoteState) (*published.Document, error) {
	if w.options.offline {
		return nil
	}
	return func(ctx context.Context, from lang.RemoteState) (*published.Document, error) {
		// Flags and environment are about this configuration's own state.
		at := place{Backend: plan.Backend{Type: from.Type, Arguments: from.Arguments}, credentials: from.Credentials, settled: true}
		records, err := w.cli.openAt(ctx, w.dir, at, state.Existing())
		if errors.Is(err, state.ErrNoInstallation) {
			return nil, fmt.Errorf("%w in %s; correct where it is, or apply the configuration whose state it is", err, at.shown(w.dir))
		}
		if err != nil {
			return nil, err
		}
		return records.Published(ctx)
	}
}

// recipient returns whom secrets are sealed to.
func (b *backend) recipient() *seal.Recipient { return b.to }

// give adds the state to what an engine works with.
func (b *backend) give(options *engine.Options) {
	options.Records = b.records
	options.Fingerprinter = b.records.Fingerprinter()
	options.Identity = b.identity
	options.Recipient = b.recipient()
	options.Lease = state.LeaseOptions{Dead: process.Dead}
	options.Parents = true
}

// offlineFingerprinter makes fingerprints for a plan that asks no state: those of
// the installation, where there is one to take the key from, so that they can be
// compared with other plans'; else with a key that nobody keeps, which it tells.
func (c *cli) offlineFingerprinter(ctx context.Context, dir string, named place) (made seal.Fingerprinter, passing bool, err error) {
	// Offline only this machine is asked.
	if at, err := c.settle(named); err == nil && at.isLocal() {
		if records, err := c.openAt(ctx, dir, at, state.Existing()); err == nil {
			return records.Fingerprinter(), false, nil
		}
	}
	key, err := seal.GenerateKey()
	if err != nil {
		return seal.Fingerprinter{}, false, err
	}
	made, err = seal.NewFingerprinter(key)
	return made, true, err
}

// healthTimeout is how long apply waits for health where nothing says otherwise.
const healthTimeout = 10 * time.Minute
