package ociregistry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

// Media types that mean something here.
const (
	helmChartLayer      = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	helmProvenanceLayer = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	dockerManifest      = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList          = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// maxManifest is the largest manifest that is read, in bytes: what registries
// themselves take at most.
const maxManifest = 4 << 20

// open reads the artifact that a revision is.
func (r *repository) open(ctx context.Context, wanted string) (*artifact, error) {
	reference, err := r.resolve(ctx, wanted)
	if err != nil {
		return nil, err
	}
	descriptor, err := r.remote.Resolve(ctx, reference)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, r.missing(ctx, wanted)
	}
	if err != nil {
		return nil, r.failed(ctx, err)
	}
	manifest, layer, err := r.layer(ctx, descriptor)
	if err != nil {
		return nil, err
	}
	if layer.Size > r.options.Limits.LayerBytes {
		return nil, fmt.Errorf("the content is %w: %d bytes, the limit is %d", tree.ErrTooLarge, layer.Size, r.options.Limits.LayerBytes)
	}
	kept := cache{r.options.CacheDir}
	packed := kept.get(layer.Digest.String(), layer.Size)
	if packed == nil {
		packed, err = content.FetchAll(ctx, r.remote.Blobs(), layer) // checks size and digest
		if err != nil {
			return nil, r.failed(ctx, fmt.Errorf("reading layer %s: %w", layer.Digest, err))
		}
		if err := kept.put(layer.Digest.String(), packed); err != nil {
			return nil, err
		}
	}
	opened, err := unpack(descriptor.Digest.String(), layer, packed, r.options.Limits)
	if err != nil {
		return nil, err
	}
	if err := kept.put(descriptor.Digest.String(), manifest); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(reference, "sha256:") {
		opened.resolved = versionOf(reference)
	}
	return opened, nil
}

// cached returns the artifact with a digest where the cache has all of it, or nil.
func (s *Source) cached(digest string) *artifact {
	kept := cache{s.options.CacheDir}
	manifest := kept.get(digest, maxManifest)
	if manifest == nil {
		return nil
	}
	layer, err := parseManifest(manifest)
	if err != nil {
		return nil
	}
	packed := kept.get(layer.Digest.String(), s.options.Limits.LayerBytes)
	if packed == nil {
		return nil
	}
	opened, err := unpack(digest, layer, packed, s.options.Limits)
	if err != nil {
		return nil // whoever fetches it says why
	}
	return opened
}

// unpack reads the files of an artifact, which is known by its digest.
func unpack(digest string, layer ocispec.Descriptor, packed []byte, limits Limits) (*artifact, error) {
	root, err := tree.ReadArchive(bytes.NewReader(packed), limits.Unpacked)
	if err != nil {
		return nil, err
	}
	if layer.MediaType == helmChartLayer {
		if root, err = tree.ChartFolder(root); err != nil {
			return nil, err
		}
	}
	return &artifact{resolved: digest, digest: digest, files: tree.New(root, 0)}, nil
}

// layer reads a manifest and returns it with the layer that holds the files.
func (r *repository) layer(ctx context.Context, descriptor ocispec.Descriptor) ([]byte, ocispec.Descriptor, error) {
	none := ocispec.Descriptor{}
	switch descriptor.MediaType {
	case ocispec.MediaTypeImageManifest, dockerManifest:
	case ocispec.MediaTypeImageIndex, dockerList:
		return nil, none, fmt.Errorf("%w: it is an index of several manifests; give the digest of one as the revision", providers.ErrUnsupported)
	default:
		return nil, none, fmt.Errorf("%w: its manifest is of type %q", providers.ErrUnsupported, descriptor.MediaType)
	}
	if descriptor.Size > maxManifest {
		return nil, none, fmt.Errorf("its manifest is %w: %d bytes", tree.ErrTooLarge, descriptor.Size)
	}
	encoded, err := content.FetchAll(ctx, r.remote.Manifests(), descriptor) // checks size and digest
	if err != nil {
		return nil, none, r.failed(ctx, fmt.Errorf("reading manifest %s: %w", descriptor.Digest, err))
	}
	layer, err := parseManifest(encoded)
	return encoded, layer, err
}

// parseManifest returns the layer that holds the files.
func parseManifest(encoded []byte) (ocispec.Descriptor, error) {
	var manifest ocispec.Manifest
	if err := json.Unmarshal(encoded, &manifest); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	var archives []ocispec.Descriptor
	var others []string
	for _, layer := range manifest.Layers {
		switch {
		case layer.MediaType == helmChartLayer:
			return layer, nil
		case isArchive(layer.MediaType):
			archives = append(archives, layer)
		case layer.MediaType != helmProvenanceLayer:
			others = append(others, layer.MediaType)
		}
	}
	switch {
	case len(archives) == 1:
		return archives[0], nil
	case len(archives) > 1:
		return ocispec.Descriptor{}, fmt.Errorf("%w: it has %d layers of files, as a container image has; one is needed", providers.ErrUnsupported, len(archives))
	case len(others) > 0:
		return ocispec.Descriptor{}, fmt.Errorf("%w: it holds neither a Helm chart nor a tar archive, but %s", providers.ErrUnsupported, strings.Join(others, ", "))
	default:
		return ocispec.Descriptor{}, fmt.Errorf("%w: it has no layers", providers.ErrUnsupported)
	}
}

// isArchive reports whether a layer is a tar archive, by what all the tools that
// push such artifacts have in common.
func isArchive(mediaType string) bool {
	for _, suffix := range []string{".tar", "/tar", "tar+gzip", ".tar.gzip", "/x-tar", "/gzip", "/x-gzip"} {
		if strings.HasSuffix(mediaType, suffix) {
			return true
		}
	}
	return false
}
