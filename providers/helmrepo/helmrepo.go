// Package helmrepo reads charts from Helm repositories over http(s): an
// index.yaml that lists chart archives.
//
// The index is read once per plan. Archives are checked against the digest in
// the index and unpacked in memory, within limits. Credentials are sent to the
// repository's own origin only, also when the index links to another.
package helmrepo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/providers/web"
)

// Options configure a Source.
type Options struct {
	// Proxy chooses the proxy of requests; nil is none.
	Proxy web.Proxy
	// Hosts may be spoken to; nil is all.
	Hosts *web.Hosts
	// Limits bound what is read; zero values are the defaults.
	Limits Limits
}

// Limits bound what is read.
type Limits struct {
	IndexBytes   int64       // of an index.yaml: 100 MiB
	ArchiveBytes int64       // of a packed chart: 50 MiB
	Unpacked     tree.Limits // of an unpacked chart; see DefaultUnpacked
}

// The default limits.
const (
	DefaultIndexBytes   = 100 << 20
	DefaultArchiveBytes = 50 << 20
)

// DefaultUnpacked are the default limits of an unpacked chart.
func DefaultUnpacked() tree.Limits {
	return tree.Limits{Bytes: 100 << 20, FileBytes: 64 << 20, Files: 20_000, Ratio: 200}
}

// Source opens charts. It is safe for concurrent use, and serves one plan: each
// index and each chart is read once.
type Source struct {
	options      Options
	repositories once.Map[repositoryKey, *repository]
}

type repositoryKey struct {
	url  string
	auth source.Auth
}

var _ providers.Source = (*Source)(nil)

// New returns a Source.
func New(options Options) *Source {
	limits := &options.Limits
	if limits.IndexBytes == 0 {
		limits.IndexBytes = DefaultIndexBytes
	}
	if limits.ArchiveBytes == 0 {
		limits.ArchiveBytes = DefaultArchiveBytes
	}
	if limits.Unpacked == (tree.Limits{}) {
		limits.Unpacked = DefaultUnpacked()
	}
	return &Source{options: options}
}

// Open reads a chart at a version: exact, a semver range, or the newest that is
// no pre-release when it is empty. The tree's root is the folder with
// Chart.yaml. Pin.Resolved is the version, and Pin.Digest that of the archive.
func (s *Source) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if location.Type != source.Helm {
		return nil, fmt.Errorf("%w: a %q location is not a Helm repository", providers.ErrUnsupported, location.Type)
	}
	if location.Chart == "" {
		return nil, errors.New("a Helm repository location needs a chart")
	}
	base, err := parseURL(location.URL)
	if err != nil {
		return nil, err
	}
	opened, err := s.open(ctx, base, location)
	if err != nil {
		return nil, fmt.Errorf("chart %s of Helm repository %s: %w", location.Chart, web.Redact(base), err)
	}
	return &providers.Snapshot{
		Pin: source.Pin{Location: location, Resolved: opened.version, Digest: opened.digest},
		FS:  opened.files,
	}, nil
}

// parseURL reads a repository's URL.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%q is not a valid URL", web.RedactText(raw))
	}
	if u.Scheme == "oci" {
		return nil, fmt.Errorf("%w: %s is a registry; use a source of type %q", providers.ErrUnsupported, web.Redact(u), source.OCI)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is no URL of a Helm repository: use https://…", web.RedactText(raw))
	}
	if u.User != nil {
		return nil, fmt.Errorf("the URL of %s holds credentials; give them as the repository's username and password instead", web.Redact(u))
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	u.RawPath = ""
	return u, nil
}

func (s *Source) open(ctx context.Context, base *url.URL, location source.Location) (*chart, error) {
	key := repositoryKey{url: base.String()}
	if location.Auth != nil {
		key.auth = *location.Auth
	}
	r, err := s.repositories.Get(ctx, key, func(ctx context.Context) (*repository, error) {
		return openRepository(ctx, base, location.Auth, s.options)
	})
	if err != nil {
		return nil, err
	}
	return r.open(ctx, location.Chart, location.Revision)
}
