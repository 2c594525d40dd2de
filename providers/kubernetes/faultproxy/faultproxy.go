// Package faultproxy gives tests a real API server that misbehaves: a reverse proxy
// in front of it that answers 429 or 503 in its place, breaks connections before or
// after the server has acted, stalls, refuses credentials, or is not there for a
// while.
//
// It is for what a decorator of providers.Cluster cannot show: what becomes of the
// requests themselves. Rules say which requests go wrong and how; every other request
// reaches the server as it is. What was asked is counted. It is for tests alone.
package faultproxy

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Proxy is a server that misbehaves as it is told. It is safe for concurrent use.
type Proxy struct {
	address string
	ca      []byte
	server  *http.Server
	forward *httputil.ReverseProxy
	gone    chan struct{} // closed when the test ends: what stalls is let go

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	open     map[net.Conn]bool
	rules    []*Rule
	tokens   []string
	log      []Request
}

// Request is one request that the proxy was sent.
type Request struct {
	Method, Path string
	Query        url.Values
	At           time.Time
	Fault        bool // a rule was applied to it
	// As is as whom it is made, and in which groups; of one that impersonates nobody, nothing.
	As       []string
	AsGroups []string
}

// DryRun reports whether the server was to act only as if.
func (r Request) DryRun() bool { return r.Query.Has("dryRun") }

// Start starts a proxy in front of the cluster of a kubeconfig. It ends with the test.
func Start(t testing.TB, kubeconfig string) *Proxy {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	target, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{gone: make(chan struct{}), open: map[net.Conn]bool{}}
	quiet := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization") // the proxy speaks as the administrator
		},
		Transport: transport, FlushInterval: -1, ErrorLog: quiet,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	certified := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	certificates := certified.TLS.Certificates
	p.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	certified.Close()
	p.server = &http.Server{
		Handler: http.HandlerFunc(p.serve), ErrorLog: quiet, ConnState: p.connection,
		TLSConfig: &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12},
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.address = p.listener.Addr().String()
	p.accept(p.listener)
	t.Cleanup(func() {
		close(p.gone)
		p.Down()
		_ = p.server.Close()
		if idle, ok := transport.(interface{ CloseIdleConnections() }); ok {
			idle.CloseIdleConnections()
		}
	})
	return p
}

func (p *Proxy) accept(listener net.Listener) {
	go func() {
		_ = p.server.ServeTLS(listener, "", "") // it ends when the listener is closed
	}()
}

// connection keeps account of the connections that are open.
func (p *Proxy) connection(c net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state {
	case http.StateNew:
		p.open[c] = true
		if p.listener == nil { // it came while the listener was being closed
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		delete(p.open, c)
	case http.StateActive, http.StateIdle:
	}
}

// Down cuts every connection, and refuses new ones until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	_ = p.listener.Close()
	p.listener = nil
	for c := range p.open {
		_ = c.Close()
	}
}

// Up takes connections again, at the same address.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.listener = listener
	p.accept(listener)
	return nil
}

// Restarts takes the server away for a while, again and again, with as long between
// the ends of two absences as every says. The function that it returns ends that, with
// the server there, and tells how often it was away.
func (p *Proxy) Restarts(t testing.TB, every, away time.Duration) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	count, ended := 0, make(chan struct{})
	sleep := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	go func() {
		defer close(ended)
		for sleep(every - away); ctx.Err() == nil; sleep(every - away) {
			p.Down()
			count++
			sleep(away)
			if err := p.Up(); err != nil {
				t.Errorf("the proxy does not come back: %v", err)
				return
			}
		}
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		<-ended
		return count
	})
	t.Cleanup(func() { stop() })
	return stop
}

// Accept has the server take only these bearer tokens from now on; none takes anyone.
func (p *Proxy) Accept(tokens ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens = slices.Clone(tokens)
}

// Requests returns what was asked so far, by the given rule's conditions alone; a zero
// rule is everything.
func (p *Proxy) Requests(which Rule) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.log), func(r Request) bool { return !which.about(r) })
}

// User is who a kubeconfig says that its user is; the zero value has no credentials.
type User struct {
	Token     string
	TokenFile string
	Exec      []string // a credential program and its arguments
}

// Kubeconfig writes a kubeconfig that leads to the proxy and returns its path.
func (p *Proxy) Kubeconfig(t testing.TB, user User) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(p.kubeconfig(user)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	at := Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), At: time.Now(),
		As: r.Header.Values("Impersonate-User"), AsGroups: r.Header.Values("Impersonate-Group"),
	}
	p.mu.Lock()
	var fault Fault
	for _, rule := range p.rules {
		if rule.applies(at) {
			fault, at.Fault = rule.Fault, true
			break
		}
	}
	p.log = append(p.log, at)
	known := len(p.tokens) == 0 || slices.Contains(p.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	p.mu.Unlock()
	switch {
	case !known:
		refuse(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	case fault != nil:
		fault(p, w, r)
	default:
		p.Forward(w, r)
	}
}

// Forward has the server answer.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request) { p.forward.ServeHTTP(w, r) }

// quietly forwards a request and drops what the server answers. The server acts even
// if whoever asked has gone meanwhile.
func (p *Proxy) quietly(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	sent := r.Clone(context.WithoutCancel(r.Context()))
	sent.Body = io.NopCloser(strings.NewReader(string(body)))
	answer := httptest.NewRecorder()
	p.forward.ServeHTTP(answer, sent)
	if answer.Code >= http.StatusInternalServerError {
		return errors.New("the server failed")
	}
	return nil
}
