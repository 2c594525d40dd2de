package memory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/memory"
)

var configMaps = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}

func served(gvk object.GVK) providers.Resource {
	return providers.Resource{GVK: gvk, Namespaced: gvk.Kind != "Namespace" && gvk.Kind != "CustomResourceDefinition" && gvk.Kind != "APIService"}
}

func newCluster() *memory.Cluster {
	return memory.New(memory.Options{Name: "test", Resource: served})
}

// onBoth runs a test on a cluster in memory, and on a real API server: what the one
// answers is what the other does.
func onBoth(t *testing.T, test func(*testing.T, providers.Cluster)) {
	t.Run("memory", func(t *testing.T) { test(t, newCluster()) })
	t.Run("server", func(t *testing.T) {
		shared := clustertest.Shared(t)
		server, err := kubernetes.New(kubernetes.Options{}).Connect("test", target.Connection{Kubeconfig: shared.Kubeconfig}, target.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		namespace := object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": team}}
		made := providers.ApplyRequest{Resource: providers.Resource{GVK: namespace.GVK(), Plural: "namespaces"}, Object: namespace, Manager: "test"}
		if _, err := server.Apply(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			if err := server.Delete(ctx, providers.DeleteRequest{Resource: configMaps, Namespace: team, Name: "web"}); err != nil && !errors.Is(err, providers.ErrNotFound) {
				t.Error(err)
			}
		})
		test(t, server)
	})
}

// team is the namespace of the tests.
const team = "memory-test"

func configMap(data map[string]any) object.Object {
	return object.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "web", "namespace": team}, "data": data,
	}
}

func apply(t *testing.T, c providers.Cluster, o object.Object, manager string, change func(*providers.ApplyRequest)) (object.Object, error) {
	t.Helper()
	request := providers.ApplyRequest{Resource: configMaps, Object: o, Manager: manager}
	if change != nil {
		change(&request)
	}
	result, err := c.Apply(t.Context(), request)
	return result.Object, err
}

// must is apply without an error.
func must(t *testing.T, c providers.Cluster, o object.Object, manager string, change func(*providers.ApplyRequest)) object.Object {
	t.Helper()
	made, err := apply(t, c, o, manager, change)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func data(o object.Object) any { return o["data"] }

// Fields are owned as on a server: what a manager no longer sends goes, what
// another has is a conflict, and force takes it.
func TestOwnership(t *testing.T) { onBoth(t, testOwnership) }

func testOwnership(t *testing.T, c providers.Cluster) {
	first := must(t, c, configMap(map[string]any{"a": "1", "b": "2"}), "one", nil)
	again := must(t, c, configMap(map[string]any{"a": "1", "b": "2"}), "one", nil)
	if first.ResourceVersion() != again.ResourceVersion() || first.UID() != again.UID() || first.UID() == "" {
		t.Errorf("applied again it is %v, was %v", again, first)
	}
	fewer := must(t, c, configMap(map[string]any{"a": "1"}), "one", nil)
	if diff := cmp.Diff(map[string]any{"a": "1"}, data(fewer)); diff != "" {
		t.Error(diff)
	}
	must(t, c, configMap(map[string]any{"c": "3"}), "two", nil)
	_, err := apply(t, c, configMap(map[string]any{"a": "other", "c": "3"}), "two", nil)
	var conflict *providers.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Fields) != 1 || conflict.Fields[0].Path != ".data.a" || !strings.HasPrefix(conflict.Fields[0].Manager, `"one"`) {
		t.Fatalf("taking a field of another gives %v", err)
	}
	forced := must(t, c, configMap(map[string]any{"a": "other", "c": "3"}), "two", func(r *providers.ApplyRequest) { r.Force = true })
	if diff := cmp.Diff(map[string]any{"a": "other", "c": "3"}, data(forced)); diff != "" {
		t.Error(diff)
	}
}

// What replaces an object takes away what it does not have, whoever owns it; what it
// changes is its manager's, by update.
func TestReplace(t *testing.T) { onBoth(t, testReplace) }

func testReplace(t *testing.T, c providers.Cluster) {
	must(t, c, configMap(map[string]any{"a": "1", "b": "2"}), "one", nil)
	have := must(t, c, configMap(map[string]any{"c": "3"}), "two", nil)
	replace := func(r *providers.ApplyRequest) {
		r.Replace, r.UID, r.ResourceVersion = true, have.UID(), have.ResourceVersion()
	}
	foretold := must(t, c, configMap(map[string]any{"a": "1", "b": "new"}), "one", func(r *providers.ApplyRequest) {
		replace(r)
		r.DryRun = true
	})
	if now, err := c.Get(t.Context(), configMaps, team, "web"); err != nil || now.ResourceVersion() != have.ResourceVersion() {
		t.Fatalf("after a dry run it is %v (%v)", now, err)
	}
	made := must(t, c, configMap(map[string]any{"a": "1", "b": "new"}), "one", replace)
	for _, o := range []object.Object{foretold, made} {
		if diff := cmp.Diff(map[string]any{"a": "1", "b": "new"}, data(o)); diff != "" || o.UID() != have.UID() {
			t.Error(diff)
		}
	}
	owned := map[string]bool{}
	for _, entry := range made.Metadata()["managedFields"].([]any) {
		fields := entry.(map[string]any)
		if data, ok := fields["fieldsV1"].(map[string]any)["f:data"].(map[string]any); ok {
			for key := range data {
				owned[fmt.Sprint(fields["manager"], " ", fields["operation"], " ", key)] = true
			}
		}
	}
	for _, want := range []string{"one Apply f:a", "one Update f:b"} {
		if !owned[want] {
			t.Errorf("%s is not among the owners: %v", want, owned)
		}
	}
	var conflict *providers.ConflictError
	if _, err := apply(t, c, configMap(nil), "one", replace); !errors.As(err, &conflict) {
		t.Errorf("replacing it as it was gives %v, want a conflict", err)
	}
}

