// Package lang turns *.gantry.hcl and *.gantry.json files into a Config: it holds the
// vocabulary of deliveries, decodes its blocks, and checks what they say together.
// eval loads, resolves and evaluates for it.
//
// It knows no cluster, state or plan. Evaluation is pure but for generators of
// sources, which read through a Reader that the caller gives.
package lang

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// Config is an evaluated configuration: every value known, every reference
// resolved, every for_each expanded. Lists are sorted by address. It is immutable.
type Config struct {
	Dir         string // the root module's directory
	Settings    Settings
	Variables   []Variable
	Outputs     []Output         // of the root module
	Remotes     []*Remote        // what was read of other configurations
	Secrets     []*target.Secret // where credentials are, not what they are
	Clusters    []*Cluster
	Credentials []*Credentials
	// Logins are the credentials by their prefixes, and those that cannot be told:
	// nothing that they may be for is read in another way.
	Logins       []source.Credentials
	Repositories []*Repository
	Projects     []*Project
	Generators   []*Generator
	Applications []*Application
	// Refactoring is what moved, removed and import blocks say. Where they contradict
	// each other, none is followed, and Incomplete is set.
	Refactoring refactor.Set
	Roles       []*govern.Role
	Rollouts    []*govern.Rollout
	Health      []*govern.Health
	Notifiers   []*govern.Notifier
	Triggers    []*govern.Trigger // the built-in ones too that something refers to
	Policies    []*govern.Policy
	Checks      []*govern.Check
	// Broken are the applications that the configuration declares and that cannot be
	// told, because they or what they need have errors, sorted: single instances, or
	// whole blocks where not even the instances are known. They must be left as
	// they are: they have not vanished.
	Broken []Broken
	// Deferred are the blocks of applications whose values need the outside world,
	// where there was no Reader to ask, sorted. They have not vanished either.
	Deferred []addr.Address
	// Unset are the variables that need a value and have none, in the order of the
	// files, where that is no error: without a Reader, or with Partial.
	Unset []Variable
	// Incomplete says that parts of the files could not be read as blocks, so that
	// even an application that is nowhere in the Config may still be declared.
	Incomplete bool
	// Unguarded says that roles or projects could not be told, because they or what they
	// need have errors, or need the outside world: it is not known what they forbid.
	Unguarded bool
	// RolesUnknown says that there may be roles which Roles and Projects do not have: it is
	// not known who may do what, and so nobody may do anything.
	RolesUnknown bool
	// Graph holds every block and what it refers to, sorted; for `gantry graph`. A
	// reference to all blocks of a kind (cluster, say) is to a node that has only the
	// kind.
	Graph []Node
	// Pins are what evaluating read of the outside world (generators), sorted.
	Pins []source.Pin
	// Digest is "sha256:…" over the files, those that functions read too, and the
	// variables' values: two configurations with the same digest and pins are the
	// same, but for the values of sensitive variables, which no digest may give away.
	Digest string
}

// Settings is the gantry block; its zero value is what a module without one has.
type Settings struct {
	RequiredVersion string
	Backend         Backend
	Encryption      *Encryption        // nil: only secrets are encrypted
	Identity        identity.Trust     // who may vouch for who runs a command
	Forge           *govern.Forge      // where pull requests are; nil: the CI system says so
	Protection      *govern.Protection // nil: whoever can apply may
	Range           hcl.Range
}

// Backend says where state is kept.
type Backend struct {
	Type      string            // "local" by default; UnknownBackend where it cannot be told
	Arguments map[string]string // by name, e.g. path, without credentials
	// Credentials are the arguments that log in, by name. They are in no plan.
	Credentials map[string]target.Credential
	Range       hcl.Range
}

// Cluster is a Kubernetes API to read and write.
type Cluster struct {
	Address     addr.Address
	Name        string // the block's name, or its instance's key with for_each
	Connection  target.Connection
	Credentials target.Credentials
	Labels      map[string]string
	Annotations map[string]string
	// Withheld says that credentials belong to it that another configuration does not
	// give: it can be referred to, and not used.
	Withheld bool
	Range    hcl.Range
}

// Repository is a git, Helm or OCI source.
type Repository struct {
	Address  addr.Address
	Name     string
	Location source.Location // Revision is what sources track unless they say otherwise
	Verify   *Verify         // nil: commits and tags need no signature
	Range    hcl.Range

	guessed bool // the type was not said
}

// Project is a set of guard rails for its applications.
type Project struct {
	Address            addr.Address
	Name               string
	Description        string
	Repositories       []string // globs; "!" denies; empty allows all
	Destinations       []ProjectDestination
	ClusterResources   ResourceRules
	NamespaceResources ResourceRules
	Rules              govern.Rules
	Frozen             string // why nothing of it may be applied; empty where it may
	Range              hcl.Range
}

