package engine_test

import (
	"fmt"
	"slices"
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

var volumes = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "PersistentVolume"}, Plural: "persistentvolumes"}

// takenLines are what goes with a change, a line for each group.
func takenLines(c *plan.Change) []string {
	var out []string
	for _, taken := range c.Takes {
		line := fmt.Sprintf("%d %s %s", taken.Count, taken.Why, taken.Kind)
		for _, flag := range []struct {
			set  bool
			name string
		}{{taken.Data, " data"}, {taken.Transient, " transient"}, {taken.Of != "", " of " + taken.Of}} {
			if flag.set {
				line += flag.name
			}
		}
		out = append(out, line)
	}
	return out
}

func wantTaken(t *testing.T, c *plan.Change, want ...string) {
	t.Helper()
	if c == nil {
		t.Fatal("there is no such change")
	}
	if have := takenLines(c); !slices.Equal(have, want) {
		t.Errorf("with %s would go\n  %s\nwant\n  %s", c.ID, strings.Join(have, "\n  "), strings.Join(want, "\n  "))
	}
}

func (s *stage) digest(p *plan.Plan, name string) string {
	for i := range p.Applications {
		if p.Applications[i].Address == addr.Application(name) {
			return p.Applications[i].Digest
		}
	}
	return ""
}

func webDeployment(name string, replicas int) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  replicas: %d\n  selector: {matchLabels: {app: %s}}\n"+
		"  template:\n    metadata: {labels: {app: %s}}\n    spec:\n      containers:\n      - {name: main, image: registry.example.com/web:1}\n", name, replicas, name, name)
}

// ownedMap makes a ConfigMap that another object owns.
func (s *stage) ownedMap(t *testing.T, name string, owner object.Object) {
	t.Helper()
	o := s.configMap(name, map[string]any{"a": "b"})
	reference := map[string]any{"apiVersion": owner.APIVersion(), "kind": owner.Kind(), "name": owner.Name(), "uid": owner.UID()}
	if err := o.Set([]any{reference}, "metadata", "ownerReferences"); err != nil {
		t.Fatal(err)
	}
	s.edit(t, configMaps, o, "operator")
}

// listing notes what an engine lists.
func (s *stage) listing() *lists {
	out := &lists{}
	s.Wrap = func(all providers.Clusters) providers.Clusters { out.Clusters = all; return out }
	return out
}

// count returns how many lists there were since it was last called.
func (l *lists) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.kinds)
	l.kinds = nil
	return n
}