func TestDryRunAndPreconditions(t *testing.T) { onBoth(t, testDryRunAndPreconditions) }

func testDryRunAndPreconditions(t *testing.T, c providers.Cluster) {
	must(t, c, configMap(nil), "one", func(r *providers.ApplyRequest) { r.DryRun = true })
	if _, err := c.Get(t.Context(), configMaps, team, "web"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a dry run left %v", err)
	}
	have := must(t, c, configMap(nil), "one", nil)
	var conflict *providers.ConflictError
	for _, change := range []func(*providers.ApplyRequest){
		func(r *providers.ApplyRequest) { r.UID = "another" },
		func(r *providers.ApplyRequest) { r.UID, r.ResourceVersion = have.UID(), "2" },
		func(r *providers.ApplyRequest) { r.New = true },
		func(r *providers.ApplyRequest) { r.New, r.DryRun = true, true },
	} {
		if _, err := apply(t, c, configMap(nil), "one", change); !errors.As(err, &conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
	}
	err := c.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: team, Name: "web", UID: "another"})
	if !errors.As(err, &conflict) {
		t.Errorf("deleting another object gives %v", err)
	}
	remove := providers.DeleteRequest{Resource: configMaps, Namespace: team, Name: "web", UID: have.UID()}
	if err := c.Delete(t.Context(), remove); err != nil {
		t.Error(err)
	}
	if err := c.Delete(t.Context(), remove); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
	fresh := func(r *providers.ApplyRequest) { r.New = true }
	if again := must(t, c, configMap(nil), "one", fresh); again.UID() == have.UID() {
		t.Error("an object made anew has the uid of the one before")
	}
}

func TestNamespaceTakesWhatIsInIt(t *testing.T) {
	c := newCluster()
	namespace := object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": team}}
	for _, o := range []object.Object{namespace, configMap(nil)} {
		if err := c.Put(t.Context(), o, "someone"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), providers.DeleteRequest{Resource: served(namespace.GVK()), Name: team}); err != nil {
		t.Fatal(err)
	}
	left, err := c.List(t.Context(), configMaps, "", providers.ListOptions{})
	if err != nil || len(left) != 0 {
		t.Errorf("there is still %v, %v", left, err)
	}
}

func TestPatchAndCreate(t *testing.T) {
	c := newCluster()
	must(t, c, configMap(map[string]any{"a": "1"}), "one", nil)
	patched, err := c.Patch(t.Context(), configMaps, team, "web", []byte(`[{"op":"remove","path":"/data/a"}]`), false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{}, data(patched)); diff != "" {
		t.Error(diff)
	}
	var invalid *providers.InvalidError
	if _, err := c.Patch(t.Context(), configMaps, team, "web", []byte(`[{"op":"remove","path":"/x"}]`), false); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
	hook := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "hook-", "namespace": team}}
	one, err := c.Create(t.Context(), providers.ApplyRequest{Resource: configMaps, Object: hook, Manager: "one"})
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Create(t.Context(), providers.ApplyRequest{Resource: configMaps, Object: hook, Manager: "one"})
	if err != nil || one.Object.Name() == two.Object.Name() {
		t.Errorf("%s and %s, %v", one.Object.Name(), two.Object.Name(), err)
	}
}

func TestWatch(t *testing.T) {
	c := newCluster()
	must(t, c, configMap(map[string]any{"a": "1"}), "one", nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []string
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- c.Watch(ctx, configMaps, team, providers.WatchOptions{}, func(o object.Object, deleted bool) bool {
			if len(seen) == 0 {
				close(ready)
			}
			value, _ := o.Get("data", "a")
			text, _ := value.(string)
			if deleted {
				text = "gone"
			}
			seen = append(seen, text)
			return !deleted
		})
	}()
	<-ready
	must(t, c, configMap(map[string]any{"a": "2"}), "one", nil)
	if err := c.Delete(ctx, providers.DeleteRequest{Resource: configMaps, Namespace: team, Name: "web"}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2", "gone"}, seen); diff != "" {
		t.Error(diff)
	}
}

// What is written is what an apply need not wait for, of every kind that has a
// check of its health.
func TestSettled(t *testing.T) {
	for _, gvk := range []object.GVK{
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "apps", Version: "v1", Kind: "StatefulSet"},
		{Group: "apps", Version: "v1", Kind: "DaemonSet"},
		{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
		{Group: "batch", Version: "v1", Kind: "Job"},
		{Group: "batch", Version: "v1", Kind: "CronJob"},
		{Version: "v1", Kind: "Pod"},
		{Version: "v1", Kind: "PersistentVolumeClaim"},
		{Version: "v1", Kind: "Service"},
		{Version: "v1", Kind: "Namespace"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
		{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"},
	} {
		c := newCluster()
		o := object.Object{
			"apiVersion": gvk.APIVersion(), "kind": gvk.Kind, "metadata": map[string]any{"name": "x"},
			"spec": map[string]any{},
		}
		switch gvk.Kind {
		case "Deployment", "StatefulSet", "ReplicaSet":
			o["spec"] = map[string]any{"replicas": int64(3)}
		case "Service":
			o["spec"] = map[string]any{"type": "LoadBalancer"}
		}
		result, err := c.Apply(t.Context(), providers.ApplyRequest{Resource: served(gvk), Object: o, Manager: "one"})
		if err != nil {
			t.Fatal(err)
		}
		if ready := health.Ready(result.Object); !ready.Done {
			t.Errorf("%s: %s", gvk, ready.Message)
		}
	}
}
