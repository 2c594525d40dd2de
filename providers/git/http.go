package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/web"
)

// tokenUser is the username for a token where none is given. GitHub asks for
// this one, and others take any.
const tokenUser = "x-access-token"

// httpRemote speaks git's smart protocol over http(s). Redirects are followed
// for the first request only, as git does, and lose the credentials when they
// lead to another origin.
type httpRemote struct {
	client     *http.Client
	session    transport.UploadPackSession
	advertised *packp.AdvRefs
}

func dialHTTP(at address, auth *source.Auth, options Options) (remote, error) {
	roundTripper, err := web.RoundTripper(at.origin(), auth, web.Network{Proxy: options.Proxy, Hosts: options.Hosts})
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: shortErrors{roundTripper}}
	endpoint := &transport.Endpoint{Protocol: at.scheme, Host: at.bracketed(), Port: at.port, Path: at.path}
	var method transport.AuthMethod
	if credentials, ok := web.BasicCredentials(auth, tokenUser); ok {
		if credentials.Username == "" {
			credentials.Username = at.user
		}
		method = &githttp.BasicAuth{Username: credentials.Username, Password: credentials.Password}
	} else if at.user != "" {
		method = &githttp.BasicAuth{Username: at.user}
	}
	session, err := githttp.NewClientWithOptions(client, nil).NewUploadPackSession(endpoint, method)
	if err != nil {
		return nil, fetchError(context.Background(), err)
	}
	return &httpRemote{client: client, session: session}, nil
}

func (h *httpRemote) references(ctx context.Context) (*references, error) {
	advertised, err := h.session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, fetchError(ctx, err)
	}
	h.advertised = advertised
	return newReferences(advertised), nil
}

func (h *httpRemote) pack(ctx context.Context, wants, haves []plumbing.Hash) (io.ReadCloser, error) {
	request, err := newRequest(h.advertised, wants, haves)
	if err != nil {
		return nil, err
	}
	response, err := h.session.UploadPack(ctx, request)
	if errors.Is(err, transport.ErrEmptyUploadPackRequest) {
		return nil, errors.New("the server sent nothing")
	}
	if err != nil {
		return nil, fetchError(ctx, err)
	}
	return packReader(request, response), nil
}

func (h *httpRemote) Close() error {
	h.client.CloseIdleConnections()
	if err := h.session.Close(); err != nil {
		return fmt.Errorf("closing the connection: %w", err)
	}
	return nil
}

// shortErrors keeps a server from filling memory with the text of an error.
type shortErrors struct{ http.RoundTripper }

func (s shortErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(r)
	if err == nil && response.StatusCode != http.StatusOK {
		const most = 64 << 10
		response.Body = readCloser{io.LimitReader(response.Body, most), response.Body}
	}
	return response, err
}

// CloseIdleConnections implements what http.Client looks for.
func (s shortErrors) CloseIdleConnections() {
	if closer, ok := s.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
