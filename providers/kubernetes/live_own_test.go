package kubernetes_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

var (
	crdKind        = object.GVK{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	apiServiceKind = object.GVK{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"}
	webhookKind    = object.GVK{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration"}
	widgetKind     = object.GVK{Group: "example.com", Version: "v1", Kind: "Widget"}
)

// TestLiveWholeCluster has what changes a cluster for everybody.
func TestLiveWholeCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a cluster of its own")
	}
	own := clustertest.Own(t, clustertest.ControlPlaneOnly())
	l := connectTo(t, own, kubernetes.Options{})
	in := func(test func(live)) func(t *testing.T) {
		return func(t *testing.T) {
			inner := l
			inner.t = t
			test(inner)
		}
	}
	t.Run("a kind of its own", in(testCustomResource))
	t.Run("a webhook that does not answer", in(testWebhookDown))
	t.Run("the permissions that the documentation asks for", in(func(l live) { testDocumentedPermissions(l, own) }))
	t.Run("an extension of the API that does not answer", in(testBrokenAPIService))
}

func testCustomResource(l live) {
	t := l.t
	if _, err := l.Resource(t.Context(), widgetKind); !errors.Is(err, providers.ErrUnknownKind) {
		t.Fatalf("error %v, want an ErrUnknownKind", err)
	}
	crd := l.request(crdKind, "widgets.example.com", object.Object{"spec": map[string]any{
		"group": "example.com",
		"scope": "Namespaced",
		"names": map[string]any{"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
		"versions": []any{map[string]any{
			"name": "v1", "served": true, "storage": true,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{
				"type": "object",
				"properties": map[string]any{"spec": map[string]any{
					"type":       "object",
					"properties": map[string]any{"size": map[string]any{"type": "integer", "maximum": int64(10)}},
				}},
			}},
		}},
	}})
	l.apply(crd)
	eventually(t, func() error {
		l.Refresh()
		_, err := l.Resource(t.Context(), widgetKind)
		return err
	})
	eventually(t, func() error {
		l.Refresh()
		document, _, err := l.OpenAPI(t.Context(), "example.com", "v1")
		if err == nil && !strings.Contains(string(document), "com.example.v1.Widget") {
			err = errors.New("the OpenAPI document is without the kind")
		}
		return err
	})

	widget := func(spec map[string]any) providers.ApplyRequest {
		return l.request(widgetKind, "a", object.Object{"spec": spec})
	}
	applied := l.apply(widget(map[string]any{"size": int64(3)}))
	if size, _ := applied.Get("spec", "size"); size != int64(3) {
		t.Errorf("size is %v (%T), want an int64", size, size)
	}
	for field, spec := range map[string]map[string]any{"spec.size": {"size": int64(11)}, "sise": {"sise": int64(1)}} {
		_, err := l.Apply(t.Context(), widget(spec))
		if !errors.Is(err, providers.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v, want an ErrInvalid that names %s", err, field)
		}
	}

	resource := l.resource(widgetKind)
	if err := l.Delete(t.Context(), providers.DeleteRequest{Resource: crd.Resource, Name: "widgets.example.com"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{})
		if !errors.Is(err, providers.ErrUnknownKind) {
			return fmt.Errorf("error %w, want an ErrUnknownKind", err)
		}
		return nil
	})
}

func testWebhookDown(l live) {
	t := l.t
	request := l.request(webhookKind, "down.example.com", object.Object{"webhooks": []any{map[string]any{
		"name":                    "down.example.com",
		"admissionReviewVersions": []any{"v1"},
		"sideEffects":             "None",
		"failurePolicy":           "Fail",
		"timeoutSeconds":          int64(1),
		"clientConfig":            map[string]any{"url": "https://127.0.0.1:1/deny"},
		"rules": []any{map[string]any{
			"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
		}},
	}}})
	l.apply(request)
	eventually(t, func() error {
		r := l.configMap("hooked", nil)
		r.DryRun = true
		_, err := l.Apply(t.Context(), r)
		if !errors.Is(err, providers.ErrInvalid) || !strings.Contains(err.Error(), `failed calling webhook "down.example.com"`) {
			return fmt.Errorf("error %w, want an ErrInvalid of the webhook", err)
		}
		return nil
	})
	if err := l.Delete(t.Context(), providers.DeleteRequest{Resource: request.Resource, Name: "down.example.com"}); err != nil {
		t.Error(err)
	}
}

