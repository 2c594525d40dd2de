package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

func TestLiveInfoTakesFewRequests(t *testing.T) {
	cluster := clustertest.Shared(t)
	connected, err := kubernetes.New(kubernetes.Options{}).Connect("test", target.Connection{Kubeconfig: cluster.Kubeconfig}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := connected.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(info.UID) != 36 || !strings.HasPrefix(info.Version, "v1.") || info.Server != restConfig(t, cluster).Host {
		t.Errorf("info %v", info)
	}
	if !slices.IsSorted(info.APIVersions) {
		t.Error("APIVersions are not sorted")
	}
	for _, want := range []string{"v1", "v1/ConfigMap", "apps/v1", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress"} {
		if !slices.Contains(info.APIVersions, want) {
			t.Errorf("APIVersions are without %s", want)
		}
	}
	resource, err := connected.Resource(t.Context(), deploymentKind)
	if err != nil {
		t.Fatal(err)
	}
	if resource.Plural != "deployments" || !resource.Namespaced || !slices.Contains(resource.Verbs, "patch") {
		t.Errorf("resource %v", resource)
	}
	total := 0
	for _, n := range connected.Requests() {
		total += n
	}
	if total != 4 {
		t.Errorf("it took %d requests (%v), want 4", total, connected.Requests())
	}
}

func TestLiveDiscovery(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	_, err := l.Resource(t.Context(), object.GVK{Group: "extensions", Version: "v1beta1", Kind: "Ingress"})
	if !errors.Is(err, providers.ErrUnknownKind) || !strings.Contains(err.Error(), "it serves Ingress as networking.k8s.io/v1") {
		t.Errorf("error %v", err)
	}
	all, err := l.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[object.GroupKind]string{}
	for _, resource := range all {
		if before, ok := seen[resource.GVK.GroupKind()]; ok {
			t.Errorf("%s is there twice, as %s and %s", resource.GVK.GroupKind(), before, resource.GVK.Version)
		}
		seen[resource.GVK.GroupKind()] = resource.GVK.Version
	}
	if got := seen[object.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}]; got != "v2" {
		t.Errorf("the preferred version of HorizontalPodAutoscaler is %q, want v2", got)
	}
}

func TestLiveOpenAPI(t *testing.T) {
	l := connect(t, kubernetes.Options{CacheDir: t.TempDir()})
	document, hash, err := l.OpenAPI(t.Context(), "apps", "v1")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		t.Fatal(err)
	}
	if hash == "" || parsed.Components.Schemas["io.k8s.api.apps.v1.Deployment"] == nil {
		t.Errorf("hash %q, %d schemas", hash, len(parsed.Components.Schemas))
	}
	before := l.Requests()["OPENAPI"]
	if _, again, err := l.OpenAPI(t.Context(), "apps", "v1"); err != nil || again != hash {
		t.Errorf("the second time: hash %q, error %v", again, err)
	}
	if _, _, err := l.OpenAPI(t.Context(), "", "v1"); err != nil {
		t.Errorf("the core group: %v", err)
	}
	if after := l.Requests()["OPENAPI"]; before != 2 || after != 3 {
		t.Errorf("requests: %d, then %d; want 2, then 3", before, after)
	}
}

func TestLiveListInPages(t *testing.T) {
	l := connect(t, kubernetes.Options{PageSize: 4})
	for i := range 10 {
		r := l.configMap(fmt.Sprintf("item-%d", i), map[string]any{"n": fmt.Sprint(i)})
		r.Object.Metadata()["labels"] = map[string]any{"half": fmt.Sprint(i % 2)}
		l.apply(r)
	}
	before := l.Requests()["LIST"]
	resource := l.resource(configMapKind)
	objects, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{LabelSelector: "half in (0,1)"})
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 10 {
		t.Errorf("%d objects, want 10", len(objects))
	}
	for i, o := range objects {
		if o.Name() != fmt.Sprintf("item-%d", i) || o.GVK() != configMapKind || o.Metadata()["managedFields"] == nil {
			t.Errorf("object %d is %v", i, o)
		}
	}
	if got := l.Requests()["LIST"] - before; got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
	half, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{LabelSelector: "half=1"})
	if err != nil || len(half) != 5 {
		t.Errorf("%d objects by label (error %v), want 5", len(half), err)
	}
	everywhere, err := l.List(t.Context(), resource, "", providers.ListOptions{})
	if err != nil || len(everywhere) <= 10 {
		t.Errorf("%d objects of all namespaces (error %v)", len(everywhere), err)
	}
	if _, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{LabelSelector: "!!"}); !errors.Is(err, providers.ErrInvalid) {
		t.Errorf("a selector that is none: error %v, want an ErrInvalid", err)
	}
	before = l.Requests()["LIST"]
	if _, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{AtMost: 9}); !errors.Is(err, providers.ErrTooMany) {
		t.Errorf("more than nine: error %v, want an ErrTooMany", err)
	}
	if got := l.Requests()["LIST"] - before; got != 1 {
		t.Errorf("%d requests to know that there are more than nine, want 1", got)
	}
	if all, err := l.List(t.Context(), resource, l.namespace, providers.ListOptions{AtMost: 11}); err != nil || len(all) != 11 { // and kube-root-ca.crt
		t.Errorf("eleven at most: %d objects, error %v", len(all), err)
	}
	nothing, err := l.List(t.Context(), resource, "no-such-namespace", providers.ListOptions{})
	if err != nil || len(nothing) != 0 {
		t.Errorf("a namespace that is not there: %v, error %v", nothing, err)
	}
}

