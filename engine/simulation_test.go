package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/internal/conformance"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// simulationCase is a sync that Argo CD's engine was taken through, reconcile by
// reconcile, and what it did.
type simulationCase struct {
	ID            string
	Targets, Live []struct {
		APIVersion, Kind, Name string
		Annotations            map[string]string
	}
	Prune, PruneLast, Replace, DryRun bool
	HealthPerStep                     map[string][]string
	FailingApplies                    []string
	ExpectedSteps                     []struct{ Ops []string }
	ExpectedFinalPhase                string
	ExpectedClusterState              []string
}

// TestConformanceSimulation takes the real plan and the real apply through the same
// syncs, on a cluster in memory whose objects become as healthy as the case says, one
// step each time that the apply has nothing left to do but wait. What is done must be
// done in the same order, and end the same; engine/testdata/simulation.txt lists the
// cases that differ deliberately, with the reason.
func TestConformanceSimulation(t *testing.T) {
	t.Parallel()
	list := conformance.Cases[simulationCase](t, "sync/sync_simulation_cases.jsonl")
	reasons := simulationDifferences(t)
	agreed, different := 0, 0
	for i, c := range list {
		var got simulated
		name := fmt.Sprintf("%d: %s", i, c.ID)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { got = simulate(t, &c) })
		})
		why := got.differs(&c)
		reason, listed := reasons[name]
		switch {
		case why == "" && listed:
			t.Errorf("%s agrees, and is listed as different", name)
		case why != "" && !listed:
			t.Errorf("%s: %s", name, why)
		case listed:
			different++
			t.Logf("%s differs: %s", name, reason)
		default:
			agreed++
		}
	}
	t.Logf("%d of %d simulated syncs as Argo CD, %d deliberately different", agreed, len(list), different)
}

// simulationDifferences reads the cases that differ: "number: id | reason".
func simulationDifferences(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "simulation.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " | ")
		if !ok {
			t.Fatalf("no reason in %q", line)
		}
		out[name] = reason
	}
	return out
}

// simulated is what came of a case.
type simulated struct {
	ops   []string
	phase string
	state []string
}

// differs says in what a case came to something else than in Argo CD.
func (s *simulated) differs(c *simulationCase) string {
	left := s.ops
	for _, step := range c.ExpectedSteps {
		var want []string
		for _, op := range step.Ops {
			verb, what, _ := strings.Cut(op, " ")
			switch verb {
			case "remove-hook-finalizer": // hooks have none
				continue
			case "replace", "create", "replace-force", "apply-force", "apply-ssa", "update":
				verb = "apply" // how it is written is for the tests of options
			}
			want = append(want, verb+" "+what)
		}
		n := min(len(want), len(left))
		got := slices.Sorted(slices.Values(left[:n]))
		if slices.Sort(want); !slices.Equal(got, want) {
			return fmt.Sprintf("did %q, want %q next of %q", s.ops, want, left)
		}
		left = left[n:]
	}
	switch {
	case len(left) > 0:
		return fmt.Sprintf("did %q beyond what was expected", left)
	case s.phase != c.ExpectedFinalPhase:
		return fmt.Sprintf("ended %s, want %s", s.phase, c.ExpectedFinalPhase)
	case !slices.Equal(s.state, c.ExpectedClusterState):
		return fmt.Sprintf("left %q, want %q", s.state, c.ExpectedClusterState)
	}
	return ""
}

const simulatedHealth = `
cluster "local" {
  kubeconfig = "none"
}
health "*/*" {
  status = field("metadata.annotations.simulated", "progressing")
}
`

// simulate plans and applies a case. It runs in a bubble of its own, whose time goes on
// when nothing else does.
func simulate(t *testing.T, c *simulationCase) simulated {
	cluster := &simulation{
		Cluster: memory.New(memory.Options{Name: "local", Resource: simulatedKind}), health: map[string][]string{}, at: map[object.ID]int{},
	}
	bench := enginetest.New(t, map[string]string{"cluster.gantry.hcl": simulatedHealth})
	bench.Wrap = func(providers.Clusters) providers.Clusters { return simulations{cluster} }
	write := func(version string, objects []struct {
		APIVersion, Kind, Name string
		Annotations            map[string]string
	}, more string,
	) {
		var documents []string
		for _, r := range objects {
			annotations := map[string]any{"version": version}
			for key, value := range r.Annotations {
				annotations[key] = value
			}
			text, err := json.Marshal(map[string]any{"apiVersion": r.APIVersion, "kind": r.Kind, "metadata": map[string]any{"name": r.Name, "annotations": annotations}})
			if err != nil {
				t.Fatal(err)
			}
			documents = append(documents, string(text))
		}
		bench.Write(t, map[string]string{
			"web.gantry.hcl": "application \"web\" {\n source {\n path = \"./web\"\n }\n destination {\n cluster = cluster.local\n namespace = \"sim\"\n }\n sync {\n allow_empty = true\n health_timeout = \"10m\"\n" + more + "\n}\n}\n",
			"web/all.yaml":   strings.Join(documents, "\n---\n"),
		})
	}
	if len(c.Live) > 0 {
		write("1", c.Live, "")
		bench.MustApply(t, engine.PlanOptions{})
	}
	cluster.health = c.HealthPerStep
	cluster.failing = c.FailingApplies
	cluster.ops = nil
	write("2", c.Targets, fmt.Sprintf("prune = %q\nprune_last = %t", fmt.Sprint(c.Prune), c.PruneLast))
	p, diags := bench.Plan(t, engine.PlanOptions{})
	out := simulated{phase: "Succeeded"}
	switch {
	case diags.HasErrors():
		out.phase = "Failed"
	case !c.DryRun:
		out.phase = cluster.run(t, bench, p)
	}
	out.ops, out.state = cluster.ops, cluster.names(t)
	return out
}

