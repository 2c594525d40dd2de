// Package secret reads credentials at the moment they are used: from files, the
// environment, what programs print, and Secrets in clusters; and it gives sources
// and clusters that need such a credential what they need.
//
// A value goes from where it is kept to the request that needs it. It is written
// nowhere, and no error holds it or a part of it. The package knows clusters only
// as providers.Clusters. Only cmd imports it.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
)

// maxSize is how long a credential may be, in bytes.
const maxSize = 1 << 20

// Options say where secrets are read.
type Options struct {
	// Dir is the directory of the configuration: paths are relative to it, and
	// commands run in it.
	Dir string
	// Home is the user's directory, which "~/" stands for; empty where there is none.
	Home string
	// LookupEnv looks up a variable of the environment.
	LookupEnv func(string) (string, bool)
	// Environ is what commands are run with, as os.Environ gives it.
	Environ []string
	// Clusters connects to the clusters that secrets are read from; their own
	// credentials may be secrets.
	Clusters providers.Clusters
}

// Reader reads secrets, each once: a command that hands out a token is not run for
// every source that needs it. It is safe for concurrent use.
type Reader struct {
	options  Options
	clusters providers.Clusters
	values   once.Map[string, object.Sensitive]
}

// New returns a Reader.
func New(options Options) *Reader {
	r := &Reader{options: options}
	r.clusters = Clusters(options.Clusters, r)
	return r
}

var _ providers.Secrets = (*Reader)(nil)

// Read returns the value of a secret. One line break at its end is no part of it:
// files and programs end with one, and no credential does.
func (r *Reader) Read(ctx context.Context, secret *target.Secret) (object.Sensitive, error) {
	return r.values.Get(ctx, secret.Address.String(), func(ctx context.Context) (object.Sensitive, error) {
		text, err := r.read(ctx, secret)
		if err == nil {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
			err = check(text)
		}
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", &unreadable{secret.Address.String(), err.Error()}
		}
		return object.Sensitive(text), nil
	})
}

// unreadable is why there is no credential. It keeps no more of its cause than the
// words: that a secret is not found must not look as though what it opens was not.
type unreadable struct{ secret, reason string }

func (e *unreadable) Error() string { return fmt.Sprintf("%s cannot be read: %s", e.secret, e.reason) }

func (r *Reader) read(ctx context.Context, secret *target.Secret) (string, error) {
	switch {
	case secret.File != nil:
		return r.file(secret.File)
	case secret.Environment != nil:
		return r.environment(secret.Environment)
	case secret.Command != nil:
		return r.command(ctx, secret.Command)
	case secret.Kubernetes != nil:
		return r.kubernetes(ctx, secret.Kubernetes)
	}
	return "", errors.New("it is not said where it is. This is a bug in gantry")
}

// check refuses what is no credential.
func check(text string) error {
	switch {
	case text == "":
		return errors.New("it is empty")
	case len(text) > maxSize:
		return fmt.Errorf("it is longer than %d bytes", maxSize)
	}
	return nil
}

func (r *Reader) environment(from *target.EnvironmentSecret) (string, error) {
	text, ok := r.options.LookupEnv(from.Variable)
	if !ok {
		return "", fmt.Errorf("the environment has no variable %s", from.Variable)
	}
	return text, nil
}
