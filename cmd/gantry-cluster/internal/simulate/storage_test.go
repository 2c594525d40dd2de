package simulate

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestVolumeForClaim(t *testing.T) {
	block := corev1.PersistentVolumeBlock
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "data", UID: "1-2-3"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
			VolumeMode:  &block,
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")}},
		},
	}
	class := storageClass()
	retain := corev1.PersistentVolumeReclaimRetain
	class.ReclaimPolicy = &retain

	v := volumeFor(claim, class)
	if got := v.Spec.Capacity[corev1.ResourceStorage]; got.String() != "3Gi" {
		t.Errorf("the volume has %s, want 3Gi", got.String())
	}
	if v.Spec.ClaimRef.UID != claim.UID || v.Spec.ClaimRef.Namespace != "web" || v.Spec.ClaimRef.Name != "data" {
		t.Errorf("the volume is for %v", v.Spec.ClaimRef)
	}
	if len(v.Spec.AccessModes) != 1 || v.Spec.AccessModes[0] != corev1.ReadWriteMany || *v.Spec.VolumeMode != block {
		t.Errorf("the volume's modes are %v, %v", v.Spec.AccessModes, *v.Spec.VolumeMode)
	}
	if v.Spec.PersistentVolumeReclaimPolicy != retain || v.Spec.StorageClassName != StorageClass {
		t.Errorf("the volume is of class %s and its policy is %s", v.Spec.StorageClassName, v.Spec.PersistentVolumeReclaimPolicy)
	}
}

func TestNodes(t *testing.T) {
	names, addresses := map[string]bool{}, map[string]bool{}
	for i := range 1000 {
		n := node(i)
		names[n.Name] = true
		addresses[n.Status.Addresses[0].Address] = true
	}
	if len(names) != 1000 || len(addresses) != 1000 {
		t.Errorf("a thousand nodes have %d names and %d addresses", len(names), len(addresses))
	}
	if zone := node(4).Labels[corev1.LabelTopologyZone]; zone != "local-b" {
		t.Errorf("node-5 is in zone %s, want local-b", zone)
	}
}
