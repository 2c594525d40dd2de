package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// fleet is applications in two clusters in memory, and what is done to them, in order.
type fleet struct {
	*enginetest.Bench
	clusters  map[string]*memory.Cluster
	refuse    string // the application whose objects are refused
	blind     bool   // what is read panics
	unwatched bool   // nothing may be watched

	mu    sync.Mutex
	lines []string
	on    func(engine.Event)
}

// Connect implements providers.Clusters.
func (f *fleet) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	if f.blind {
		return blind{refusing{f.clusters[name], f}}, nil
	}
	return refusing{f.clusters[name], f}, nil
}

type refusing struct {
	*memory.Cluster
	fleet *fleet
}

// Apply implements providers.Cluster.
func (r refusing) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if r.fleet.refuse != "" && !request.DryRun && request.Object.Name() == r.fleet.refuse {
		return providers.ApplyResult{}, errors.New("refused on purpose")
	}
	return r.Cluster.Apply(ctx, request)
}

// Watch implements providers.Cluster.
func (r refusing) Watch(ctx context.Context, resource providers.Resource, namespace string, options providers.WatchOptions, changed func(object.Object, bool) bool) error {
	if r.fleet.unwatched {
		return fmt.Errorf("watching %s: %w", resource.Plural, providers.ErrForbidden)
	}
	return r.Cluster.Watch(ctx, resource, namespace, options, changed)
}

// newFleet is web in four instances, two in each of the clusters eu and us, of which eu-a
// is the canary, with a rollout of these steps.
func newFleet(t *testing.T, steps string) *fleet {
	t.Helper()
	f := &fleet{clusters: map[string]*memory.Cluster{}}
	f.Bench = enginetest.New(t, map[string]string{"clusters.gantry.hcl": `
cluster "eu" { server = "https://eu.example.com" }
cluster "us" { server = "https://us.example.com" }
`})
	for _, name := range []string{"eu", "us"} {
		f.clusters[name] = memory.New(memory.Options{Name: name, Resource: plurals})
	}
	f.Wrap = func(providers.Clusters) providers.Clusters { return f }
	f.Events = f.event
	f.version(t, steps, "1")
	return f
}

// plurals is how kinds are served.
func plurals(gvk object.GVK) providers.Resource {
	resource := engine.GuessResource(gvk)
	resource.Plural = strings.ToLower(gvk.Kind) + "s"
	return resource
}