func TestLiveRefusalsToRead(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	if _, err := l.get(configMapKind, "none"); !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), `configmaps "none" not found`) {
		t.Errorf("error %v, want an ErrNotFound", err)
	}
	gadgets := providers.Resource{GVK: object.GVK{Group: "example.com", Version: "v1", Kind: "Gadget"}, Plural: "gadgets", Namespaced: true}
	if _, err := l.List(t.Context(), gadgets, l.namespace, providers.ListOptions{}); !errors.Is(err, providers.ErrUnknownKind) {
		t.Errorf("error %v, want an ErrUnknownKind", err)
	}
	if _, err := l.Get(t.Context(), gadgets, l.namespace, "a"); !errors.Is(err, providers.ErrUnknownKind) {
		t.Errorf("error %v, want an ErrUnknownKind", err)
	}
	other := providers.Resource{GVK: object.GVK{Group: "apps", Version: "v1", Kind: "Gadget"}, Plural: "gadgets", Namespaced: true}
	if _, err := l.List(t.Context(), other, l.namespace, providers.ListOptions{}); !errors.Is(err, providers.ErrUnknownKind) {
		t.Errorf("error %v, want an ErrUnknownKind", err)
	}
}

func TestLiveCredentials(t *testing.T) {
	cluster := clustertest.Shared(t)
	admin := restConfig(t, cluster)
	ca := string(admin.CAData)
	tests := map[string]struct {
		connection  target.Connection
		credentials target.Credentials
		want        error
		says        string
	}{
		"the administrator's certificate": {
			connection:  target.Connection{Server: admin.Host, CAData: ca},
			credentials: target.Credentials{ClientCert: object.Sensitive(admin.CertData), ClientKey: object.Sensitive(admin.KeyData)},
		},
		"a wrong token": {
			connection: target.Connection{Server: admin.Host, CAData: ca}, credentials: target.Credentials{Token: "c4nary-token"},
			want: providers.ErrUnauthorized, says: "does not accept the credentials",
		},
		"a CA of others": {
			connection: target.Connection{Server: admin.Host}, credentials: target.Credentials{Token: "c4nary-token"},
			want: providers.ErrUnreachable, says: "certificate",
		},
		"somebody without permissions": {
			connection: target.Connection{Kubeconfig: cluster.Kubeconfig, Impersonate: "nobody"},
			want:       providers.ErrForbidden, says: `User "nobody" cannot get resource "namespaces"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			connected, err := kubernetes.New(kubernetes.Options{}).Connect("test", test.connection, test.credentials)
			if err != nil {
				t.Fatal(err)
			}
			_, err = connected.Info(t.Context())
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v that says %q", err, test.want, test.says)
			}
			if strings.Contains(err.Error(), "c4nary") {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

// TestLiveListsOfMetadata: where only the metadata is wanted, only that comes, and each
// object is of its kind as ever.
func TestLiveListsOfMetadata(t *testing.T) {
	l := connect(t, kubernetes.Options{PageSize: 2})
	for i := range 3 {
		r := l.configMap(fmt.Sprintf("item-%d", i), map[string]any{"n": fmt.Sprint(i)})
		r.Object.Metadata()["labels"] = map[string]any{"mine": "yes"}
		l.apply(r)
	}
	objects, err := l.List(t.Context(), l.resource(configMapKind), l.namespace, providers.ListOptions{LabelSelector: "mine=yes", MetadataOnly: true})
	if err != nil || len(objects) != 3 {
		t.Fatalf("%d objects, error %v", len(objects), err)
	}
	for i, o := range objects {
		if o.Name() != fmt.Sprintf("item-%d", i) || o.GVK() != configMapKind || o.UID() == "" || o["data"] != nil || len(o) != 3 {
			t.Errorf("object %d is %v", i, o)
		}
	}
}
