package engine_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/state"
)

// held is the project that the corpus tries to get past, and lax one of the same name that
// lets everything pass: plans made with it are the plans of another way.
const (
	held = `project "web" {
  repositories = ["https://git.example.com/web/*", "!https://git.example.com/web/secret"]

  source {
    repositories = ["https://git.example.com/web/*"]
    paths        = ["app", "apps/*", "shared/**"]
  }
  source {
    repositories = ["https://git.example.com/web/*"]
    paths        = ["apps/root", "**/private"]
    deny         = true
  }
  destination {
    clusters   = [cluster.main]
    namespaces = ["web", "web-*", "!web-root"]
  }
  destination {
    clusters   = ["https://other.example.com"]
    namespaces = ["other"]
  }
  destination {
    clusters   = ["*"]
    namespaces = ["*-system", "web-closed"]
    deny       = true
  }
  cluster_resources {
    allow = ["Namespace", "rbac.authorization.k8s.io/ClusterRole:web-*", "example.com/Cluster*"]
    deny  = ["ClusterRole:web-admin"]
  }
  namespace_resources {
    deny = ["ResourceQuota", "networking.k8s.io/Ingress", "apps/DaemonSet", "Secret:root-*", "events.k8s.io/Event", "*.example.com/*"]
  }
}
`
	lax = `project "web" {
  cluster_resources {
    allow = ["*"]
  }
}
`
)

// twoClusters are clusters in memory, by their names.
type twoClusters map[string]*memory.Cluster

func (c twoClusters) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	return c[name], nil
}

// anywhere is a source that has the same files wherever it is asked to look.
type anywhere struct{ files fs.FS }

func (a anywhere) Open(_ context.Context, location source.Location) (*providers.Snapshot, error) {
	return &providers.Snapshot{Pin: source.Pin{Location: location, Resolved: strings.Repeat("a", 40)}, FS: a.files}, nil
}

// bypass is one way past a project.
type bypass struct {
	name string
	// objects are the application's; empty is one ConfigMap that is allowed.
	objects string
	// arguments are more of the application block, source and destination instead of its own.
	arguments, source, destination string
	files                          fs.FS  // of a repository
	want                           string // the summary of the refusal
	// planOnly: what is sent does not show it, and apply reads no source; or no rules let it be planned.
	planOnly bool
}

func (b bypass) bench(t *testing.T) (*enginetest.Bench, twoClusters) {
	t.Helper()
	pick := func(given, otherwise string) string {
		if given != "" {
			return given
		}
		return otherwise
	}
	bench := enginetest.New(t, map[string]string{
		"app/objects.yaml": pick(b.objects, oneMap("web", "web")),
		"app.gantry.hcl": fmt.Sprintf(`
cluster "main" {
  server = "https://main.example.com"
}
cluster "other" {
  server = "https://other.example.com"
}
application "web" {
  project = project.web
  %s
  source {
    %s
  }
  destination {
    %s
  }
}
`, b.arguments, pick(b.source, `path = "app"`), pick(b.destination, "cluster = cluster.main\n namespace = \"web\"")),
	})
	clusters := twoClusters{}
	for _, name := range []string{"main", "other"} {
		clusters[name] = memory.New(memory.Options{Name: name, Resource: engine.GuessResource})
	}
	bench.Wrap = func(providers.Clusters) providers.Clusters { return clusters }
	bench.Adapt = func(options *engine.Options) {
		files := b.files
		if files == nil {
			files = fstest.MapFS{"app/objects.yaml": {Data: []byte(oneMap("web", "web"))}, "apps/root/objects.yaml": {Data: []byte(oneMap("web", "web"))}}
		}
		options.Sources[source.Git] = anywhere{files}
	}
	return bench, clusters
}

func oneMap(namespace, name string) string {
	return inNamespace("v1", "ConfigMap", namespace, name)
}

func inNamespace(version, kind, namespace, name string) string {
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: %s, namespace: %s}\n", version, kind, name, namespace)
}

func clusterWide(version, kind, name string) string {
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: %s}\n", version, kind, name)
}

