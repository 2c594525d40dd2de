// Package web is how sources speak HTTP: clients that follow a location's Auth
// (certificates, roots, credentials for one host only), and errors that say
// what is wrong in the types of package providers and never hold a credential.
//
// It is a leaf: sources import it, and it imports only providers and plan.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/source"
)

// Proxy chooses the proxy of a request, like http.ProxyFromEnvironment; nil is
// no proxy.
type Proxy func(*http.Request) (*url.URL, error)

// Network is how requests get where they go. The zero value is straight, and anywhere.
type Network struct {
	Proxy Proxy  // nil is none
	Hosts *Hosts // that may be spoken to; nil is all
}

// How long parts of a request may take. A whole download has no limit but the
// context's, and a large one may take long; a server that says nothing may not.
const (
	dialTimeout   = 20 * time.Second
	tlsTimeout    = 20 * time.Second
	headerTimeout = 60 * time.Second
)

// Transport returns a transport with the certificates and roots of auth, which
// may be nil.
func Transport(auth *source.Auth, by Network) (*http.Transport, error) {
	config, err := tlsConfig(auth)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: by.Hosts.proxied(by.Proxy),
		DialContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			return by.Hosts.dialHTTP(ctx, dialer, network, hostPort)
		},
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   tlsTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       30 * time.Second,
	}, nil
}

func tlsConfig(auth *source.Auth) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if auth == nil {
		return config, nil
	}
	config.InsecureSkipVerify = auth.Insecure
	if auth.CAData != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(auth.CAData)) {
			return nil, errors.New("the CA data hold no PEM certificate")
		}
	}
	cert, key := auth.ClientCert.Reveal(), auth.ClientKey.Reveal()
	if (cert == "") != (key == "") {
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	}
	if cert != "" {
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			return nil, clientPairError(cert, key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// clientPairError says which half is wrong, with no words of theirs.
func clientPairError(cert, key string) error {
	if block, _ := pem.Decode([]byte(cert)); block == nil {
		return errors.New("the client certificate is not PEM")
	}
	if block, _ := pem.Decode([]byte(key)); block == nil {
		return errors.New("the client key is not PEM")
	}
	return errors.New("the client certificate and key cannot be read or do not belong together")
}

// Credentials are a username and password for one host.
type Credentials struct {
	Username, Password string
}

// BasicCredentials are the credentials in auth; a token is a password, for the
// given username where auth names none. ok is false when there are none.
func BasicCredentials(auth *source.Auth, tokenUser string) (c Credentials, ok bool) {
	switch {
	case auth == nil:
		return Credentials{}, false
	case auth.Token != "":
		c = Credentials{Username: auth.Username, Password: auth.Token.Reveal()}
		if c.Username == "" {
			c.Username = tokenUser
		}
		return c, true
	case auth.Username != "" || auth.Password != "":
		return Credentials{Username: auth.Username, Password: auth.Password.Reveal()}, true
	default:
		return Credentials{}, false
	}
}

// Client gets files over http(s) for one repository. Credentials are sent to
// the origin (scheme, host and port) of the repository only: not to another
// that it links or redirects to.
type Client struct {
	http   *http.Client
	origin *url.URL
	auth   *source.Auth
}

// maxRedirects is how many redirects are followed.
const maxRedirects = 10

// NewClient returns a client for the repository at origin.
func NewClient(origin *url.URL, auth *source.Auth, by Network) (*Client, error) {
	transport, err := RoundTripper(origin, auth, by)
	if err != nil {
		return nil, err
	}
	c := &Client{origin: origin, auth: auth}
	c.http = &http.Client{Transport: transport, CheckRedirect: c.checkRedirect}
	return c, nil
}

// RoundTripper returns a transport that shows auth's client certificate, and
// forgoes verification where auth says so, only at one origin.
func RoundTripper(origin *url.URL, auth *source.Auth, by Network) (http.RoundTripper, error) {
	own, err := Transport(auth, by)
	if err != nil {
		return nil, err
	}
	if auth == nil || (auth.ClientCert == "" && !auth.Insecure) {
		return own, nil
	}
	other, err := Transport(&source.Auth{CAData: auth.CAData}, by)
	if err != nil {
		return nil, err
	}
	return originTransport{origin: origin, own: own, other: other}, nil
}

type originTransport struct {
	origin     *url.URL
	own, other *http.Transport
}

func (t originTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if SameOrigin(t.origin, r.URL) {
		return t.own.RoundTrip(r)
	}
	return t.other.RoundTrip(r)
}

// CloseIdleConnections implements what http.Client looks for.
func (t originTransport) CloseIdleConnections() {
	t.own.CloseIdleConnections()
	t.other.CloseIdleConnections()
}

// Get requests a file. The response has status 200, and its body must be closed.
func (c *Client) Get(ctx context.Context, address *url.URL) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, Failed(ctx, address, err)
	}
	request.Header.Set("User-Agent", "gantry")
	c.authorize(request)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, Failed(ctx, address, err)
	}
	if err := Status(address, response.StatusCode); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

func (c *Client) authorize(request *http.Request) {
	if !SameOrigin(c.origin, request.URL) {
		return
	}
	if credentials, ok := BasicCredentials(c.auth, ""); ok {
		if credentials.Username == "" {
			request.Header.Set("Authorization", "Bearer "+credentials.Password)
			return
		}
		request.SetBasicAuth(credentials.Username, credentials.Password)
	}
}

// checkRedirect takes the credentials off a request that leaves the origin:
// net/http itself would keep them for subdomains.
func (c *Client) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	if via[len(via)-1].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return fmt.Errorf("redirect from https to %s is not followed", request.URL.Scheme)
	}
	request.Header.Del("Authorization")
	request.Header.Del("Referer")
	request.URL.User = nil
	c.authorize(request)
	return nil
}

// SameOrigin reports whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
