package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// shop is what another tool has deployed: with a label, an argument and an environment
// variable that the tests drop from what gantry renders.
const shop = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {app: shop, tier: front}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: app
        image: registry.example.com/shop:1
        env: [{name: A, value: a}, {name: B, value: b}]
        ports: [{containerPort: 80}]
`

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// as returns a writer to the test cluster under a manager's name.
func as(t *testing.T, manager string) clustertest.Writer {
	return clustertest.Shared(t).As(t, manager)
}

// object reads a manifest into the stage's namespace.
func (s *stage) object(t *testing.T, text string) object.Object {
	t.Helper()
	js, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := object.Object{}
	if err := json.Unmarshal(js, &o); err != nil {
		t.Fatal(err)
	}
	o.Metadata()["namespace"] = s.namespace
	return o
}

// namespaced makes the stage's namespace, as somebody has before gantry came.
func (s *stage) namespaced(t *testing.T) {
	t.Helper()
	as(t, "somebody").Create(object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.namespace}})
}

func (s *stage) live(t *testing.T, resource providers.Resource, name string) object.Object {
	t.Helper()
	live, err := s.cluster.Get(t.Context(), resource, s.namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// clientSideApply is what `kubectl apply` does with an object that is not there yet:
// it writes down what it applied.
func clientSideApply(t *testing.T, o object.Object) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	o = o.DeepCopy()
	o.Metadata()["annotations"] = map[string]any{lastApplied: string(text)}
	as(t, "kubectl-client-side-apply").Create(o)
}

// predecessors are the ways in which shop can have come into a cluster.
var predecessors = []struct {
	name     string
	deploy   func(t *testing.T, o object.Object)
	managers []string // that are expected to move
	gone     []string // paths that go when gantry renders the same object
	reason   string
}{
	{
		name:     "kubectl apply",
		deploy:   clientSideApply,
		managers: []string{"kubectl-client-side-apply Update"},
		gone:     []string{`metadata.annotations["` + lastApplied + `"]`},
	},
	{
		name: "kubectl apply, then edit",
		deploy: func(t *testing.T, o object.Object) {
			clientSideApply(t, o)
			as(t, "kubectl-edit").Merge(o, map[string]any{"metadata": map[string]any{"annotations": map[string]any{"example.com/note": "by hand"}}})
		},
		managers: []string{"kubectl-client-side-apply Update", "kubectl-edit Update"},
		gone:     []string{`metadata.annotations["example.com/note"]`, `metadata.annotations["` + lastApplied + `"]`},
	},
	{
		name: "kubectl apply --server-side, then scale",
		deploy: func(t *testing.T, o object.Object) {
			as(t, "kubectl").Apply(o)
			as(t, "kubectl").Merge(o, map[string]any{"spec": map[string]any{"replicas": int64(2)}}, "scale")
		},
		managers: []string{"kubectl Apply", "kubectl Update scale"},
	},
	{
		name: "kubectl create, then replace",
		deploy: func(t *testing.T, o object.Object) {
			as(t, "kubectl-create").Create(o)
			as(t, "kubectl-replace").Update(o, func(live object.Object) { live.Metadata()["labels"] = map[string]any{"app": "shop", "tier": "back"} })
		},
		managers: []string{"kubectl-create Update", "kubectl-replace Update"},
	},
	{
		name: "Helm 3",
		deploy: func(t *testing.T, o object.Object) {
			as(t, "helm").Create(released(o))
			as(t, "helm").Merge(o, map[string]any{"spec": map[string]any{"replicas": int64(3)}})
		},
		managers: []string{"helm Update"},
		gone:     []string{`metadata.annotations["meta.helm.sh/release-name"]`, `metadata.annotations["meta.helm.sh/release-namespace"]`, `metadata.labels["app.kubernetes.io/managed-by"]`},
		reason:   "Helm release front/shop",
	},
	{
		name:     "Helm 4",
		deploy:   func(t *testing.T, o object.Object) { as(t, "helm").Apply(released(o)) },
		managers: []string{"helm Apply"},
		gone:     []string{`metadata.annotations["meta.helm.sh/release-name"]`, `metadata.annotations["meta.helm.sh/release-namespace"]`, `metadata.labels["app.kubernetes.io/managed-by"]`},
		reason:   "Helm release front/shop",
	},
	{
		name: "Argo CD",
		deploy: func(t *testing.T, o object.Object) {
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			as(t, "argocd-controller").Create(annotated(o, map[string]any{
				"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:" + o.Namespace() + "/shop", lastApplied: string(text),
			}))
		},
		managers: []string{"argocd-controller Update"},
		gone:     []string{`metadata.annotations["argocd.argoproj.io/tracking-id"]`, `metadata.annotations["` + lastApplied + `"]`},
		reason:   "Argo CD application shop",
	},
	{
		name: "Argo CD, server-side",
		deploy: func(t *testing.T, o object.Object) {
			as(t, "argocd-controller").Apply(annotated(o, map[string]any{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:" + o.Namespace() + "/shop"}))
		},
		managers: []string{"argocd-controller Apply"},
		gone:     []string{`metadata.annotations["argocd.argoproj.io/tracking-id"]`},
		reason:   "Argo CD application shop",
	},
	{
		name:     "Flux",
		deploy:   func(t *testing.T, o object.Object) { as(t, "kustomize-controller").Apply(fluxed(o)) },
		managers: []string{"kustomize-controller Apply"},
		gone:     []string{`metadata.labels["kustomize.toolkit.fluxcd.io/name"]`, `metadata.labels["kustomize.toolkit.fluxcd.io/namespace"]`},
		reason:   "Flux Kustomization flux-system/shop",
	},
}

func annotated(o object.Object, annotations map[string]any) object.Object {
	o = o.DeepCopy()
	o.Metadata()["annotations"] = annotations
	return o
}

func labelled(o object.Object, labels map[string]any) object.Object {
	o = o.DeepCopy()
	have, _ := o.Metadata()["labels"].(map[string]any)
	maps.Copy(have, labels)
	return o
}

func released(o object.Object) object.Object {
	return labelled(annotated(o, map[string]any{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "front"}),
		map[string]any{"app.kubernetes.io/managed-by": "Helm"})
}

func fluxed(o object.Object) object.Object {
	return labelled(o, map[string]any{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"})
}

// removals are the paths of what a change takes away, ownership alone left out.
func removals(c *plan.Change) []string {
	var out []string
	for _, f := range c.Fields {
		if f.Kind == plan.Removed && !f.Owned {
			out = append(out, f.Path)
		}
	}
	slices.Sort(out)
	return out
}

func moved(c *plan.Change) []string {
	var out []string
	for _, m := range c.Moves {
		out = append(out, strings.TrimSpace(m.Manager+" "+m.Operation+" "+m.Subresource))
	}
	return out
}

// TestAdoptionMovesOwnership takes an object over from each of the usual tools. What
// the tool has and the sources do not goes, and is in the plan; a controller beside it
// keeps what it has; and what the sources drop later really goes.
func TestAdoptionMovesOwnership(t *testing.T) {
	t.Parallel()
	for _, from := range predecessors {
		t.Run(from.name, func(t *testing.T) {
			s := newStage(t)
			s.namespaced(t)
			from.deploy(t, s.object(t, shop))
			as(t, "sidecar-injector").Merge(s.object(t, shop), map[string]any{"metadata": map[string]any{"annotations": map[string]any{"example.com/injected": "yes"}}})

			s.application(t, "web", "", shop)
			p := s.MustPlan(t, engine.PlanOptions{})
			c := s.change(p, "web", "Deployment.apps", "shop")
			if c == nil || c.Action != plan.Adopt || !strings.Contains(c.Reason, from.reason) {
				t.Fatalf("want it adopted from %q, have %+v", from.reason, c)
			}
			if have := moved(c); !slices.Equal(have, from.managers) {
				t.Errorf("the plan moves %q, want %q", have, from.managers)
			}
			want := slices.Sorted(slices.Values(from.gone))
			if have := removals(c); !slices.Equal(have, want) {
				t.Errorf("the plan removes %q, want %q", have, want)
			}
			var told []string
			for _, m := range c.Moves {
				told = append(told, m.Fields...)
			}
			if slices.Sort(told); !slices.Equal(told, want) {
				t.Errorf("the moves take %q with them, want %q", told, want)
			}
			s.applyAsPlanned(t, p, c)

			s.application(t, "web", "", strings.NewReplacer(", tier: front", "", ", {name: B, value: b}", "", "        ports: [{containerPort: 80}]\n", "").Replace(shop))
			p = s.MustPlan(t, engine.PlanOptions{})
			c = s.change(p, "web", "Deployment.apps", "shop")
			dropped := []string{"metadata.labels.tier", "spec.template.spec.containers[name=app].env[name=B]", "spec.template.spec.containers[name=app].ports"}
			if have := removals(c); !slices.Equal(have, dropped) {
				t.Errorf("the plan removes %q, want %q", have, dropped)
			}
			s.applyAsPlanned(t, p, c)
			live := s.live(t, deployments, "shop")
			if live.Labels()["tier"] != "" || live.Annotation("example.com/injected") != "yes" || live.Annotation(lastApplied) != "" {
				t.Errorf("after all the metadata is %v %v", live.Labels(), live.Annotations())
			}
			if owners := managersOf(live); slices.ContainsFunc(from.managers, func(m string) bool {
				name, _, _ := strings.Cut(m, " ")
				return slices.Contains(owners, name)
			}) {
				t.Errorf("the managers are still %q", owners)
			}
		})
	}
}

// applyAsPlanned applies a plan and holds the object to what the plan said of each of
// its fields.
func (s *stage) applyAsPlanned(t *testing.T, p *plan.Plan, c *plan.Change) {
	t.Helper()
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	live := s.live(t, deployments, c.ID.Name)
	for _, f := range c.Fields {
		if f.Owned || strings.ContainsAny(f.Path, "[") {
			continue
		}
		have, there := live.Get(strings.Split(f.Path, ".")...)
		if there == (f.Kind == plan.Removed) || f.Kind != plan.Removed && fmt.Sprint(have) != fmt.Sprint(f.After) {
			t.Errorf("%s was to be %s to %v, and is %v", f.Path, f.Kind, f.After, have)
		}
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func managersOf(o object.Object) []string {
	list, _ := o.Metadata()["managedFields"].([]any)
	var out []string
	for _, item := range list {
		out = append(out, item.(map[string]any)["manager"].(string))
	}
	return out
}

// TestAdoptionFromKubectlItself is the same with the real program, where it is there.
func TestAdoptionFromKubectlItself(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not on the path; TestAdoptionMovesOwnership does what it does")
	}
	s := newStage(t)
	s.namespaced(t)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	editor := filepath.Join(t.TempDir(), "editor")
	for name, text := range map[string]string{file: shop, editor: "#!/bin/sh\nsed -i 's/tier: front/tier: edited/' \"$1\"\n"} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"apply", "-f", file}, {"edit", "deployment/shop"}, {"label", "deployment/shop", "by=hand"}} {
		command := exec.CommandContext(t.Context(), program, append([]string{"--kubeconfig", clustertest.Shared(t).Kubeconfig, "-n", s.namespace}, args...)...)
		command.Env = append(os.Environ(), "KUBE_EDITOR="+editor)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("kubectl %v: %s\n%s", args, err, out)
		}
	}
	s.application(t, "web", "", shop)
	p := s.MustPlan(t, engine.PlanOptions{})
	c := s.change(p, "web", "Deployment.apps", "shop")
	if have, want := moved(c), []string{"kubectl-client-side-apply Update", "kubectl-edit Update", "kubectl-label Update"}; !slices.Equal(have, want) {
		t.Errorf("the plan moves %q, want %q", have, want)
	}
	if have, want := removals(c), []string{`metadata.annotations["` + lastApplied + `"]`, "metadata.labels.by"}; !slices.Equal(have, want) {
		t.Errorf("the plan removes %q, want %q", have, want)
	}
	s.applyAsPlanned(t, p, c)
}

// TestControllersKeepTheirFields: an autoscaler and an operator are no tools, whatever is
// adopted; what they own and the sources set is a conflict.
func TestControllersKeepTheirFields(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	o := s.object(t, shop)
	clientSideApply(t, o)
	as(t, "kube-controller-manager").Merge(o, map[string]any{"spec": map[string]any{"replicas": int64(4)}}, "scale")
	as(t, "operator").Merge(o, map[string]any{"metadata": map[string]any{"labels": map[string]any{"operated": "yes"}}})
	s.application(t, "web", "", shop)
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "spec.replicas is owned by kube-controller-manager", "has 4 and would get 1")
	conflicts := s.change(p, "web", "Deployment.apps", "shop").Conflicts
	if len(conflicts) != 1 || fmt.Sprint(conflicts[0].Before) != "4" || fmt.Sprint(conflicts[0].After) != "1" {
		t.Errorf("want one conflict from 4 to 1, have %+v", conflicts)
	}
	s.application(t, "web", "", strings.Replace(shop, "  replicas: 1\n", "", 1))
	s.MustApply(t, engine.PlanOptions{})
	live := s.live(t, deployments, "shop")
	if replicas, _ := live.Get("spec", "replicas"); fmt.Sprint(replicas) != "4" || live.Labels()["operated"] != "yes" {
		t.Errorf("there are %v replicas, and the labels %v", replicas, live.Labels())
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestAdoptionIsStaleWithItsManagers: what a tool adds between plan and apply would go
// unseen, and the plan no longer holds; what does not concern it does.
func TestAdoptionIsStaleWithItsManagers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		manager string
		patch   map[string]any
		stale   string
	}{
		"the tool adds a field":          {"kubectl-client-side-apply", map[string]any{"metadata": map[string]any{"labels": map[string]any{"new": "x"}}}, "metadata.labels.new"},
		"somebody else adds a field":     {"operator", map[string]any{"metadata": map[string]any{"labels": map[string]any{"new": "x"}}}, ""},
		"another tool that was not seen": {"kubectl-edit", map[string]any{"spec": map[string]any{"paused": true}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.namespaced(t)
			o := s.object(t, shop)
			clientSideApply(t, o)
			s.application(t, "web", "", shop)
			p := s.MustPlan(t, engine.PlanOptions{})
			as(t, test.manager).Merge(o, test.patch)
			_, diags := s.Apply(t.Context(), t, p)
			if test.stale == "" {
				enginetest.Check(t, diags)
				return
			}
			wantError(t, diags, "no longer holds", test.stale)
			if slices.Contains(managersOf(s.live(t, deployments, "shop")), "gantry") {
				t.Error("something was written all the same")
			}
		})
	}
}

// TestAdoptionLeavesWhatIsIgnored: a field that the tool owns and ignore_differences
// names keeps its live value when the object is adopted, and after, whether the sources
// have it or not.
func TestAdoptionLeavesWhatIsIgnored(t *testing.T) {
	t.Parallel()
	owners := map[string]struct {
		deploy  func(t *testing.T, o object.Object)
		manager string
	}{
		"Helm 3": {func(t *testing.T, o object.Object) {
			as(t, "helm").Create(o)
			as(t, "helm").Merge(o, map[string]any{"spec": map[string]any{"replicas": int64(12)}})
		}, "helm"},
		"Helm 4": {func(t *testing.T, o object.Object) {
			if err := o.Set(int64(12), "spec", "replicas"); err != nil {
				t.Fatal(err)
			}
			as(t, "helm").Apply(o)
		}, "helm"},
		"kubectl scale": {func(t *testing.T, o object.Object) {
			clientSideApply(t, o)
			as(t, "kubectl").Merge(o, map[string]any{"spec": map[string]any{"replicas": int64(12)}}, "scale")
		}, "kubectl"},
	}
	for name, from := range owners {
		for rule, text := range map[string]string{
			"JSON pointer":  `json_pointers = ["/spec/replicas"]`,
			"jq":            `jq_path_expressions = [".spec.replicas"]`,
			"field manager": fmt.Sprintf("field_managers = [%q]", from.manager),
		} {
			for sources, manifest := range map[string]string{"set": shop, "not set": strings.Replace(shop, "  replicas: 1\n", "", 1)} {
				t.Run(name+"/"+rule+"/"+sources, func(t *testing.T) {
					s := newStage(t)
					s.namespaced(t)
					from.deploy(t, s.object(t, shop))
					ignoring := "ignore_differences {\n group = \"apps\"\n kind = \"Deployment\"\n " + text + "\n}\n"
					s.application(t, "web", ignoring, manifest)
					p := s.MustPlan(t, engine.PlanOptions{})
					c := s.change(p, "web", "Deployment.apps", "shop")
					if c == nil || c.Action != plan.Adopt {
						t.Fatalf("want it adopted, have %+v", c)
					}
					for _, f := range c.Fields {
						if f.Path == "spec.replicas" && !f.Owned {
							t.Errorf("the plan changes the replicas: %+v", f)
						}
					}
					if left := rule == "field manager"; left == slices.ContainsFunc(c.Moves, func(m plan.ManagerMove) bool { return m.Manager == from.manager }) {
						t.Errorf("the plan moves %q", moved(c))
					}
					s.applyAsPlanned(t, p, c)
					s.application(t, "web", ignoring, strings.Replace(manifest, "tier: front", "tier: middle", 1))
					s.MustApply(t, engine.PlanOptions{})
					if replicas, _ := s.live(t, deployments, "shop").Get("spec", "replicas"); fmt.Sprint(replicas) != "12" {
						t.Errorf("there are %v replicas", replicas)
					}
				})
			}
		}
	}
}
