// Package oidc knows people and CI systems by the ID tokens of OpenID Connect issuers: it
// verifies tokens, and gets them by logging in, from a browser or another device.
//
// It trusts no issuer but those that it is given, asks no other, and never puts a token into
// an error. What an identity may do is decided elsewhere. cmd and the packages beside it
// import it.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers/web"
)

// Options is what issuers are reached with. The zero value is usable.
type Options struct {
	Proxy func(*http.Request) (*url.URL, error) // nil is none
	// Timeout bounds every request; 20 seconds where 0.
	Timeout time.Duration
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

const defaultTimeout = 20 * time.Second

// Issuer is an issuer that the configuration trusts. It is safe for concurrent use, asks the
// network when it is first needed, and then keeps what it was told.
type Issuer struct {
	trusted identity.Issuer
	options Options
	client  *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
	metadata metadata
}

// metadata is what is read of an issuer's own description, beside what the library does.
type metadata struct {
	Scopes     []string `json:"scopes_supported"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	Keys       string   `json:"jwks_uri"`
}

// New returns an issuer. It fails where its certificates cannot be read.
func New(trusted identity.Issuer, options Options) (*Issuer, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Timeout == 0 {
		options.Timeout = defaultTimeout
	}
	if _, err := secured(trusted.URL); err != nil {
		return nil, fmt.Errorf("the issuer is not taken: %w", err)
	}
	client, err := newClient(trusted.CAData, options)
	if err != nil {
		return nil, err
	}
	return &Issuer{trusted: trusted, options: options, client: client}, nil
}

// URL returns the issuer's.
func (i *Issuer) URL() string { return i.trusted.URL }

// algorithms are those of signatures by a key that only the issuer has.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}
}

// discover reads the issuer's description, once.
func (i *Issuer) discover(ctx context.Context) (*oidc.Provider, metadata, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, i.metadata, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.trusted.URL)
	if err != nil {
		var other *oidc.IssuerMismatchError
		if errors.As(err, &other) {
			return nil, metadata{}, fmt.Errorf("what is at %s says that it is another issuer, %s: correct \"issuer\", letter by letter", i.trusted.URL, quoted(other.Discovered))
		}
		return nil, metadata{}, i.unreachable(ctx, err)
	}
	var read metadata
	if err := provider.Claims(&read); err != nil {
		return nil, metadata{}, fmt.Errorf("what %s says of itself cannot be read", i.trusted.URL)
	}
	endpoint := provider.Endpoint()
	for name, address := range map[string]string{
		"jwks_uri": read.Keys, "authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "device_authorization_endpoint": endpoint.DeviceAuthURL,
	} {
		if address == "" && name != "jwks_uri" {
			continue // CI systems have no place to log in
		}
		if _, err := secured(address); err != nil {
			return nil, metadata{}, fmt.Errorf("%s names a %s that is not taken: %w", i.trusted.URL, name, err)
		}
	}
	i.provider, i.metadata = provider, read
	return provider, read, nil
}

// accepted are the algorithms that the issuer signs with, of those that are taken.
func (m metadata) accepted() []string {
	if len(m.Algorithms) == 0 {
		return []string{oidc.RS256} // as OpenID Connect Discovery has it
	}
	return slices.DeleteFunc(slices.Clone(m.Algorithms), func(name string) bool { return !slices.Contains(algorithms(), name) })
}

// secured returns a URL over which nobody in between can speak.
func secured(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("it is no URL")
	case u.User != nil:
		return nil, errors.New("its URL has a user name or password")
	case u.Scheme == "https", u.Scheme == "http" && isLocal(u.Hostname()):
		return u, nil
	default:
		return nil, fmt.Errorf("its URL has %q, and must have https", u.Scheme)
	}
}

// unreachable says why the issuer could not be asked. What it answered is never repeated at
// length.
func (i *Issuer) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s could not be asked: %w", i.trusted.URL, context.Cause(ctx))
	}
	return fmt.Errorf("%s could not be asked: %s", i.trusted.URL, plain(strings.TrimPrefix(reason(err).Error(), "oidc: ")))
}

// reason is why a request got no answer, without its URL.
func reason(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return web.Reason(wrapped.Err)
	}
	return err
}
