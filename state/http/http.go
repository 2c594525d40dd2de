// Package http is a state store at a server that speaks Terraform's HTTP protocol for
// remote state, such as GitLab.
//
// The protocol knows one document and one lock. So all keys are in one document, and a
// write is: take the lock, read, compare, write, give the lock back. Writes that come
// together share one such turn, and reads that come together share one answer. How safe that is, is the server's doing: one that
// refuses what is not written under its lock keeps every promise of state.Store; one
// that does not look at the lock's ID cannot keep a writer out that lost it. Only
// cmd/gantry imports the package.
package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Options say where the document is, and how its lock is taken. Only Address is
// required.
type Options struct {
	Address string
	// LockAddress is the URL of the lock; default Address with "/lock" behind its path.
	LockAddress string
	// LockMethod and UnlockMethod are the methods of requests to it; default LOCK and
	// UNLOCK. GitLab wants POST and DELETE.
	LockMethod, UnlockMethod string
	Username                 string
	Password                 object.Sensitive
	// CACertificate has the authorities of the server's certificate, in PEM; default the
	// system's.
	CACertificate string
	// Holder is who takes the lock, for people; such as "alice@laptop".
	Holder string
	// Transport sends the requests; default one of its own. It is for tests.
	Transport http.RoundTripper
	// Times are how long is waited for what; the zero value is the default.
	Times Times
}

// Times bound how a lock is taken and held.
type Times struct {
	// Hold is how long a turn may last; default 45 seconds. Nothing is written after it.
	Hold time.Duration
	// Abandoned is how long the same lock of a gantry is watched before it is taken for
	// one that a dead process left; default 2 minutes. It is well above Hold.
	Abandoned time.Duration
	// Wait is how long is waited for a lock at all; default 3 minutes.
	Wait time.Duration
	// Foreign is how long is waited for a lock that no gantry took; default 20 seconds.
	Foreign time.Duration
}

func (t Times) withDefaults() Times {
	for at, fallback := range map[*time.Duration]time.Duration{
		&t.Hold: 45 * time.Second, &t.Abandoned: 2 * time.Minute, &t.Wait: 3 * time.Minute, &t.Foreign: 20 * time.Second,
	} {
		if *at <= 0 {
			*at = fallback
		}
	}
	return t
}

// Store is a state.Store in a document. A value's version is random, and of one write.
type Store struct {
	client   *http.Client
	address  *url.URL
	lockURL  *url.URL
	options  Options
	leftover map[string]lockInfo

	mu      sync.Mutex // guards what follows
	waiting []*change
	working bool
	cancel  func() // ends the wait for the lock; nil outside it

	last atomic.Pointer[document] // as it was read or written last; nil before

	looks    sync.Mutex // guards the rest
	nextLook *look      // of those who wait for a reading that has not begun; nil where none does
	looking  bool
}

var (
	_ state.Store      = (*Store)(nil)
	_ state.BulkReader = (*Store)(nil)
)

// New returns the store at an address. It sends nothing.
func New(options Options) (*Store, error) {
	address, err := parse("address", options.Address)
	if err != nil {
		return nil, err
	}
	if options.LockAddress == "" {
		lock := *address
		lock.Path = strings.TrimSuffix(lock.Path, "/") + "/lock"
		lock.RawPath = ""
		options.LockAddress = lock.String()
	}
	lock, err := parse("lock_address", options.LockAddress)
	if err != nil {
		return nil, err
	}
	if options.LockMethod == "" {
		options.LockMethod = "LOCK"
	}
	if options.UnlockMethod == "" {
		options.UnlockMethod = "UNLOCK"
	}
	options.Times = options.Times.withDefaults()
	if options.Transport == nil {
		if options.Transport, err = transport(options.CACertificate); err != nil {
			return nil, err
		}
	}
	return &Store{
		client: &http.Client{
			Transport: options.Transport,
			// The document is where the address says; a login is for no other place.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		address: address, lockURL: lock, options: options, leftover: map[string]lockInfo{},
	}, nil
}

func parse(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, fmt.Errorf("the argument %s must be a URL such as \"https://state.example.com/web\"", name)
	case u.User != nil:
		return nil, fmt.Errorf("the argument %s holds credentials: use username and password for them", name)
	}
	return u, nil
}

func transport(authorities string) (http.RoundTripper, error) {
	made, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the program has no HTTP transport. This is a bug in gantry")
	}
	made = made.Clone()
	if authorities != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(authorities)) {
			return nil, errors.New("the argument ca_certificate holds no certificate in PEM")
		}
		made.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return made, nil
}

// String says where the store is, for people.
func (s *Store) String() string {
	shown := *s.address
	shown.RawQuery = "" // where some servers want a token
	return shown.String()
}

// Close closes connections that are not in use.
func (s *Store) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
