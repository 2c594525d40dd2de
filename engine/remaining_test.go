package engine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// countedClusters are one cluster that counts the writes that it is sent, by what they are.
type countedClusters struct {
	providers.Cluster
	mu   *sync.Mutex
	sent map[string]int
}

func (c countedClusters) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c, nil
}

func (c countedClusters) count(verb, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[verb+" "+name]++
}

// Apply implements providers.Cluster.
func (c countedClusters) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if !r.DryRun {
		c.count("apply", r.Object.Name())
	}
	return c.Cluster.Apply(ctx, r)
}

// Patch implements providers.Cluster.
func (c countedClusters) Patch(ctx context.Context, r providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	if !dryRun {
		c.count("patch", name)
	}
	return c.Cluster.Patch(ctx, r, namespace, name, patch, dryRun)
}

// Delete implements providers.Cluster.
func (c countedClusters) Delete(ctx context.Context, r providers.DeleteRequest) error {
	c.count("delete", r.Name)
	return c.Cluster.Delete(ctx, r)
}

// leftBehind is a configuration whose second edition has every kind of change.
func leftBehind(t *testing.T, b *enginetest.Bench, edition int) {
	t.Helper()
	names := []string{"old", "whole", "kept"}
	if edition == 2 {
		names = []string{"whole", "kept", "new", "taken"}
	}
	var objects bytes.Buffer
	for _, name := range names {
		annotations := ""
		if name == "whole" {
			annotations = `, annotations = { "argocd.argoproj.io/sync-options" = "Replace=true" }`
		}
		fmt.Fprintf(&objects, "{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = %q%s }, data = { edition = \"%d\" } },\n", name, annotations, edition)
	}
	fmt.Fprintf(&objects, "{ apiVersion = \"v1\", kind = \"Secret\", metadata = { name = \"login\" }, stringData = { password = \"pssst-%d\" } },\n", edition)
	b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  source { objects = [%s] }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
application "late" {
  depends_on = [application.web]
  source { objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "late" }, data = { edition = "%d" } }] }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, &objects, edition)})
}

// TestWhatIsLeftOfAPlan cuts an apply at its n-th write, that one done or not, by a failure
// or so that nothing more is recorded, as when it is killed. Resumed from what the state
// keeps, the plan is carried out to its end, and no write is sent that was done before.
func TestWhatIsLeftOfAPlan(t *testing.T) {
	t.Parallel()
	const writes = 8 // of nine at least
	for _, killed := range []bool{false, true} {
		for _, answered := range []bool{false, true} {
			for n := range writes {
				t.Run(fmt.Sprintf("at write %d, done %v, killed %v", n, answered, killed), func(t *testing.T) {
					t.Parallel()
					b, cluster := inMemory(t)
					taken := object.Object{
						"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "taken", "namespace": "web"},
						"data": map[string]any{"edition": "0"},
					}
					if err := cluster.Put(t.Context(), taken, "helm"); err != nil {
						t.Fatal(err)
					}
					leftBehind(t, b, 1)
					b.MustApply(t, engine.PlanOptions{})
					leftBehind(t, b, 2)
					p := b.MustPlan(t, engine.PlanOptions{})
					counted := countedClusters{cluster, &sync.Mutex{}, map[string]int{}}
					through := func(providers.Clusters) providers.Clusters { return counted }
					left, whole := &atomic.Int64{}, b.Records
					left.Store(int64(n))
					b.Wrap = func(providers.Clusters) providers.Clusters {
						return failingClusters{Clusters: counted, left: left, answered: answered, fail: func() error { return errCut }}
					}
					if killed { // the intents are recorded, and nothing after them
						var err error
						if b.Records, err = state.Open(t.Context(), &failing{Store: whole.Store(), after: 1}); err != nil {
							t.Fatal(err)
						}
					}
					result, diags := b.Apply(t.Context(), t, p)
					if !diags.HasErrors() {
						t.Fatal("the apply does not fail")
					}
					b.Records, b.Wrap = whole, through
					before := maps.Clone(counted.sent)

					kept := keptPlan(t, b)
					rest, diags := b.Engine().Remaining(t.Context(), kept)
					enginetest.Check(t, diags)
					done := 0
					for _, outcome := range result.Applications {
						done += outcome.Done.Changes()
					}
					if killed {
						done = 0 // nobody has noted it
					}
					if have, want := rest.Counts().Changes(), p.Counts().Changes()-done; have != want {
						t.Errorf("%d changes are told to remain, want %d", have, want)
					}
					enginetest.Check(t, resume(t, b, kept))
					for _, name := range slices.Sorted(maps.Keys(counted.sent)) {
						if counted.sent[name] > 1 {
							t.Errorf("%s was sent %d times, %d of them before", name, counted.sent[name], before[name])
						}
					}
					if all, err := b.Records.KeptPlans(t.Context()); len(all) > 0 || err != nil {
						t.Errorf("%d plans are kept although all is applied, %v", len(all), err)
					}
					wantError(t, resume(t, b, kept), "Plan cannot be applied", "a plan is applied once")
					expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))
				})
			}
		}
	}
}

