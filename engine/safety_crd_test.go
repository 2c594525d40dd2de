package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

var definitions = providers.Resource{
	GVK: object.GVK{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, Plural: "customresourcedefinitions",
}

// widgets is a kind that only one test has: Widget, in a group of its own.
type widgets struct {
	group string
	stage *stage
}

func newWidgets(t *testing.T, s *stage) widgets {
	t.Helper()
	w := widgets{group: s.namespace + ".example.com", stage: s}
	s.removeDefinitionAfter(t, w.name())
	return w
}

// removeDefinitionAfter removes, when the test ends, a definition that it made, and waits
// until it is gone.
func (s *stage) removeDefinitionAfter(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for {
			err := s.cluster.Delete(ctx, providers.DeleteRequest{Resource: definitions, Name: name})
			if err != nil {
				if !errors.Is(err, providers.ErrNotFound) {
					t.Logf("the definition %s is left behind: %s", name, err)
				}
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func (w widgets) name() string { return "widgets." + w.group }

// definitionID is how the definition prints in a plan.
func (w widgets) definitionID() string {
	return "CustomResourceDefinition.apiextensions.k8s.io " + w.name()
}

func (w widgets) kind() string { return "Widget." + w.group }

func (w widgets) resource(version string) providers.Resource {
	return providers.Resource{GVK: object.GVK{Group: w.group, Version: version, Kind: "Widget"}, Plural: "widgets", Namespaced: true}
}

// definition is the CustomResourceDefinition with some versions, of which the first is
// stored. Their specs have the fields that are named, all strings.
func (w widgets) definition(versions []string, fields ...string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: %s\nspec:\n"+
		"  group: %s\n  scope: Namespaced\n  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}\n  versions:\n", w.name(), w.group)
	for i, version := range versions {
		fmt.Fprintf(&out, "  - name: %s\n    served: true\n    storage: %v\n    schema:\n      openAPIV3Schema:\n        type: object\n"+
			"        properties:\n          spec:\n            type: object\n            properties:\n", version, i == 0)
		for _, field := range fields {
			fmt.Fprintf(&out, "              %s: {type: string}\n", field)
		}
	}
	return out.String()
}

// widget is one custom resource, all of whose fields are set.
func (w widgets) widget(version string, fields ...string) string {
	out := "apiVersion: " + w.group + "/" + version + "\nkind: Widget\nmetadata:\n  name: one\nspec:\n"
	for _, field := range fields {
		out += "  " + field + ": value-of-" + field + "\n"
	}
	return out
}

// foreign makes a custom resource as someone else would.
func (w widgets) foreign(t *testing.T, name string) object.Object {
	t.Helper()
	o := object.Object{
		"apiVersion": w.group + "/v1", "kind": "Widget",
		"metadata": map[string]any{"name": name, "namespace": w.stage.namespace}, "spec": map[string]any{"a": "x"},
	}
	w.stage.edit(t, w.resource("v1"), o, "someone")
	return w.stage.get(t, w.resource("v1"), name)
}

var v1 = []string{"v1"}

// TestPreciousObjectsWaitForTheirReceiver moves objects whose deletion takes much
// else along to an application that cannot say, in this plan, that it wants them.
func TestPreciousObjectsWaitForTheirReceiver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		broken  string // a document more in the receiver
		targets []addr.Address
	}{
		"the receiver fails to render": {broken: "not: an object\n"},
		"the receiver is no target":    {targets: []addr.Address{addr.Application("giver")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			moved := s.namespace + "-m"
			s.removeAfter(t, namespaceResource, moved)
			precious := []string{
				namespaceManifest(moved), w.definition(v1, "a"),
				"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: disk\nspec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests:\n      storage: 1Gi\n",
			}
			s.application(t, "giver", createNamespace, append([]string{configMap("g", "a=b")}, precious...)...)
			s.application(t, "receiver", "", configMap("r", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			kept := map[string]struct {
				resource providers.Resource
				object   object.Object
			}{
				"Namespace " + moved: {namespaceResource, s.get(t, namespaceResource, moved)},
				w.definitionID():     {definitions, s.get(t, definitions, w.name())},
				"PersistentVolumeClaim " + s.namespace + "/disk": {claims, s.get(t, claims, "disk")},
			}
			s.application(t, "giver", createNamespace, configMap("g", "a=b"))
			received := append([]string{configMap("r", "a=b")}, precious...)
			if test.broken != "" {
				received = append(received, test.broken)
			}
			s.application(t, "receiver", "", received...)
			p, _ := s.Plan(t, engine.PlanOptions{Targets: test.targets})
			for id := range kept {
				t.Run(strings.Fields(id)[0], func(t *testing.T) {
					wantBlocked(t, enginetest.Change(p, addr.Application("giver"), id))
				})
			}
			_, _ = s.Apply(t.Context(), t, p)
			for _, k := range kept {
				s.wantKept(t, k.resource, k.object)
			}

			// Once the receiver is there, they move.
			s.application(t, "receiver", "", append([]string{configMap("r", "a=b")}, precious...)...)
			p = s.MustApply(t, engine.PlanOptions{})
			for id, k := range kept {
				wantAction(t, enginetest.Change(p, addr.Application("giver"), id), plan.Forget)
				wantAction(t, enginetest.Change(p, addr.Application("receiver"), id), plan.Adopt)
				s.wantKept(t, k.resource, k.object)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

func TestDefinitionsStayWithTheirResources(t *testing.T) {
	t.Parallel()
	t.Run("of another application", func(t *testing.T) {
		s := newStage(t)
		w := newWidgets(t, s)
		s.application(t, "base", createNamespace, configMap("a", "a=b"), w.definition(v1, "a"))
		s.application(t, "web", "depends_on = [application.base]", w.widget("v1", "a"))
		s.MustApply(t, engine.PlanOptions{})
		before := s.get(t, w.resource("v1"), "one")
		s.application(t, "base", createNamespace, configMap("a", "a=b"))
		p, diags := s.Plan(t, engine.PlanOptions{})
		wantError(t, diags, "application.base", w.name())
		wantBlocked(t, enginetest.Change(p, addr.Application("base"), w.definitionID()), "Widget", s.namespace+"/one")
		_, _ = s.Apply(t.Context(), t, p)
		s.wantKept(t, w.resource("v1"), before)
	})
	for _, destroy := range []bool{false, true} {
		t.Run(fmt.Sprintf("made by someone, destroy %v", destroy), func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			s.application(t, "web", createNamespace, configMap("a", "a=b"), w.definition(v1, "a"))
			s.MustApply(t, engine.PlanOptions{})
			before := w.foreign(t, "foreign")
			s.application(t, "web", createNamespace, configMap("a", "a=b"))
			p, diags := s.Plan(t, engine.PlanOptions{Destroy: destroy})
			wantError(t, diags, "application.web", w.name())
			wantBlocked(t, enginetest.Change(p, addr.Application("web"), w.definitionID()), "Widget", s.namespace+"/foreign")
			_, _ = s.Apply(t.Context(), t, p)
			s.wantKept(t, w.resource("v1"), before)
		})
	}
	for _, apps := range [][2]string{{"a", "a"}, {"a", "z"}, {"z", "a"}} {
		definer, user := apps[0], apps[1]
		t.Run(fmt.Sprintf("unless they all go, of %s and %s", definer, user), func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			write := func(definition, widget string) {
				if definer == user {
					s.application(t, definer, createNamespace, configMap("d", "a=b"), definition, widget)
					return
				}
				s.application(t, definer, createNamespace, configMap("d", "a=b"), definition)
				s.application(t, user, "", configMap("u", "a=b"), widget)
			}
			write(w.definition(v1, "a"), w.widget("v1", "a"))
			s.MustApply(t, engine.PlanOptions{})
			write("", "")
			p := s.MustApply(t, engine.PlanOptions{})
			wantAction(t, enginetest.Change(p, addr.Application(definer), w.definitionID()), plan.Prune)
			wantAction(t, s.change(p, user, w.kind(), "one"), plan.Prune)
			if _, err := s.cluster.Get(t.Context(), definitions, "", w.name()); !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("the definition is still there: %v", err)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

// TestDefinitionsOutliveWhatIsLeftOut prunes a definition and, in another application, its
// last resource, and that application turns out to be stale: its resource stays, so the
// definition has to.
func TestDefinitionsOutliveWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, apps := range [][2]string{{"a", "z"}, {"z", "a"}} {
		definer, user := apps[0], apps[1]
		t.Run(definer+" defines", func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			s.application(t, definer, createNamespace, configMap("d", "a=b"), w.definition(v1, "a"))
			s.application(t, user, "", configMap("u", "a=b"), w.widget("v1", "a"))
			s.MustApply(t, engine.PlanOptions{})
			before := s.get(t, w.resource("v1"), "one")
			s.application(t, definer, createNamespace, configMap("d", "a=b"))
			s.application(t, user, "", configMap("u", "a=c"))
			p := s.MustPlan(t, engine.PlanOptions{})
			s.edit(t, configMaps, s.configMap("u", map[string]any{"a": "x"}), "someone")
			_, diags := s.Apply(t.Context(), t, p)
			wantError(t, diags, "application."+user, "no longer holds")
			s.wantKept(t, w.resource("v1"), before)
		})
	}
}

func TestNamespacesStayWithTheirObjects(t *testing.T) {
	t.Parallel()
	in := func(namespace, name string) string {
		return strings.Replace(configMap(name, "a=b"), "metadata:\n", "metadata:\n  namespace: "+namespace+"\n", 1)
	}
	setup := func(t *testing.T) (s *stage, held string) {
		s = newStage(t)
		held = s.namespace + "-h"
		s.removeAfter(t, namespaceResource, held)
		s.application(t, "web", createNamespace, configMap("a", "a=b"), namespaceManifest(held), in(held, "ours"))
		s.MustApply(t, engine.PlanOptions{})
		return s, held
	}
	wantHeld := func(t *testing.T, s *stage, held, by string) {
		t.Helper()
		before := s.get(t, namespaceResource, held)
		s.application(t, "web", createNamespace, configMap("a", "a=b"))
		p, diags := s.Plan(t, engine.PlanOptions{})
		wantError(t, diags, "application.web", held)
		wantBlocked(t, enginetest.Change(p, addr.Application("web"), "Namespace "+held), by)
		_, _ = s.Apply(t.Context(), t, p)
		s.wantKept(t, namespaceResource, before)
	}
	t.Run("made by someone", func(t *testing.T) {
		s, held := setup(t)
		foreign := s.configMap("foreign", map[string]any{"a": "b"})
		if err := foreign.Set(held, "metadata", "namespace"); err != nil {
			t.Fatal(err)
		}
		s.edit(t, configMaps, foreign, "someone")
		wantHeld(t, s, held, "foreign")
	})
	t.Run("of another application", func(t *testing.T) {
		s, held := setup(t)
		s.application(t, "api", "", in(held, "others"))
		s.MustApply(t, engine.PlanOptions{})
		wantHeld(t, s, held, "others")
	})
	for _, other := range []string{"", "api", "zzz"} { // an application that has an object in it, too
		t.Run("unless they all go "+other, func(t *testing.T) {
			s, held := setup(t)
			if other != "" {
				s.application(t, other, "", configMap("o", "a=b"), in(held, "others"))
				s.MustApply(t, engine.PlanOptions{})
				s.application(t, other, "", configMap("o", "a=b"))
			}
			s.application(t, "web", createNamespace, configMap("a", "a=b"))
			p := s.MustApply(t, engine.PlanOptions{})
			wantAction(t, enginetest.Change(p, addr.Application("web"), "Namespace "+held), plan.Prune)
			if _, err := s.cluster.Get(t.Context(), namespaceResource, "", held); !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("the namespace is still there: %v", err)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

func TestCustomResourcesWaitForTheirDefinition(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"z_base", "a_web"}, {"a_base", "z_web"}} {
		maker, user := names[0], names[1]
		t.Run(maker+" for "+user, func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			s.application(t, "base", createNamespace, configMap("a", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			s.application(t, maker, "", w.definition(v1, "a"))
			s.application(t, user, "", w.widget("v1", "a"))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAfter(t, p, w.kind()+" "+s.namespace+"/one", w.definitionID())
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			s.get(t, w.resource("v1"), "one")
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

// TestNeighboursShareANamespace has two applications that both ask for their namespace,
// and the one that comes first by name needs a kind of the other.
func TestNeighboursShareANamespace(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	w := newWidgets(t, s)
	s.application(t, "alerts", createNamespace, configMap("a", "a=b"), w.widget("v1", "a"))
	s.application(t, "operator", createNamespace, configMap("o", "a=b"), w.definition(v1, "a"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantAfter(t, p, w.kind()+" "+s.namespace+"/one", w.definitionID())
	wantAfter(t, p, "ConfigMap "+s.namespace+"/o", "Namespace "+s.namespace)
	wantAfter(t, p, "ConfigMap "+s.namespace+"/a", "Namespace "+s.namespace)
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestDefinitionsGainFields(t *testing.T) {
	t.Parallel()
	for name, apps := range map[string][2]string{"in one application": {"web", "web"}, "in two applications": {"z_base", "web"}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			write := func(fields ...string) {
				if apps[0] == apps[1] {
					s.application(t, "web", createNamespace, w.definition(v1, fields...), w.widget("v1", fields...))
					return
				}
				s.application(t, apps[0], createNamespace, w.definition(v1, fields...))
				s.application(t, apps[1], "", w.widget("v1", fields...))
			}
			write("a")
			s.MustApply(t, engine.PlanOptions{})
			before := s.get(t, w.resource("v1"), "one")
			write("a", "b")
			p := s.MustPlan(t, engine.PlanOptions{})
			c := s.change(p, apps[1], w.kind(), "one")
			wantAction(t, c, plan.Update)
			if len(c.Fields) != 1 || c.Fields[0].Path != "spec.b" {
				t.Errorf("want spec.b added, have %+v", c.Fields)
			}
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			s.wantKept(t, w.resource("v1"), before)
			if b, _ := s.get(t, w.resource("v1"), "one").Get("spec", "b"); b != "value-of-b" {
				t.Errorf("spec.b is %v", b)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

func TestResourcesMoveToANewVersion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	w := newWidgets(t, s)
	s.application(t, "web", createNamespace, w.definition(v1, "a"), w.widget("v1", "a"))
	s.MustApply(t, engine.PlanOptions{})
	before := s.get(t, w.resource("v1"), "one")
	s.application(t, "web", createNamespace, w.definition([]string{"v1", "v2"}, "a"), w.widget("v2", "a"))
	p := s.MustPlan(t, engine.PlanOptions{})
	c := s.change(p, "web", w.kind(), "one")
	wantAction(t, c, plan.Update)
	if !c.Predicted || c.UID != before.UID() {
		t.Errorf("want a predicted update of the object that is there, have %+v", c)
	}
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.wantKept(t, w.resource("v2"), before)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}
