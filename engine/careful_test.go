package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

var memoryConfigMaps = engine.GuessResource(object.GVK{Version: "v1", Kind: "ConfigMap"})

// unmark takes what says whose it is off an object.
func unmark(t *testing.T, cluster *memory.Cluster) {
	t.Helper()
	have := liveWeb(t, cluster)
	var patch []string
	for _, in := range []string{"labels", "annotations"} {
		if _, ok := have.Metadata()[in]; ok {
			patch = append(patch, fmt.Sprintf(`{"op":"remove","path":"/metadata/%s"}`, in))
		}
	}
	if len(patch) == 0 {
		t.Fatal("the object carries no mark")
	}
	if _, err := cluster.Patch(t.Context(), memoryConfigMaps, "web", "web", []byte("["+strings.Join(patch, ",")+"]"), false); err != nil {
		t.Fatal(err)
	}
}

// TestWhatCarriesNoMarkIsNotDeleted takes the mark off an object that its application no
// longer wants: before the plan, and between the plan and its apply.
func TestWhatCarriesNoMarkIsNotDeleted(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprintf("before the plan %v", before), func(t *testing.T) {
			b, cluster := inMemory(t)
			webs(t, b, "", "old")
			b.MustApply(t, engine.PlanOptions{})
			webs(t, b, "")
			if before {
				unmark(t, cluster)
			}
			p := b.MustPlan(t, engine.PlanOptions{})
			change := enginetest.Change(p, addr.Application("old"), "ConfigMap web/web")
			if before && (change.Action != plan.Forget || !strings.Contains(change.Reason, "no longer carries gantry's mark")) {
				t.Errorf("planned %s: %s", change.Action, change.Reason)
			}
			if !before {
				wantAction(t, change, plan.Prune)
				unmark(t, cluster)
			}
			_, diags := b.Apply(t.Context(), t, p)
			if !before {
				wantError(t, diags, "Application left out", "no longer carries gantry's mark")
			}
			if liveWeb(t, cluster) == nil {
				t.Error("it was deleted")
			}
		})
	}
}

// between calls something once, after the first write of an apply.
type between struct {
	providers.Clusters
	once func()
	done *atomic.Bool
}

func (b between) Connect(name string, c target.Connection, cr target.Credentials) (providers.Cluster, error) {
	cluster, err := b.Clusters.Connect(name, c, cr)
	return betweenCluster{cluster, b}, err
}

type betweenCluster struct {
	providers.Cluster
	between between
}

func (b betweenCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	answer, err := b.Cluster.Apply(ctx, request)
	if !request.DryRun && b.between.done.CompareAndSwap(false, true) {
		b.between.once()
	}
	return answer, err
}

// TestWhatIsMadeDuringAnApplyIsNotTaken has an object of a later wave made by someone
// else while an earlier one is applied.
func TestWhatIsMadeDuringAnApplyIsNotTaken(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	b.Write(t, map[string]string{"web.gantry.hcl": `
application "web" {
  source {
    objects = [
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "operator" } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web", annotations = { "argocd.argoproj.io/sync-wave" = "1" } }, data = { a = "ours" } },
    ]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`})
	p := b.MustPlan(t, engine.PlanOptions{})
	inner := b.Wrap
	b.Wrap = func(all providers.Clusters) providers.Clusters {
		return between{Clusters: inner(all), done: &atomic.Bool{}, once: func() {
			made := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "web", "namespace": "web"}, "data": map[string]any{"b": "theirs"}}
			if err := cluster.Put(t.Context(), made, "operator"); err != nil {
				t.Error(err)
			}
		}}
	}
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "was to be created, and exists by now")
	have := liveWeb(t, cluster)
	if data, _ := have.Get("data"); fmt.Sprint(data) != "map[b:theirs]" {
		t.Errorf("what someone else has made is %v by now", data)
	}
}

// newVersion serves config maps in another version than they were applied in, once it is
// told to.
type newVersion struct {
	providers.Clusters
	now *atomic.Bool
}

func (n newVersion) Connect(name string, c target.Connection, cr target.Credentials) (providers.Cluster, error) {
	cluster, err := n.Clusters.Connect(name, c, cr)
	return newVersionCluster{cluster, n}, err
}

type newVersionCluster struct {
	providers.Cluster
	serves newVersion
}

func (n newVersionCluster) Get(ctx context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	if n.serves.now.Load() {
		return nil, fmt.Errorf("%w: v1 ConfigMap", providers.ErrUnknownKind)
	}
	return n.Cluster.Get(ctx, resource, namespace, name)
}

func (n newVersionCluster) Delete(context.Context, providers.DeleteRequest) error {
	n.serves.now.Store(true)
	return fmt.Errorf("%w: v1 ConfigMap", providers.ErrUnknownKind)
}

func (n newVersionCluster) Resources(ctx context.Context) ([]providers.Resource, error) {
	all, err := n.Cluster.Resources(ctx)
	for i := range all {
		if n.serves.now.Load() && all[i].GVK.Kind == "ConfigMap" {
			all[i].GVK.Version = "v2"
		}
	}
	return all, err
}

// TestAVersionThatGoesTakesNoObjectWithIt deletes an object in a version that is no longer
// served: in another it is still there, and stays the application's.
func TestAVersionThatGoesTakesNoObjectWithIt(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	webs(t, b, "", "old")
	b.MustApply(t, engine.PlanOptions{})
	webs(t, b, "")
	p := b.MustPlan(t, engine.PlanOptions{})
	inner := b.Wrap
	b.Wrap = func(all providers.Clusters) providers.Clusters { return newVersion{inner(all), &atomic.Bool{}} }
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "is served in version v2 by now, and no longer in v1")
	if liveWeb(t, cluster) == nil || len(recordsOf(t, b)) != 1 {
		t.Errorf("the record is %v", recordsOf(t, b))
	}
}
