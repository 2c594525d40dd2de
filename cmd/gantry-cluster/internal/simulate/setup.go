// Package simulate is what a cluster on one machine has in place of the outside
// world: nodes, a storage class and who provides its volumes, load balancers and
// an ingress controller that hand out addresses. Addresses lead nowhere and
// volumes hold nothing; their objects behave like real ones.
package simulate

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

const (
	// StorageClass is the name of the default storage class.
	StorageClass = "standard"
	// Provisioner is who provides its volumes.
	Provisioner = "gantry-cluster/simulated"
	// KubeletAddress is the type of the address under which the API server is to
	// look for kubelets, for logs and the like. There are none, and whoever asks
	// learns it at once from this machine, and no other machine is asked.
	KubeletAddress = corev1.NodeInternalDNS
	// kwokRole is the role of the program that plays the nodes.
	kwokRole = "gantry-cluster:kwok"
)

// Setup makes the objects that a cluster has from the start: the role of the user
// that plays the nodes, the default storage class, and nodes, which that user then
// makes ready. What is there already stays as it is.
func Setup(ctx context.Context, client kubernetes.Interface, user string, nodes int) error {
	role, binding := kwokAccess(user)
	if _, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); unexpected(err) {
		return fmt.Errorf("create cluster role %s: %w", role.Name, err)
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); unexpected(err) {
		return fmt.Errorf("create cluster role binding %s: %w", binding.Name, err)
	}
	if _, err := client.StorageV1().StorageClasses().Create(ctx, storageClass(), metav1.CreateOptions{}); unexpected(err) {
		return fmt.Errorf("create storage class %s: %w", StorageClass, err)
	}
	for i := range nodes {
		n := node(i)
		if _, err := client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); unexpected(err) {
			return fmt.Errorf("create node %s: %w", n.Name, err)
		}
	}
	return nil
}

func unexpected(err error) bool { return err != nil && !apierrors.IsAlreadyExists(err) }

// NodesReady returns what is still missing until the nodes take pods, or nil.
func NodesReady(ctx context.Context, client kubernetes.Interface, nodes int) error {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the nodes: %w", err)
	}
	ready := 0
	for _, n := range list.Items {
		if len(n.Spec.Taints) == 0 && isReady(n) {
			ready++
		}
	}
	if ready < nodes {
		return fmt.Errorf("%d of %d nodes are ready", ready, nodes)
	}
	return nil
}

func isReady(n corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// ServiceAccountReady returns what is still missing until pods can be created in
// the default namespace, or nil.
func ServiceAccountReady(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errors.New("there is no service account default in the namespace default")
	}
	if err != nil {
		return fmt.Errorf("get the default service account: %w", err)
	}
	return nil
}

func storageClass() *storagev1.StorageClass {
	reclaim := corev1.PersistentVolumeReclaimDelete
	binding := storagev1.VolumeBindingImmediate
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        StorageClass,
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner:       Provisioner,
		ReclaimPolicy:     &reclaim,
		VolumeBindingMode: &binding,
	}
}

// node returns the i-th node, counted from 0, with room for anything. Nodes are
// spread over three zones.
func node(i int) *corev1.Node {
	name := fmt.Sprintf("node-%d", i+1)
	room := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("1000"),
		corev1.ResourceMemory:           resource.MustParse("4Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("10Ti"),
		corev1.ResourcePods:             resource.MustParse("10000"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				corev1.LabelHostname:           name,
				corev1.LabelOSStable:           "linux",
				corev1.LabelArchStable:         "amd64",
				corev1.LabelInstanceTypeStable: "simulated",
				corev1.LabelTopologyRegion:     "local",
				corev1.LabelTopologyZone:       "local-" + string(rune('a'+i%3)),
			},
		},
		Spec: corev1.NodeSpec{ProviderID: "gantry-cluster://" + name},
		Status: corev1.NodeStatus{
			Capacity:    room,
			Allocatable: room,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("198.19.%d.%d", (i+1)/256, (i+1)%256)},
				{Type: corev1.NodeHostName, Address: name},
				{Type: KubeletAddress, Address: "localhost"},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 1}},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture:            "amd64",
				OperatingSystem:         "linux",
				OSImage:                 "simulated",
				KernelVersion:           "simulated",
				ContainerRuntimeVersion: "kwok://simulated",
				KubeletVersion:          version.Get().GitVersion,
			},
		},
	}
}

func kwokAccess(user string) (*rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding) {
	watch := []string{"get", "list", "watch"}
	write := []string{"patch", "update"}
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: kwokRole},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: watch},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: append(append([]string{"delete"}, watch...), write...)},
			{APIGroups: []string{""}, Resources: []string{"nodes/status", "pods/status"}, Verbs: write},
			{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: append([]string{"create"}, write...)},
		},
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: kwokRole},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: kwokRole},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	return role, binding
}
