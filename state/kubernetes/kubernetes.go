// Package kubernetes is a state store in a namespace of a cluster: a Secret for each key.
//
// A key's Secret is its head. It holds the value, compressed where that makes it smaller,
// or says which other Secrets hold the parts of one that is too large for a Secret. Those
// are written before the head that names them and are never changed, so that whoever reads
// sees the old value or the new one. The server's resourceVersion is what a write is held
// to, and each write leaves a mark of its own in the head, so that the head tells whose
// write it was when the answer to it is lost.
//
// It knows nothing of how clusters are found: it is given a rest.Config. It is imported by
// whoever opens stores.
package kubernetes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/gantrycd/gantry/state"
)

const (
	// DefaultNamespace is that of a store that names none.
	DefaultNamespace = "gantry"
	// DefaultName is that of a store that names none.
	DefaultName = "default"
)

// Options are where a store is.
type Options struct {
	// Config is how the cluster is reached, as Clusters.Config of providers/kubernetes makes
	// one. It is not changed, and its limits on the rate of requests are not kept: the
	// server's priority and fairness decides that better.
	Config    *rest.Config
	Namespace string // DefaultNamespace where empty; made where it is missing
	Name      string // tells apart the stores of one namespace, a label's value; DefaultName where empty
}

// Store is a state.Store in a namespace. It is safe for concurrent use.
type Store struct {
	client    *rest.RESTClient
	codecs    serializer.CodecFactory
	namespace string
	name      string
	mark      func() string // of a write: never the same twice
	pause     func(ctx context.Context, d time.Duration) error
	now       func() time.Time
	busy      gate
	answered  atomic.Bool // the server has been reached before: it is waited for
	sweep     sync.Once   // what killed writers left is looked for once
	abandoned time.Duration
}

var (
	_ state.Store      = (*Store)(nil)
	_ state.BulkReader = (*Store)(nil)
)

// New returns the store at a place, without reaching it.
func New(options Options) (*Store, error) {
	s := &Store{namespace: options.Namespace, name: options.Name, mark: mark, pause: pause, now: time.Now, abandoned: chunksAbandoned}
	if s.namespace == "" {
		s.namespace = DefaultNamespace
	}
	if s.name == "" {
		s.name = DefaultName
	}
	if problems := validation.IsDNS1123Label(s.namespace); len(problems) > 0 {
		return nil, fmt.Errorf("state in Kubernetes: %q is no namespace: %s", s.namespace, problems[0])
	}
	if problems := validation.IsValidLabelValue(s.name); len(problems) > 0 {
		return nil, fmt.Errorf("state in Kubernetes: %q cannot be the name of a state: %s", s.name, problems[0])
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), metav1.AddMetaToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("state in Kubernetes: %w", err)
	}
	s.codecs = serializer.NewCodecFactory(scheme)
	config := rest.CopyConfig(options.Config)
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = s.codecs.WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.QPS, config.RateLimiter = -1, nil
	config.WarningHandler, config.WarningHandlerWithContext = rest.NoWarnings{}, nil
	config.DisableCompression = config.DisableCompression || isLoopback(config.Host)
	if config.Dial == nil {
		config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	config.Wrap(s.busy.watch)
	var err error
	if s.client, err = rest.RESTClientFor(config); err != nil {
		return nil, fmt.Errorf("state in Kubernetes: %w", err)
	}
	return s, nil
}

// Close closes connections that are not in use.
func (s *Store) Close() error {
	s.client.Client.CloseIdleConnections()
	return nil
}

// secrets returns a request about the namespace's Secrets, which is sent once.
func (s *Store) secrets(verb string) *rest.Request {
	return s.client.Verb(verb).Namespace(s.namespace).Resource("secrets").MaxRetries(0)
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}

func mark() string {
	made := make([]byte, 16)
	_, _ = rand.Read(made) // it cannot fail
	return hex.EncodeToString(made)
}

func isLoopback(host string) bool {
	if server, err := url.Parse(host); err == nil && server.Host != "" {
		host = server.Hostname()
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pause waits, or returns why the context ended first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Verbs of HTTP, by short names.
const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)