// TestHooksThatAreLeft: a hook that an apply did not come to is in what is left of the
// plan, and in the next plan, also where it had succeeded in an earlier sync. A hook that
// succeeded is not, and nor is one that is kept for when the application leaves.
func TestHooksThatAreLeft(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	write := func(edition int) {
		var objects strings.Builder
		for name, hook := range map[string]string{"settings": "", "before": "PreSync", "after": "PostSync", "bye": "PreDelete"} {
			fmt.Fprintf(&objects, "{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = %q, annotations = { \"argocd.argoproj.io/hook\" = %q } }, data = { edition = \"%d\" } },\n",
				name, hook, map[string]int{"settings": edition, "bye": edition}[name])
		}
		b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  source { objects = [%s] }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, strings.ReplaceAll(objects.String(), `, annotations = { "argocd.argoproj.io/hook" = "" }`, ""))})
	}
	write(1)
	b.MustApply(t, engine.PlanOptions{})
	expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))

	write(2)
	p := b.MustPlan(t, engine.PlanOptions{})
	if want := []string{"run after", "run before", "update settings"}; !slices.Equal(done(p), want) {
		t.Fatalf("planned are %q, want %q", done(p), want)
	}
	reached, left := b.Wrap, &atomic.Int64{}
	left.Store(3) // the one before is deleted, run again, and settings is updated
	b.Wrap = func(all providers.Clusters) providers.Clusters {
		return failingClusters{Clusters: reached(all), left: left, fail: func() error { return errCut }}
	}
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "the connection was cut")
	b.Wrap = reached

	rest, diags := b.Engine().Remaining(t.Context(), p)
	enginetest.Check(t, diags)
	if counts := rest.Counts(); !slices.Equal(done(rest), []string{"run after"}) || counts[plan.Remember] > 0 {
		t.Errorf("left are %q, and %v in all", done(rest), counts)
	}
	if next := b.MustPlan(t, engine.PlanOptions{}); !slices.Equal(done(next), []string{"run after", "run before"}) {
		t.Errorf("the next plan has %q", done(next))
	}
	enginetest.Check(t, resume(t, b, p))
	expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))
}

// keptPlan is the plan that the state keeps. The values of Secrets are nowhere in it.
func keptPlan(t *testing.T, b *enginetest.Bench) *plan.Plan {
	t.Helper()
	all, err := b.Records.KeptPlans(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d plans are kept, %v", len(all), err)
	}
	read, err := planfile.Read(bytes.NewReader(all[0].File), planfile.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(read.Plan)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(`"login"`)) {
		t.Error("what is kept does not have the Secret: that its value is not there says nothing")
	}
	for _, value := range []string{"pssst", base64.StdEncoding.EncodeToString([]byte("pssst-2"))} {
		if bytes.Contains(text, []byte(value)) {
			t.Errorf("what is kept has %s in clear", value)
		}
	}
	opened, err := planfile.Unseal(read.Plan, b.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func resume(t *testing.T, b *enginetest.Bench, p *plan.Plan) hcl.Diagnostics {
	t.Helper()
	_, diags := b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, Resume: true})
	return diags
}

// TestWhatIsNotResumed: a plan that was never begun, and one since which another was
// begun, even if that one did not come far either.
func TestWhatIsNotResumed(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	leftBehind(t, b, 1)
	first := b.MustPlan(t, engine.PlanOptions{})
	wantError(t, resume(t, b, first), "Plan cannot be applied", "never begun")

	reached := b.Wrap
	b.Wrap = func(all providers.Clusters) providers.Clusters {
		return failingClusters{Clusters: reached(all), left: &atomic.Int64{}, fail: func() error { return errCut }}
	}
	_, diags := b.Apply(t.Context(), t, first)
	wantError(t, diags, "the connection was cut")
	leftBehind(t, b, 2)
	second := b.MustPlan(t, engine.PlanOptions{})
	_, diags = b.Apply(t.Context(), t, second)
	wantError(t, diags, "the connection was cut")
	b.Wrap = reached

	wantError(t, resume(t, b, first), "Another plan was applied since", "by test", "Plan again")
	if kept := keptPlan(t, b); kept.ID != second.ID {
		t.Errorf("kept is %s, want %s", kept.ID, second.ID)
	}
	enginetest.Check(t, resume(t, b, second))
	expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))
}