func TestDeletionsSayWhatGoesWithThem(t *testing.T) {
	t.Parallel()
	pods := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Pod"}, Plural: "pods", Namespaced: true}
	setup := func(t *testing.T, more string) *stage {
		t.Helper()
		s := newStage(t)
		sync := "sync {\n create_namespace = true\n" + more + "\n}"
		s.application(t, "web", sync, configMap("kept", "a=b"), webDeployment("web", 2))
		s.MustApply(t, engine.PlanOptions{})
		s.ownedMap(t, "generated", s.get(t, deployments, "web"))
		s.application(t, "web", sync, configMap("kept", "a=b"))
		return s
	}
	t.Run("and go", func(t *testing.T) {
		s := setup(t, "")
		p := s.MustPlan(t, engine.PlanOptions{})
		c := s.change(p, "web", "Deployment.apps", "web")
		wantAction(t, c, plan.Prune)
		wantTaken(t, c, "1 owned ConfigMap", "2 owned Pod transient", "1 owned ReplicaSet transient")
		if d := p.Destroys(); d != (plan.Destroyed{Objects: 1, With: 1, Transient: 3}) {
			t.Errorf("the plan destroys %+v", d)
		}
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		s.wantGone(t, "generated")
	})
	t.Run("under a digest that only moves with what was chosen", func(t *testing.T) {
		s := setup(t, "")
		before := s.MustPlan(t, engine.PlanOptions{})
		pod := takenNames(s.change(before, "web", "Deployment.apps", "web"), "Pod")[0]
		if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: pods, Namespace: s.namespace, Name: pod}); err != nil {
			t.Fatal(err)
		}
		after := s.MustPlan(t, engine.PlanOptions{})
		if slices.Contains(takenNames(s.change(after, "web", "Deployment.apps", "web"), "Pod"), pod) {
			t.Error("the Pod that is gone still goes")
		}
		if s.digest(before, "web") != s.digest(after, "web") {
			t.Error("another Pod moved the digest")
		}
		s.ownedMap(t, "second", s.get(t, deployments, "web"))
		if more := s.MustPlan(t, engine.PlanOptions{}); s.digest(before, "web") == s.digest(more, "web") {
			t.Error("another ConfigMap did not move the digest")
		}
	})
	t.Run("and more of it is refused", func(t *testing.T) {
		s := setup(t, "")
		s.application(t, "other", "", configMap("unrelated", "a=b"))
		p := s.MustPlan(t, engine.PlanOptions{})
		was := s.get(t, deployments, "web")
		s.ownedMap(t, "second", was)
		_, diags := s.Apply(t.Context(), t, p)
		wantError(t, diags, "application.web", "ConfigMap "+s.namespace+"/second", "not in the plan", "Plan again")
		s.wantKept(t, deployments, was)
		s.wantData(t, "unrelated", "a", "b") // the other application was applied
	})
	t.Run("and less of it is not", func(t *testing.T) {
		s := setup(t, "")
		p := s.MustPlan(t, engine.PlanOptions{})
		if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: s.namespace, Name: "generated"}); err != nil {
			t.Fatal(err)
		}
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
	})
	t.Run("unless it is orphaned", func(t *testing.T) {
		s := setup(t, "prune_propagation_policy = \"orphan\"")
		p := s.MustPlan(t, engine.PlanOptions{})
		wantTaken(t, s.change(p, "web", "Deployment.apps", "web"))
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		s.wantData(t, "generated", "a", "b")
	})
}

func takenNames(c *plan.Change, kind string) []string {
	var out []string
	for _, taken := range c.Takes {
		for _, id := range taken.IDs {
			if taken.Kind == kind {
				out = append(out, id.Name)
			}
		}
	}
	return out
}

// TestOnlyDeletionsCostRequests: what goes with deletions is read for plans that
// delete something, and for no others.
func TestOnlyDeletionsCostRequests(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	write := func(names ...string) {
		var documents []string
		for _, name := range names {
			documents = append(documents, configMap(name, "a=b"))
		}
		s.application(t, "web", createNamespace, documents...)
	}
	write("one", "two", "three")
	s.MustApply(t, engine.PlanOptions{})
	n := s.listing()
	s.MustPlan(t, engine.PlanOptions{})
	if have := n.count(); have != 1 {
		t.Errorf("%d lists without a change, want 1", have)
	}
	write("one", "two", "three", "four")
	s.MustApply(t, engine.PlanOptions{})
	if have := n.count(); have != 1 { // the apply reads the one that it makes by name
		t.Errorf("%d lists with a creation, want 1", have)
	}
	write("one", "two", "three")
	p := s.MustPlan(t, engine.PlanOptions{})
	if have := n.count(); have < 20 || have > 200 {
		t.Errorf("%d lists with a deletion, want one of each kind", have)
	}
	wantTaken(t, s.change(p, "web", "ConfigMap", "four"))
}