// version writes the configuration, with a version that the objects have.
func (f *fleet) version(t *testing.T, steps, version string) {
	t.Helper()
	f.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  for_each = { eu-a = cluster.eu, eu-b = cluster.eu, us-a = cluster.us, us-b = cluster.us }
  labels   = { tier = each.key == "eu-a" ? "canary" : "stable" }
  source {
    objects = [{
      apiVersion = "apps/v1", kind = "Deployment", metadata = { name = each.key },
      spec = { replicas = 1, selector = { matchLabels = { app = each.key } }, template = {
        metadata = { labels = { app = each.key, version = %[2]q } }, spec = { containers = [{ name = "web", image = "registry.example.com/web:1" }] } } }
    }]
  }
  destination {
    cluster   = each.value
    namespace = "web"
  }
  sync { health_timeout = "1s" }
}
application "other" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "other" }, data = { version = %[2]q } }]
  }
  destination {
    cluster   = cluster.us
    namespace = "other"
  }
}
rollout "web" {
  applications = application.web
  %[1]s
}
`, steps, version)})
}

func (f *fleet) event(e engine.Event) {
	f.mu.Lock()
	name := e.Application.Key
	if name == "" {
		name = e.Application.Name
	}
	switch e.Kind { //nolint:exhaustive // the others tell nothing of the order
	case engine.EventStarted, engine.EventFinished:
		f.lines = append(f.lines, fmt.Sprintf("%s %s", e.Kind, name))
	case engine.EventHeld:
		f.lines = append(f.lines, fmt.Sprintf("%s %s %s", e.Kind, name, e.Message))
	case engine.EventSkipped:
		f.lines = append(f.lines, fmt.Sprintf("%s %s %s", e.Kind, name, e.Message))
	}
	on := f.on
	f.mu.Unlock()
	if on != nil {
		on(e)
	}
}

// at returns when the first line came that begins with a text, -1 for never.
func (f *fleet) at(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.IndexFunc(f.lines, func(line string) bool { return strings.HasPrefix(line, text) })
}

// inOrder checks that the first lines that begin with some texts came one after the other.
func (f *fleet) inOrder(t *testing.T, texts ...string) {
	t.Helper()
	last := -1
	for _, text := range texts {
		at := f.at(text)
		if at < 0 || at < last {
			f.mu.Lock()
			t.Errorf("%q came at %d, after %d:\n%s", text, at, last, strings.Join(f.lines, "\n"))
			f.mu.Unlock()
			return
		}
		last = at
	}
}

var webRollout = addr.Address{Kind: "rollout", Name: "web"}

// known is what the state knows of the rollout.
func (f *fleet) known(t *testing.T) *state.Rollout {
	t.Helper()
	known, err := f.Records.Rollout(context.Background(), webRollout)
	if err != nil || known == nil {
		t.Fatalf("%v, %v", known, err)
	}
	return known
}

// order asks something of the rollout.
func (f *fleet) order(t *testing.T, order string) {
	t.Helper()
	err := f.Records.ChangeRollout(context.Background(), webRollout, func(r *state.Rollout) error { r.Order = order; return nil })
	if err != nil {
		t.Error(err)
	}
}

func outcomes(result *engine.Result) map[string]string {
	out := map[string]string{}
	for _, o := range result.Applications {
		name := o.Address.Key
		if name == "" {
			name = o.Address.Name
		}
		out[name] = o.Outcome
	}
	return out
}

const canaryFirst = `
  step {
    match = app.labels.tier == "canary"
    bake  = "1s"
  }
  step { max_update = "50%" }
