package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// Verbs that requests are counted by.
const (
	verbList      = "LIST"
	verbGet       = "GET"
	verbWatch     = "WATCH"
	verbApply     = "APPLY"
	verbCreate    = "CREATE"
	verbPatch     = "PATCH"
	verbReplace   = "REPLACE"
	verbDelete    = "DELETE"
	verbDryRun    = "DRYRUN"    // of whatever write
	verbDiscovery = "DISCOVERY" // kinds and the version
	verbOpenAPI   = "OPENAPI"
)

// newHTTPClient returns a client that authenticates as config says and counts
// what it sends. It follows no redirect: credentials would go along.
func newHTTPClient(config *rest.Config, counter *requestCounter, silent silence) (*http.Client, *url.URL, error) {
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, nil, fmt.Errorf("the server is no URL: expected https://host:port")
	}
	config = rest.CopyConfig(config)
	// Named protocols give every cluster a transport tuned by client-go (health
	// checks of HTTP/2 connections, idle connections), also where the system's
	// roots would have it take net/http's default.
	config.NextProtos = []string{"h2", "http/1.1"}
	config.DisableCompression = config.DisableCompression || isLoopback(server.Hostname())
	if config.Dial == nil {
		config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	silent.dialer(config)
	wrapped, tokenFile := config.WrapTransport, config.BearerTokenFile
	if tokenFile != "" { // read below: of itself client-go reads it once a minute, whatever the server says
		config.BearerToken, config.BearerTokenFile = "", ""
	}
	config.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		silent.ping(next)
		if tokenFile != "" {
			next = transport.ResettableTokenSourceWrapTransport(transport.NewCachedFileTokenSource(tokenFile))(next)
		}
		if wrapped != nil {
			next = wrapped(next)
		}
		return &countingTransport{counter: counter, next: next}
	}
	whole, err := rest.TransportFor(config)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{
		Transport:     whole,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, server, nil
}

type verbKey struct{}

// withVerb names the verb that requests of the context are counted by.
func withVerb(ctx context.Context, verb string) context.Context {
	return context.WithValue(ctx, verbKey{}, verb)
}

// countingTransport counts each request that is sent, retries included.
type countingTransport struct {
	counter *requestCounter
	next    http.RoundTripper
}

// RoundTrip counts a request by its context's verb, else by its method.
func (t *countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	verb, ok := request.Context().Value(verbKey{}).(string)
	if !ok {
		verb = request.Method
	}
	t.counter.add(verb)
	return t.next.RoundTrip(request)
}

// WrappedRoundTripper lets client-go find the transport below.
func (t *countingTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

// requestCounter counts requests by verb.
type requestCounter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *requestCounter) add(verb string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[verb]++
}

func (c *requestCounter) snapshot() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		return map[string]int{}
	}
	return maps.Clone(c.counts)
}