// simulatedKind is how a kind is served.
func simulatedKind(gvk object.GVK) providers.Resource {
	out := engine.GuessResource(gvk)
	out.Plural = strings.ToLower(gvk.Kind) + "s"
	return out
}

// run applies a plan, and has objects change their health whenever nothing else happens.
func (s *simulation) run(t *testing.T, bench *enginetest.Bench, p *plan.Plan) string {
	done := make(chan string, 1)
	go func() {
		_, diags := bench.Engine().Apply(t.Context(), p, engine.ApplyOptions{Confirmed: engine.Confirmed{All: true}})
		if diags.HasErrors() {
			done <- "Failed"
			return
		}
		done <- "Succeeded"
	}()
	for range 1000 {
		time.Sleep(3 * time.Second) // what waits a moment goes on before anything changes
		synctest.Wait()
		select {
		case phase := <-done:
			return phase
		default:
		}
		s.tick(t)
	}
	t.Fatal("it does not end")
	return ""
}

// simulations is the one cluster that there is.
type simulations struct{ *simulation }

func (s simulations) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return s.simulation, nil
}

// simulation is a cluster in memory that notes what is done, and whose objects have the
// health that a case gives them.
type simulation struct {
	*memory.Cluster
	mu      sync.Mutex
	health  map[string][]string // by name, one step after the other
	failing []string
	at      map[object.ID]int // which step of its health an object is at
	ops     []string
}

// stepOf returns the health of an object at a step.
func (s *simulation) stepOf(id object.ID, step int) string {
	steps := s.health[id.Name]
	if len(steps) == 0 {
		return "healthy"
	}
	return strings.ToLower(steps[min(step, len(steps)-1)])
}

func (s *simulation) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if slices.Contains(s.failing, r.Object.Name()+"@dryrun") && r.DryRun {
		return providers.ApplyResult{}, &providers.InvalidError{Message: "refused"}
	}
	if r.DryRun {
		return s.Cluster.Apply(ctx, r)
	}
	id := r.Object.ID()
	s.mu.Lock()
	fails := slices.Contains(s.failing, id.Name)
	if fails {
		s.ops = append(s.ops, "apply(failed) "+id.Kind+"/"+id.Name)
	} else {
		s.ops = append(s.ops, "apply "+id.Kind+"/"+id.Name)
		s.at[id] = 0
		r.Object = r.Object.DeepCopy()
		_ = r.Object.Set(s.stepOf(id, 0), "metadata", "annotations", "simulated")
	}
	s.mu.Unlock()
	if fails {
		return providers.ApplyResult{}, &providers.InvalidError{Message: "refused"}
	}
	return s.Cluster.Apply(ctx, r)
}

func (s *simulation) Delete(ctx context.Context, r providers.DeleteRequest) error {
	err := s.Cluster.Delete(ctx, r)
	if err == nil && !r.DryRun {
		s.mu.Lock()
		s.ops = append(s.ops, "delete "+r.Resource.GVK.Kind+"/"+r.Name)
		s.mu.Unlock()
	}
	return err
}

// tick takes every object that was written one step on.
func (s *simulation) tick(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, step := range s.at {
		s.at[id] = step + 1
		patch := fmt.Sprintf(`[{"op":"add","path":"/metadata/annotations/simulated","value":%q}]`, s.stepOf(id, step+1))
		resource := simulatedKind(object.GVK{Group: id.Group, Version: "v1", Kind: id.Kind})
		if _, err := s.Patch(t.Context(), resource, id.Namespace, id.Name, []byte(patch), false); err != nil {
			delete(s.at, id) // it is gone
		}
	}
}

// names lists what is in the cluster, as cases have it.
func (s *simulation) names(t *testing.T) []string {
	out := []string{}
	for _, kind := range []string{"ConfigMap", "Service", "Namespace", "Job", "Deployment"} {
		group := map[string]string{"Job": "batch", "Deployment": "apps"}[kind]
		all, err := s.List(t.Context(), simulatedKind(object.GVK{Group: group, Version: "v1", Kind: kind}), "", providers.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if o.Annotation("version") != "" {
				out = append(out, kind+"/"+o.Name())
			}
		}
	}
	slices.Sort(out)
	return out
}