// TestVolumesGoByTheirPolicies has a StatefulSet leave, with claims that go and stay,
// and volumes that are deleted and retained.
func TestVolumesGoByTheirPolicies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		whenDeleted, reclaim string
		want                 []string
	}{
		{"Retain", "Delete", []string{"1 owned ControllerRevision transient", "1 owned Pod transient"}},
		{"Delete", "Delete", []string{"1 owned ControllerRevision transient", "1 owned PersistentVolumeClaim data", "1 owned Pod transient", "1 volume PersistentVolume data"}},
		{"Delete", "Retain", []string{"1 owned ControllerRevision transient", "1 owned PersistentVolumeClaim", "1 owned Pod transient"}},
	} {
		t.Run(test.whenDeleted+" "+test.reclaim, func(t *testing.T) {
			s := newStage(t)
			s.application(t, "base", createNamespace, configMap("a", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			s.volume(t, "data-db-0", test.reclaim)
			set := fmt.Sprintf("apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: db\nspec:\n  replicas: 1\n  serviceName: db\n  selector: {matchLabels: {app: db}}\n"+
				"  persistentVolumeClaimRetentionPolicy: {whenDeleted: %s, whenScaled: Retain}\n"+
				"  template:\n    metadata: {labels: {app: db}}\n    spec:\n      containers:\n      - {name: main, image: registry.example.com/db:1, volumeMounts: [{name: data, mountPath: /data}]}\n"+
				"  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], storageClassName: \"\", resources: {requests: {storage: 1Gi}}}\n", test.whenDeleted)
			s.application(t, "db", "", set)
			s.MustApply(t, engine.PlanOptions{})
			s.application(t, "db", "", configMap("rest", "a=b"))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantTaken(t, s.change(p, "db", "StatefulSet.apps", "db"), test.want...)
		})
	}
	t.Run("a claim by itself", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "base", createNamespace, configMap("a", "a=b"))
		s.MustApply(t, engine.PlanOptions{})
		s.volume(t, "store", "Delete")
		claim := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: store\nspec: {accessModes: [ReadWriteOnce], storageClassName: \"\", resources: {requests: {storage: 1Gi}}}\n"
		s.application(t, "db", "", claim)
		s.MustApply(t, engine.PlanOptions{})
		s.bound(t, "store")
		s.application(t, "db", "", configMap("rest", "a=b"))
		p := s.MustPlan(t, engine.PlanOptions{})
		wantTaken(t, s.change(p, "db", "PersistentVolumeClaim", "store"), "1 volume PersistentVolume data")

		retained := object.Object{
			"apiVersion": "v1", "kind": "PersistentVolume", "metadata": map[string]any{"name": s.namespace + "-store"},
			"spec": map[string]any{"persistentVolumeReclaimPolicy": "Retain"},
		}
		s.edit(t, volumes, retained, "someone")
		kept := s.MustPlan(t, engine.PlanOptions{})
		wantTaken(t, s.change(kept, "db", "PersistentVolumeClaim", "store"))
		if s.digest(p, "db") == s.digest(kept, "db") {
			t.Error("that data are lost does not move the digest")
		}
		retained["spec"] = map[string]any{"persistentVolumeReclaimPolicy": "Delete"}
		s.edit(t, volumes, retained, "someone")
		was := s.get(t, claims, "store")
		_, diags := s.Apply(t.Context(), t, kept) // which said that nothing is lost
		wantError(t, diags, "application.db", "PersistentVolume "+s.namespace+"-store", "not in the plan")
		s.wantKept(t, claims, was)
	})
}

// bound waits until a claim has its volume.
func (s *stage) bound(t *testing.T, claim string) {
	t.Helper()
	resource := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "PersistentVolumeClaim"}, Plural: "persistentvolumeclaims", Namespaced: true}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if volume, _ := s.get(t, resource, claim).Get("spec", "volumeName"); volume != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the claim %s has no volume after a minute", claim)
		}
	}
}

// volume makes a volume for a claim of the stage's namespace.
func (s *stage) volume(t *testing.T, claim, reclaim string) {
	t.Helper()
	name := s.namespace + "-" + strings.TrimPrefix(claim, "data-")
	s.edit(t, volumes, object.Object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": map[string]any{"name": name}, "spec": map[string]any{
		"accessModes": []any{"ReadWriteOnce"}, "capacity": map[string]any{"storage": "1Gi"}, "hostPath": map[string]any{"path": "/tmp/" + name},
		"persistentVolumeReclaimPolicy": reclaim, "claimRef": map[string]any{"namespace": s.namespace, "name": claim},
	}}, "storage")
	s.removeAfter(t, volumes, name)
}

