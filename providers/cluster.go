package providers

import (
	"context"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// Clusters connects to clusters.
type Clusters interface {
	// Connect returns the cluster at a connection. It need not reach the server
	// yet; the first call does. name is what messages call it.
	Connect(name string, connection target.Connection, credentials target.Credentials) (Cluster, error)
}

// Cluster is the API of one Kubernetes cluster. It is safe for concurrent use.
// Errors are one of the typed errors of this package where the reason is known.
// Discovery, the server's version and schemas are read once and kept for the life
// of the value.
type Cluster interface {
	// Info reads who the cluster is.
	Info(ctx context.Context) (ClusterInfo, error)
	// Resource tells how a kind is served. It returns ErrUnknownKind (wrapped)
	// for a kind or version that the server does not have; Refresh forgets what
	// was discovered, for use after CRDs were applied.
	Resource(ctx context.Context, gvk object.GVK) (Resource, error)
	// Resources tells how all kinds are served, at the version the server prefers.
	Resources(ctx context.Context) ([]Resource, error)
	// Undiscovered tells why, by group and version ("metrics.k8s.io/v1beta1"), it is not
	// known which kinds a server has: its extension does not answer. It is empty as a rule.
	Undiscovered(ctx context.Context) (map[string]string, error)
	// Refresh forgets discovery and schemas.
	Refresh()
	// OpenAPI returns the server's OpenAPI v3 document of a group and version, as
	// JSON, with the server's hash of it ("" when it gives none).
	OpenAPI(ctx context.Context, group, version string) (document []byte, hash string, err error)
	// List reads all objects of a kind in a namespace ("" is all of them, or the
	// cluster's scope), in pages. A kind that is not served gives ErrUnknownKind.
	List(ctx context.Context, resource Resource, namespace string, options ListOptions) ([]object.Object, error)
	// Get reads one object; it returns ErrNotFound (wrapped) where it is not.
	Get(ctx context.Context, resource Resource, namespace, name string) (object.Object, error)
	// Apply sends one object by server-side apply and returns it as the server
	// then has (or with DryRun: would have) it.
	Apply(ctx context.Context, request ApplyRequest) (ApplyResult, error)
	// Create sends one object by POST; it may have a generateName.
	Create(ctx context.Context, request ApplyRequest) (ApplyResult, error)
	// Patch sends a JSON patch (RFC 6902) to one object.
	Patch(ctx context.Context, resource Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error)
	// Delete removes one object. It returns ErrNotFound where it is not there,
	// and a *ConflictError where a precondition does not hold.
	Delete(ctx context.Context, request DeleteRequest) error
	// Watch lists a kind in a namespace and calls changed for every object, then for every
	// event, in order, until the context ends or changed returns false; deleted
	// tells that the object is gone. It survives a dropped connection by itself.
	Watch(ctx context.Context, resource Resource, namespace string, options WatchOptions, changed func(o object.Object, deleted bool) bool) error
	// Requests returns how many requests were sent so far, by verb ("LIST",
	// "GET", "APPLY", "DRYRUN", "DELETE", "WATCH", "DISCOVERY", ...).
	Requests() map[string]int
}

// ClusterInfo says who a cluster is.
type ClusterInfo struct {
	UID     string // of the namespace kube-system: the cluster's identity
	Server  string // https://host:port
	Version string // "v1.37.2"
	// APIVersions are the versions and kinds served: "apps/v1" and
	// "apps/v1/Deployment", sorted.
	APIVersions []string
}

// Resource tells how a kind is served.
type Resource struct {
	GVK        object.GVK
	Plural     string // "deployments"
	Namespaced bool
	Verbs      []string
}

// ListOptions narrow a list.
type ListOptions struct {
	LabelSelector string
	// FieldSelector is by fields that the kind can be selected by: "type=Warning".
	FieldSelector string
	// MetadataOnly leaves out of the objects what is neither type nor metadata, where
	// the server can; others send them whole.
	MetadataOnly bool
	// AtMost, where it is more than 0, is how many objects are worth reading: a
	// collection of more gives ErrTooMany (wrapped), as soon as that is known.
	AtMost int
}

// WatchOptions narrow a watch.
type WatchOptions struct {
	// MetadataOnly leaves out of the objects what is neither type nor metadata, where
	// the server can; others send them whole.
	MetadataOnly bool
	// Listed, where it is set, is called once changed was called for every object that was
	// there when the watch began: what it was not called for by then is not there.
	Listed func()
}

// ApplyRequest is one object to send.
type ApplyRequest struct {
	Resource Resource
	Object   object.Object // complete desired object; never changed
	Manager  string        // field manager
	Force    bool          // take over fields that others own
	DryRun   bool
	// UID and ResourceVersion, where set, must be those of the live object, else
	// the server answers with a conflict: *ConflictError.
	UID             string
	ResourceVersion string
	// New has the object made and never changed: one that is there already gives a
	// *ConflictError without fields. It goes with neither UID nor ResourceVersion.
	New bool
	// Merge sends Object as a merge patch (RFC 7386) of an object that is there: what it
	// names changes, null takes out, all else stays, and what is written is the manager's
	// by update. Force does not matter to it. It is ErrNotFound where there is no object.
	Merge bool
	// Subresource, with Merge, is what of the object is patched: "scale", "status". The
	// answer is what the server has there, a Scale for "scale".
	Subresource string
	// Replace sends Object by PUT in place of one that is there, whose UID and
	// ResourceVersion are required: what Object does not have goes, whoever owns it, and
	// what changes is the manager's by update. Force does not matter to it.
	Replace bool
	// Unvalidated has the server pass over fields that it does not know. A server-side
	// apply is refused for them all the same, where the server has a schema.
	Unvalidated bool
}

// ApplyResult is what a server answered.
type ApplyResult struct {
	Object   object.Object
	Warnings []string // the server's Warning headers, in order
}

// DeleteRequest is one object to delete.
type DeleteRequest struct {
	Resource        Resource
	Namespace, Name string
	UID             string // where set, only this object is deleted, not another of its name
	ResourceVersion string // where set, only in this version
	Propagation     string // "Foreground", "Background" or "Orphan"; empty is Background
	DryRun          bool
}
