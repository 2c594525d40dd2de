// Package plugin asks services over HTTP what generators give: one POST, one
// answer.
//
// A request is sent once: whether to ask again is for people to say, who see why it
// failed. The token goes to the URL that was written and nowhere else, so redirects
// are not followed. What a question and an answer mean, the package does not know.
package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// Options configure a Client.
type Options struct {
	// Proxy chooses the proxy of requests; nil is none.
	Proxy web.Proxy
	// Hosts may be asked; nil is all.
	Hosts *web.Hosts
	// MaxBytes bounds an answer; DefaultMaxBytes where 0.
	MaxBytes int64
}

// DefaultMaxBytes is how long an answer may be: 8 MiB.
const DefaultMaxBytes = 8 << 20

// Client asks services.
type Client struct{ options Options }

var _ providers.Plugins = (*Client)(nil)

// New returns a Client.
func New(options Options) *Client {
	if options.MaxBytes <= 0 {
		options.MaxBytes = DefaultMaxBytes
	}
	return &Client{options: options}
}

// Call implements providers.Plugins.
func (c *Client) Call(ctx context.Context, call providers.PluginCall) ([]byte, error) {
	at, err := url.Parse(call.URL)
	if err != nil {
		return nil, fmt.Errorf("%s is no URL", web.RedactText(call.URL))
	}
	transport, err := web.Transport(call.Auth, web.Network{Proxy: c.options.Proxy, Hosts: c.options.Hosts})
	if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, call.Timeout, fmt.Errorf("no answer within %s", call.Timeout))
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(call.Body))
	if err != nil {
		return nil, web.Failed(ctx, at, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "gantry")
	if call.Auth != nil && call.Auth.Token != "" {
		request.Header.Set("Authorization", "Bearer "+call.Auth.Token.Reveal())
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return nil, failed(ctx, at, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		return nil, fmt.Errorf("%s redirects elsewhere, which is not followed: write the URL that it leads to", web.Redact(at))
	}
	if err := web.Status(at, response.StatusCode); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, c.options.MaxBytes+1))
	if err != nil {
		return nil, failed(ctx, at, err)
	}
	if int64(len(answer)) > c.options.MaxBytes {
		return nil, fmt.Errorf("%s answers with more than %d bytes", web.Redact(at), c.options.MaxBytes)
	}
	return answer, nil
}

// failed is web.Failed with what the client itself brought about: a time-out makes
// a service unreachable.
func failed(ctx context.Context, at *url.URL, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s is %w: %w", web.Redact(at), providers.ErrUnreachable, context.Cause(ctx))
	}
	return web.Failed(ctx, at, err)
}