`

func TestARolloutMovesStepByStep(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	p := f.MustPlan(t, engine.PlanOptions{})
	want := []plan.Rollout{{Address: webRollout, Steps: []plan.RolloutStep{
		{Applications: []int{1}, Bake: time.Second}, {Applications: []int{2, 3, 4}, MaxUpdate: 2},
	}}}
	if diff := cmp.Diff(want, p.Rollouts); diff != "" {
		t.Fatal(diff)
	}
	began := time.Now()
	result, diags := f.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if took := time.Since(began); took < time.Second {
		t.Errorf("it took %s, and the canary bakes for a second", took)
	}
	f.inOrder(t, "started eu-a", "finished eu-a", "held eu-b step 1 of rollout.web bakes for 1s, until ", "started eu-b")
	f.inOrder(t, "held us-b waits for its turn in step 2 of rollout.web: 2 at once", "started us-b")
	f.inOrder(t, "started other", "started eu-b") // it is in no rollout, and waits for none
	if got := outcomes(result); len(got) != 5 || got["us-b"] != engine.OutcomeSucceeded {
		t.Error(got)
	}
	if known := f.known(t); known.State != "done" || !known.Ended || known.Step != 2 || known.Plan != p.ID {
		t.Errorf("%+v", known)
	}
	// Who is as desired keeps nobody waiting, and is asked all the same.
	f.version(t, strings.ReplaceAll(canaryFirst, "canary", "stable"), "1")
	if p := f.MustPlan(t, engine.PlanOptions{}); len(p.Rollouts) > 0 {
		t.Error("nothing changes, and there is a rollout in the plan")
	}
}

func TestAFailedStepStopsItsRolloutOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	f.refuse = "eu-a"
	result, diags := f.Apply(t.Context(), t, f.MustPlan(t, engine.PlanOptions{}))
	want := map[string]string{
		"eu-a": engine.OutcomeFailed, "eu-b": engine.OutcomeSkipped, "us-a": engine.OutcomeSkipped, "us-b": engine.OutcomeSkipped, "other": engine.OutcomeSucceeded,
	}
	if diff := cmp.Diff(want, outcomes(result)); diff != "" {
		t.Error(diff)
	}
	const why = `rollout.web stopped at step 1 of 2: application.web["eu-a"] failed: Deployment.apps web/eu-a: refused on purpose`
	if !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Summary == "Application left out" && strings.Contains(d.Detail, why)
	}) {
		t.Error(diags)
	}
	if known := f.known(t); known.State != why || !known.Ended || known.Step != 0 {
		t.Errorf("%+v", known)
	}
}

func TestWhatDegradesWhileItBakesStopsTheRollout(t *testing.T) {
	t.Parallel()
	for _, unwatched := range []bool{false, true} {
		t.Run(fmt.Sprintf("unwatched %t", unwatched), func(t *testing.T) {
			t.Parallel()
			degradesWhileItBakes(t, unwatched)
		})
	}
}

// TestARolloutWithoutWatches: where nothing may be watched, what bakes is listed.
func TestARolloutWithoutWatches(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	f.unwatched = true
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, diags := f.Apply(ctx, t, f.MustPlan(t, engine.PlanOptions{}))
	enginetest.Check(t, diags)
	f.inOrder(t, "started eu-a", "finished eu-a", "held eu-b step 1 of rollout.web bakes for 1s, until ", "started eu-b")
}

func degradesWhileItBakes(t *testing.T, unwatched bool) {
	f := newFleet(t, strings.Replace(canaryFirst, `"1s"`, `"1h"`, 1))
	f.unwatched = unwatched
	var once sync.Once
	f.on = func(e engine.Event) {
		if e.Kind == engine.EventHeld && strings.Contains(e.Message, "bakes") {
			once.Do(func() {
				go func() {
					resource := plurals(object.GVK{Group: "apps", Version: "v1", Kind: "Deployment"})
					if err := f.clusters["eu"].Delete(context.Background(), providers.DeleteRequest{Resource: resource, Namespace: "web", Name: "eu-a"}); err != nil {
						t.Error(err)
					}
				}()
			})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, _ := f.Apply(ctx, t, f.MustPlan(t, engine.PlanOptions{}))
	if got := outcomes(result); got["eu-a"] != engine.OutcomeSucceeded || got["eu-b"] != engine.OutcomeSkipped {
		t.Error(got)
	}
	f.inOrder(t, "held eu-b step 1 of rollout.web bakes", `held eu-b waits for step 1 of rollout.web: 0 of 1 healthy (application.web["eu-a"] did not stay healthy: Deployment.apps web/eu-a: is gone)`, "skipped eu-b rollout.web stopped at step 1 of 2")
}

func TestAPausedRolloutWaitsForItsResume(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	f.order(t, "pause") // before the apply
	f.on = func(e engine.Event) {
		if e.Kind == engine.EventHeld && e.Application.Key == "eu-a" && e.Message == "rollout.web is paused" {
			go f.order(t, "")
		}
	}
	_, diags := f.Apply(t.Context(), t, f.MustPlan(t, engine.PlanOptions{}))
	enginetest.Check(t, diags)
	f.inOrder(t, "held eu-a rollout.web is paused", "started eu-a", "started eu-b")
}

func TestAnAbortedRolloutIsAbortedForItsPlan(t *testing.T) {
	t.Parallel()
	f := newFleet(t, strings.Replace(canaryFirst, `"1s"`, `"1h"`, 1))
	f.on = func(e engine.Event) {
		if e.Kind == engine.EventHeld && strings.Contains(e.Message, "bakes") {
			go f.order(t, "abort")
		}
	}
	p := f.MustPlan(t, engine.PlanOptions{})
	p.ID = "first"
	result, _ := f.Apply(t.Context(), t, p)
	if got := outcomes(result); got["eu-a"] != engine.OutcomeSucceeded || got["us-b"] != engine.OutcomeSkipped {
		t.Error(got)
	}
	f.inOrder(t, "finished eu-a", "skipped us-b rollout.web was aborted at step 1 of 2")
	// The next plan is another matter.
	f.on = nil
	f.version(t, canaryFirst, "2")
	p = f.MustPlan(t, engine.PlanOptions{})
	p.ID = "second"
	_, diags := f.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if known := f.known(t); known.Order != "" || known.Plan != "second" || known.State != "done" {
		t.Errorf("%+v", known)
	}
}

// TestAnInterruptedRolloutGoesOn is about an apply that ends while the canary bakes. The
// next apply of the same plan does not bake it again.
func TestAnInterruptedRolloutGoesOn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, strings.Replace(canaryFirst, `"1s"`, `"1h"`, 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.on = func(e engine.Event) {
		if e.Kind == engine.EventHeld && strings.Contains(e.Message, "bakes") {
			cancel()
		}
	}
	p := f.MustPlan(t, engine.PlanOptions{})
	p.ID = "plan"
	result, _ := f.Apply(ctx, t, p)
	if got := outcomes(result); got["eu-a"] != engine.OutcomeSucceeded || got["us-b"] != engine.OutcomeSkipped {
		t.Fatal(got)
	}
	f.on = nil
	f.lines = nil
	f.Adapt = func(o *engine.Options) {
		o.Now = func() time.Time { return time.Now().Add(59*time.Minute + 58*time.Second) }
	}
	_, diags := f.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	f.inOrder(t, "finished eu-a", "held eu-b step 1 of rollout.web bakes for 1h", "started eu-b")
	if f.at("started eu-a") >= 0 {
		t.Error("the canary was applied again")
	}
}

// TestUnchangedMembersGate is about a canary that is as desired already: the rest waits
// until it was healthy for long enough.
func TestUnchangedMembersGate(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	p := f.MustPlan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web").Instance("eu-a")}})
	_, diags := f.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	p = f.MustPlan(t, engine.PlanOptions{})
	if !slices.ContainsFunc(p.Steps, func(s plan.Step) bool {
		return s.Kind == plan.StepWait && p.Applications[s.Application].Address.Key == "eu-a"
	}) {
		t.Error("nobody waits for the canary")
	}
	_, diags = f.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	f.inOrder(t, "held eu-b waits for step 1 of rollout.web: 0 of 1 healthy", "started eu-b")
}

func TestWhatAPlanLeavesOutOfARolloutIsNamed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, canaryFirst)
	p, diags := f.Plan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web").Instance("eu-a"), addr.Application("web").Instance("us-a")}})
	enginetest.Check(t, diags)
	const want = `The plan leaves out applications of rollout.web: application.web["eu-b"], application.web["us-b"].`
	if !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagWarning && strings.HasPrefix(d.Detail, want)
	}) {
		t.Error(diags)
	}
	if len(p.Rollouts) != 1 || len(p.Rollouts[0].Steps[1].Applications) != 1 || p.Rollouts[0].Steps[1].MaxUpdate != 2 {
		t.Errorf("%+v", p.Rollouts)
	}
}

// TestWhatMovesFirstMakesTheNamespace: applications of one rollout share a namespace. The
// first to move makes it; where a later one has it already, the first does not wait for it
// for ever.
func TestWhatMovesFirstMakesTheNamespace(t *testing.T) {
	t.Parallel()
	const last = `
  step { match = app.labels.tier == "stable" }
  step {}
`
	f := newFleet(t, last)
	creating := func(steps, version string) {
		f.version(t, steps, version)
		text, err := os.ReadFile(filepath.Join(f.Dir, "web.gantry.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		f.Write(t, map[string]string{"web.gantry.hcl": strings.Replace(string(text), `sync { health_timeout = "1s" }`, "sync {\n health_timeout = \"1s\"\n create_namespace = true\n}", 1)})
	}
	creating(last, "1")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, diags := f.Apply(ctx, t, f.MustPlan(t, engine.PlanOptions{}))
	enginetest.Check(t, diags)
	f.inOrder(t, "finished eu-b", "started eu-a")

	// By now eu-b has it. It is gone, and eu-a is to move first.
	if err := f.clusters["eu"].Delete(ctx, providers.DeleteRequest{Resource: plurals(object.GVK{Version: "v1", Kind: "Namespace"}), Name: "web"}); err != nil {
		t.Fatal(err)
	}
	creating(canaryFirst, "2")
	_, diags = f.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Made too late by its rollout", `application.web["eu-a"]`, `namespace "web" is made by application.web["eu-b"]`)
}
