package kubernetes

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func discovered(resource, kind, scope string) map[string]any {
	return map[string]any{
		"resource": resource, "scope": scope, "verbs": []any{"get", "list"},
		"responseKind": map[string]any{"group": "", "version": "", "kind": kind},
	}
}

func versionOf(name, freshness string, resources ...map[string]any) map[string]any {
	return map[string]any{"version": name, "freshness": freshness, "resources": resources}
}

func groupOf(name string, versions ...map[string]any) map[string]any {
	return map[string]any{"metadata": map[string]any{"name": name}, "versions": versions}
}

func groupList(groups ...map[string]any) map[string]any {
	return map[string]any{"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": groups}
}

// aggregated is a server with a broken extension: metrics.k8s.io.
func aggregated(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList") && strings.HasPrefix(r.URL.Path, "/api") && !strings.Contains(r.URL.Path, "namespaces") {
			t.Errorf("discovery without aggregation: Accept %q", r.Header.Get("Accept"))
		}
		switch r.URL.Path {
		case "/version":
			writeJSON(w, http.StatusOK, map[string]any{"gitVersion": "v1.37.2"})
		case "/api/v1/namespaces/kube-system":
			writeJSON(w, http.StatusOK, map[string]any{"metadata": map[string]any{"uid": "the-uid"}})
		case "/api":
			writeJSON(w, http.StatusOK, groupList(groupOf("", versionOf("v1", "Current",
				discovered("configmaps", "ConfigMap", "Namespaced"), discovered("namespaces", "Namespace", "Cluster")))))
		case "/apis":
			writeJSON(w, http.StatusOK, groupList(
				groupOf("autoscaling",
					versionOf("v2", "Current", discovered("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced")),
					versionOf("v1", "Current", discovered("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced"), discovered("olds", "Old", "Cluster"))),
				groupOf("metrics.k8s.io", versionOf("v1beta1", "Stale")),
				groupOf("stale.example.com", versionOf("v1", "Stale", discovered("things", "Thing", "Namespaced"))),
			))
		default:
			t.Errorf("requested %s", r.URL.Path)
		}
	}
}

func TestInfoAndDiscovery(t *testing.T) {
	c, _ := serve(t, aggregated(t))
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := providers.ClusterInfo{
		UID: "the-uid", Server: c.server, Version: "v1.37.2",
		APIVersions: []string{
			"autoscaling/v1", "autoscaling/v1/HorizontalPodAutoscaler", "autoscaling/v1/Old",
			"autoscaling/v2", "autoscaling/v2/HorizontalPodAutoscaler",
			"metrics.k8s.io/v1beta1", "stale.example.com/v1", "stale.example.com/v1/Thing",
			"v1", "v1/ConfigMap", "v1/Namespace",
		},
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Error(diff)
	}

	resource, err := c.Resource(t.Context(), object.GVK{Version: "v1", Kind: "ConfigMap"})
	if err != nil {
		t.Fatal(err)
	}
	wantResource := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true, Verbs: []string{"get", "list"}}
	if diff := cmp.Diff(wantResource, resource); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Resource(t.Context(), object.GVK{Group: "stale.example.com", Version: "v1", Kind: "Thing"}); err != nil {
		t.Errorf("a kind that the server last had: %v", err)
	}

	all, err := c.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range all {
		names = append(names, r.GVK.String())
	}
	if diff := cmp.Diff([]string{"v1 ConfigMap", "v1 Namespace", "autoscaling/v2 HorizontalPodAutoscaler", "autoscaling/v1 Old", "stale.example.com/v1 Thing"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"DISCOVERY": 3, "GET": 1}, c.Requests()); diff != "" {
		t.Errorf("requests: %s", diff)
	}
}

func TestKindsThatAreNotServed(t *testing.T) {
	c, _ := serve(t, aggregated(t))
	tests := []struct {
		gvk  object.GVK
		is   error
		says []string
	}{
		{object.GVK{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler"}, providers.ErrUnknownKind, []string{`cluster "test"`, "autoscaling/v2beta2 HorizontalPodAutoscaler", "as autoscaling/v1, autoscaling/v2"}},
		{object.GVK{Version: "v1", Kind: "Configmap"}, providers.ErrUnknownKind, []string{"it serves v1 ConfigMap"}},
		{object.GVK{Version: "v1", Kind: "configmaps"}, providers.ErrUnknownKind, []string{"it serves v1 ConfigMap"}},
		{object.GVK{Version: "v1", Kind: "ConfgMap"}, providers.ErrUnknownKind, []string{"it serves v1 ConfigMap"}},
		{object.GVK{Group: "example.com", Version: "v1", Kind: "Widget"}, providers.ErrUnknownKind, []string{"no kind of this name", "metrics.k8s.io/v1beta1, stale.example.com/v1 could not be discovered"}},
		{object.GVK{Group: "metrics.k8s.io", Version: "v1beta1", Kind: "PodMetrics"}, providers.ErrUnreachable, []string{"metrics.k8s.io/v1beta1 cannot be discovered"}},
	}
	for _, test := range tests {
		_, err := c.Resource(t.Context(), test.gvk)
		if !errors.Is(err, test.is) {
			t.Errorf("%s: error %v, want %v", test.gvk, err, test.is)
			continue
		}
		for _, want := range test.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not say %q", test.gvk, err, want)
			}
		}
	}
}

