package kubernetes_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
	"github.com/gantrycd/gantry/state/kubernetes"
)

// TestRights: the rights that the documentation names are enough, and without them it is
// said what is missing.
func TestRights(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	const user = "state-runner"
	as := func(namespace string) *kubernetes.Store {
		config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		config.Impersonate = rest.ImpersonationConfig{UserName: user}
		store, err := kubernetes.New(kubernetes.Options{Config: config, Namespace: namespace})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	admin := cluster.As(t, "admin")
	admin.Create(object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": where}})
	role := documented(t)
	role["metadata"] = map[string]any{"name": user, "namespace": where}
	admin.Create(role)
	admin.Create(object.Object{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": map[string]any{"name": user, "namespace": where},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}},
	})
	ctx := t.Context()
	store := as(where)
	version, err := store.Put(ctx, "a/key", []byte(large(2)), "")
	for err != nil && strings.Contains(err.Error(), "forbidden") && ctx.Err() == nil {
		version, err = store.Put(ctx, "a/key", []byte(large(2)), "") // until the server goes by the binding
	}
	if err != nil {
		t.Fatal(err)
	}
	if version, err = store.Put(ctx, "a/key", []byte(large(3)), version); err != nil {
		t.Error(err)
	}
	if items, err := store.GetAll(ctx, "a"); err != nil || len(items) != 1 || string(items[0].Value) != large(3) {
		t.Errorf("GetAll: %d, %v", len(items), err)
	}
	if keys, err := store.List(ctx, ""); err != nil || len(keys) != 1 {
		t.Errorf("List: %q, %v", keys, err)
	}
	if err := store.Delete(ctx, "a/key", version); err != nil {
		t.Error(err)
	}

	if _, err := as("kube-public").Put(ctx, "key", nil, ""); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("Put without rights: %v", err)
	}

	// Whoever may make no namespace is told that there is none.
	proxy := faultproxy.Start(t, cluster.Kubeconfig)
	proxy.Add(faultproxy.Rule{Method: http.MethodPost, Name: "namespaces", Fault: faultproxy.Status(http.StatusForbidden, "Forbidden", "namespaces is forbidden")})
	none := open(t, proxy.Kubeconfig(t, faultproxy.User{Token: "any"}), where+"-none", "")
	if _, err := none.Put(ctx, "key", nil, ""); err == nil || !strings.Contains(err.Error(), `there is no namespace "`+where+`-none"`) || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("Put without a namespace: %v", err)
	}
}

// documented returns the Role that the documentation shows.
func documented(t *testing.T) object.Object {
	t.Helper()
	page, err := os.ReadFile("../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	role := object.Object{}
	if err := yaml.Unmarshal([]byte(block), &role); err != nil || role["kind"] != "Role" {
		t.Fatalf("the documentation shows no Role: %v\n%s", err, block)
	}
	return role
}

// TestOptions: names that cannot be are refused before anything is sent.
func TestOptions(t *testing.T) {
	t.Parallel()
	for _, options := range []kubernetes.Options{
		{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Namespace: "No"},
		{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Name: "a/b"},
		{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Name: strings.Repeat("a", 64)},
		{Config: &rest.Config{Host: "://"}},
	} {
		if _, err := kubernetes.New(options); err == nil {
			t.Errorf("%+v is accepted", options)
		}
	}
	// A server that was never there is not waited for.
	store, err := kubernetes.New(kubernetes.Options{Config: &rest.Config{Host: "https://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(t.Context(), "key"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("Get: %v", err)
	}
}
