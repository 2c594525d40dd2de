package guard_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

func production() *plan.Project {
	return &plan.Project{
		Address:      address("production"),
		Repositories: []string{"https://git.example.com/org/*", "!https://git.example.com/org/secret", "oci://registry.example.com/**"},
		Destinations: []plan.Destination{
			{Clusters: []string{"prod-*", "!prod-test"}, Namespaces: []string{"*", "!kube-*"}},
			{Clusters: []string{"https://10.0.0.1:6443"}, Namespaces: []string{"kube-system"}},
		},
		ClusterResources:   plan.ResourceRules{Allow: []string{"Namespace:web-*", "rbac.authorization.k8s.io/ClusterRole*"}},
		NamespaceResources: plan.ResourceRules{Deny: []string{"ResourceQuota", "*.example.com/*:root"}},
	}
}

func details(problems []plan.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Summary + ": " + p.Detail + "\n")
	}
	return b.String()
}

func TestSource(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"https://git.example.com/org/web.git", ""},
		{"oci://registry.example.com/charts/deep/web", ""},
		{"https://git.example.com/org/team/web", `Repository not allowed: project.production does not allow the repository "https://git.example.com/org/team/web"; its repositories are "https://git.example.com/org/*", "!https://git.example.com/org/secret", "oci://registry.example.com/**". Add it there to allow it.` + "\n"},
		{"https://git.example.com/org/secret", `Repository not allowed: project.production denies the repository "https://git.example.com/org/secret": repositories has "!https://git.example.com/org/secret".` + "\n"},
		{"https://me:hunter2@git.example.com/other", `Repository not allowed: project.production does not allow the repository "https://git.example.com/other"; its repositories are "https://git.example.com/org/*", "!https://git.example.com/org/secret", "oci://registry.example.com/**". Add it there to allow it.` + "\n"},
	} {
		got := guard.Compile(production()).Repository(source.Location{Type: source.Git, URL: c.url})
		if d := cmp.Diff(c.want, details(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.url, d)
		}
	}
	if got := guard.Compile(production()).Repository(source.Location{Type: source.Directory, URL: "./manifests"}); got != nil {
		t.Errorf("a directory beside the configuration: %v", got)
	}
	if got := guard.Compile(nil).Repository(source.Location{Type: source.Git, URL: "https://git.example.com/x"}); got != nil {
		t.Errorf("without a project: %v", got)
	}
}

func TestDestination(t *testing.T) {
	const others = `its destinations are clusters ["prod-*", "!prod-test"] with namespaces ["*", "!kube-*"]; clusters ["https://10.0.0.1:6443"] with namespaces ["kube-system"]. Add a destination block to it to allow it.` + "\n"
	for _, c := range []struct{ cluster, server, namespace, want string }{
		{"prod-eu", "https://eu.example.com", "web", ""},
		{"prod-eu", "https://eu.example.com", "", ""},
		{"any", "https://10.0.0.1:6443", "kube-system", ""},
		{"prod-eu", "https://eu.example.com", "kube-system", `Destination not allowed: project.production denies the namespace "kube-system" in the cluster "prod-eu": destination.namespaces has "!kube-*".` + "\n"},
		{"prod-test", "https://10.0.0.1:6443", "kube-system", `Destination not allowed: project.production denies the cluster "prod-test": destination.clusters has "!prod-test".` + "\n"},
		{"staging", "https://st.example.com", "web", `Destination not allowed: project.production does not allow the namespace "web" in the cluster "staging"; ` + others},
		{"staging", "https://st.example.com", "", `Destination not allowed: project.production does not allow the cluster "staging"; ` + others},
	} {
		got := guard.Compile(production()).Destination(c.cluster, c.server, c.namespace)
		if d := cmp.Diff(c.want, details(got)); d != "" {
			t.Errorf("%s %s %s (-want +got):\n%s", c.cluster, c.server, c.namespace, d)
		}
	}
}

func TestObject(t *testing.T) {
	for _, c := range []struct {
		id         string
		namespaced bool
		want       string
	}{
		{"Deployment.apps web/web", true, ""},
		{"Namespace web-a", false, ""},
		{"ClusterRoleBinding.rbac.authorization.k8s.io web", false, ""},
		{"Widget.example.com web/root", true, ""},
		{"Widget.team.example.com web/other", true, ""},
		{"ConfigMap kube-system/x", true, `Destination not allowed: project.production denies the namespace "kube-system" in the cluster "prod-eu": destination.namespaces has "!kube-*".` + "\n"},
		{"ResourceQuota web/x", true, `Kind not allowed: project.production denies ResourceQuota web/x: namespace_resources.deny has "ResourceQuota".` + "\n"},
		{"Widget.team.example.com web/root", true, `Kind not allowed: project.production denies Widget.team.example.com web/root: namespace_resources.deny has "*.example.com/*:root".` + "\n"},
		{"Namespace other", false, `Kind not allowed: project.production does not allow the cluster-scoped object Namespace other; its cluster_resources.allow is "Namespace:web-*", "rbac.authorization.k8s.io/ClusterRole*". Add "Namespace" there to allow it.` + "\n"},
		{"StorageClass.storage.k8s.io fast", false, `Kind not allowed: project.production does not allow the cluster-scoped object StorageClass.storage.k8s.io fast; its cluster_resources.allow is "Namespace:web-*", "rbac.authorization.k8s.io/ClusterRole*". Add "storage.k8s.io/StorageClass" there to allow it.` + "\n"},
	} {
		id, err := object.ParseID(c.id)
		if err != nil {
			t.Fatal(err)
		}
		got := guard.Compile(production()).Object(id, c.namespaced, "prod-eu", "https://eu.example.com")
		if d := cmp.Diff(c.want, details(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.id, d)
		}
		for _, p := range got {
			if p.Object == nil || *p.Object != id || p.Address != address("production") {
				t.Errorf("%s: the problem does not say of what: %+v", c.id, p)
			}
		}
	}
}

func TestNothingWritten(t *testing.T) {
	p := &plan.Project{Address: address("p")}
	id := object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"}
	if got := guard.Compile(p).Object(id, true, "c", ""); got != nil {
		t.Errorf("namespaced: %v", got)
	}
	got := details(guard.Compile(p).Object(object.ID{Kind: "Namespace", Name: "web"}, false, "c", ""))
	if want := `its cluster_resources.allow is empty. Add "Namespace" there`; !strings.Contains(got, want) {
		t.Errorf("cluster-scoped: %q does not say %q", got, want)
	}
	p.NamespaceResources.Allow = []string{}
	if guard.Compile(p).Object(id, true, "c", "") == nil {
		t.Error("an empty list allows nothing")
	}
}

func TestInvalidPattern(t *testing.T) {
	p := &plan.Project{Address: address("p"), Repositories: []string{"*", "!https://["}}
	got := guard.Compile(p).Repository(source.Location{Type: source.Git, URL: "https://git.example.com/x"})
	if len(got) != 1 || got[0].Summary != "Invalid pattern in project" {
		t.Errorf("a denial that cannot be read must refuse: %v", got)
	}
}
