package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

func deployment(name, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
spec:
  replicas: 4
  selector:
    matchLabels: {app: %[1]s}
  template:
    metadata:
      labels: {app: %[1]s}
    spec:
      containers:
      - name: app
        image: %[2]s
        env:
        - name: MODE
          valueFrom: {configMapKeyRef: {name: settings, key: mode}}
`, name, image)
}

// codes lists the risks of the only application of a plan, with their objects' names.
func codes(p *plan.Plan) []string {
	var out []string
	for _, r := range p.Applications[0].Risks {
		name := "-"
		if r.Object != nil {
			name = r.Object.Name
		}
		out = append(out, fmt.Sprintf("%s %s %s", r.Severity, r.Code, name))
	}
	return out
}

func wantCodes(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	if got := codes(p); !slices.Equal(got, want) {
		t.Errorf("risks:\n%s\nexpected:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestRisks plans what is risky on a real cluster: with budgets, Services and readers
// of configuration that the plan does not have, which only lists can tell of.
func TestRisks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	settings := func(mode string) string { return configMap("settings", "mode="+mode) }
	s.application(t, "web", createNamespace, settings("slow"), deployment("web", "example.com/web:1"), deployment("old", "example.com/old:1"))
	p := s.MustApply(t, engine.PlanOptions{})
	wantCodes(t, p) // creating is no risk

	s.edit(t, providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Service"}, Plural: "services", Namespaced: true}, object.Object{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "front", "namespace": s.namespace},
		"spec": map[string]any{"selector": map[string]any{"app": "old"}, "ports": []any{map[string]any{"port": int64(80)}}},
	}, "someone")
	s.edit(t, providers.Resource{GVK: object.GVK{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}, Plural: "poddisruptionbudgets", Namespaced: true}, object.Object{
		"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "web", "namespace": s.namespace},
		"spec": map[string]any{"minAvailable": int64(4), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}},
	}, "someone")
	s.application(t, "web", createNamespace, settings("fast"), deployment("web", "example.com/web:2"))
	p = s.MustPlan(t, engine.PlanOptions{})
	wantCodes(t, p, "high service-without-endpoints front", "medium pods-restart web", "low image-unpinned web")
	restart := p.Applications[0].Risks[1]
	if want := "PodDisruptionBudget.policy " + s.namespace + "/web asks for 4"; !strings.Contains(restart.Detail, want) {
		t.Errorf("%q is not in %q", want, restart.Detail)
	}
	if want := []string{"spec.template.spec.containers[name=app].image"}; !slices.Equal(restart.Paths, want) {
		t.Errorf("paths %v, expected %v", restart.Paths, want)
	}

	accept := "accept_risk \"pods-restart\" {\n reason = \"it is meant\"\n}\naccept_risk \"downtime\" {\n reason = \"a typo\"\n name = \"wbe\"\n}"
	s.application(t, "web", createNamespace+"\n"+accept, settings("fast"), deployment("web", "example.com/web:2"))
	accepted := s.MustPlan(t, engine.PlanOptions{})
	if r := accepted.Applications[0].Risks[1]; r.Accepted != "it is meant" || r.Range == restart.Range {
		t.Errorf("not accepted: %+v", r)
	}
	if accepted.Applications[0].Digest != p.Applications[0].Digest {
		t.Error("accepting a risk moves the change digest")
	}
	if w := accepted.Applications[0].Warnings; len(w) != 1 || !strings.Contains(w[0], `name = "wbe"`) {
		t.Errorf("warnings %q, expected one of the name that nothing has", w)
	}

	s.application(t, "web", createNamespace, settings("fast"), deployment("web", "example.com/web:1"), deployment("old", "example.com/old:1"))
	wantCodes(t, s.MustPlan(t, engine.PlanOptions{}), "low config-not-noticed settings")
}

// TestRisksCostNothingWithoutChanges: a plan that changes nothing asks for no more than
// before.
func TestRisksCostNothingWithoutChanges(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, deployment("web", "example.com/web:1"), configMap("settings", "mode=a"))
	s.MustApply(t, engine.PlanOptions{})
	lists := &lists{}
	s.Wrap = func(all providers.Clusters) providers.Clusters { lists.Clusters = all; return lists }
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	before := lists.kinds
	lists.kinds = nil
	s.application(t, "web", createNamespace, deployment("web", "example.com/web:2"), configMap("settings", "mode=a"))
	wantCodes(t, s.MustPlan(t, engine.PlanOptions{}), "low image-unpinned web", "low pods-restart web")
	if slices.Contains(before, "PodDisruptionBudget") || !slices.Contains(lists.kinds, "PodDisruptionBudget") || slices.Contains(lists.kinds, "Service") {
		t.Errorf("without a change %v were listed, with one %v", before, lists.kinds)
	}
}

// TestRisksSayWhatCannotBeRead: a list that is refused is told where it matters, and is
// no error.
func TestRisksSayWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, deployment("web", "example.com/web:1"), configMap("settings", "mode=a"))
	s.MustApply(t, engine.PlanOptions{})
	refusing := &lists{refuse: "PodDisruptionBudget"}
	s.Wrap = func(all providers.Clusters) providers.Clusters { refusing.Clusters = all; return refusing }
	s.application(t, "web", createNamespace, deployment("web", "example.com/web:2"), configMap("settings", "mode=a"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantCodes(t, p, "low image-unpinned web", "low pods-restart web")
	if detail := p.Applications[0].Risks[1].Detail; !strings.Contains(detail, "could not be looked at: not allowed") {
		t.Errorf("the list that was refused is not in %q", detail)
	}
}

// lists notes which kinds are listed, and refuses one.
type lists struct {
	providers.Clusters
	refuse string
	broken string // a group and version that cannot be discovered

	mu    sync.Mutex
	kinds []string
}

func (l *lists) Connect(name string, to target.Connection, with target.Credentials) (providers.Cluster, error) {
	cluster, err := l.Clusters.Connect(name, to, with)
	return listed{cluster, l}, err
}

type listed struct {
	providers.Cluster
	lists *lists
}

func (c listed) List(ctx context.Context, r providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	c.lists.mu.Lock()
	c.lists.kinds = append(c.lists.kinds, r.GVK.Kind)
	c.lists.mu.Unlock()
	if r.GVK.Kind == c.lists.refuse {
		return nil, providers.ErrForbidden
	}
	return c.Cluster.List(ctx, r, namespace, options)
}

func (c listed) Undiscovered(ctx context.Context) (map[string]string, error) {
	if c.lists.broken != "" {
		return map[string]string{c.lists.broken: "no endpoints available"}, nil
	}
	return c.Cluster.Undiscovered(ctx)
}

// TestVaryingCharts renders a chart with a random value, the time and a name made of
// it, and shows paths but no values.
func TestVaryingCharts(t *testing.T) {
	t.Parallel()
	chart := map[string]string{
		"chart/Chart.yaml":             "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/templates/secret.yaml":  "apiVersion: v1\nkind: Secret\nmetadata:\n  name: auth\nstringData:\n  password: {{ randAlphaNum 24 | quote }}\n  user: admin\n",
		"chart/templates/config.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: built\ndata:\n  day: {{ now | date \"2006-01-02\" | quote }}\n  fixed: x\n",
		"chart/templates/stable.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: stable\ndata:\n  fixed: x\n",
		"chart/templates/renamed.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: run-{{ now | unixEpoch }}\n",
		"main.gantry.hcl": `
			cluster "nowhere" {
			  server = "https://127.0.0.1:1"
			}
			application "web" {
			  source {
			    path = "./chart"
			  }
			  destination {
			    cluster   = cluster.nowhere
			    namespace = "web"
			  }
			}`,
	}
	p := enginetest.New(t, chart).MustPlan(t, engine.PlanOptions{Offline: true})
	found := map[string][]string{}
	runs := 0
	for _, r := range p.Applications[0].Risks {
		if r.Code != "chart-not-deterministic" {
			t.Errorf("not expected: %+v", r)
			continue
		}
		if strings.HasPrefix(r.Object.Name, "run-") {
			runs++
			continue
		}
		found[r.Object.Name] = r.Paths
	}
	if runs != 2 || len(found) != 2 || !slices.Equal(found["auth"], []string{"data.password"}) || !slices.Equal(found["built"], []string{"data.day"}) {
		t.Errorf("got %v, and %d of another name", found, runs)
	}

	delete(chart, "chart/templates/secret.yaml")
	delete(chart, "chart/templates/config.yaml")
	delete(chart, "chart/templates/renamed.yaml")
	wantCodes(t, enginetest.New(t, chart).MustPlan(t, engine.PlanOptions{Offline: true}))
}
