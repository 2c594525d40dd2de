package engine_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// realworld returns where configurations are that nobody here wrote.
func realworld(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("GANTRY_REALWORLD")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "realworld")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the configurations are not here: set GANTRY_REALWORLD (%s)", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// estate is one configuration to take through its life.
type estate struct {
	name   string
	repo   string // folder below realworld, served as a git repository
	source string // what follows url in the source block
	// own gives it a cluster of its own: it has admission webhooks, or objects of
	// the cluster's scope that another has too.
	own   bool
	extra string // more blocks
}

var estates = []estate{
	{name: "guestbook", repo: "argocd-example-apps", source: `path = "guestbook"`},
	{name: "helm-guestbook", repo: "argocd-example-apps", source: `path = "helm-guestbook"`},
	{name: "kustomize-guestbook", repo: "argocd-example-apps", source: `path = "kustomize-guestbook"`},
	{name: "jsonnet-guestbook", repo: "argocd-example-apps", source: `path = "jsonnet-guestbook"`},
	{name: "jsonnet-guestbook-tla", repo: "argocd-example-apps", source: `
		path = "jsonnet-guestbook-tla"
		jsonnet {
		  top_level_arguments = { name = "from-gantry" }
		  top_level_code      = { replicas = "2" }
		}`},
	{name: "sock-shop", repo: "argocd-example-apps", source: `path = "sock-shop"`},
	{name: "sync-waves", repo: "argocd-example-apps", source: `path = "sync-waves"`},
	{name: "pre-post-sync", repo: "argocd-example-apps", source: `path = "pre-post-sync"`},
	{name: "helm-hooks", repo: "argocd-example-apps", source: `path = "helm-hooks"`},
	{name: "podinfo-chart", repo: "podinfo", source: `
		path = "charts/podinfo"
		helm {
		  values = { replicaCount = 2, ingress = { enabled = true } }
		}`},
	{name: "podinfo-kustomize", repo: "podinfo", source: `path = "kustomize"`},
	{name: "microservices-manifests", repo: "microservices-demo", source: `
		path = "release"
		manifests { include = "kubernetes-manifests.yaml" }`},
	{name: "microservices-chart", repo: "microservices-demo", source: `path = "helm-chart"`},
	{name: "microservices-kustomize", repo: "microservices-demo", source: `
		path = "kustomize"
		kustomize {
		  components = ["components/network-policies", "components/without-loadgenerator"]
		}`},
	{name: "kube-state-metrics", repo: "prometheus-community", source: `path = "charts/kube-state-metrics"`},
	{name: "alertmanager", repo: "prometheus-community", source: `path = "charts/alertmanager"`},
	{name: "prometheus-node-exporter", repo: "prometheus-community", source: `path = "charts/prometheus-node-exporter"`},
	{name: "ingress-nginx", repo: "ingress-nginx", source: `path = "charts/ingress-nginx"`, own: true},
	{name: "prometheus-operator-crds", repo: "prometheus-community", own: true, source: `
		path = "charts/prometheus-operator-crds"`, extra: `
		application "rule" {
		  source {
		    objects = [{
		      apiVersion = "monitoring.coreos.com/v1"
		      kind       = "PrometheusRule"
		      metadata   = { name = "example" }
		      spec = { groups = [{ name = "example", rules = [{ alert = "Watchdog", expr = "vector(1)" }] }] }
		    }]
		  }
		  destination {
		    cluster   = cluster.local
		    namespace = "prometheus-operator-crds"
		  }
		  depends_on = [application.estate]
		}`},
}

