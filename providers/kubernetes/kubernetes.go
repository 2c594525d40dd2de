// Package kubernetes speaks to the API servers of clusters: it is the
// providers.Clusters of every command.
//
// It connects, discovers, lists, watches, applies and deletes, and turns what a
// server answers into the typed errors of package providers. It decides nothing:
// what to send, in which order and what to make of a refusal is the engine's
// matter. It has no client-side rate limit, since a server's priority and fairness
// decides that better, and it never prints: warnings and errors are returned.
package kubernetes

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrycd/gantry/providers"
)

// Options are what the provider needs to know of its surroundings. The zero
// value works.
type Options struct {
	Version  string                   // of gantry, for the user agent; empty is "dev"
	BaseDir  string                   // relative paths of kubeconfigs and exec commands start here; empty is the working directory
	CacheDir string                   // keeps OpenAPI documents between runs; empty keeps none
	Timeout  time.Duration            // of one request, watches excepted; 0 is 60 seconds
	PageSize int                      // objects per page of a list; 0 is 500
	Getenv   func(name string) string // reads KUBECONFIG and HOME; nil is os.Getenv

	silence silence // usualSilence
}

const (
	defaultTimeout  = 60 * time.Second
	defaultPageSize = 500
)

// Clusters connects to clusters by their API. It is safe for concurrent use.
type Clusters struct {
	options Options
	pause   func(ctx context.Context, d time.Duration) error
}

var _ providers.Clusters = (*Clusters)(nil)

// New returns a Clusters.
func New(options Options) *Clusters {
	options.Version = cmp.Or(options.Version, "dev")
	options.Timeout = cmp.Or(options.Timeout, defaultTimeout)
	options.PageSize = cmp.Or(options.PageSize, defaultPageSize)
	options.silence = cmp.Or(options.silence, usualSilence)
	if options.Getenv == nil {
		options.Getenv = os.Getenv
	}
	return &Clusters{options: options, pause: pause}
}

// path resolves a path that a configuration names: "~" is the home directory,
// and relative paths start at the base directory.
func (c *Clusters) path(path string) string {
	if path == "~" || len(path) > 1 && path[0] == '~' && os.IsPathSeparator(path[1]) {
		if home := c.home(); home != "" {
			return filepath.Join(home, path[1:])
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.options.BaseDir, path)
}

func (c *Clusters) home() string {
	if home := c.options.Getenv("HOME"); home != "" {
		return home
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

// pause waits, or returns why the context ended first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