// ProjectDestination allows namespaces of clusters. Entries are globs, "!" denies.
type ProjectDestination struct {
	Clusters   []string // names
	Namespaces []string
	Range      hcl.Range
}

// ResourceRules allow and deny kinds: "Kind", "group/Kind", "group/Kind:name",
// globs. Deny wins. Allow is nil where it was not written.
type ResourceRules struct {
	Allow []string
	Deny  []string
	Range hcl.Range
}

// Application is sources rendered, and kept in sync at a destination.
type Application struct {
	Address           addr.Address
	Name              string   // what people see; unique in a project
	Project           *Project // nil where none was named: nothing is guarded
	Labels            map[string]string
	Info              map[string]string
	Annotations       map[string]string
	Notify            []govern.Notify // its own, and those that its annotations ask for
	Sources           []Source
	Destination       Destination
	Sync              Sync
	IgnoreDifferences []IgnoreDifference
	Redactions        []Redaction
	Decryption        *target.Decryption // the keys for encrypted files; nil are those of the environment
	AcceptedRisks     []AcceptedRisk     // those of profiles first
	Lifecycle         Lifecycle
	OnDestroy         string // "delete", "orphan" or "confirm"
	HistoryLimit      int
	// DependsOn are the instances of applications that this one refers to or
	// names in depends_on, sorted, without itself. Where an application is in Broken or
	// Deferred, so may its address be here: as an instance, or as a whole block.
	DependsOn []Dependency
	Range     hcl.Range // of the block's header
}

// Source is one source of an application, and where it was written.
type Source struct {
	source.Spec
	Repository addr.Address // the repository block, where one was named
	// SensitivePaths are the JSON pointers (RFC 6901) of sensitive values, which are
	// there in clear: /objects/0/stringData/password, /helm/values/auth/password.
	SensitivePaths []string
	Range          hcl.Range
}

// Destination is where an application's objects go.
type Destination struct {
	Cluster   *Cluster
	Namespace string // for namespaced objects that name none
	Range     hcl.Range
}

// Sync says how an application is kept in sync. Its zero value is what an
// application without a sync block has.
type Sync struct {
	Automated            *Automated
	Retry                *Retry
	CreateNamespace      bool
	NamespaceLabels      map[string]string // of the namespace that CreateNamespace asks for
	NamespaceAnnotations map[string]string
	// Prune is "true" (default), "false", or "confirm": what is no longer desired is
	// deleted where someone has confirmed it.
	Prune                  string
	PruneInWaves           bool   // in its wave, before what is written in it; not when all of the sync is healthy
	PrunePropagationPolicy string // "foreground" (default), "background" or "orphan"
	AllowEmpty             bool   // nothing need be left of it
	Force                  bool   // an object whose immutable fields change may be deleted and made anew
	Replace                bool   // objects that change are written whole, by PUT
	NoValidation           bool   // fields that the server does not know are left out
	// SkipDryRunOnMissingResource: what is of a kind that nobody knows yet is predicted.
	SkipDryRunOnMissingResource bool
	FailOnSharedResource        bool          // nothing is taken that another application says is its own
	Conflicts                   string        // "fail" (default), "take_over" or "leave"
	HealthTimeout               time.Duration // per application; 0 means the command's default
	Timeouts                    []Timeout     // of certain kinds; the last that matches counts
	Range                       hcl.Range
}

// Timeout is how long objects of certain kinds may take to become healthy.
type Timeout struct {
	Kinds []string // "Kind" or "group/Kind", patterns
	After time.Duration
}

// Automated says that a change needs no one's approval.
type Automated struct {
	Enabled    bool
	Prune      bool
	SelfHeal   bool
	AllowEmpty bool
}

// Retry says how often a failed sync is tried again.
type Retry struct {
	Limit       int
	Backoff     time.Duration
	Factor      int
	MaxDuration time.Duration
}

// IgnoreDifference releases fields to others.
type IgnoreDifference struct {
	Group, Kind, Name, Namespace string // Kind and Group are globs; empty Name and Namespace are any
	JSONPointers                 []string
	JQPathExpressions            []string
	FieldManagers                []string
	Range                        hcl.Range
}

// Redaction names fields whose values nobody is to see.
type Redaction struct {
	Group, Kind, Name, Namespace string   // as of an IgnoreDifference
	JSONPointers                 []string // "*" stands for any member or element
	Range                        hcl.Range
}

// Lifecycle is a block's lifecycle.
type Lifecycle struct {
	Disabled       bool // enabled = false: nothing is changed, the objects stay
	NoUpdate       bool // update = false
	NoDestroy      bool // destroy = false: reported instead
	PreventDestroy bool
	MaxDestroyed   *int // objects that one plan may delete of it; nil: any number
}
