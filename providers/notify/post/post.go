// Package post is how notifiers speak HTTP: one request with a bounded answer, within a
// time, whose errors say whether to try again and never hold a credential, since URLs of
// webhooks are as good as passwords. Redirects that leave the host are refused.
//
// It knows no service. Packages of notifiers import it, and nothing else does.
package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// Options is how a Client reaches its service.
type Options struct {
	CAData string // PEM; empty for the system's roots
	Proxy  web.Proxy
	// Timeout bounds one request; DefaultTimeout where 0.
	Timeout time.Duration
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// DefaultTimeout bounds a request where nothing else is said.
const DefaultTimeout = 10 * time.Second

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 1 << 20

// maxRedirects is how many redirects are followed.
const maxRedirects = 3

// Client sends requests of one notifier. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	timeout time.Duration
	now     func() time.Time
}

// New returns a Client. It fails where the certificates cannot be read.
func New(options Options) (*Client, error) {
	transport, err := web.Transport(&source.Auth{CAData: options.CAData}, web.Network{Proxy: options.Proxy})
	if err != nil {
		return nil, err
	}
	c := &Client{http: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, timeout: options.Timeout, now: options.Now}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// errRedirect is why a redirect is not followed.
var errRedirect = errors.New("it redirects to another host, or with another method, which is not followed")

// checkRedirect follows redirects that send the same request to the same host.
func checkRedirect(request *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || request.Method != first.Method || !web.SameOrigin(request.URL, first.URL) {
		return errRedirect
	}
	return nil
}

// Request is one request.
type Request struct {
	Method string // POST where empty
	URL    string
	Header http.Header // with the credentials
	Body   any         // []byte as it is, anything else as JSON; nil for none
	// Secret says that the URL is a credential: of it, errors have the host alone.
	Secret bool
	// Proven says that an answer is enough: its status does not count. The caller judges it.
	Proven bool
}

// Answer is what the service said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the answer into a value.
func (a *Answer) JSON(into any) error {
	if err := json.Unmarshal(a.Body, into); err != nil {
		return &providers.DeliveryError{Verdict: providers.Unanswered, Err: errors.New("its answer is no JSON of the kind that was expected")}
	}
	return nil
}

// Do sends a request and returns the answer, which has a status of 200 to 299. Errors are
// *providers.DeliveryError.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	request, err := build(ctx, r)
	if err != nil {
		return nil, err
	}
	at := shown(request.URL, r.Secret)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failed(at, err, sent.Load())
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		if response.StatusCode < 200 || response.StatusCode > 299 {
			body = nil // what counts is that it was refused
		} else {
			return nil, c.failed(at, err, true)
		}
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Body: body}
	if r.Proven {
		return answer, nil
	}
	if err := c.Status(at, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

func build(ctx context.Context, r Request) (*http.Request, error) {
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	var body []byte
	switch b := r.Body.(type) {
	case nil:
	case []byte:
		body = b
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			return nil, Refuse(fmt.Errorf("the message cannot be written as JSON: %w", err))
		}
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(body))
	if err != nil || request.URL.Host == "" {
		return nil, Refuse(errors.New("its URL is not valid")) // the error would quote it
	}
	for name, values := range r.Header {
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				return nil, Refuse(fmt.Errorf("the value of the header %s holds a line break", name))
			}
		}
		request.Header[name] = values
	}
	if body != nil && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	request.Header.Set("User-Agent", "gantry")
	return request, nil
}

// shown is how a URL is told of.
func shown(u *url.URL, secret bool) string {
	if secret {
		return u.Host
	}
	return web.Redact(u)
}

// failed says why there is no answer.
func (*Client) failed(at string, err error, sent bool) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // its text holds the URL
		err = wrapped.Err
	}
	if errors.Is(err, errRedirect) {
		return Refuse(fmt.Errorf("%s: %w", at, errRedirect))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it did not answer in time")
	}
	verdict := providers.Undelivered
	if sent {
		verdict = providers.Unanswered
	}
	return &providers.DeliveryError{Verdict: verdict, Err: fmt.Errorf("%s: %w", at, web.Reason(err))}
}

// Status turns a status that is no success into an error: what was asked too often, or
// failed, or was not let in may be tried again; the rest is refused.
func (c *Client) Status(at string, a *Answer) error {
	if a.Status >= 200 && a.Status <= 299 {
		return nil
	}
	out := &providers.DeliveryError{Verdict: providers.Refused, Err: fmt.Errorf("%s answered with status %d %s", at, a.Status, http.StatusText(a.Status))}
	switch {
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable:
		out.Verdict, out.After = providers.Undelivered, c.retryAfter(a.Header)
	case a.Status >= 500, a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden, a.Status == http.StatusRequestTimeout:
		out.Verdict, out.After = providers.Undelivered, c.retryAfter(a.Header)
	}
	return out
}

// maxRetryAfter is how long a service is left alone at most.
const maxRetryAfter = time.Hour

// retryAfter reads Retry-After: seconds, or a date.
func (c *Client) retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) { // NaN too
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(c.now())), maxRetryAfter)
	}
	return 0
}

// Refuse is an error after which a message is not tried again.
func Refuse(err error) error {
	return &providers.DeliveryError{Verdict: providers.Refused, Err: err}
}

// Later is an error after which a message is tried again, once the service was left alone
// for a while.
func Later(after time.Duration, err error) error {
	return &providers.DeliveryError{Verdict: providers.Undelivered, After: min(after, maxRetryAfter), Err: err}
}

// Bearer is the header of a token.
func Bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

// Join appends a path to the URL of an API.
func Join(base, path string) string { return strings.TrimRight(base, "/") + "/" + path }