func testBrokenAPIService(l live) {
	t := l.t
	l.apply(l.request(apiServiceKind, "v1.broken.example.com", object.Object{"spec": map[string]any{
		"group": "broken.example.com", "version": "v1",
		"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
		"insecureSkipTLSVerify": true,
		"service":               map[string]any{"name": "nobody", "namespace": l.namespace},
	}}))
	broken := object.GVK{Group: "broken.example.com", Version: "v1", Kind: "Thing"}
	eventually(t, func() error {
		l.Refresh()
		_, err := l.Resource(t.Context(), broken)
		if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "broken.example.com/v1 cannot be discovered") {
			return fmt.Errorf("error %w, want an ErrUnreachable that names the group", err)
		}
		return nil
	})
	if _, err := l.Resource(t.Context(), deploymentKind); err != nil {
		t.Errorf("a kind of another group: %v", err)
	}
	if all, err := l.Resources(t.Context()); err != nil || len(all) < 30 {
		t.Errorf("%d kinds, error %v", len(all), err)
	}
	if _, err := l.Info(t.Context()); err != nil {
		t.Error(err)
	}
}

// testDocumentedPermissions holds docs/clusters.md to what it says: its roles are
// enough to plan, apply, wait and destroy in one namespace.
func testDocumentedPermissions(l live, cluster clustertest.Cluster) {
	t := l.t
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "clusters.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "<!-- tested: permissions -->\n```yaml\n")
	text, _, closed := strings.Cut(after, "\n```\n")
	if !found || !closed {
		t.Fatal("docs/clusters.md has no block of permissions")
	}
	l.apply(l.request(namespaceKind, "web", nil))
	for _, document := range strings.Split(text, "\n---\n") {
		var o object.Object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		l.apply(providers.ApplyRequest{Resource: l.resource(o.GVK()), Object: o, Manager: manager})
	}

	connected, err := kubernetes.New(kubernetes.Options{}).Connect("test",
		target.Connection{Kubeconfig: cluster.Kubeconfig, Impersonate: "gantry"}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	as := live{Cluster: connected, t: t, namespace: "web"}
	eventually(t, func() error { // until the server's authorizer has seen the bindings
		_, err := as.Info(t.Context())
		return err
	})
	if _, _, err := as.OpenAPI(t.Context(), "apps", "v1"); err != nil {
		t.Error(err)
	}
	eventually(t, func() error {
		_, err := as.List(t.Context(), as.resource(deploymentKind), "web", providers.ListOptions{})
		return err
	})
	request := as.configMap("settings", map[string]any{"a": "1"})
	request.DryRun = true
	as.apply(request)
	request.DryRun = false
	applied := as.apply(request)
	err = as.Watch(t.Context(), request.Resource, "web", providers.WatchOptions{}, func(o object.Object, _ bool) bool { return o.Name() != "settings" })
	if err != nil {
		t.Error(err)
	}
	if err := as.Delete(t.Context(), providers.DeleteRequest{Resource: request.Resource, Namespace: "web", Name: "settings", UID: applied.UID()}); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"another namespace": second(as.List(t.Context(), request.Resource, l.namespace, providers.ListOptions{})),
		"another kind":      second(as.List(t.Context(), as.resource(object.GVK{Version: "v1", Kind: "Pod"}), "web", providers.ListOptions{})),
	} {
		if !errors.Is(err, providers.ErrForbidden) {
			t.Errorf("%s: error %v, want an ErrForbidden: the roles are to give no more than they say", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