func TestDiscoveryWithoutAggregation(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		list := func(gv, name, kind string, namespaced bool) {
			writeJSON(w, http.StatusOK, map[string]any{"kind": "APIResourceList", "groupVersion": gv, "resources": []any{
				map[string]any{"name": name, "kind": kind, "namespaced": namespaced, "verbs": []any{"get"}},
				map[string]any{"name": name + "/status", "kind": kind, "namespaced": namespaced, "verbs": []any{"get"}},
			}})
		}
		version := func(gv, v string) map[string]any { return map[string]any{"groupVersion": gv, "version": v} }
		switch r.URL.Path {
		case "/api":
			writeJSON(w, http.StatusOK, map[string]any{"kind": "APIVersions", "versions": []any{"v1"}})
		case "/apis":
			writeJSON(w, http.StatusOK, map[string]any{"kind": "APIGroupList", "groups": []any{
				map[string]any{"name": "example.com", "versions": []any{version("example.com/v1beta1", "v1beta1"), version("example.com/v1", "v1")}, "preferredVersion": version("example.com/v1", "v1")},
				map[string]any{"name": "down.example.com", "versions": []any{version("down.example.com/v1", "v1")}, "preferredVersion": version("down.example.com/v1", "v1")},
			}})
		case "/api/v1":
			list("v1", "pods", "Pod", true)
		case "/apis/example.com/v1", "/apis/example.com/v1beta1":
			list(strings.TrimPrefix(r.URL.Path, "/apis/"), "widgets", "Widget", false)
		default:
			status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "no endpoints available for service", nil)
		}
	})
	all, err := c.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Resource{
		{GVK: object.GVK{Version: "v1", Kind: "Pod"}, Plural: "pods", Namespaced: true, Verbs: []string{"get"}},
		{GVK: object.GVK{Group: "example.com", Version: "v1", Kind: "Widget"}, Plural: "widgets", Verbs: []string{"get"}},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	_, err = c.Resource(t.Context(), object.GVK{Group: "down.example.com", Version: "v1", Kind: "X"})
	if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "no endpoints available") {
		t.Errorf("error %v, want the reason of the broken group", err)
	}
	undiscovered, err := c.Undiscovered(t.Context())
	if err != nil || len(undiscovered) != 1 || !strings.Contains(undiscovered["down.example.com/v1"], "no endpoints available") {
		t.Errorf("undiscovered: %v, error %v", undiscovered, err)
	}
}

func TestDiscoveryIsReadOnceAndAgainAfterRefresh(t *testing.T) {
	c, _ := serve(t, aggregated(t))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := c.Resource(t.Context(), configMaps.GVK); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := c.Requests()["DISCOVERY"]; got != 2 {
		t.Errorf("%d requests for 20 callers, want 2", got)
	}
	c.Refresh()
	if _, err := c.Resource(t.Context(), configMaps.GVK); err != nil {
		t.Fatal(err)
	}
	if got := c.Requests()["DISCOVERY"]; got != 4 {
		t.Errorf("%d requests after Refresh, want 4", got)
	}
}

func TestDiscoveryThatFailedIsTriedAgain(t *testing.T) {
	working := aggregated(t)
	var fail atomic.Bool
	fail.Store(true)
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if fail.Load() {
			status(w, 500, "InternalError", "not yet", nil)
			return
		}
		working(w, r)
	})
	if _, err := c.Resources(t.Context()); err == nil || !strings.Contains(err.Error(), "not yet") {
		t.Fatalf("error %v", err)
	}
	fail.Store(false)
	if _, err := c.Resources(t.Context()); err != nil {
		t.Error(err)
	}
}

