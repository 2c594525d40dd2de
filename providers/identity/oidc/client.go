package oidc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

const (
	// maxAnswer is how much of an answer is read: key sets have some kilobytes.
	maxAnswer = 1 << 20
	// maxRedirects is how often an issuer may send on.
	maxRedirects = 3
)

// newClient returns what issuers are asked with: bounded in time and size, and never led to
// where others listen.
func newClient(caData string, options Options) (*http.Client, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if caData != "" {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM([]byte(caData)) {
			return nil, errors.New("the issuer's ca_certificate has no certificate in PEM")
		}
	}
	transport := &http.Transport{
		Proxy: options.Proxy, TLSClientConfig: settings, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		TLSHandshakeTimeout: options.Timeout, ResponseHeaderTimeout: options.Timeout, MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{
		Transport: &bounded{transport},
		Timeout:   options.Timeout,
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("it sends on more than %d times", maxRedirects)
			}
			if _, err := secured(request.URL.String()); err != nil {
				return fmt.Errorf("it sends on to where others listen: %w", err)
			}
			return nil
		},
	}, nil
}

// bounded refuses answers that are too long.
type bounded struct{ next http.RoundTripper }

func (b *bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: maxAnswer}
	return response, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
