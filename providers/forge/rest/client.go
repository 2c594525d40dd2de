// Package rest is how clients of forges speak HTTP: JSON there and back within bounds,
// waiting where the forge says that there were too many requests, repeating only what may be
// repeated, with credentials for one origin only, and errors that are those of package
// providers and never hold a credential.
//
// It knows no forge. Clients in providers/forge import it, and nothing else does.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// Options is how a Client reaches a forge.
type Options struct {
	// Base is the URL of the API. Paths of requests are below it.
	Base string
	// Header goes with each request: what logs in, and which version of the API is meant.
	Header http.Header
	// Authorize, where set, says what is sent as Authorization: it is asked for each request.
	Authorize func(context.Context) (object.Sensitive, error)
	// Secrets are what never may be in an error: the token, as it is in Header too.
	Secrets []object.Sensitive
	CAData  string // PEM; empty for the system's roots
	Proxy   web.Proxy
	// Timeout bounds one request; DefaultTimeout where 0.
	Timeout time.Duration
	// Patience is how long one call waits at most until there may be requests again;
	// DefaultPatience where 0.
	Patience time.Duration
	// Wait waits, or returns why it did not; nil for the clock's waiting.
	Wait func(context.Context, time.Duration) error
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

const (
	// DefaultTimeout bounds a request where nothing else is said.
	DefaultTimeout = time.Minute
	// DefaultPatience is how long a call waits where nothing else is said.
	DefaultPatience = 3 * time.Minute
)

const (
	maxAnswer    = 16 << 20 // bytes of one answer
	maxMessage   = 300      // bytes that are quoted of an answer
	maxRedirects = 5
	maxAttempts  = 4
)

// Client asks one API. It is safe for concurrent use.
type Client struct {
	http     *http.Client
	base     *url.URL
	header   http.Header
	secrets  []object.Sensitive
	login    func(context.Context) (object.Sensitive, error)
	timeout  time.Duration
	patience time.Duration
	wait     func(context.Context, time.Duration) error
	now      func() time.Time
}

// New returns a Client. It fails where the base is no URL, or holds a password, or the
// certificates cannot be read.
func New(options Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(options.Base, "/"))
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("%q is no http or https URL", web.RedactText(options.Base))
	case base.User != nil:
		return nil, fmt.Errorf("the URL %s holds a user name or password; give a token instead", web.Redact(base))
	case base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("the URL %s has a query or fragment, which that of an API cannot have", web.Redact(base))
	}
	for name, values := range options.Header {
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				return nil, fmt.Errorf("what is sent as %s holds a line break; check the token", name)
			}
		}
	}
	transport, err := web.Transport(&source.Auth{CAData: options.CAData}, web.Network{Proxy: options.Proxy})
	if err != nil {
		return nil, err
	}
	c := &Client{
		http: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, base: base, header: options.Header, secrets: options.Secrets, login: options.Authorize,
		timeout: options.Timeout, patience: options.Patience, wait: options.Wait, now: options.Now,
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.patience <= 0 {
		c.patience = DefaultPatience
	}
	if c.wait == nil {
		c.wait = wait
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// errRedirect is why a redirect is not followed.
var errRedirect = errors.New("it redirects to another host, or so that the request would become another, which is not followed")

// checkRedirect follows redirects that send the same request to the same origin: to where a
// repository has been renamed to, say.
func checkRedirect(request *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || request.Method != first.Method || !web.SameOrigin(request.URL, first.URL) {
		return errRedirect
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Request is one request.
type Request struct {
	Method string // GET where empty
	// Path is below the base, and escaped: what is inserted went through Escape.
	Path  string
	Query url.Values
	Body  any // is sent as JSON; nil for none
	// Once says that it must not be done twice: it is only repeated where it surely was
	// not done. GET, PUT, PATCH and DELETE may be repeated without.
	Once bool
}

// Escape escapes a part of a path, slashes too.
func Escape(part string) string {
	switch part {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(part)
}

// EscapePath escapes a path whose slashes part it.
func EscapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = Escape(part)
	}
	return strings.Join(parts, "/")
}

// Get asks for a document and reads it into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.Do(ctx, Request{Path: path, Query: query}, out)
	return err
}

// Send sends a document, and reads the answer into out unless that is nil. A POST is not
// done twice.
func (c *Client) Send(ctx context.Context, method, path string, in, out any) error {
	_, err := c.Do(ctx, Request{Method: method, Path: path, Body: in, Once: method == http.MethodPost}, out)
	return err
}

// Do sends a request and reads the answer into out, unless that is nil. It returns the
// header of the answer.
func (c *Client) Do(ctx context.Context, r Request, out any) (http.Header, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return nil, fmt.Errorf("the request cannot be written as JSON: %w", err)
		}
	}
	waited := time.Duration(0)
	for attempt := 1; ; attempt++ {
		header, again, err := c.once(ctx, r, body, out)
		if err == nil {
			return header, nil
		}
		if again < 0 || attempt == maxAttempts || ctx.Err() != nil {
			return nil, err
		}
		pause := max(again, time.Second<<(attempt-1)/2)
		if waited += pause; waited > c.patience {
			return nil, err
		}
		if waitErr := c.wait(ctx, pause); waitErr != nil {
			return nil, err
		}
	}
}

