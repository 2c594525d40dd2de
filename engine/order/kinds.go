package order

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// phases lists the phases as they follow each other. A sync has neither of the two about
// deleting, and the end of an application has no others. Deletions are in Sync.
func phases() []plan.Phase {
	return []plan.Phase{
		plan.PhasePreSync, plan.PhasePreDelete, plan.PhaseSync,
		plan.PhasePostSync, plan.PhasePostDelete, plan.PhaseSyncFail,
	}
}

// listed are the kinds that have a place in the order of creation, as Helm and
// Argo CD have it: what others need comes first.
func listed() []string {
	return []string{
		"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget",
		"ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume",
		"PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding",
		"ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod",
		"ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job",
		"CronJob", "IngressClass", "Ingress", "APIService",
	}
}

// KindOrder returns a kind's place in the order of creation, from 0. Kinds that
// are not listed are last; so is a custom resource whose kind is called like a
// listed one.
func KindOrder(kind object.GroupKind) int {
	kinds := listed()
	if builtIn(kind.Group) {
		if i := slices.Index(kinds, kind.Kind); i >= 0 {
			return i
		}
	}
	return len(kinds)
}

// builtIn reports whether a group is Kubernetes' own: no domain, or one of k8s.io
// that the API server itself serves.
func builtIn(group string) bool {
	if !strings.Contains(group, ".") {
		return true
	}
	switch group {
	case "rbac.authorization.k8s.io", "networking.k8s.io", "storage.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io":
		return true
	}
	return false
}

func isNamespace(id object.ID) bool { return id.Group == "" && id.Kind == "Namespace" }

func isCRD(id object.ID) bool {
	return id.Group == "apiextensions.k8s.io" && id.Kind == "CustomResourceDefinition"
}

// definedBy returns the kind that a CRD defines. Without its body only the group
// is known, from its name ("certificates.cert-manager.io"); false where not even that.
func definedBy(item Item) (object.GroupKind, bool) {
	group, _ := item.Object.Get("spec", "group")
	kind, _ := item.Object.Get("spec", "names", "kind")
	out := object.GroupKind{}
	out.Group, _ = group.(string)
	out.Kind, _ = kind.(string)
	if out.Group == "" {
		_, out.Group, _ = strings.Cut(item.ID.Name, ".")
		out.Kind = ""
	}
	return out, out.Group != ""
}