// openAPIServer serves one document, which is named by a hash.
func openAPIServer(t *testing.T, hash *atomic.Value, documents *atomic.Int32) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/openapi/v3":
			suffix := ""
			if h := hash.Load().(string); h != "" {
				suffix = "?hash=" + h
			}
			writeJSON(w, http.StatusOK, map[string]any{"paths": map[string]any{
				"api/v1": map[string]any{"serverRelativeURL": "/openapi/v3/api/v1" + suffix},
			}})
		case "/openapi/v3/api/v1":
			if now, asked := hash.Load().(string), r.URL.Query().Get("hash"); asked != "" && asked != now {
				http.Redirect(w, r, "/openapi/v3/api/v1?hash="+now, http.StatusMovedPermanently)
				return
			}
			documents.Add(1)
			writeJSON(w, http.StatusOK, map[string]any{"openapi": "3.0.0", "hash": r.URL.Query().Get("hash")})
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestOpenAPIMovesOn: where a definition changes after the index was made, the server
// redirects to another address; the document is read as it is now.
func TestOpenAPIMovesOn(t *testing.T) {
	var hash atomic.Value
	var fetched atomic.Int32
	hash.Store("AAA")
	server := openAPIServer(t, &hash, &fetched)
	c, _ := connect(t, Options{}, server.URL)
	if _, err := c.index.get(t.Context(), c.readIndex); err != nil {
		t.Fatal(err)
	}
	hash.Store("BBB")
	if _, got, err := c.OpenAPI(t.Context(), "", "v1"); err != nil || got != "" || fetched.Load() != 1 {
		t.Errorf("hash %q after %d documents, %v", got, fetched.Load(), err)
	}
	if _, got, err := c.OpenAPI(t.Context(), "", "v1"); err != nil || got != "BBB" || fetched.Load() != 2 {
		t.Errorf("later: hash %q after %d documents, %v", got, fetched.Load(), err)
	}
}

func TestOpenAPI(t *testing.T) {
	var hash atomic.Value
	var fetched atomic.Int32
	hash.Store("AAA")
	server := openAPIServer(t, &hash, &fetched)
	cache := t.TempDir()
	read := func(c *cluster, wantHash string, wantFetched int32) {
		t.Helper()
		body, got, err := c.OpenAPI(t.Context(), "", "v1")
		if err != nil {
			t.Fatal(err)
		}
		if got != wantHash || !strings.Contains(string(body), `"hash":"`+wantHash+`"`) {
			t.Errorf("hash %q, document %s, want %q", got, body, wantHash)
		}
		if n := fetched.Load(); n != wantFetched {
			t.Errorf("%d documents were fetched, want %d", n, wantFetched)
		}
	}
	first, _ := connect(t, Options{CacheDir: cache}, server.URL)
	read(first, "AAA", 1)
	read(first, "AAA", 1)
	if _, _, err := first.OpenAPI(t.Context(), "no.example.com", "v1"); !errors.Is(err, providers.ErrUnknownKind) {
		t.Errorf("error %v, want an ErrUnknownKind", err)
	}
	first.Refresh()
	read(first, "AAA", 1) // the index is read again, and still names the same document

	second, _ := connect(t, Options{CacheDir: cache}, server.URL)
	read(second, "AAA", 1) // from the disk

	hash.Store("BBB")
	second.Refresh()
	read(second, "BBB", 2)
	files, err := filepath.Glob(filepath.Join(cache, "*", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("the cache holds %v, want only the newest document", files)
	}
	if err := os.WriteFile(files[0], []byte(`{"cut`), 0o600); err != nil {
		t.Fatal(err)
	}
	third, _ := connect(t, Options{CacheDir: cache}, server.URL)
	read(third, "BBB", 3) // a broken file is no document

	hash.Store("")
	fourth, _ := connect(t, Options{CacheDir: cache}, server.URL)
	read(fourth, "", 4)
	read(fourth, "", 4)
	fourth.Refresh()
	read(fourth, "", 5) // without a hash nobody knows whether it changed
}

func TestOpenAPICacheIsPerServer(t *testing.T) {
	var hash atomic.Value
	var fetched atomic.Int32
	hash.Store("SAME")
	one, two := openAPIServer(t, &hash, &fetched), openAPIServer(t, &hash, &fetched)
	cache := t.TempDir()
	for _, server := range []*httptest.Server{one, two} {
		c, _ := connect(t, Options{CacheDir: cache}, server.URL)
		if _, _, err := c.OpenAPI(t.Context(), "", "v1"); err != nil {
			t.Fatal(err)
		}
	}
	if fetched.Load() != 2 {
		t.Error("one server's document was taken for another's")
	}
}