// never is how long to wait for what is not to be repeated.
const never = time.Duration(-1)

// once sends a request. Where that failed it says how long to wait before it may be
// repeated, or never.
func (c *Client) once(ctx context.Context, r Request, body []byte, out any) (http.Header, time.Duration, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	at, request, err := c.build(bounded, r, body)
	if err != nil {
		return nil, never, err
	}
	secrets := c.secrets
	if c.login != nil {
		login, err := c.login(ctx)
		if err != nil {
			return nil, never, err
		}
		request.Header.Set("Authorization", login.Reveal())
		_, token, _ := strings.Cut(login.Reveal(), " ")
		secrets = append(slices.Clone(secrets), object.Sensitive(token))
	}
	repeatable := time.Duration(0)
	if r.Once {
		repeatable = never
	}
	response, err := c.http.Do(request)
	if errors.Is(err, errRedirect) {
		return nil, never, fmt.Errorf("%s is %w: %w", at, providers.ErrUnreachable, errRedirect)
	}
	if err != nil {
		if notSent(err) {
			repeatable = 0
		}
		return nil, repeatable, c.failed(ctx, at, request.URL, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		again, err := c.refused(at, response, answer, secrets)
		if again == 0 {
			again = repeatable // it failed, and may have done it all the same
		}
		return nil, again, err
	}
	switch {
	case err != nil:
		return nil, repeatable, c.failed(ctx, at, request.URL, err)
	case len(answer) > maxAnswer:
		return nil, never, fmt.Errorf("%s: %w: its answer has more than %d MiB", at, providers.ErrTooMany, maxAnswer>>20)
	case out == nil:
		return response.Header, never, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return nil, never, notJSON(at, response, answer)
	}
	return response.Header, never, nil
}

// failed says why there is no answer. ctx is the caller's, without the bound of the request.
func (c *Client) failed(ctx context.Context, at string, address *url.URL, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &providers.TransientError{Message: fmt.Sprintf("%s: it did not answer within %s", at, c.timeout)}
	}
	return web.Failed(ctx, address, err)
}

func (c *Client) build(ctx context.Context, r Request, body []byte) (string, *http.Request, error) {
	address := c.base.String() + "/" + strings.TrimPrefix(r.Path, "/")
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, reader)
	if err != nil {
		return "", nil, fmt.Errorf("%s %s is no valid request: %w", r.Method, web.Redact(c.base), providers.ErrInvalid)
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "application/json")
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	request.Header.Set("User-Agent", "gantry")
	return r.Method + " " + web.Redact(request.URL), request, nil
}

// Base returns the URL that paths are below, without a slash at its end.
func (c *Client) Base() string { return c.base.String() }
