package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// TestWorkloads has one cluster with three nodes for all that depends on nodes and
// controllers; every subtest has a namespace of its own.
func TestWorkloads(t *testing.T) {
	p := newPlace(t)
	p.run("up", "--name", "w")
	client, _ := p.client("w")
	for name, test := range map[string]func(*testing.T, kubernetes.Interface, string){
		"Deployment":         testDeployment,
		"StatefulSet":        testStatefulSet,
		"DaemonSet":          testDaemonSet,
		"Job":                testJob,
		"BarePods":           testBarePods,
		"LoadBalancers":      testLoadBalancers,
		"Ingress":            testIngress,
		"VolumeClaims":       testVolumeClaims,
		"OwnersDeletion":     testOwnersDeletion,
		"NamespacesDeletion": testNamespacesDeletion,
		"Unschedulable":      testUnschedulable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := strings.ToLower(name)
			_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			test(t, client, namespace)
		})
	}
	t.Run("Nodes", func(t *testing.T) { testNodes(t, client) })
}

func testNodes(t *testing.T, client kubernetes.Interface) {
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != 3 {
		t.Errorf("there are %d nodes, want 3", len(nodes.Items))
	}
	zones := map[string]bool{}
	for _, n := range nodes.Items {
		zones[n.Labels[corev1.LabelTopologyZone]] = true
		if len(n.Spec.Taints) > 0 {
			t.Errorf("%s has taints: %v", n.Name, n.Spec.Taints)
		}
		if n.Status.NodeInfo.KubeletVersion != "v1.37.2" || n.Status.Capacity.Cpu().Value() != 1000 {
			t.Errorf("%s is %+v with %v", n.Name, n.Status.NodeInfo, n.Status.Capacity)
		}
	}
	if len(zones) != 3 {
		t.Errorf("the nodes are in the zones %v, want three", zones)
	}
}

const podSpec = `
      initContainers:
        - {name: first, image: example.com/first}
        - {name: sidecar, image: example.com/sidecar, restartPolicy: Always}
      readinessGates:
        - {conditionType: example.com/gate}
      containers:
        - name: main
          image: example.com/main
          readinessProbe: {httpGet: {port: 80}}
          startupProbe: {httpGet: {port: 80}}
        - {name: other, image: example.com/other}
`

func testDeployment(t *testing.T, client kubernetes.Interface, namespace string) {
	d := decode[appsv1.Deployment](t, `
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:`+podSpec)
	api := client.AppsV1().Deployments(namespace)
	if _, err := api.Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	available := func(ctx context.Context) error {
		d, err := api.Get(ctx, "web", metav1.GetOptions{})
		if err == nil && (d.Status.AvailableReplicas != 4 || d.Status.UpdatedReplicas != 4 || d.Status.Replicas != 4 || d.Status.ObservedGeneration != d.Generation) {
			err = fmt.Errorf("its status is %+v", d.Status)
		}
		return err
	}
	eventually(t, "the deployment is available", available)

	d, err := api.Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Template.Spec.Containers[0].Image = "example.com/main:2"
	if _, err := api.Update(t.Context(), d, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new version is rolled out", available)
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]bool{}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		nodes[pod.Spec.NodeName] = true
		if pod.Spec.Containers[0].Image != "example.com/main:2" || pod.Status.PodIP == "" || pod.Status.HostIP == "" {
			t.Errorf("pod %s: image %s, status %+v", pod.Name, pod.Spec.Containers[0].Image, pod.Status)
		}
	}
	if len(nodes) < 2 {
		t.Errorf("the scheduler put every pod on %v", nodes)
	}
}