// TestDefinitionsNameWhoseResourcesWouldGo: the deletion of a definition is blocked
// while another application has resources of its kind, and says whose those are.
func TestDefinitionsNameWhoseResourcesWouldGo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	w := newWidgets(t, s)
	s.application(t, "operator", createNamespace, configMap("o", "a=b"), w.definition(v1, "a"))
	s.application(t, "web", "", w.widget("v1", "a"))
	s.MustApply(t, engine.PlanOptions{})
	s.ownedMap(t, "of-widget", s.get(t, w.resource("v1"), "one"))
	s.application(t, "operator", createNamespace, configMap("o", "a=b"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "application.operator", "/one")
	c := enginetest.Change(p, addr.Application("operator"), w.definitionID())
	wantBlocked(t, c, "takes more with it", "/one")
	wantTaken(t, c, "1 instance Widget of application.web", "1 owned ConfigMap")
}

// TestNamespacesSayWhatIsInThem has a namespace leave with what nobody would miss, and
// one with what somebody would.
func TestNamespacesSayWhatIsInThem(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	held := s.namespace + "-held"
	s.removeAfter(t, namespaceResource, held)
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + held + "\n"
	inside := webDeployment("web", 1)
	inside = strings.Replace(inside, "  name: web\n", "  name: web\n  namespace: "+held+"\n", 1)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), namespace, inside)
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantTaken(t, enginetest.Change(p, addr.Application("web"), "Namespace "+held))
	wantTaken(t, enginetest.Change(p, addr.Application("web"), "Deployment.apps "+held+"/web"), "1 owned Pod transient", "1 owned ReplicaSet transient")

	secret := object.Object{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "token", "namespace": held}}
	s.edit(t, secrets, secret, "someone")
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "application.web", "Secret "+held+"/token", "not in the plan")
	if _, err := s.cluster.Get(t.Context(), namespaceResource, "", held); err != nil {
		t.Errorf("the namespace: %v", err)
	}
	again, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Secret "+held+"/token")
	wantTaken(t, enginetest.Change(again, addr.Application("web"), "Namespace "+held), "1 inside Secret")
}

// TestUnreadableKindsAreTold: where a kind cannot be read, the plan says so, and only
// the deletion of a namespace waits until it can.
func TestUnreadableKindsAreTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	held := s.namespace + "-held"
	s.removeAfter(t, namespaceResource, held)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+held+"\n")
	s.application(t, "api", "", configMap("api", "a=b"), configMap("old", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	s.application(t, "api", "", configMap("api", "a=b"))
	sound := s.MustPlan(t, engine.PlanOptions{})
	lists := s.listing()
	for _, unread := range []string{"Secret in ", "*.broken.example.com"} {
		lists.refuse, lists.broken = "Secret", ""
		if strings.HasPrefix(unread, "*") {
			lists.refuse, lists.broken = "", "broken.example.com/v1"
		}
		p, diags := s.Plan(t, engine.PlanOptions{})
		wantError(t, diags, "application.web", "what would go with Namespace "+held)
		wantBlocked(t, enginetest.Change(p, addr.Application("web"), "Namespace "+held), "Deletion is not safe")
		wantAction(t, s.change(p, "api", "ConfigMap", "old"), plan.Prune)
		for _, app := range p.Applications {
			if len(app.Warnings) != 1 || !strings.Contains(app.Warnings[0], "not known in full") || !strings.Contains(app.Warnings[0], unread) {
				t.Errorf("%s warns of %q", app.Address, app.Warnings)
			}
		}
	}
	// The group breaks between the plan and its apply.
	_, diags := s.Apply(t.Context(), t, sound)
	wantError(t, diags, "application.web", "broken.example.com/v1", "check its APIService")
}
