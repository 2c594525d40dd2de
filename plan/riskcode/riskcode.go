// Package riskcode names the kinds of risk that plans tell of, for those who find
// them, accept them and show them. What each means, how it is found and how severe it
// is, is in docs/risks.md.
//
// It is vocabulary: it finds nothing itself, and every package may import it.
package riskcode

// The codes. They are part of what programs read: none is ever given another meaning.
const (
	PodsRestart             = "pods-restart"
	PodsNotRestarted        = "pods-not-restarted"
	Downtime                = "downtime"
	ConfigNotNoticed        = "config-not-noticed"
	ReplicasZero            = "replicas-zero"
	ReplicasBelowBudget     = "replicas-below-budget"
	AutoscalerLimitLowered  = "autoscaler-limit-lowered"
	ImageLatest             = "image-latest"
	ImageUnpinned           = "image-unpinned"
	ServiceWithoutEndpoints = "service-without-endpoints"
	ServicePortUnknown      = "service-port-unknown"
	HostRemoved             = "host-removed"
	NetworkPolicyRemoved    = "network-policy-removed"
	APIDeprecated           = "api-deprecated"
	SourceUnpinned          = "source-unpinned"
	ChartNotDeterministic   = "chart-not-deterministic"
	RBACWidened             = "rbac-widened"
	RBACSubjects            = "rbac-subjects"
	ServiceAccountToken     = "service-account-token"
	PodPrivileges           = "pod-privileges"
	WebhookFailsClosed      = "webhook-fails-closed"
	DataDeleted             = "data-deleted"
	DefinitionDeleted       = "definition-deleted"
	NamespaceDeleted        = "namespace-deleted"
	ReclaimDeletes          = "reclaim-deletes"
	ObjectReplaced          = "object-replaced"
	FinalizerAdded          = "finalizer-added"
	SecretInClear           = "secret-in-clear"
)

// Kind is one kind of risk.
type Kind struct {
	Code  string
	Title string // what it says of a change, as the end of a sentence: "pods restart"
	// Whole says that it concerns an application as a whole, and no object of it.
	Whole bool
}

// Kinds returns all kinds, in the order in which docs/risks.md has them.
func Kinds() []Kind {
	return []Kind{
		{Code: PodsRestart, Title: "pods restart"},
		{Code: PodsNotRestarted, Title: "pods go on as they are"},
		{Code: Downtime, Title: "no pod runs for a while"},
		{Code: ConfigNotNoticed, Title: "running pods do not see what changes"},
		{Code: ReplicasZero, Title: "all pods are stopped"},
		{Code: ReplicasBelowBudget, Title: "a disruption budget leaves no room"},
		{Code: AutoscalerLimitLowered, Title: "an autoscaler may run fewer pods"},
		{Code: ImageLatest, Title: "the image is whatever is newest"},
		{Code: ImageUnpinned, Title: "the image is named by a tag"},
		{Code: ServiceWithoutEndpoints, Title: "a Service has no pods any more"},
		{Code: ServicePortUnknown, Title: "a Service names a port that no container has"},
		{Code: HostRemoved, Title: "a host is no longer served"},
		{Code: NetworkPolicyRemoved, Title: "traffic is no longer restricted"},
		{Code: APIDeprecated, Title: "the API version is going"},
		{Code: SourceUnpinned, Title: "a source may be another next time", Whole: true},
		{Code: ChartNotDeterministic, Title: "a chart renders something else every time"},
		{Code: RBACWidened, Title: "a role permits more"},
		{Code: RBACSubjects, Title: "more may use a role"},
		{Code: ServiceAccountToken, Title: "pods get credentials for the API"},
		{Code: PodPrivileges, Title: "pods get access to their node"},
		{Code: WebhookFailsClosed, Title: "a webhook can stop requests"},
		{Code: DataDeleted, Title: "stored data is deleted"},
		{Code: DefinitionDeleted, Title: "a kind goes with all its objects"},
		{Code: NamespaceDeleted, Title: "a namespace goes with everything in it"},
		{Code: ReclaimDeletes, Title: "volumes are deleted with their claims"},
		{Code: ObjectReplaced, Title: "an object is deleted and made anew"},
		{Code: FinalizerAdded, Title: "deleting waits for someone"},
		{Code: SecretInClear, Title: "a repository has the values of a Secret in the clear"},
	}
}

// Codes returns the codes of all kinds.
func Codes() []string {
	var out []string
	for _, kind := range Kinds() {
		out = append(out, kind.Code)
	}
	return out
}

// Find returns the kind of a code.
func Find(code string) (Kind, bool) {
	for _, kind := range Kinds() {
		if kind.Code == code {
			return kind, true
		}
	}
	return Kind{}, false
}
