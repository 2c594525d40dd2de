package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// remote is a repository on a server: one conversation, in which references are
// read and then perhaps one pack is.
type remote interface {
	references(ctx context.Context) (*references, error)
	// pack asks for objects and what they lead to, without what haves lead to.
	pack(ctx context.Context, wants, haves []plumbing.Hash) (io.ReadCloser, error)
	io.Closer
}

// Reasons why a fetch fails.
var (
	errRefused       = errors.New("the server does not give that object")
	errFetchTooLarge = errors.New("the server sends more than the limit of one fetch")
)

// dial starts a conversation.
func dial(ctx context.Context, at address, auth *source.Auth, options Options) (remote, error) {
	switch at.scheme {
	case "http", "https":
		return dialHTTP(at, auth, options)
	case "ssh":
		return dialSSH(ctx, at, auth, options)
	case "git":
		return dialGit(ctx, at, auth, options.Hosts)
	default:
		return nil, fmt.Errorf("%w: scheme %q", providers.ErrUnsupported, at.scheme)
	}
}

// newReferences takes what a server advertised.
func newReferences(advertised *packp.AdvRefs) *references {
	refs := &references{byName: maps.Clone(advertised.References)}
	if advertised.Head != nil {
		refs.head = *advertised.Head
	}
	for _, able := range []capability.Capability{capability.AllowReachableSHA1InWant, capability.AllowTipSHA1InWant, "allow-any-sha1-in-want"} {
		refs.anyObject = refs.anyObject || advertised.Capabilities.Supports(able)
	}
	return refs
}

// newRequest is the request for a pack.
func newRequest(advertised *packp.AdvRefs, wants, haves []plumbing.Hash) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequestFromCapabilities(advertised.Capabilities)
	if advertised.Capabilities.Supports(capability.NoProgress) {
		if err := request.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	request.Wants, request.Haves = wants, haves
	return request, nil
}

// packReader takes the pack out of the channels in which it comes.
func packReader(request *packp.UploadPackRequest, response io.ReadCloser) io.ReadCloser {
	kind := sideband.Sideband
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		kind = sideband.Sideband64k
	case request.Capabilities.Supports(capability.Sideband):
	default:
		return response
	}
	return readCloser{sideband.NewDemuxer(kind, response), response}
}

type readCloser struct {
	io.Reader
	io.Closer
}
