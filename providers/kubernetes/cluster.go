package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// cluster is one cluster's API.
type cluster struct {
	name     string
	server   string // https://host:port and the path below which the API is, never with credentials
	base     *url.URL
	client   *http.Client
	counter  requestCounter
	renews   bool        // credentials come from a program or a file, and may expire
	answered atomic.Bool // the server has answered something
	busy     gate        // the server has asked to be left alone
	cacheDir string
	timeout  time.Duration
	pageSize int
	pause    func(ctx context.Context, d time.Duration) error
	silence  silence

	identity  memo[identity]
	catalog   memo[*catalog]
	index     memo[openAPIIndex]
	documents documents
}

var _ providers.Cluster = (*cluster)(nil)

func newCluster(name string, config *rest.Config, options Options, pause func(context.Context, time.Duration) error) (*cluster, error) {
	c := &cluster{
		name:     name,
		renews:   config.ExecProvider != nil || config.BearerTokenFile != "",
		cacheDir: options.CacheDir,
		timeout:  options.Timeout,
		pageSize: options.PageSize,
		pause:    pause,
		silence:  options.silence,
	}
	client, base, err := newHTTPClient(config, &c.counter, options.silence)
	if err != nil {
		return nil, err
	}
	base.User = nil
	base.Path = strings.TrimSuffix(base.Path, "/")
	c.client, c.base, c.server = client, base, base.String()
	return c, nil
}

// identity is what never changes of a cluster.
type identity struct {
	uid     string
	version string
}

// Info reads who the cluster is: the uid of its namespace kube-system, the
// server's version, and what it serves.
func (c *cluster) Info(ctx context.Context) (providers.ClusterInfo, error) {
	var (
		who   identity
		known *catalog
	)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		who, err = c.identity.get(groupCtx, c.readIdentity)
		return err
	})
	group.Go(func() (err error) {
		known, err = c.catalog.get(groupCtx, c.readCatalog)
		return err
	})
	if err := group.Wait(); err != nil {
		return providers.ClusterInfo{}, err
	}
	return providers.ClusterInfo{
		UID:         who.uid,
		Server:      c.server,
		Version:     who.version,
		APIVersions: known.apiVersions(),
	}, nil
}

func (c *cluster) readIdentity(ctx context.Context) (identity, error) {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := c.getJSON(ctx, request{verb: verbDiscovery, path: "/version"}, &version); err != nil {
		return identity{}, fmt.Errorf("reading the server's version: %w", err)
	}
	namespace := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}
	system, err := c.Get(ctx, namespace, "", "kube-system")
	if err != nil {
		return identity{}, fmt.Errorf("reading the cluster's identity, the uid of the namespace kube-system: %w", err)
	}
	if system.UID() == "" {
		return identity{}, fmt.Errorf("cluster %q at %s: the namespace kube-system has no uid; is this a Kubernetes API server?", c.name, c.server)
	}
	return identity{uid: system.UID(), version: version.GitVersion}, nil
}

// Refresh forgets discovery and schemas.
func (c *cluster) Refresh() {
	c.catalog.forget()
	c.index.forget()
	c.documents.forgetUnhashed()
}

// Requests returns how many requests were sent so far, by verb, retries
// included. Dry runs of all writes are counted as "DRYRUN".
func (c *cluster) Requests() map[string]int { return c.counter.snapshot() }
