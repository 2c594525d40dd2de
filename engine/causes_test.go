package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

var (
	podResource = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Pod"}, Plural: "pods", Namespaced: true}
	quotas      = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ResourceQuota"}, Plural: "resourcequotas", Namespaced: true}
)

// workload is a Deployment, or a StatefulSet with a claim, with one Pod whose spec begins
// with what is given.
func workload(kind, name, spec string) string {
	extra := ""
	if kind == "StatefulSet" {
		extra = "  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {storageClassName: none-such, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}\n"
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: %s
metadata:
  name: %s
spec:
  selector:
    matchLabels: {app: %s}
%s  template:
    metadata:
      labels: {app: %s}
    spec:
      %s
      containers:
      - {name: main, image: "registry.example.com/web:2"}
`, kind, name, name, extra, name, spec)
}

const nowhere = "nodeSelector: {example.com/there: is-none}"

// TestCausesAreFound has objects of which each is not healthy for another reason, as the
// real controllers have it; what a kubelet would say is written into the Pods' status. Each
// cause is told while its object is still waited for.
func TestCausesAreFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", "sync {\n create_namespace = true\n health_timeout = \"2m\"\n}",
		workload("Deployment", "nowhere", nowhere),
		workload("Deployment", "nobody", "serviceAccountName: nobody"),
		workload("Deployment", "image", nowhere),
		workload("Deployment", "crash", nowhere),
		workload("StatefulSet", "claim", "terminationGracePeriodSeconds: 0"),
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      "+nowhere+"\n      containers: [{name: main, image: x}]\n",
	)
	want := map[string]string{
		"nowhere": "1 of 1 pod cannot be scheduled (0/",
		"nobody":  `cannot create pods (error looking up service account`,
		"image":   `1 of 1 pod cannot pull image "registry.example.com/web:2" (ErrImagePull: registry.example.com/web:2: not found)`,
		"crash":   `1 of 1 pod cannot keep container "main" running (exit code 137, OOMKilled)`,
		"claim":   `1 of 1 pod cannot be scheduled (volume claim "data-claim-0" is pending: storageclass.storage.k8s.io "none-such" not found)`,
		"job":     "1 of 1 pod cannot be scheduled (0/",
	}
	statuses := map[string]map[string]any{
		"image": {"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": int64(0), "state": map[string]any{"waiting": map[string]any{
			"reason": "ImagePullBackOff", "message": `Back-off pulling image "registry.example.com/web:2": ErrImagePull: rpc error: code = NotFound desc = registry.example.com/web:2: not found`,
		}}},
		"crash": {
			"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": int64(3), "state": map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff", "message": "back-off"}},
			"lastState": map[string]any{"terminated": map[string]any{"exitCode": int64(137), "reason": "OOMKilled"}},
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var kubelet sync.WaitGroup
	for name, status := range statuses {
		kubelet.Go(func() { s.podStatus(ctx, t, name, map[string]any{"containerStatuses": []any{status}}) })
	}
	var mu sync.Mutex
	found := map[string]string{}
	s.Events = func(event engine.Event) {
		if event.Kind != engine.EventWaiting || event.Cause == "" {
			return
		}
		if event.Since.IsZero() || event.At.Sub(event.Since) > time.Minute {
			t.Errorf("%s: a cause at %s, waiting since %s", event.Object, event.At, event.Since)
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(event.Cause, want[event.Object.Name]) {
			found[event.Object.Name] = event.Cause
		}
		if len(found) == len(want) {
			cancel()
		}
	}
	_, diags := s.Apply(ctx, t, s.MustPlan(t, engine.PlanOptions{}))
	kubelet.Wait()
	for name, text := range want {
		if found[name] == "" {
			t.Errorf("%s: not told: %s", name, text)
		}
	}
	wantError(t, diags, "Apply was cancelled")
}

// podStatus writes a status into the Pod of an app, as a kubelet would, as soon as there is
// one.
func (s *stage) podStatus(ctx context.Context, t *testing.T, app string, status map[string]any) {
	err := s.cluster.Watch(ctx, podResource, s.namespace, providers.WatchOptions{}, func(pod object.Object, _ bool) bool {
		if pod.Labels()["app"] != app {
			return true
		}
		_, err := s.cluster.Apply(ctx, providers.ApplyRequest{
			Resource: podResource, Manager: "kubelet", Merge: true, Subresource: "status",
			Object: object.Object{
				"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": pod.Name(), "namespace": s.namespace},
				"status": status,
			},
		})
		if err != nil {
			t.Errorf("status of %s: %v", pod.Name(), err)
		}
		return false
	})
	if err != nil && ctx.Err() == nil {
		t.Errorf("no pod of %s: %v", app, err)
	}
}

// TestErrorsNameTheCause: each kind has its own time, and what an application failed for is
// what a person would look for.
func TestErrorsNameTheCause(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "base", createNamespace, configMap("base", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.edit(t, quotas, object.Object{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "none", "namespace": s.namespace},
		"spec": map[string]any{"hard": map[string]any{"pods": "0"}},
	}, "someone")
	s.application(t, "web", "sync {\n health_timeout = \"10m\"\n timeout {\n kinds = [\"apps/Deployment\"]\n after = \"15s\"\n }\n}",
		workload("Deployment", "api", "terminationGracePeriodSeconds: 0"))
	var mu sync.Mutex
	var failed []engine.Event
	s.Events = func(event engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if event.Kind == engine.EventFailed && event.Object != nil {
			failed = append(failed, event)
		}
	}
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "application.web",
		"Deployment.apps "+s.namespace+`/api: is not healthy after 15s (the timeout of kinds "apps/Deployment" in the application's sync block): `,
		"; cannot create pods (exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0), for ")
	if len(failed) != 1 || failed[0].Object.Name != "api" || !strings.HasPrefix(failed[0].Cause, "cannot create pods (exceeded quota: none") || strings.Contains(failed[0].Message, "quota") {
		t.Errorf("told: %+v", failed)
	}
}

// TestFailedHooksNameTheCause: what a Job's container said when it ended is in the error,
// without the values of Secrets.
func TestFailedHooksNameTheCause(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace,
		"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: correct-horse-battery}\n",
		"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {argocd.argoproj.io/hook: PostSync}\nspec:\n  backoffLimit: 0\n  template:\n    metadata:\n      labels: {app: migrate}\n    spec:\n      restartPolicy: Never\n      "+nowhere+"\n      containers: [{name: main, image: x}]\n")
	ctx, cancel := context.WithCancel(t.Context())
	var kubelet sync.WaitGroup
	kubelet.Go(func() {
		ended := map[string]any{"exitCode": int64(3), "reason": "Error", "message": "login failed\nwith password correct-horse-battery", "startedAt": "2026-03-01T10:00:00Z", "finishedAt": "2026-03-01T10:00:01Z"}
		s.podStatus(ctx, t, "migrate", map[string]any{"phase": "Failed", "containerStatuses": []any{map[string]any{
			"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": int64(0), "state": map[string]any{"terminated": ended},
		}}})
	})
	p := s.MustPlan(t, engine.PlanOptions{})
	_, diags := s.Apply(ctx, t, p)
	cancel()
	kubelet.Wait()
	wantError(t, diags, "Apply failed", "Job.batch "+s.namespace+"/migrate: is not healthy: Job has reached the specified backoff limit; ",
		`1 of 1 pod failed (container "main": exit code 3: login failed with password `)
	for _, diag := range diags {
		if strings.Contains(diag.Detail, "correct-horse") {
			t.Errorf("the error has a Secret's value: %s", diag.Detail)
		}
	}
}

// TestNamespacesSayWhatHoldsThem: a namespace that does not go says what is left in it and
// which finalizers hold that; when its time is over, it is the one thing that failed.
func TestNamespacesSayWhatHoldsThem(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	apart := s.namespace + "-apart"
	s.application(t, "apart", "sync {\n timeout {\n kinds = [\"Namespace\"]\n after = \"7s\"\n }\n create_namespace = true\n}",
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: "+apart+"}\n", configMap("stays", "a=b"))
	s.application(t, "web", createNamespace, configMap("web", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "apart", "sync {\n timeout {\n kinds = [\"Namespace\"]\n after = \"7s\"\n }\n create_namespace = true\n}", configMap("stays", "a=b"))
	s.application(t, "web", createNamespace, configMap("web", "a=c"))
	holding := object.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "held", "namespace": apart, "finalizers": []any{"example.com/hold"}},
	}
	s.tap(taps{delete: func(ctx context.Context, r providers.DeleteRequest, on func() error) error {
		if r.Name == apart { // someone puts it there at the last moment
			s.edit(t, configMaps, holding, "someone")
		}
		if err := on(); err != nil || r.Name != apart {
			return err
		}
		// The server's controller says so in its own time.
		eventually(t, "the namespace says what is left", func() bool {
			namespace, err := s.cluster.Get(ctx, namespaceResource, "", apart)
			return err == nil && strings.Contains(fmt.Sprint(namespace["status"]), "example.com/hold")
		})
		return nil
	}})
	t.Cleanup(func() {
		_, err := s.cluster.Patch(context.Background(), configMaps, apart, "held", []byte(`[{"op": "remove", "path": "/metadata/finalizers"}]`), false)
		if err != nil {
			t.Error(err)
		}
	})
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "application.apart",
		"Namespace "+apart+`: is still there after 7s (the timeout of kinds "Namespace" in the application's sync block)`,
		"configmaps has 1 resource instances", "example.com/hold in 1 resource instances")
	for _, diag := range diags {
		if strings.Contains(diag.Detail, "application.web") {
			t.Errorf("web failed, too: %s", diag.Detail)
		}
	}
	s.wantData(t, "web", "a", "c")
	s.tap(taps{})
}
