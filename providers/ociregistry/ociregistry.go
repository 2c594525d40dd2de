// Package ociregistry reads Helm charts and other archives from OCI registries.
//
// Manifests and layers are checked against their digests and unpacked in
// memory, within limits; packed, they are kept in a cache directory, so that what is
// asked for by its digest is fetched once. Only the credentials that a location gives are used:
// no configuration of docker, podman or helm is read.
package ociregistry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/registry"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/providers/web"
)

// Options configure a Source.
type Options struct {
	// CacheDir keeps manifests and layers; empty keeps none. It holds what private
	// registries hold, so it is readable by its owner only.
	CacheDir string
	// Offline says that no registry is to be asked: only what the cache has can be
	// read, by its digest; all else fails with providers.ErrNotCached.
	Offline bool
	// Proxy chooses the proxy of requests; nil is none.
	Proxy web.Proxy
	// Hosts may be spoken to; nil is all.
	Hosts *web.Hosts
	// Limits bound what is read; zero values are the defaults.
	Limits Limits
}

// Limits bound what is read.
type Limits struct {
	LayerBytes int64       // of the packed content: 50 MiB
	Unpacked   tree.Limits // of the unpacked content; see DefaultUnpacked
}

// DefaultLayerBytes is the default limit of packed content.
const DefaultLayerBytes = 50 << 20

// DefaultUnpacked are the default limits of unpacked content.
func DefaultUnpacked() tree.Limits {
	return tree.Limits{Bytes: 100 << 20, FileBytes: 64 << 20, Files: 20_000, Ratio: 200}
}

// Source opens repositories of registries. It is safe for concurrent use, and
// serves one plan: each location is read once.
type Source struct {
	options   Options
	artifacts once.Map[artifactKey, *artifact]
}

type artifactKey struct {
	name, revision string
	auth           source.Auth
}

// artifact is what a location came to.
type artifact struct {
	resolved string
	digest   string
	files    *tree.FS
}

var _ providers.Source = (*Source)(nil)

// New returns a Source.
func New(options Options) *Source {
	limits := &options.Limits
	if limits.LayerBytes == 0 {
		limits.LayerBytes = DefaultLayerBytes
	}
	if limits.Unpacked == (tree.Limits{}) {
		limits.Unpacked = DefaultUnpacked()
	}
	return &Source{options: options}
}

// Open reads an artifact at a tag, a digest ("sha256:…"), or the newest tag in a
// semver range; without a revision that is the newest version that is no
// pre-release, or "latest" where no tag is a version. Location.Chart, where it
// is set, is the last part of the repository's name. A chart's root is the
// folder with Chart.yaml; that of other content is the archive's.
func (s *Source) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if location.Type != source.OCI {
		return nil, fmt.Errorf("%w: a %q location is not an OCI registry", providers.ErrUnsupported, location.Type)
	}
	reference, err := parseURL(location.URL, location.Chart)
	if err != nil {
		return nil, err
	}
	name := reference.Registry + "/" + reference.Repository
	key := artifactKey{name: name, revision: location.Revision}
	if location.Auth != nil {
		key.auth = *location.Auth
	}
	opened, err := s.artifacts.Get(ctx, key, func(ctx context.Context) (*artifact, error) {
		if found := s.cached(location.Revision); found != nil {
			return found, nil
		}
		if s.options.Offline {
			return nil, fmt.Errorf("%w: it would have to be fetched", providers.ErrNotCached)
		}
		r, err := connect(ctx, reference, location.Auth, s.options)
		if err != nil {
			return nil, err
		}
		defer r.close()
		return r.open(ctx, location.Revision)
	})
	if err != nil {
		return nil, fmt.Errorf("OCI repository oci://%s: %w", name, err)
	}
	return &providers.Snapshot{
		Pin: source.Pin{Location: location, Resolved: opened.resolved, Digest: opened.digest},
		FS:  opened.files,
	}, nil
}

// parseURL reads oci://host/repository.
func parseURL(raw, chart string) (registry.Reference, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return registry.Reference{}, fmt.Errorf("%q is not a valid URL", web.RedactText(raw))
	}
	clean := web.Redact(u)
	switch {
	case u.Scheme != "oci" || u.Host == "":
		return registry.Reference{}, fmt.Errorf("%q is no URL of a registry: use oci://host/repository", web.RedactText(raw))
	case u.User != nil:
		return registry.Reference{}, fmt.Errorf("the URL %s holds credentials; give them as the repository's username and password instead", clean)
	case u.RawQuery != "" || u.Fragment != "":
		return registry.Reference{}, fmt.Errorf("the URL %s has a query or fragment; a registry's has none", clean)
	case strings.ContainsAny(u.Path, ":@"):
		return registry.Reference{}, fmt.Errorf("the URL %s holds a tag or digest; give it as the source's revision", clean)
	}
	path := strings.Trim(u.Path, "/")
	if chart != "" {
		path = strings.TrimPrefix(path+"/"+chart, "/")
	}
	if path == "" {
		return registry.Reference{}, fmt.Errorf("the URL %s needs the name of a repository: oci://host/repository", clean)
	}
	reference := registry.Reference{Registry: u.Host, Repository: path}
	if err := errors.Join(reference.ValidateRegistry(), reference.ValidateRepository()); err != nil {
		return registry.Reference{}, fmt.Errorf("%s/%s is no name of a repository: names are lower case, with - . _ and / between", u.Host, path)
	}
	return reference, nil
}

// loopback reports whether a registry runs on this machine.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}
