package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// simulationCase is a sync that Argo CD's engine was taken through, reconcile by
// reconcile, and what it did.
type simulationCase struct {
	ID                                                  string
	Targets, Live                                       []simulatedObject
	Prune, PruneLast, PruneConfirmed, SkipHooks, DryRun bool
	HealthPerStep                                       map[string][]string
	FailingApplies                                      []string
	ExpectedSteps                                       []struct{ Ops []string }
	ExpectedFinalPhase                                  string
	ExpectedClusterState                                []string
}

// TestConformanceSimulation takes the real plan and the real apply through the same
// syncs, on a cluster in memory whose objects become as healthy as the case says, one
// step each time that the apply has nothing left to do but wait. What is done must be
// done in the same order, and end the same, but for the deliberate differences of
// simulationRules, which are told by what a case is given: where a rule applies, what it
// does not touch is compared still.
func TestConformanceSimulation(t *testing.T) {
	t.Parallel()
	list := conformance.Cases[simulationCase](t, "sync/sync_simulation_cases.jsonl")
	tally := conformance.Count(t, conformance.Simulation)
	for i, c := range list {
		var got simulated
		name := fmt.Sprintf("%d: %s", i, c.ID)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { got = simulate(t, &c) })
		})
		want := c.expected()
		why := want.differs(&got)
		if why == "" {
			tally.Agree()
			continue
		}
		var reasons []string
		for _, rule := range simulationRules() {
			if rule.about(&c) {
				reasons = append(reasons, rule.reason)
				rule.expect(&c, &want)
			}
		}
		if more := want.differs(&got); more != "" {
			tally.Fail("%s: as Argo CD: %s; with what is deliberate (%q): %s", name, why, reasons, more)
			continue
		}
		tally.Differ(strings.Join(reasons, "; and "))
	}
}

// simulated is what came of a case.
type simulated struct {
	ops   []string
	phase string
	state []string
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
	write := func(version string, objects []simulatedObject, more string) {
		var documents []string
		for _, r := range objects {
			o := r.object()
			_ = o.Set(version, "metadata", "annotations", "version")
			text, err := json.Marshal(o)
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
	options := engine.PlanOptions{}
	if c.SkipHooks { // Argo CD does so where a sync is of selected objects
		all, err := selection.Parse([]string{"*"}, "")
		if err != nil {
			t.Fatal(err)
		}
		options.Only = all
	}
	p, diags := bench.Plan(t, options)
	out := simulated{phase: "Succeeded"}
	switch {
	case diags.HasErrors():
		out.phase = "Failed"
	case !c.DryRun:
		out.phase = cluster.run(t, bench, p, c.PruneConfirmed)
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
func (s *simulation) run(t *testing.T, bench *enginetest.Bench, p *plan.Plan, confirmed bool) string {
	done := make(chan string, 1)
	go func() {
		_, diags := bench.Engine().Apply(t.Context(), p, engine.ApplyOptions{Confirmed: engine.Confirmed{All: confirmed}})
		switch {
		case strings.Contains(diags.Error(), "to be confirmed, and nothing of it was changed"):
			done <- "Running" // Argo CD waits for it, and changes nothing as long
		case diags.HasErrors():
			done <- "Failed"
		default:
			done <- "Succeeded"
		}
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