func hook(text, phase string) string {
	return strings.Replace(text, "metadata: {", "metadata: {annotations: {argocd.argoproj.io/hook: "+phase+"}, ", 1)
}

func wrapped(items ...string) string {
	out := "apiVersion: v1\nkind: List\nitems:\n"
	for _, item := range items {
		for i, line := range strings.Split(strings.TrimSpace(strings.TrimPrefix(item, "---\n")), "\n") {
			prefix := "  "
			if i == 0 {
				prefix = "- "
			}
			out += prefix + line + "\n"
		}
	}
	return out
}

func repository(url, path string) string { return fmt.Sprintf("url = %q\n path = %q", url, path) }

// linked is a repository in which an allowed folder has a link to one that is not.
func linked(t *testing.T) fs.FS {
	t.Helper()
	m := &tree.Memory{}
	for name, text := range map[string]string{"apps/web/kept.yaml": oneMap("web", "web"), "secret/objects.yaml": oneMap("web", "stolen")} {
		if err := m.AddFile(name, []byte(text), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.AddLink("apps/web/stolen.yaml", "../../secret/objects.yaml"); err != nil {
		t.Fatal(err)
	}
	return tree.New(m, 0)
}

func bypasses(t *testing.T) []bypass {
	const (
		kind, place, repo, path = "Kind not allowed", "Destination not allowed", "Repository not allowed", "Path not allowed"
	)
	at := func(cluster, namespace string) string {
		return fmt.Sprintf("cluster = cluster.%s\n namespace = %q", cluster, namespace)
	}
	kustomization := fstest.MapFS{
		"apps/web/kustomization.yaml": {Data: []byte("resources: [../../secret]\n")},
		"secret/kustomization.yaml":   {Data: []byte("resources: [objects.yaml]\n")},
		"secret/objects.yaml":         {Data: []byte(oneMap("web", "stolen"))},
	}
	out := []bypass{
		{name: "denied kind", objects: inNamespace("v1", "ResourceQuota", "web", "q"), want: kind},
		{name: "denied kind beside an allowed one", objects: oneMap("web", "a") + inNamespace("v1", "ResourceQuota", "web", "q"), want: kind},
		{name: "denied kind in a List", objects: wrapped(inNamespace("v1", "ResourceQuota", "web", "q")), want: kind},
		{name: "denied kind at the end of a List", objects: wrapped(oneMap("web", "a"), inNamespace("v1", "ResourceQuota", "web", "q")), want: kind},
		{name: "denied kind in a List in a document behind another", objects: oneMap("web", "a") + "---\n" + wrapped(inNamespace("v1", "ResourceQuota", "web", "q")), want: kind},
		{name: "denied kind in a typed List", objects: "apiVersion: v1\nkind: ResourceQuotaList\nitems:\n- apiVersion: v1\n  kind: ResourceQuota\n  metadata: {name: q}\n", want: kind},
		{name: "denied kind in a List in a List", objects: wrapped(wrapped(inNamespace("v1", "ResourceQuota", "web", "q"))), want: kind},
		{name: "denied kind as a hook before", objects: hook(inNamespace("v1", "ResourceQuota", "web", "q"), "PreSync"), want: kind},
		{name: "denied kind as a hook after", objects: hook(inNamespace("v1", "ResourceQuota", "web", "q"), "PostSync"), want: kind},
		{name: "denied kind as a hook of failure", objects: oneMap("web", "a") + hook(inNamespace("v1", "ResourceQuota", "web", "q"), "SyncFail"), want: kind},
		{name: "denied kind as a hook of several phases", objects: hook(inNamespace("v1", "ResourceQuota", "web", "q"), `"PreSync,PostSync"`), want: kind},
		{name: "denied kind of a generated name", objects: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {generateName: q-, annotations: {argocd.argoproj.io/hook: PreSync}}\n", want: kind},
		{name: "denied kind under another API version", objects: inNamespace("networking.k8s.io/v1beta1", "Ingress", "web", "i"), want: kind},
		{name: "denied kind under the group that it came from", objects: inNamespace("extensions/v1beta1", "Ingress", "web", "i"), want: kind},
		{name: "denied workload under the group that it came from", objects: inNamespace("extensions/v1beta1", "DaemonSet", "web", "d"), want: kind},
		{name: "denied event under the core group", objects: inNamespace("v1", "Event", "web", "e"), want: kind},
		{name: "denied group behind another label", objects: inNamespace("team.example.com/v1", "Widget", "web", "w"), want: kind},
		{name: "denied name of a Secret", objects: inNamespace("v1", "Secret", "web", "root-token"), want: kind},
		{name: "denied name in a List", objects: wrapped(inNamespace("v1", "Secret", "web", "root-token")), want: kind},
		{name: "denied name as a hook", objects: hook(inNamespace("v1", "Secret", "web", "root-token"), "PreSync"), want: kind},
		{name: "cluster role binding", objects: clusterWide("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "web-all"), want: kind},
		{name: "cluster role binding with a namespace", objects: inNamespace("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "web", "web-all"), want: kind},
		{name: "cluster role binding in a List", objects: wrapped(clusterWide("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "web-all")), want: kind},
		{name: "cluster role binding as a hook", objects: hook(clusterWide("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "web-all"), "PreSync"), want: kind},
		{name: "cluster role of another name", objects: clusterWide("rbac.authorization.k8s.io/v1", "ClusterRole", "admin"), want: kind},
		{name: "cluster role of a denied name", objects: clusterWide("rbac.authorization.k8s.io/v1", "ClusterRole", "web-admin"), want: kind},
		{name: "cluster role of an allowed name in another group", objects: clusterWide("example.com/v1", "ClusterRole", "web-admin"), want: kind},
		{name: "definition of a kind", objects: "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.team.example.org}\nspec: {group: team.example.org, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n", want: kind},
		{name: "webhook", objects: clusterWide("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "w"), want: kind},
		{name: "persistent volume", objects: clusterWide("v1", "PersistentVolume", "v"), want: kind},
		{name: "node", objects: clusterWide("v1", "Node", "node-a"), want: kind},
		{name: "group that looks like an allowed one", objects: clusterWide("team-example.com/v1", "ClusterThing", "c"), want: kind},
		{name: "group that ends like an allowed one", objects: clusterWide("x.example.com/v1", "ClusterThing", "c"), want: kind},
		{name: "API service", objects: clusterWide("apiregistration.k8s.io/v1", "APIService", "v1.example.com"), want: kind},

		{name: "object in another namespace", objects: oneMap("kube-system", "c"), want: place},
		{name: "object in another namespace, in a List", objects: wrapped(oneMap("kube-system", "c")), want: place},
		{name: "object in another namespace as a hook", objects: hook(oneMap("kube-system", "c"), "PreSync"), want: place},
		{name: "object in another namespace behind one that is allowed", objects: oneMap("web", "a") + oneMap("default", "c"), want: place},
		{name: "object in a namespace of another cluster's", objects: oneMap("other", "c"), want: place},
		{name: "object in a namespace that is denied by name", objects: oneMap("web-root", "c"), want: place},
		{name: "object in a namespace that is denied by a block", objects: oneMap("web-closed", "c"), want: place},
		{name: "object in a namespace that is denied by a pattern", objects: oneMap("web-system", "c"), want: place},
		{name: "object in a namespace that begins like an allowed one", objects: oneMap("website", "c"), want: place},
		{name: "object in a namespace in capitals", objects: oneMap("WEB", "c"), want: place},
		{name: "role binding in another namespace", objects: inNamespace("rbac.authorization.k8s.io/v1", "RoleBinding", "default", "r"), want: place},
		{name: "namespace that is not allowed", objects: clusterWide("v1", "Namespace", "default"), want: place},
		{name: "namespace that is denied", objects: clusterWide("v1", "Namespace", "kube-system"), want: place},
		{name: "namespace that is denied, as a hook", objects: hook(clusterWide("v1", "Namespace", "kube-system"), "PreSync"), want: place},
		{name: "namespace that a hook makes, and what is in it", objects: hook(clusterWide("v1", "Namespace", "web-closed"), "PreSync") + oneMap("web-closed", "c"), want: place},
		{name: "namespace that is made for the application", arguments: "sync {\n create_namespace = true\n}", destination: at("main", "default"), want: place},
		{name: "destination's namespace", destination: at("main", "default"), objects: clusterWide("v1", "ConfigMap", "c"), want: place},
		{name: "destination's namespace, denied", destination: at("main", "web-root"), objects: clusterWide("v1", "ConfigMap", "c"), want: place},
		{name: "destination's namespace, denied by a block", destination: at("main", "kube-system"), objects: clusterWide("v1", "ConfigMap", "c"), want: place},
		{name: "another cluster, in a namespace of this one's", destination: at("other", "web"), want: place},
		{name: "another cluster, its objects in a namespace of this one's", destination: at("other", "other"), want: place},
		{name: "no namespace, and an object that names another", destination: "cluster = cluster.main", objects: oneMap("default", "c"), want: place},

		{name: "another repository", source: repository("https://git.example.com/team/app", "app"), want: repo},
		{name: "denied repository", source: repository("https://git.example.com/web/secret", "app"), want: repo},
		{name: "denied repository with .git", source: repository("https://git.example.com/web/secret.git", "app"), want: repo},
		{name: "denied repository in capitals", source: repository("https://git.example.com/web/SECRET", "app"), want: repo},
		{name: "denied repository with a slash", source: repository("https://git.example.com/web/secret/", "app"), want: repo},
		{name: "denied repository with two slashes", source: repository("https://git.example.com/web//secret", "app"), want: repo},
		{name: "denied repository with its port", source: repository("https://git.example.com:443/web/secret", "app"), want: repo},
		{name: "denied repository by a host with a dot", source: repository("https://git.example.com./web/secret", "app"), want: repo},
		{name: "denied repository with an encoded letter", source: repository("https://git.example.com/web/%73ecret", "app"), want: repo},
		{name: "repository by a way up", source: repository("https://git.example.com/web/x/../../team", "app"), want: repo},
		{name: "repository by an encoded slash", source: repository("https://git.example.com/web/x%2f..%2f..%2fteam", "app"), want: repo},
		{name: "repository a level deeper", source: repository("https://git.example.com/web/deep/app", "app"), want: repo},
		{name: "repository of a host that begins so", source: repository("https://git.example.com.evil.example/web/app", "app"), want: repo},
		{name: "repository of a host in a path", source: repository("https://evil.example/git.example.com/web/app", "app"), want: repo},
		{name: "repository by another protocol", source: repository("http://git.example.com/web/app", "app"), want: repo},
		{name: "repository on another port", source: repository("https://git.example.com:8443/web/app", "app"), want: repo},
		{name: "repository by ssh", source: repository("ssh://git@git.example.com/web/app", "app"), want: repo},
		{name: "repository by ssh, in short", source: repository("git@git.example.com:web/app", "app"), want: repo},
		{name: "repository of this machine", source: repository("file:///srv/git/web/app", "app"), want: repo},
		{name: "second source from elsewhere", source: "path = \"app\"\n }\n source {\n" + repository("https://git.example.com/team/app", "app"), want: repo, planOnly: true},

		{name: "another path", source: repository("https://git.example.com/web/app", "secret"), files: kustomization, want: path},
		{name: "the root", source: `url = "https://git.example.com/web/app"`, want: path, planOnly: true},
		{name: "denied path", source: repository("https://git.example.com/web/app", "apps/root"), want: path},
		{name: "path below a denied one", source: repository("https://git.example.com/web/app", "apps/root/deeper"), files: fstest.MapFS{"apps/root/deeper/o.yaml": {Data: []byte(oneMap("web", "w"))}}, want: path},
		{name: "path that is denied wherever it is", source: repository("https://git.example.com/web/app", "shared/a/private"), files: fstest.MapFS{"shared/a/private/o.yaml": {Data: []byte(oneMap("web", "w"))}}, want: path},
		{name: "path that begins like an allowed one", source: repository("https://git.example.com/web/app", "apps2"), files: fstest.MapFS{"apps2/o.yaml": {Data: []byte(oneMap("web", "w"))}}, want: path},
		{name: "file of another path by a kustomization", source: repository("https://git.example.com/web/app", "apps/web"), files: kustomization, want: path, planOnly: true},
		{name: "file of another path by a link", source: repository("https://git.example.com/web/app", "apps/web"), files: linked(t), want: path, planOnly: true},
		{name: "file of a denied path below an allowed one", source: repository("https://git.example.com/web/app", "shared") + "\n manifests {\n recurse = true\n}", files: fstest.MapFS{"shared/private/o.yaml": {Data: []byte(oneMap("web", "w"))}}, want: path, planOnly: true},
	}
	return out
}

// Every way past a project is refused when it is planned, and when a plan is applied that
// was made where the project allows everything: with the rules back in it, with none, and
// by the rules that stand where it is applied. Nothing is sent to a cluster.
func TestProjectBypasses(t *testing.T) {
	t.Parallel()
	applied := 0
	cases := bypasses(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, clusters := c.bench(t)
			b.Write(t, map[string]string{"project.gantry.hcl": held})
			guards := guardsOf(t, b)
			p, diags := b.Plan(t, engine.PlanOptions{})
			wantRefusal(t, diags, c.want)
			if p != nil && p.HasChanges() {
				t.Errorf("it is planned: %+v", p.Applications)
			}
			if p != nil && len(p.Problems) > 0 && p.Problems[0].Summary == c.want && (p.Problems[0].Range == "" || !strings.Contains(p.Problems[0].Rule, "project.gantry.hcl:")) {
				t.Errorf("the refusal does not say of which source, and by which rule: %+v", p.Problems[0])
			}
			if c.planOnly {
				return
			}
			b.Write(t, map[string]string{"project.gantry.hcl": lax})
			forged, diags := b.Plan(t, engine.PlanOptions{})
			if forged == nil || diags.HasErrors() || !forged.HasChanges() {
				t.Fatalf("nothing can be planned of it, whatever the rules: %v", diags)
			}
			applied++
			by := state.Holder{Who: "test"}
			_, diags = b.Engine().Apply(t.Context(), forged, engine.ApplyOptions{By: by, Guards: guards})
			wantRefusal(t, diags, c.want)
			with := *forged
			with.Projects = guards.Projects
			_, diags = b.Engine().Apply(t.Context(), &with, engine.ApplyOptions{By: by})
			wantRefusal(t, diags, c.want)
			without := *forged
			without.Projects = nil
			_, diags = b.Engine().Apply(t.Context(), &without, engine.ApplyOptions{By: by})
			wantRefusal(t, diags, "Rules of project are missing")
			for name, cluster := range clusters {
				wantNothingWritten(t, name, cluster)
			}
		})
	}
	if len(cases) < 60 || applied < 60 {
		t.Errorf("%d cases, of which %d were tried at apply; there are to be at least 60", len(cases), applied)
	}
}

func guardsOf(t *testing.T, b *enginetest.Bench) *engine.Guards {
	t.Helper()
	module, diags := lang.Load(b.Dir, lang.LoadOptions{})
	enginetest.Check(t, diags)
	config, diags := module.Evaluate(t.Context(), lang.EvalOptions{})
	enginetest.Check(t, diags)
	return engine.GuardsOf(config)
}

func wantRefusal(t *testing.T, diags hcl.Diagnostics, want string) {
	t.Helper()
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError && diag.Summary == want {
			return
		}
	}
	t.Errorf("it is not refused as %q: %v", want, diags)
}

func wantNothingWritten(t *testing.T, name string, cluster *memory.Cluster) {
	t.Helper()
	for verb, n := range cluster.Requests() {
		switch strings.ToLower(verb) {
		case "get", "list", "watch", "discovery", "dryrun", "openapi":
		default:
			t.Errorf("cluster %s was sent %d of %s", name, n, verb)
		}
	}
}