func testStatefulSet(t *testing.T, client kubernetes.Interface, namespace string) {
	s := decode[appsv1.StatefulSet](t, `
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:`+podSpec+`
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)
	api := client.AppsV1().StatefulSets(namespace)
	if _, err := api.Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stateful set is ready", func(ctx context.Context) error {
		s, err := api.Get(ctx, "db", metav1.GetOptions{})
		if err == nil && (s.Status.ReadyReplicas != 3 || s.Status.CurrentRevision != s.Status.UpdateRevision) {
			err = fmt.Errorf("its status is %+v", s.Status)
		}
		return err
	})
	claims, err := client.CoreV1().PersistentVolumeClaims(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims.Items {
		if c.Status.Phase != corev1.ClaimBound {
			t.Errorf("claim %s is %s", c.Name, c.Status.Phase)
		}
	}
	if len(claims.Items) != 3 {
		t.Errorf("there are %d claims, want 3", len(claims.Items))
	}
}

func testDaemonSet(t *testing.T, client kubernetes.Interface, namespace string) {
	d := decode[appsv1.DaemonSet](t, `
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true`+podSpec)
	api := client.AppsV1().DaemonSets(namespace)
	if _, err := api.Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the daemon set is ready", func(ctx context.Context) error {
		d, err := api.Get(ctx, "agent", metav1.GetOptions{})
		if err == nil && (d.Status.DesiredNumberScheduled != 3 || d.Status.NumberReady != 3 || d.Status.NumberAvailable != 3) {
			err = fmt.Errorf("its status is %+v", d.Status)
		}
		return err
	})
}

func testJob(t *testing.T, client kubernetes.Interface, namespace string) {
	j := decode[batchv1.Job](t, `
metadata: {name: once}
spec:
  completions: 5
  parallelism: 2
  template:
    spec:
      restartPolicy: OnFailure`+podSpec)
	api := client.BatchV1().Jobs(namespace)
	if _, err := api.Create(t.Context(), j, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job is complete", func(ctx context.Context) error {
		j, err := api.Get(ctx, "once", metav1.GetOptions{})
		if err == nil && (j.Status.Succeeded != 5 || j.Status.CompletionTime == nil) {
			err = fmt.Errorf("its status is %+v", j.Status)
		}
		return err
	})
}

func testBarePods(t *testing.T, client kubernetes.Interface, namespace string) {
	api := client.CoreV1().Pods(namespace)
	for policy, want := range map[corev1.RestartPolicy]corev1.PodPhase{
		corev1.RestartPolicyAlways:    corev1.PodRunning,
		corev1.RestartPolicyOnFailure: corev1.PodSucceeded,
		corev1.RestartPolicyNever:     corev1.PodSucceeded,
	} {
		name := strings.ToLower(string(policy))
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.PodSpec{RestartPolicy: policy, Containers: []corev1.Container{{Name: "main", Image: "example.com/main"}}},
		}
		if _, err := api.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "pod "+name, func(ctx context.Context) error {
			pod, err := api.Get(ctx, name, metav1.GetOptions{})
			if err == nil && pod.Status.Phase != want {
				err = fmt.Errorf("it is %s, want %s", pod.Status.Phase, want)
			}
			return err
		})
	}
	// There are no kubelets to ask, which is said without asking another machine.
	_, err := api.GetLogs("always", &corev1.PodLogOptions{}).Stream(t.Context())
	if err == nil || !strings.Contains(err.Error(), "://localhost:1/") {
		t.Errorf("asking for logs gives %v, want an error about localhost", err)
	}
}

func testUnschedulable(t *testing.T, client kubernetes.Interface, namespace string) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "nowhere"},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"example.com/disk": "fast"},
			Containers:   []corev1.Container{{Name: "main", Image: "example.com/main"}},
		},
	}
	api := client.CoreV1().Pods(namespace)
	if _, err := api.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the scheduler says that no node fits", func(ctx context.Context) error {
		pod, err := api.Get(ctx, "nowhere", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && pod.Status.Phase == corev1.PodPending {
				return nil
			}
		}
		return fmt.Errorf("its status is %+v", pod.Status)
	})
}

func testLoadBalancers(t *testing.T, client kubernetes.Interface, namespace string) {
	api := client.CoreV1().Services(namespace)
	create := func(name string, change func(*corev1.ServiceSpec)) {
		t.Helper()
		s := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
		}
		change(&s.Spec)
		if _, err := api.Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	address := func(ctx context.Context, name string) (string, error) {
		s, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		if len(s.Status.LoadBalancer.Ingress) != 1 {
			return "", fmt.Errorf("service %s has the addresses %v", name, s.Status.LoadBalancer.Ingress)
		}
		return s.Status.LoadBalancer.Ingress[0].IP, nil
	}
	wait := func(name string) (got string) {
		t.Helper()
		eventually(t, "an address", func(ctx context.Context) (err error) {
			got, err = address(ctx, name)
			return err
		})
		return got
	}
	class := "example.com/other"
	create("foreign", func(s *corev1.ServiceSpec) { s.LoadBalancerClass = &class })
	create("a", func(*corev1.ServiceSpec) {})
	create("b", func(*corev1.ServiceSpec) {})
	create("wish", func(s *corev1.ServiceSpec) { s.LoadBalancerIP = "203.0.113.9" })
	if a, b := wait("a"), wait("b"); a == b || !strings.HasPrefix(a, "198.18.") {
		t.Errorf("two services have the addresses %s and %s", a, b)
	}
	if got := wait("wish"); got != "203.0.113.9" {
		t.Errorf("the service that wants 203.0.113.9 has %s", got)
	}
	// The others were made later and have theirs.
	if got, err := address(t.Context(), "foreign"); err == nil {
		t.Errorf("a service of another class has the address %s", got)
	}

	s, err := api.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Spec.Type = corev1.ServiceTypeClusterIP
	if _, err := api.Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a service that is no load balancer any longer has no address", func(ctx context.Context) error {
		if got, err := address(ctx, "a"); err == nil {
			return fmt.Errorf("it has %s", got)
		}
		return nil
	})
}

func testIngress(t *testing.T, client kubernetes.Interface, namespace string) {
	in := decode[networkingv1.Ingress](t, `
metadata: {name: web}
spec:
  rules:
    - host: web.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
`)
	api := client.NetworkingV1().Ingresses(namespace)
	if _, err := api.Create(t.Context(), in, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the ingress has an address", func(ctx context.Context) error {
		in, err := api.Get(ctx, "web", metav1.GetOptions{})
		if err == nil && (len(in.Status.LoadBalancer.Ingress) != 1 || in.Status.LoadBalancer.Ingress[0].IP != "198.18.0.1") {
			err = fmt.Errorf("its status is %+v", in.Status)
		}
		return err
	})
}

// testVolumeClaims checks that a claim is bound and its volume goes with it, for the
// default class and for one that waits for a consumer.
func testVolumeClaims(t *testing.T, client kubernetes.Interface, namespace string) {
	standard, err := client.StorageV1().StorageClasses().Get(t.Context(), "standard", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	late := standard.DeepCopy()
	binding := storagev1.VolumeBindingWaitForFirstConsumer
	late.ObjectMeta = metav1.ObjectMeta{Name: "late"}
	late.VolumeBindingMode = &binding
	if _, err := client.StorageV1().StorageClasses().Create(t.Context(), late, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	api := client.CoreV1().PersistentVolumeClaims(namespace)
	for _, class := range []*string{nil, &late.Name} {
		claim := decode[corev1.PersistentVolumeClaim](t, `{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}`)
		claim.Spec.StorageClassName = class
		if _, err := api.Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if class != nil {
			pod := decode[corev1.Pod](t, `
metadata: {name: consumer}
spec:
  restartPolicy: Never
  containers: [{name: main, image: example.com/main}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`)
			if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		var volume string
		eventually(t, "the claim is bound", func(ctx context.Context) error {
			c, err := api.Get(ctx, "data", metav1.GetOptions{})
			if err == nil && c.Status.Phase != corev1.ClaimBound {
				err = fmt.Errorf("it is %s", c.Status.Phase)
			}
			if err == nil {
				volume = c.Spec.VolumeName
			}
			return err
		})
		if err := api.Delete(t.Context(), "data", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the claim and its volume are gone", func(ctx context.Context) error {
			_, claimErr := api.Get(ctx, "data", metav1.GetOptions{})
			_, volumeErr := client.CoreV1().PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
			if apierrors.IsNotFound(claimErr) && apierrors.IsNotFound(volumeErr) {
				return nil
			}
			return fmt.Errorf("asking for the claim gives %w, for the volume %w, not that they are not found", claimErr, volumeErr)
		})
	}
}

// testOwnersDeletion checks that what an object owns is deleted after it, before it,
// or not at all, as the deletion says.
func testOwnersDeletion(t *testing.T, client kubernetes.Interface, namespace string) {
	api := client.CoreV1().ConfigMaps(namespace)
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		owner, err := api.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "owner-"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		block := true
		owned, err := api.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			GenerateName:    "owned-",
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: &block}},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := api.Delete(t.Context(), owner.Name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "deletion with policy "+string(policy), func(ctx context.Context) error {
			if _, err := api.Get(ctx, owner.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("asking for the owner gives %w, not that it is not found", err)
			}
			left, err := api.Get(ctx, owned.Name, metav1.GetOptions{})
			if policy != metav1.DeletePropagationOrphan {
				if !apierrors.IsNotFound(err) {
					return fmt.Errorf("asking for what it owned gives %w, not that it is not found", err)
				}
				return nil
			}
			if err == nil && len(left.OwnerReferences) > 0 {
				err = errors.New("the orphan still names its owner")
			}
			return err
		})
	}
}

func testNamespacesDeletion(t *testing.T, client kubernetes.Interface, namespace string) {
	testStatefulSet(t, client, namespace)
	testIngress(t, client, namespace)
	began := time.Now()
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) error {
		n, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("its conditions are %+v", n.Status.Conditions)
		}
		return err
	})
	t.Logf("a namespace with a stateful set and an ingress was gone after %s", time.Since(began).Round(time.Millisecond))
}

// TestCustomResources checks that a custom resource can be used soon after its
// definition, that what it owns is deleted with it, and that a namespace with one in
// it can be deleted.
func TestCustomResources(t *testing.T) {
	p := newPlace(t)
	p.run("up", "--name", "crd", "--control-plane-only")
	client, objects := p.client("crd")
	definitions := objects.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	definition := decode[unstructured.Unstructured](t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`)
	if _, err := definitions.Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	widgets := objects.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).Namespace("shop")
	eventually(t, "a widget can be created", func(ctx context.Context) error {
		_, err := widgets.Create(ctx, decode[unstructured.Unstructured](t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: first}}`), metav1.CreateOptions{})
		return err
	})
	if err := client.CoreV1().Namespaces().Delete(t.Context(), "shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) error {
		if _, err := client.CoreV1().Namespaces().Get(ctx, "shop", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("asking for it gives %w, not that it is not found", err)
		}
		return nil
	})
	if _, err := widgets.Get(t.Context(), "first", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the widget outlived its namespace: %v", err)
	}
}
