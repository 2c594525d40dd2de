package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

// Login is what somebody who has logged in can prove it with. It is kept for nobody else.
type Login struct {
	Issuer string // the URL
	Client string // what was logged in as
	Token  object.Sensitive
	// Refresh gets a new token; empty where the issuer gives none.
	Refresh object.Sensitive
	Expires time.Time // of the token
}

// ErrLogin is wrapped by what says that somebody has to log in again.
var ErrLogin = errors.New("log in again with \"gantry login\"")

// config returns what logging in is done with.
func (i *Issuer) config(ctx context.Context, redirect string) (*oauth2.Config, error) {
	provider, described, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	scopes := i.trusted.Scopes
	if scopes == nil {
		for _, scope := range []string{"profile", "email", "groups", oidc.ScopeOfflineAccess} {
			if slices.Contains(described.Scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to put elsewhere
	return &oauth2.Config{
		ClientID: i.trusted.Client(), Endpoint: endpoint, RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == oidc.ScopeOpenID })...),
	}, nil
}

// asking gives a context the client that issuers are asked with.
func (i *Issuer) asking(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, i.client)
}

// Browser logs in with a browser on this machine: the issuer sends it back to a server that
// listens on the loopback address meanwhile. show is given the address to open. The code that
// comes back is of no use to whoever else sees it (PKCE).
func (i *Issuer) Browser(ctx context.Context, show func(address string)) (*Login, identity.Identity, error) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	back, err := listen(state)
	if err != nil {
		return nil, identity.Identity{}, err
	}
	defer back.close()
	config, err := i.config(ctx, back.address)
	if err != nil {
		return nil, identity.Identity{}, err
	}
	if config.Endpoint.AuthURL == "" || config.Endpoint.TokenURL == "" {
		return nil, identity.Identity{}, fmt.Errorf("%s has no place to log in: it is for CI systems", i.trusted.URL)
	}
	show(config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	code, err := back.wait(ctx)
	if err != nil {
		return nil, identity.Identity{}, err
	}
	token, err := config.Exchange(i.asking(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, identity.Identity{}, i.failed(ctx, err)
	}
	return i.loggedIn(ctx, token, nonce)
}

// Device logs in with a browser anywhere: show is given where to go, and the code to enter
// there.
func (i *Issuer) Device(ctx context.Context, show func(address, code string)) (*Login, identity.Identity, error) {
	config, err := i.config(ctx, "")
	if err != nil {
		return nil, identity.Identity{}, err
	}
	if config.Endpoint.DeviceAuthURL == "" {
		return nil, identity.Identity{}, fmt.Errorf("%s does not offer logging in from another device: log in with a browser on this machine", i.trusted.URL)
	}
	verifier := oauth2.GenerateVerifier()
	asked, err := config.DeviceAuth(i.asking(ctx), oauth2.S256ChallengeOption(verifier))
	if err != nil {
		return nil, identity.Identity{}, i.failed(ctx, err)
	}
	address := asked.VerificationURIComplete
	if address == "" {
		address = asked.VerificationURI
	}
	if _, err := secured(address); err != nil {
		return nil, identity.Identity{}, fmt.Errorf("%s sends to an address that is not taken: %w", i.trusted.URL, err)
	}
	show(plain(address), plain(asked.UserCode))
	token, err := config.DeviceAccessToken(i.asking(ctx), asked, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, identity.Identity{}, i.failed(ctx, err)
	}
	return i.loggedIn(ctx, token, "")
}

// Renew gets a new token for somebody who has logged in. The error wraps ErrLogin where they
// have to do so again.
func (i *Issuer) Renew(ctx context.Context, login *Login) (*Login, identity.Identity, error) {
	if login.Refresh == "" {
		return nil, identity.Identity{}, fmt.Errorf("the login at %s is over, and cannot be renewed: %w", i.trusted.URL, ErrLogin)
	}
	config, err := i.config(ctx, "")
	if err != nil {
		return nil, identity.Identity{}, err
	}
	token, err := config.TokenSource(i.asking(ctx), &oauth2.Token{RefreshToken: login.Refresh.Reveal()}).Token()
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError {
			return nil, identity.Identity{}, fmt.Errorf("the login at %s is over: %w", i.trusted.URL, ErrLogin)
		}
		return nil, identity.Identity{}, i.failed(ctx, err)
	}
	if token.RefreshToken == "" {
		token.RefreshToken = login.Refresh.Reveal()
	}
	return i.loggedIn(ctx, token, "")
}

// loggedIn verifies what was got by logging in.
func (i *Issuer) loggedIn(ctx context.Context, token *oauth2.Token, nonce string) (*Login, identity.Identity, error) {
	text, ok := token.Extra("id_token").(string)
	if !ok || text == "" {
		return nil, identity.Identity{}, fmt.Errorf("%s gave no ID token: %w", i.trusted.URL, ErrLogin)
	}
	login := &Login{Issuer: i.trusted.URL, Client: i.trusted.Client(), Token: object.Sensitive(text), Refresh: object.Sensitive(token.RefreshToken)}
	read, err := Read(login.Token)
	if err != nil {
		return nil, identity.Identity{}, err
	}
	if nonce != "" {
		if got, _ := read.claims["nonce"].(string); subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) != 1 {
			return nil, identity.Identity{}, errors.New("the token is of another login (\"nonce\")")
		}
	}
	found, err := i.verify(ctx, login.Token, read)
	if err != nil {
		return nil, identity.Identity{}, err
	}
	login.Expires, _, err = timeOf(read.claims, "exp")
	return login, found, err
}

// failed says why an issuer gave no token, in its words where it has some. What it was sent
// is not repeated.
func (i *Issuer) failed(ctx context.Context, err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || ctx.Err() != nil {
		return i.unreachable(ctx, err)
	}
	why := refused.ErrorCode
	if refused.ErrorDescription != "" {
		why += ": " + refused.ErrorDescription
	}
	if why == "" && refused.Response != nil {
		why = refused.Response.Status
	}
	return fmt.Errorf("%s refuses: %s", i.trusted.URL, plain(why))
}
