package options_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

var (
	namespaceKind = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}
	configMapKind = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}
	replicaSets   = providers.Resource{GVK: object.GVK{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, Plural: "replicasets", Namespaced: true}
	crdKind       = providers.Resource{GVK: object.GVK{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, Plural: "customresourcedefinitions"}
)

// stage is a namespace of the shared cluster, with an engine whose writes are seen and
// may be made to fail.
type stage struct {
	*enginetest.Bench
	namespace string
	cluster   providers.Cluster

	mu     sync.Mutex
	sent   []string // "APPLY ConfigMap/a", "REPLACE …", "DELETE ConfigMap/a Orphan", in order
	before func(request string) error
	events []engine.Event
}

var stages atomic.Int64

func newStage(t *testing.T) *stage {
	t.Helper()
	t.Parallel()
	kubeconfig := clustertest.Shared(t).Kubeconfig
	s := &stage{namespace: fmt.Sprintf("options-%d-%d", os.Getpid(), stages.Add(1))}
	s.Bench = enginetest.New(t, map[string]string{"cluster.gantry.hcl": fmt.Sprintf("cluster \"local\" {\n  kubeconfig = %q\n}\n", kubeconfig)})
	var err error
	if s.cluster, err = kubernetes.New(kubernetes.Options{}).Connect("local", target.Connection{Kubeconfig: kubeconfig}, target.Credentials{}); err != nil {
		t.Fatal(err)
	}
	s.Wrap = enginetest.Each(func(c providers.Cluster) providers.Cluster { return seen{c, s} })
	s.Events = func(e engine.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	t.Cleanup(func() {
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: namespaceKind, Name: s.namespace})
	})
	return s
}

// application writes an application whose objects are documents, with what its sync
// block has.
func (s *stage) application(t *testing.T, name, sync string, documents ...string) {
	t.Helper()
	s.Write(t, map[string]string{
		name + ".gantry.hcl": fmt.Sprintf(`
			application %q {
			  source {
			    path = "./%s"
			  }
			  destination {
			    cluster   = cluster.local
			    namespace = %q
			  }
			  sync {
			    create_namespace = true
			    %s
			  }
			}`, name, name, s.namespace, sync),
		name + "/all.yaml": strings.Join(documents, "\n---\n"),
	})
}

func configMap(name string, data ...string) string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n"
	for _, entry := range data {
		key, value, _ := strings.Cut(entry, "=")
		text += fmt.Sprintf("  %s: %q\n", key, value)
	}
	return text
}

// with gives a document an annotation of sync options.
func with(options, document string) string {
	return strings.Replace(document, "metadata:\n", "metadata:\n  annotations: {argocd.argoproj.io/sync-options: \""+options+"\"}\n", 1)
}

// edit writes fields of a ConfigMap as another manager would.
func (s *stage) edit(t *testing.T, o object.Object, manager string) {
	t.Helper()
	if _, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: configMapKind, Object: o, Manager: manager, Force: true}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) object(name string, data map[string]any) object.Object {
	return object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": s.namespace}, "data": data}
}

// live returns an object that has to be there.
func (s *stage) live(t *testing.T, resource providers.Resource, name string) object.Object {
	t.Helper()
	namespace := s.namespace
	if !resource.Namespaced {
		namespace = ""
	}
	o, err := s.cluster.Get(t.Context(), resource, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// change returns a change that has to be in the plan, with this action.
func (s *stage) change(t *testing.T, p *plan.Plan, kind, name string, want plan.Action) *plan.Change {
	t.Helper()
	c := s.find(p, kind, name)
	if c == nil {
		t.Fatalf("%s %s is not in the plan", kind, name)
	}
	if c.Action != want {
		t.Fatalf("%s %s: %s (%s), want %s", kind, name, c.Action, c.Reason, want)
	}
	return c
}

func (s *stage) find(p *plan.Plan, kind, name string) *plan.Change {
	for i := range p.Applications {
		for _, id := range []string{kind + " " + s.namespace + "/" + name, kind + " " + name} {
			if c := enginetest.Change(p, p.Applications[i].Address, id); c != nil {
				return c
			}
		}
	}
	return nil
}

// applied applies a plan and fails the test on an error.
func (s *stage) applied(t *testing.T, p *plan.Plan) {
	t.Helper()
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
}

// nothing fails the test where another plan has changes.
func (s *stage) nothing(t *testing.T) {
	t.Helper()
	p := s.MustPlan(t, engine.PlanOptions{})
	for i := range p.Applications {
		for _, c := range p.Applications[i].Changes {
			if c.Action != plan.Unchanged {
				t.Errorf("%s of %s (%s): %v", c.Action, c.ID, c.Reason, c.Fields)
			}
		}
	}
}

// writes returns what was written so far, and forgets it.
func (s *stage) writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.sent
	s.sent = nil
	return out
}

func application(t *testing.T, p *plan.Plan, name string) *plan.Application {
	t.Helper()
	i := slices.IndexFunc(p.Applications, func(a plan.Application) bool { return a.Address == addr.Application(name) })
	if i < 0 {
		t.Fatalf("application.%s is not in the plan", name)
	}
	return &p.Applications[i]
}

func wantDiagnostic(t *testing.T, diags hcl.Diagnostics, parts ...string) {
	t.Helper()
	for _, diag := range diags {
		text := diag.Summary + ": " + diag.Detail
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) }) {
			return
		}
	}
	t.Fatalf("no diagnostic says %q: %s", parts, diags)
}

// seen stands between the engine and a cluster.
type seen struct {
	providers.Cluster
	stage *stage
}

func (c seen) note(request string) error {
	c.stage.mu.Lock()
	defer c.stage.mu.Unlock()
	c.stage.sent = append(c.stage.sent, request)
	if c.stage.before != nil {
		return c.stage.before(request)
	}
	return nil
}

func (c seen) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	verb := "APPLY "
	if r.Replace {
		verb = "REPLACE "
	}
	if !r.DryRun {
		if err := c.note(verb + r.Object.Kind() + "/" + r.Object.Name()); err != nil {
			return providers.ApplyResult{}, err
		}
	}
	return c.Cluster.Apply(ctx, r)
}

func (c seen) Delete(ctx context.Context, r providers.DeleteRequest) error {
	if err := c.note("DELETE " + r.Resource.GVK.Kind + "/" + r.Name + " " + r.Propagation); err != nil {
		return err
	}
	return c.Cluster.Delete(ctx, r)
}

// parse reads one YAML document.
func parse(t *testing.T, text string) object.Object {
	t.Helper()
	var out object.Object
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
