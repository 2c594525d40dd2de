// Package engine makes plans and carries them out. Plan turns a configuration,
// what its sources hold, what the clusters have and what the state remembers into
// a plan.Plan; Apply does what a plan says and nothing else. There is no other way
// to change a cluster.
//
// One package below it per stage: graph, diff, order, health, guard, track. The
// engine knows no command line and prints nothing: it returns diagnostics and
// reports progress as events.
package engine

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/rendercache"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Options is what an Engine works with. Sources, Renderers and Clusters are
// required; Records too, but for an offline plan.
type Options struct {
	// Sources opens locations, by type. Inline objects need none.
	Sources map[source.Type]providers.Source
	// Renderers are tried in the order helm, kustomize, jsonnet, manifests where a
	// source does not say what it is.
	Renderers Renderers
	Clusters  providers.Clusters
	// Decrypter opens what sources hold encrypted; nil leaves it as it is.
	Decrypter providers.Decrypter
	// Plugins asks services for generators; nil where there is none.
	Plugins providers.Plugins
	// Forges opens what generators ask of forges; nil where none is asked. What logs in there
	// is read from Secrets.
	Forges providers.Forges
	// Remotes reads what other configurations published, by where their state is; nil
	// where none is read. It returns nil where nothing was published yet.
	Remotes func(context.Context, lang.RemoteState) (*published.Document, error)
	// Notifiers make what messages go by, and Secrets reads what those log in with; without
	// Notifiers (nil) nobody is told of anything.
	Notifiers providers.Notifiers
	Secrets   providers.Secrets
	// NotifyFor is how long an apply delivers messages after its end, beyond what is in
	// flight then; five seconds where 0.
	NotifyFor time.Duration
	// Renderings keeps what sources were rendered to; nil keeps nothing.
	Renderings *rendercache.Cache
	// Lock holds what is read to the lock file; nil is no lock file.
	Lock    *sourcelock.Lock
	Records *state.Records
	// Fingerprinter makes what stands for the values of Secrets, and digests of
	// objects: the installation's, Records.Fingerprinter.
	Fingerprinter seal.Fingerprinter
	// Identity opens what a saved plan holds sealed; nil where there is none.
	Identity *seal.Identity
	// Recipient seals Secrets in the history; nil leaves them out of it.
	Recipient *seal.Recipient
	// Withheld are applications that are left out of everything and left as they are: who
	// asks has no right to them.
	Withheld map[addr.Address]bool
	// Manager is the field manager; "gantry" where empty.
	Manager string
	// Version is this tool's, for the plan.
	Version string
	// Parallelism is how many sources are rendered and how many requests are in flight to
	// one cluster at once; 16 where 0.
	Parallelism int
	// Unsigned says that signatures are not asked for: nothing of what is planned can be
	// applied.
	Unsigned bool
	// Parents has every application have an object on its cluster that stands for it, from
	// which a lost state is rebuilt, and a restored one is noticed.
	Parents bool
	// InFlight is how many writes are in flight to all clusters together; 256 where 0.
	InFlight int
	// Lease is how an apply holds the state.
	Lease state.LeaseOptions
	// HealthTimeout is how long apply waits for a stage to become healthy where the
	// application does not say; ten minutes where 0.
	HealthTimeout time.Duration
	// RequestTimeout bounds one write, which is completed even if the apply is cancelled
	// meanwhile; 20 seconds where 0, and never more than the lease lasts.
	RequestTimeout time.Duration
	// Patience is how long a cluster that stops answering is waited for before a write to
	// it fails; two minutes where 0.
	Patience time.Duration
	// Probe, where set, is called at named points of an apply (Points): for tests that have
	// it killed there.
	Probe func(point string)
	// Unsaved keeps what an apply could not write into the state, and says where; nil keeps
	// it nowhere. run names the apply.
	Unsaved func(run string, document []byte) (where string, err error)
	// Events is told of progress, by one goroutine at a time, in the order of Event.At; what
	// it is told of goes on when it returns, so it must not wait for anyone. May be nil.
	Events func(Event)
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// Renderers are the renderers by what they render.
type Renderers struct {
	Manifests, Helm, Kustomize, Jsonnet providers.Renderer
}

// Engine plans and applies. It is safe for concurrent use; one Engine serves one
// command, since its sources and clusters remember what they read.
type Engine struct {
	options     Options
	differ      *diff.Differ
	predictions predictions
	telling     sync.Mutex // held while an event is told

	mu       sync.Mutex
	clusters []connected
	opened   map[string]bool // keys of locations whose opening was told
	// credentials, redactions and roles are those of the configuration that is planned.
	credentials []source.Credentials
	config      *lang.Config // the one that is planned; nil for none
	redactions  redactions
	roles       []plan.Role
	projects    map[*lang.Project]*guard.Rules
	verified    []guard.Verified // the repositories of which everything must be signed
}

// connected is a cluster that the engine has connected to.
type connected struct {
	name       string
	connection target.Connection
	providers.Cluster
}

// DefaultInFlight is Options.InFlight where nothing else is said: so many that some clusters
// which do not answer, with as many writes in flight to each as there may be, leave room for
// the others.
const DefaultInFlight = 256

// New returns an Engine.
func New(options Options) *Engine {
	if options.Manager == "" {
		options.Manager = "gantry"
	}
	if options.Parallelism <= 0 {
		options.Parallelism = 16
	}
	if options.InFlight <= 0 {
		options.InFlight = DefaultInFlight
	}
	if options.HealthTimeout <= 0 {
		options.HealthTimeout = 10 * time.Minute
	}
	if options.RequestTimeout <= 0 {
		options.RequestTimeout = requestTimeout
	}
	if options.Patience <= 0 {
		options.Patience = defaultPatience
	}
	if options.Events == nil {
		options.Events = func(Event) {}
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{options: options, opened: map[string]bool{}, projects: map[*lang.Project]*guard.Rules{}, differ: diff.New(options.Manager, options.Fingerprinter)}
}

// connect returns the cluster of a name and connection, the same every time.
func (e *Engine) connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.clusters {
		if c.name == name && reflect.DeepEqual(c.connection, connection) {
			return c.Cluster, nil
		}
	}
	cluster, err := e.options.Clusters.Connect(name, connection, credentials)
	if err != nil {
		return nil, err
	}
	e.clusters = append(e.clusters, connected{name, connection, cluster})
	return cluster, nil
}
