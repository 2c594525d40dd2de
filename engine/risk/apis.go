package risk

import "github.com/gantrycd/gantry/plan/object"

// removal is an API version of a kind that a version of Kubernetes no longer serves.
type removal struct {
	minor int    // 1.minor is the first without it
	use   string // what takes its place, empty where nothing does
}

// removals are the API versions that Kubernetes removes, by kind. The source is the
// Deprecated API Migration Guide of kubernetes.io
// (https://kubernetes.io/docs/reference/using-api/deprecation-guide/) and, for what it
// does not have yet, the lifecycle that the types of k8s.io/api v0.37 declare.
func removals() map[object.GVK]removal {
	out := map[object.GVK]removal{}
	add := func(minor int, apiVersion, use string, kinds ...string) {
		group, version := object.SplitAPIVersion(apiVersion)
		for _, kind := range kinds {
			out[object.GVK{Group: group, Version: version, Kind: kind}] = removal{minor, use}
		}
	}
	add(16, "apps/v1beta1", "apps/v1", "Deployment", "StatefulSet", "ControllerRevision")
	add(16, "apps/v1beta2", "apps/v1", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision")
	add(16, "extensions/v1beta1", "apps/v1", "Deployment", "DaemonSet", "ReplicaSet")
	add(16, "extensions/v1beta1", "networking.k8s.io/v1", "NetworkPolicy")
	add(16, "extensions/v1beta1", "", "PodSecurityPolicy")
	add(22, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
	add(22, "apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", "CustomResourceDefinition")
	add(22, "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", "APIService")
	add(22, "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", "CertificateSigningRequest")
	add(22, "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1", "Lease")
	add(22, "extensions/v1beta1", "networking.k8s.io/v1", "Ingress")
	add(22, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "Ingress", "IngressClass")
	add(22, "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
	add(22, "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", "PriorityClass")
	add(22, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")
	add(25, "batch/v1beta1", "batch/v1", "CronJob")
	add(25, "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", "EndpointSlice")
	add(25, "events.k8s.io/v1beta1", "events.k8s.io/v1", "Event")
	add(25, "autoscaling/v2beta1", "autoscaling/v2", "HorizontalPodAutoscaler")
	add(25, "policy/v1beta1", "policy/v1", "PodDisruptionBudget")
	add(25, "policy/v1beta1", "", "PodSecurityPolicy")
	add(25, "node.k8s.io/v1beta1", "node.k8s.io/v1", "RuntimeClass")
	add(26, "autoscaling/v2beta2", "autoscaling/v2", "HorizontalPodAutoscaler")
	add(26, "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	add(27, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "CSIStorageCapacity")
	add(29, "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	add(32, "flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	add(32, "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
	add(34, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
	add(35, "storage.k8s.io/v1alpha1", "storage.k8s.io/v1", "VolumeAttributesClass")
	add(37, "certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1", "ClusterTrustBundle")
	add(37, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "IPAddress", "ServiceCIDR")
	add(37, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "VolumeAttributesClass")
	add(38, "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
	add(38, "resource.k8s.io/v1beta1", "resource.k8s.io/v1", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
	add(39, "resource.k8s.io/v1beta2", "resource.k8s.io/v1", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
	add(40, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
	add(40, "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", "ClusterTrustBundle", "PodCertificateRequest")
	add(40, "storagemigration.k8s.io/v1beta1", "storagemigration.k8s.io/v1", "StorageVersionMigration")
	return out
}
