package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/state"
	statehttp "github.com/gantrycd/gantry/state/http"
	statekubernetes "github.com/gantrycd/gantry/state/kubernetes"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/process"
	"github.com/gantrycd/gantry/state/s3"
)

// This file says which backends exist, and opens them.

// place is where state is kept, with what logs in there.
type place struct {
	plan.Backend
	credentials map[string]target.Credential // by argument; in no plan
	from        []string                     // what said so beside the configuration or the plan
	settled     bool                         // flags and environment are in it
	encryption  *lang.Encryption             // what it is encrypted with; nil where nothing says so
	configured  bool                         // it is a configuration's, which says all about it
}

// backendOf is the backend of a configuration.
func backendOf(config *lang.Config) place {
	named := config.Settings.Backend
	return place{
		Backend: plan.Backend{Type: named.Type, Arguments: named.Arguments}, credentials: named.Credentials,
		encryption: config.Settings.Encryption, configured: true,
	}
}

// placeOf is the backend of a saved plan. A plan holds no credentials: they come from flags
// and the environment, or from the configuration that is here, where it names the same
// place. It is not an error here if it does not, or cannot be read.
func (c *cli) placeOf(ctx context.Context, of plan.Backend) place {
	out := place{Backend: of}
	if out.isLocal() {
		return out
	}
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return out
	}
	here, err := c.settle(backendOf(read.config))
	if err == nil && here.Type == of.Type && maps.Equal(here.Arguments, of.Arguments) {
		return here
	}
	return out
}

// String names the place, for people.
func (p place) String() string { return lang.PlaceOf(p.Type, p.Arguments) }

// isLocal reports whether state is in a directory of this machine.
func (p place) isLocal() bool { return p.Type == "" || p.Type == "local" }

// folder is where this machine keeps what belongs to a state: for a local one, the
// state itself.
func (p place) folder(dir string) string {
	if !p.isLocal() {
		return filepath.Join(dir, stateFolder)
	}
	return localFolder(dir, p.Arguments)
}

// openStore opens the store of a place, as it is there: without what decrypts it. It is
// closed when the command ends.
func (c *cli) openStore(ctx context.Context, dir string, p place) (state.Store, error) {
	secrets, err := c.credentials(ctx, dir, p)
	if err != nil {
		return nil, err
	}
	at := p.Arguments
	switch p.Type {
	case "", "local":
		return local.New(filepath.Join(localFolder(dir, at), "state")), nil
	case "s3":
		return s3.New(ctx, s3.Options{
			Bucket: at["bucket"], Prefix: at["prefix"], Region: at["region"], Endpoint: at["endpoint"], PathStyle: at["path_style"] == "true",
			Profile: at["profile"], AccessKey: secrets["access_key"].Reveal(), SecretKey: secrets["secret_key"],
		})
	case "http":
		store, err := statehttp.New(statehttp.Options{
			Address: at["address"], LockAddress: at["lock_address"], LockMethod: at["lock_method"], UnlockMethod: at["unlock_method"],
			Username: at["username"], Password: secrets["password"], CACertificate: at["ca_certificate"],
			Holder: process.Self("", time.Now()).Who,
		})
		if err == nil {
			c.closers = append(c.closers, store)
		}
		return store, err
	case "kubernetes":
		config, err := kubernetes.New(kubernetes.Options{Version: version, BaseDir: dir, Getenv: c.getenv}).Config(target.Connection{
			Kubeconfig: at["kubeconfig"], Context: at["context"], InCluster: at["in_cluster"] == "true",
		}, target.Credentials{})
		if err != nil {
			return nil, err
		}
		store, err := statekubernetes.New(statekubernetes.Options{Config: config, Namespace: at["namespace"], Name: at["name"]})
		if err == nil {
			c.closers = append(c.closers, store)
		}
		return store, err
	case "postgres":
		if secrets["url"] == "" {
			return nil, fmt.Errorf("it is not said where the database is: set url in the backend, or GANTRY_BACKEND_URL in the environment")
		}
		store, err := postgres.New(ctx, postgres.Options{URL: secrets["url"], Schema: at["schema"]})
		if err != nil {
			return nil, err
		}
		c.closers = append(c.closers, store)
		for _, warning := range store.Warnings() {
			c.printDiagnostics(nil, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Connection to the state is not safe", Detail: sentence(errors.New(warning))}})
		}
		return store, nil
	}
	return nil, lang.CheckBackend(lang.Backend{Type: p.Type})
}

// credentials reads what logs in to a place.
func (c *cli) credentials(ctx context.Context, dir string, p place) (map[string]object.Sensitive, error) {
	if len(p.credentials) == 0 {
		return nil, nil
	}
	cache, err := c.cache()
	if err != nil {
		return nil, err
	}
	secrets := c.secrets(dir, c.clusters(dir, cache))
	out := make(map[string]object.Sensitive, len(p.credentials))
	for name, one := range p.credentials {
		if out[name], err = one.Resolve(ctx, secrets.Read); err != nil {
			return nil, fmt.Errorf("the argument %s of the backend: %w", name, err)
		}
	}
	return out, nil
}

// close closes what was opened; nothing is lost where that fails.
func (c *cli) close() {
	for _, one := range c.closers {
		_ = one.Close()
	}
	c.closers = nil
}

// clone returns a copy whose arguments can be set.
func (p place) clone() place {
	p.Arguments, p.credentials = maps.Clone(p.Arguments), maps.Clone(p.credentials)
	if p.Arguments == nil {
		p.Arguments = map[string]string{}
	}
	if p.credentials == nil {
		p.credentials = map[string]target.Credential{}
	}
	return p
}
