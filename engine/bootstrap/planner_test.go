package bootstrap_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/bootstrap"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

const extra = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: one}
spec: {size: 1}
---
apiVersion: v1
kind: Secret
metadata: {name: first}
stringData: {password: one}
---
apiVersion: v1
kind: Secret
metadata: {name: second}
stringData: {password: two}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer}
rules: [{apiGroups: [""], resources: [secrets], verbs: ["*"]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: shop-policy}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [gadgets]}]}
  validations: [{expression: "true"}]
`

const configuration = `
cluster "main" {
  kubeconfig = "./kubeconfig"
}

health "apps/*" { # no node runs them here
  also    = ["*/Service", "example.com/Widget"]
  status  = "healthy"
}

application "shop" {
  source {
    path = "./shop"
    manifests {
      recurse = true
      exclude = "kustomization.yaml"
    }
  }
  destination {
    cluster   = cluster.main
    namespace = "shop"
  }
  sync {
    create_namespace = true
  }
}
`

// estate is a configuration on a cluster of its own, with the realworld shop in it.
type estate struct {
	*enginetest.Bench
	t          *testing.T
	admin      *api
	kubeconfig string
	cluster    clustertest.Cluster
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	root := os.Getenv("GANTRY_REALWORLD")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "realworld")
	}
	shop := filepath.Join(root, "microservices-demo", "kubernetes-manifests")
	if _, err := os.Stat(shop); err != nil {
		t.Skipf("the realworld configurations are not here: %v", err)
	}
	cluster := clustertest.Own(t, clustertest.ControlPlaneOnly())
	e := &estate{
		Bench: enginetest.New(t, map[string]string{"shop/extra.yaml": extra}), t: t,
		admin: admin(t, cluster.Kubeconfig), kubeconfig: cluster.Kubeconfig, cluster: cluster,
	}
	files, err := filepath.Glob(filepath.Join(shop, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e.Write(t, map[string]string{"shop/" + filepath.Base(file): string(text)})
	}
	e.use(cluster.Kubeconfig)
	return e
}

// use has the configuration reach the cluster as somebody, by the same file for all.
func (e *estate) use(kubeconfig string) {
	e.t.Helper()
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		e.t.Fatal(err)
	}
	e.Write(e.t, map[string]string{"main.gantry.hcl": configuration, "kubeconfig": string(text)})
}

// bootstrap applies the rights that an administrator prints.
func (e *estate) bootstrap() {
	e.t.Helper()
	e.use(e.kubeconfig)
	g := e.Engine()
	config, diags := e.Config(e.t, g)
	enginetest.Check(e.t, diags)
	made, diags := g.Plan(e.t.Context(), config, engine.PlanOptions{})
	enginetest.Check(e.t, diags)
	served, err := g.Served(e.t.Context(), config.Clusters[0])
	if err != nil {
		e.t.Fatal(err)
	}
	wanted := bootstrap.Of(made, "main")
	objects, err := bootstrap.Objects(bootstrap.Options{
		Name: "gantry", Planner: bootstrap.Identity{ServiceAccount: "gantry/planner"}, Applier: bootstrap.Identity{ServiceAccount: "gantry/applier"},
		Kinds: wanted.Kinds, Secrets: wanted.Secrets, Served: served.Kinds, Extensions: served.Extensions, StateNamespace: "gantry",
	})
	if err != nil {
		e.t.Fatal(err)
	}
	writer := e.cluster.As(e.t, "admin")
	for _, o := range objects {
		writer.Apply(o)
	}
	if got := strings.Join(wanted.Unknown, " "); got != "" {
		e.t.Errorf("unknown kinds: %s", got)
	}
}

// settled waits until the server goes by the policy and the roles.
func (e *estate) settled(planner *api) {
	e.t.Helper()
	said := ""
	for range 600 {
		time.Sleep(100 * time.Millisecond) // between two questions
		var status int
		status, said = planner.send(e.t.Context(), http.MethodPatch, "/api/v1/namespaces/default/configmaps/probe?fieldManager=probe&dryRun=All", apply, configMap("default", "probe"))
		if status >= 300 {
			continue
		}
		if status, text := planner.send(e.t.Context(), http.MethodPatch, "/api/v1/namespaces/default/configmaps/probe?fieldManager=probe", apply, configMap("default", "probe")); status == http.StatusForbidden && strings.Contains(text, "this identity plans") {
			e.admin.send(e.t.Context(), http.MethodDelete, "/api/v1/namespaces/default/configmaps/probe", "", nil)
			return
		}
	}
	e.t.Fatalf("the server does not go by the printed rights: %s", said)
}

const apply = "application/apply-patch+yaml"

func configMap(namespace, name string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": namespace, "name": name}, "data": map[string]any{"a": "b"}}
}

// TestPlanner: with the printed rights, the planner plans all of an estate and the applier
// applies it; and nothing that the planner tries writes.
func TestPlanner(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	e.bootstrap()
	planner := e.admin.as("gantry", "planner")
	e.settled(planner)

	e.use(planner.kubeconfig())
	before := e.admin.everything()
	first := e.MustPlan(t, engine.PlanOptions{})
	same(t, before, e.admin.everything(), "planning")
	wantNoBlocked(t, first)
	applier := e.admin.as("gantry", "applier")
	e.use(applier.kubeconfig())
	_, diags := e.Apply(t.Context(), t, first)
	enginetest.Check(t, diags)

	e.bootstrap() // now that the namespace is there
	shop := addr.Address{Kind: "application", Name: "shop"}
	e.Write(t, map[string]string{"shop/extra.yaml": strings.NewReplacer("password: two", "password: three", `resources: [secrets]`, `resources: [secrets, pods]`, `"true"`, `"1 == 1"`, "size: 1", "size: 2").Replace(extra)})
	e.use(planner.kubeconfig())
	var second *plan.Plan
	for range 50 { // until the server goes by the new role
		second = e.MustPlan(t, engine.PlanOptions{})
		if c := enginetest.Change(second, shop, "Secret shop/second"); c != nil && !c.Predicted {
			break
		}
	}
	wantNoBlocked(t, second)
	for id, want := range map[string]string{
		"Secret shop/first":                                                  "unchanged false ",
		"Secret shop/second":                                                 "update false server",
		"Widget.example.com shop/one":                                        "update false server",
		"Role.rbac.authorization.k8s.io shop/writer":                         "update true schema",
		"Deployment.apps shop/frontend":                                      "unchanged false ",
		"ValidatingAdmissionPolicy.admissionregistration.k8s.io shop-policy": "update true schema",
	} {
		c := enginetest.Change(second, shop, id)
		if c == nil {
			t.Errorf("%s is not in the plan", id)
			continue
		}
		if got := fmt.Sprintf("%s %v %s", c.Action, c.Predicted, c.Validation); got != want {
			t.Errorf("%s: %s (%s), want %s", id, got, c.Reason, want)
		}
		if c.Predicted && !strings.Contains(c.Reason, "who plans may not ask the server about it") {
			t.Errorf("%s: %s", id, c.Reason)
		}
	}
	e.attempts(planner)
	e.use(applier.kubeconfig())
	_, diags = e.Apply(t.Context(), t, second)
	enginetest.Check(t, diags)
}

func wantNoBlocked(t *testing.T, p *plan.Plan) {
	t.Helper()
	for _, app := range p.Applications {
		for _, problem := range app.Blocked {
			t.Errorf("%s: %s: %s", app.Address, problem.Summary, problem.Detail)
		}
		for _, c := range app.Changes {
			if c.Action == plan.Blocked {
				t.Errorf("%s: %s", c.ID, c.Reason)
			}
		}
	}
}

func same(t *testing.T, before, after map[string]string, doing string) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s wrote to the cluster:\n%s", doing, diff)
	}
}