// TestRealWorld takes every configuration through its life: planned, applied
// until healthy, planned again to nothing, destroyed, and planned again as new.
func TestRealWorld(t *testing.T) {
	t.Parallel()
	root := realworld(t)
	rows := make([]string, len(estates))
	t.Cleanup(func() { checkTable(t, rows) })
	for i, e := range estates {
		t.Run(e.name, func(t *testing.T) {
			cluster := clustertest.Shared(t)
			if e.own {
				cluster = clustertest.Own(t)
			}
			b := enginetest.New(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(`
				cluster "local" {
				  kubeconfig = %q
				}
				application "estate" {
				  name = %q
				  source {
				    url = %q
				    %s
				  }
				  destination {
				    cluster   = cluster.local
				    namespace = %q
				  }
				  sync {
				    create_namespace = true
				  }
				}
				%s`, cluster.Kubeconfig, e.name, enginetest.Repository(t, filepath.Join(root, e.repo)), e.source, e.name, e.extra)})

			var done told
			b.Events = done.event
			first := b.MustApply(t, engine.PlanOptions{})
			b.Events = nil
			done.inOrder(t, first)
			if n := first.Counts()[plan.Create]; n == 0 {
				t.Fatalf("the first plan creates nothing: %v", first.Counts())
			}
			expectHealthy(t, cluster, first)
			second := b.MustPlan(t, engine.PlanOptions{})
			expectNothing(t, second)
			rows[i] = fmt.Sprintf("| %s | `%s` | %d | %d | %d |", e.name, e.repo, first.Counts()[plan.Create], first.Counts()[plan.Run], second.Counts()[plan.Unchanged])

			gone := b.MustApply(t, engine.PlanOptions{Destroy: true})
			if n := gone.Counts()[plan.Prune]; n == 0 {
				t.Fatalf("destroying prunes nothing: %v", gone.Counts())
			}
			if again := b.MustPlan(t, engine.PlanOptions{Destroy: true}); again.HasChanges() {
				t.Errorf("after destroying there is more to destroy: %v", again.Counts())
			}
		})
	}
}

// table is the page of the documentation that tells what TestRealWorld saw.
var table = filepath.Join("..", "docs", "real-configurations.md")

const tableHead = "| configuration | from | created | hooks run | unchanged when planned again |\n|---|---|---|---|---|\n"

// checkTable compares the rows of a whole run with the documentation; with -update
// it writes them there.
func checkTable(t *testing.T, rows []string) {
	if t.Failed() || slices.Contains(rows, "") {
		return // not everything was run
	}
	have, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(have), tableHead)
	if !found {
		t.Fatalf("%s has no table that begins %q", table, tableHead)
	}
	want := before + tableHead + strings.Join(rows, "\n") + "\n"
	if string(have) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what was seen; run this test with -update", table)
	}
	if err := os.WriteFile(table, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

var update = flag.Bool("update", false, "rewrite the tables in docs")

// expectHealthy fails the test if something that a plan wrote is not healthy once
// its apply has ended. An autoscaler has no metrics here.
func expectHealthy(t *testing.T, c clustertest.Cluster, p *plan.Plan) {
	t.Helper()
	cluster, err := kubernetes.New(kubernetes.Options{}).Connect("local", target.Connection{Kubeconfig: c.Kubeconfig}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Applications {
		for _, change := range p.Applications[i].Changes {
			if change.Hook != nil || change.ID.Kind == "HorizontalPodAutoscaler" {
				continue
			}
			resource := providers.Resource{GVK: change.GVK(), Plural: change.Plural, Namespaced: change.Namespaced}
			live, err := cluster.Get(t.Context(), resource, change.ID.Namespace, change.ID.Name)
			if err != nil {
				t.Errorf("%s: %v", change.ID, err)
				continue
			}
			if ready := health.Ready(live); !ready.Done {
				t.Errorf("%s is not healthy after the apply: %s", change.ID, ready.Message)
			}
		}
	}
}

// expectNothing fails the test if a plan changes anything, and says what.
func expectNothing(t *testing.T, p *plan.Plan) {
	t.Helper()
	if !p.HasChanges() {
		return
	}
	var lines []string
	for i := range p.Applications {
		for _, c := range p.Applications[i].Changes {
			if c.Action == plan.Unchanged {
				continue
			}
			line := fmt.Sprintf("%s %s: %s", c.Action, c.ID, c.Reason)
			for _, f := range c.Fields {
				line += fmt.Sprintf("\n    %s %s: %v -> %v (drift %v, server %v, owned %v)", f.Kind, f.Path, f.Before, f.After, f.Drift, f.Server, f.Owned)
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	t.Fatalf("planned again, there is something to do:\n%s", strings.Join(lines, "\n"))
}
