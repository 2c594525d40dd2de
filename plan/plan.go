// Package plan is what will be done, as plain data: applications, the changes
// to their objects field by field, and the steps that carry them out in order.
//
// Whoever holds a Plan needs nothing else to apply it, and apply does nothing that
// is not in it. The package does no I/O, evaluates nothing and knows no cluster;
// plan/planfile writes and reads it, plan/view shows it.
package plan

import (
	"encoding/json"
	"slices"
	"time"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// Plan is what will be done. Applications are sorted by address, Changes of an
// application as they are carried out, Steps so that a step's Needs come before
// it. It is immutable once made.
type Plan struct {
	ToolVersion string    `json:"toolVersion"` // of the gantry that made it
	CreatedAt   time.Time `json:"createdAt"`
	// ExpiresAt is when apply begins to refuse it; zero is never.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// ID is random, and the same in no two plans: a plan is applied once.
	ID      string   `json:"id,omitempty"`
	Destroy bool     `json:"destroy,omitempty"` // made by destroy: every application goes
	Offline bool     `json:"offline,omitempty"` // made without asking a cluster: it cannot be applied
	Targets []string `json:"targets,omitempty"` // --target, as given; the rest was left out
	// Affected limits the plan to what a change touches; nil is everything.
	Affected *Affected `json:"affected,omitempty"`
	// Act is what the plan does in place of an apply of the configuration; nil is that.
	Act *Act `json:"act,omitempty"`
	// Selected are the objects that it is limited to; nil is all of them.
	Selected *Selected `json:"selected,omitempty"`
	// Against says that the plan is of the configuration against what it was at a
	// revision, and of no cluster: it cannot be applied.
	Against *Against `json:"against,omitempty"`
	// Between says that the plan is of what changed between two revisions of the history.
	Between *Between `json:"between,omitempty"`
	// AsOf is when the clusters were as the plan has them, where it was made from a
	// snapshot; zero is when it was made.
	AsOf time.Time `json:"asOf,omitzero"`
	// Lineage and Serial tell which state it was made from. Each application has
	// a serial of its own.
	Lineage string `json:"lineage"`
	// MaxDestroyed is how many objects the plan may destroy, by the configuration; nil
	// is any number.
	MaxDestroyed *int `json:"maxDestroyed,omitempty"`
	// AllowDestroyed is what budgets of less were raised to for this plan; nil is none.
	AllowDestroyed *int `json:"allowDestroyed,omitempty"`
	// Backend is where that state is, so that apply needs no configuration to find it.
	Backend Backend `json:"backend,omitzero"`
	// InputDigest is "sha256:…" of configuration, variables, pins and tool version.
	InputDigest string    `json:"inputDigest"`
	Clusters    []Cluster `json:"clusters"`
	// Generators are what the configuration's generators gave, sorted by address.
	Generators []Generator `json:"generators,omitempty"`
	// Remotes are what the configuration read of others' states, sorted by name.
	Remotes []Remote `json:"remotes,omitempty"`
	// Notify is who hears of what comes of it; nil where nobody does.
	Notify *Notify `json:"notify,omitempty"`
	// Published is what others can read once the plan is applied; nil leaves what they
	// can read as it is.
	Published *published.Document `json:"published,omitempty"`
	// OutputsBefore are the outputs that others could read when the plan was made, to
	// show what changes.
	OutputsBefore []published.Output `json:"outputsBefore,omitempty"`
	// Unpublishes says that everything is destroyed: others can read nothing any more.
	Unpublishes  bool          `json:"unpublishes,omitempty"`
	Applications []Application `json:"applications"`
	// Rollouts are in which order applications move, beyond their dependencies.
	Rollouts []Rollout `json:"rollouts,omitempty"`
	// Policies are what the changes must pass, sorted by address.
	Policies []Policy `json:"policies,omitempty"`
	// Health is how objects show that they are healthy, beyond what is built in: the
	// configuration's health blocks, in the order in which they are asked.
	Health []HealthRule `json:"health,omitempty"`
	Steps  []Step       `json:"steps"`
	// Problems are why parts of the configuration are not in the plan; each is
	// also an error of the command that made it.
	Problems []Problem `json:"problems,omitempty"`
	// Roles are who may do what, by the configuration: those of all applications, then those
	// of projects. Where there are none, everybody may do everything.
	Roles []Role `json:"roles,omitempty"`
	// Projects are the rules of the projects that applications of the plan are in, sorted
	// by name.
	Projects []Project `json:"projects,omitempty"`
	// Orphans are what belongs to no application where a project asks for it, sorted by
	// project, cluster and object. They are no part of any digest.
	Orphans []Orphaned `json:"orphans,omitempty"`
}

// Selected is which objects a plan is limited to, as given.
type Selected struct {
	Resources []string `json:"resources,omitempty"` // --resource: group/Kind:namespace/name
	Labels    string   `json:"labels,omitempty"`    // --label: a selector
}

// Against is a revision of the configuration.
type Against struct {
	Ref    string `json:"ref"`              // as asked for: "main"
	Commit string `json:"commit,omitempty"` // what it came to
}

// Backend names a place for state. The zero value is the default one.
type Backend struct {
	Type      string            `json:"type,omitempty"`
	Arguments map[string]string `json:"arguments,omitempty"`
}

// Cluster is one cluster the plan touches.
type Cluster struct {
	Name       string            `json:"name"`
	UID        string            `json:"uid"`    // of kube-system: what apply checks before it writes
	Server     string            `json:"server"` // as reached when planning
	Version    string            `json:"version"`
	Connection target.Connection `json:"connection"`
	// Credentials are sealed when the plan is written; see planfile.
	Credentials target.Credentials `json:"-"`
	Sealed      []byte             `json:"sealedCredentials,omitempty"`
	// Labels and Annotations are the cluster's own, where the plan has policies: these may
	// ask for them.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Application is what happens to one application.
type Application struct {
	Address   addr.Address      `json:"address"`
	Name      string            `json:"name"`
	Project   string            `json:"project,omitempty"`
	Cluster   string            `json:"cluster"` // name in Plan.Clusters
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	// Info is what else people should know.
	Info    map[string]string `json:"info,omitempty"`
	Sources []source.Pin      `json:"sources,omitempty"`
	// Prior are the sources as they were last applied, to show what moved. They are
	// no part of the digest.
	Prior     []source.Pin   `json:"prior,omitempty"`
	DependsOn []addr.Address `json:"dependsOn,omitempty"`
	// Leaves tells that the application is no longer in the configuration (or is
	// being destroyed): its objects are pruned or orphaned and its record goes.
	Leaves bool `json:"leaves,omitempty"`
	// MovedFrom is the address under which the state has the application, where it is
	// another one.
	MovedFrom addr.Address `json:"movedFrom,omitzero"`
	// Resets: from now on the application heals itself, or no longer does; or it does, and
	// is as desired again after an apply that did not succeed. Its record is written, even
	// where none of its objects is.
	Resets bool `json:"resets,omitempty"`
	// Serial is of the state record that the plan was made from; 0 if there was none.
	Serial int64 `json:"serial"`
	// Changes are all objects of the application, unchanged ones included, sorted
	// by phase, wave, kind order and identity.
	Changes []Change `json:"changes"`
	// Blocked says why the application cannot be applied: the changes that block
	// it have ActionBlocked, or there is a problem of the application as a whole.
	Blocked  []Problem `json:"blocked,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	// Held says why the application is not applied although it is planned; nil where it is.
	Held *Hold `json:"held,omitempty"`
	// Lifts is the hold of a rollback that the apply ends, since the sources have moved on.
	Lifts *Hold `json:"lifts,omitempty"`
	// Opening is when it may be applied by its sync windows, as seen when the plan was made;
	// nil where there are none. It is no part of the digest.
	Opening *Opening `json:"opening,omitempty"`
	// Rollback tells that the application goes back to what it was; nil for what its
	// sources say.
	Rollback *Rollback `json:"rollback,omitempty"`
	// Rendered is a keyed digest of all that the application is to have, whatever of it
	// changes; empty where that is not known. It is no part of the digest.
	Rendered string `json:"rendered,omitempty"`
	// Partial: the plan is limited to some of its objects, and others, or hooks, are left
	// out that would change too. What is left out is not among the changes.
	Partial bool `json:"partial,omitempty"`
	// Risks are sorted by severity (the greatest first), code and object.
	Risks []Risk `json:"risks,omitempty"`
	// Policies are the violations of policies, those that are exempt too, by object and
	// policy.
	Policies []PolicyResult `json:"policies,omitempty"`
	// Settings travel with the plan, and into state, so that apply and a later
	// destroy need no configuration.
	Settings Settings `json:"settings"`
	// Lasted is how long the last apply of the application that succeeded took; zero is
	// not known. It is no part of the digest.
	Lasted time.Duration `json:"lasted,omitempty"`
	// Failed is how the last apply of the application did not succeed; nil where it did. It
	// is no part of the digest.
	Failed *Failure `json:"failed,omitempty"`
	// Digest is the application's change digest: "sha256:…" over what would be
	// done, and nothing else. Equal digests do the same.
	Digest string `json:"digest"`
}

// Action is what happens to one object.
type Action string

// The actions, from nothing to the most severe.
const (
	Unchanged Action = "unchanged" // as desired and owned by us
	Forget    Action = "forget"    // leaves the state; the object is gone or stays as it is
	Remember  Action = "remember"  // a hook enters the state, for when the application leaves: nothing is written to the cluster
	Orphan    Action = "orphan"    // leaves the state and loses our labels; the object stays
	Adopt     Action = "adopt"     // exists, was not ours: becomes ours, with the changes shown
	Create    Action = "create"
	Update    Action = "update"
	Replace   Action = "replace" // deleted and created: an immutable field changes
	Run       Action = "run"     // a hook
	Prune     Action = "prune"   // deleted: ours, and no longer desired
	Blocked   Action = "blocked" // cannot be done; Reason says why
)

// Actions lists all actions in the order above.
func Actions() []Action {
	return []Action{Unchanged, Forget, Remember, Orphan, Adopt, Create, Update, Replace, Run, Prune, Blocked}
}

// Changes reports whether the action writes to the cluster.
func (a Action) Changes() bool {
	switch a {
	case Unchanged, Forget, Remember, Blocked:
		return false
	case Orphan, Adopt, Create, Update, Replace, Run, Prune:
		return true
	}
	return false
}

// Deletes reports whether the action removes an object.
func (a Action) Deletes() bool { return a == Prune || a == Replace }

// Change is what happens to one object.
type Change struct {
	ID         object.ID `json:"id"`
	Version    string    `json:"version"`          // the API version to write in: "v1"
	Plural     string    `json:"plural,omitempty"` // "deployments"; empty where the CRD is only in the plan
	Namespaced bool      `json:"namespaced,omitempty"`
	Action     Action    `json:"action"`
	Reason     string    `json:"reason,omitempty"` // why, in words: the server's, or ours
	Origin     string    `json:"origin,omitempty"` // file and line it was rendered from
	Source     int       `json:"source,omitempty"` // index in Application.Sources
	Phase      Phase     `json:"phase,omitempty"`  // of hooks; empty is PhaseSync
	Wave       int       `json:"wave,omitempty"`
	// UID is the live object's; empty for what does not exist yet.
	UID string `json:"uid,omitempty"`
	// Seen is the live object's resourceVersion when it was planned: while it is
	// the same, nothing of the object has changed. It is no part of the digest.
	Seen string `json:"seen,omitempty"`
	// Fields are what changes, sorted by path. For Create it is empty: everything is new.
	Fields []FieldChange `json:"fields,omitempty"`
	// Body is the complete desired object as it will be sent, tracking labels
	// included; nil for Prune, Forget and Orphan, and for Unchanged but where the state
	// does not have it yet. Values of Secrets are replaced by fingerprints; Sealed then
	// holds the real one.
	Body object.Object `json:"body,omitempty"`
	// Secret is the real body where Body is redacted. It is in memory only: a
	// plan file carries it in Sealed.
	Secret object.Object `json:"-"`
	Sealed []byte        `json:"sealed,omitempty"`
	// Redacted are the JSON pointers of fields that the configuration names to be
	// redacted; "*" stands for any member or element. Where it has any, Body may be
	// without their values, as that of a Secret.
	Redacted []string `json:"redacted,omitempty"`
	// Desired is a keyed digest of the rendered object, for the state's record.
	Desired string `json:"desired,omitempty"`
	// Force: fields in conflict are taken over, for reasons that Fields tell.
	Force bool `json:"force,omitempty"`
	// Keep: the object stays when the application leaves, or no longer wants it.
	Keep bool `json:"keep,omitempty"`
	// Predicted: the server could not be asked (namespace or kind are made by this
	// plan, or planned offline).
	Predicted bool     `json:"predicted,omitempty"`
	Warnings  []string `json:"warnings,omitempty"` // the server's
	// Conflicts are fields that others own and this change would write.
	Conflicts []Conflict `json:"conflicts,omitempty"`
	// Hook tells how a hook runs; nil for others.
	Hook *Hook `json:"hook,omitempty"`
	// Takes is what goes with the object when it is deleted, sorted by reason and kind;
	// of a deletion that is blocked, what would have gone.
	Takes []Taken `json:"takes,omitempty"`
	// Moves are managers whose fields of the object become ours, sorted by manager.
	Moves []ManagerMove `json:"moves,omitempty"`
	// Validation is how the object was checked; empty where it does not change.
	Validation Validation `json:"validation,omitempty"`
	// Method is how the object is written; empty is by server-side apply.
	Method Method `json:"method,omitempty"`
	// Subresource is what of the object is written, where Method is MethodPatch: "scale",
	// "status"; empty is the object itself.
	Subresource string `json:"subresource,omitempty"`
	// Propagation is of this object's deletion; empty is the application's.
	Propagation string `json:"propagation,omitempty"`
	// Confirm: the deletion is carried out only where someone has confirmed it by name.
	Confirm bool `json:"confirm,omitempty"`
	// Unvalidated: the server is not to refuse fields that it does not know.
	Unvalidated bool `json:"unvalidated,omitempty"`
}

// Method is how an object is written.
type Method string

// The methods beside server-side apply.
const (
	// MethodPut replaces the whole object by PUT (POST where it is not there): fields
	// that the configuration does not have go, whoever owns them.
	MethodPut Method = "put"
	// MethodPatch changes an object that is there by a merge patch (RFC 7386), as the
	// field manager ActionManager: Body has nothing but what changes, and null takes out.
	// It alters nothing of what the application's record has of the object.
	MethodPatch Method = "patch"
)

// ActionManager is the field manager of what actions write, so that it is neither taken
// for what was applied nor dropped by the next apply.
const ActionManager = "gantry-action"

// Target returns the object that apply sends: the real body.
func (c *Change) Target() object.Object {
	if c.Secret != nil {
		return c.Secret
	}
	return c.Body
}

// GVK returns the kind in the version to write in.
func (c *Change) GVK() object.GVK {
	return object.GVK{Group: c.ID.Group, Version: c.Version, Kind: c.ID.Kind}
}

// Phase is when in a sync an object is handled.
type Phase string

// The phases of a sync, in order; objects that are no hooks are in PhaseSync.
const (
	PhasePreSync    Phase = "PreSync"
	PhaseSync       Phase = "Sync"
	PhasePostSync   Phase = "PostSync"
	PhaseSyncFail   Phase = "SyncFail"
	PhasePreDelete  Phase = "PreDelete"
	PhasePostDelete Phase = "PostDelete"
)

// Hook tells how a hook runs.
type Hook struct {
	DeletePolicies []string `json:"deletePolicies,omitempty"` // HookSucceeded, HookFailed, BeforeHookCreation
}

// Deletes reports whether a policy is among the hook's, BeforeHookCreation being
// the one of a hook that names none, as in Argo CD.
func (h *Hook) Deletes(policy string) bool {
	if len(h.DeletePolicies) == 0 {
		return policy == "BeforeHookCreation"
	}
	return slices.Contains(h.DeletePolicies, policy)
}

// FieldChange is one field that changes.
type FieldChange struct {
	// Path is readable and unambiguous: spec.template.spec.containers[name=app].image,
	// metadata.annotations["example.com/x"], data.key.
	Path string `json:"path"`
	// Before and After are JSON-shaped values; nil with Added and Removed
	// respectively. Sensitive values are fingerprints.
	Before any       `json:"before,omitempty"`
	After  any       `json:"after,omitempty"`
	Kind   FieldKind `json:"kind"`
	// Sensitive: Before and After are fingerprints, not values.
	Sensitive bool `json:"sensitive,omitempty"`
	// Drift is set where the field was as we applied it and someone changed it.
	Drift *Writer `json:"drift,omitempty"`
	// Server is set where the server, not the configuration, brings the change:
	// a default, or a webhook.
	Server bool `json:"server,omitempty"`
	// Owned: only our ownership of the field changes, not its value.
	Owned bool `json:"owned,omitempty"`
}

// FieldKind is how a field changes.
type FieldKind string

// The kinds of field change.
const (
	Added   FieldKind = "added"
	Removed FieldKind = "removed"
	Changed FieldKind = "changed"
)

// Writer is who last wrote a field, as far as the server knows.
type Writer struct {
	Manager   string    `json:"manager"`             // field manager: "kubectl-edit"
	Operation string    `json:"operation,omitempty"` // "Apply" or "Update"
	At        time.Time `json:"at,omitzero"`         // when that manager last wrote anything to the object
}

// Conflict is one field that another manager owns.
type Conflict struct {
	Path string `json:"path"`
	Writer
	// Before is the value that it has, After the one that this change would write;
	// fingerprints where Sensitive. Both are nil where the server's words cannot be
	// attributed to a field.
	Before    any  `json:"before,omitempty"`
	After     any  `json:"after,omitempty"`
	Sensitive bool `json:"sensitive,omitempty"`
}

// Problem is something wrong, with where it was written.
type Problem struct {
	Address addr.Address `json:"address,omitzero"`
	Object  *object.ID   `json:"object,omitempty"`
	Summary string       `json:"summary"`
	Detail  string       `json:"detail,omitempty"`
	Range   string       `json:"range,omitempty"` // file:line,column
	// Rule is where the rule is written that does not allow it, like Range; empty where it
	// is no rule's.
	Rule string `json:"rule,omitempty"`
}

// Step is one thing that apply does. Steps refer to each other by index.
type Step struct {
	Kind        StepKind `json:"kind"`
	Application int      `json:"application"`      // index in Plan.Applications
	Change      int      `json:"change,omitempty"` // index in its Changes, for StepWrite, StepDelete
	// Changes are the indices that a StepWait waits for.
	Changes []int `json:"changes,omitempty"`
	// Needs are steps that must have succeeded before this one starts; where On is
	// OnFailure, that must be over.
	Needs []int `json:"needs,omitempty"`
	// On is when the step is taken at all; empty is OnSuccess.
	On StepOn `json:"on,omitempty"`
	// Phase and Wave are those that the step belongs to.
	Phase Phase `json:"phase,omitempty"`
	Wave  int   `json:"wave,omitempty"`
}

// StepOn is when a step is taken.
type StepOn string

// When a step is taken.
const (
	OnSuccess StepOn = ""        // while nothing of the application has failed
	OnFailure StepOn = "failure" // only once something of the application has failed: hooks of SyncFail
)

// StepKind is what a step does.
type StepKind string

// The kinds of step.
const (
	StepWrite  StepKind = "write"  // create, update, adopt, replace or run one object
	StepDelete StepKind = "delete" // prune or orphan one object, and wait until it is gone
	StepWait   StepKind = "wait"   // wait until objects are healthy, or a CRD is established
	StepRecord StepKind = "record" // the application is done: write its record
)

// Clone returns a deep copy by way of JSON, without what is kept in memory only.
func (p *Plan) Clone() (*Plan, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	out := &Plan{}
	return out, kjson.UnmarshalCaseSensitivePreserveInts(text, out)
}
