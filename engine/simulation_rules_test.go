package engine_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// simulationRule is a deliberate difference: the syncs that it is about, told by what
// they are given, and what changes in what is expected of them. All else must still be
// as in Argo CD.
type simulationRule struct {
	reason string
	about  func(*simulationCase) bool
	expect func(*simulationCase, *expectation)
}

// expectation is what must come of a case.
type expectation struct {
	steps [][]string
	phase string
	state []string
	// loose are objects of which neither what is done nor whether they are left is compared.
	loose []string
	// also are objects that must be written, somewhere.
	also []string
}

// simulationRules are in the order in which they are taken.
func simulationRules() []simulationRule {
	return []simulationRule{
		{
			"what comes later in the order of kinds is not written after something of its wave has failed: a Deployment does not roll out with the ConfigMap or the account that was refused. Argo CD writes it, and fails then",
			func(c *simulationCase) bool { return len(c.behindFailure()) > 0 },
			func(c *simulationCase, e *expectation) { e.without(c, c.behindFailure()) },
		},
		{
			"HookFailed deletes the hook that failed, as the documentation of Argo CD has it; Argo CD itself deletes one that succeeded too where something else fails, and its logs with it",
			func(c *simulationCase) bool { return c.ExpectedFinalPhase == "Failed" && len(c.succeededHooks()) > 0 },
			func(c *simulationCase, e *expectation) { e.keep(c.succeededHooks()) },
		},
		{
			"the last wave is waited for, too: what depends on the application starts only when it works. Argo CD calls the sync a success, and runs no SyncFail hook, where its last wave never becomes healthy",
			func(c *simulationCase) bool { return c.ExpectedFinalPhase == "Succeeded" && c.unhealthy() },
			func(c *simulationCase, e *expectation) {
				e.phase = "Failed"
				e.also = append(e.also, c.named(isFailureHook)...)
				e.loose = append(e.loose, c.named(isHook)...) // as the sync ends otherwise, they are kept and deleted otherwise
			},
		},
		{
			"the waves of what is pruned are those of the plan. Argo CD mirrors those of what is left anew whenever something is gone, so that its own order changes on the way",
			func(c *simulationCase) bool { return c.Prune && c.prunedWaves() > 2 },
			func(c *simulationCase, e *expectation) { e.loose = append(e.loose, c.pruned()...) },
		},
	}
}

// expected is what Argo CD did.
func (c *simulationCase) expected() expectation {
	e := expectation{phase: c.ExpectedFinalPhase, state: c.ExpectedClusterState}
	for _, step := range c.ExpectedSteps {
		var ops []string
		for _, op := range step.Ops {
			verb, what, _ := strings.Cut(op, " ")
			switch verb {
			case "remove-hook-finalizer": // hooks have none
				continue
			case "replace", "create", "replace-force", "apply-force", "apply-ssa", "update":
				verb = "apply" // how it is written is for the tests of options
			}
			ops = append(ops, verb+" "+what)
		}
		e.steps = append(e.steps, ops)
	}
	return e
}

// differs says in what a case came to something else than expected; empty where it did not.
func (e *expectation) differs(s *simulated) string {
	compared := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(op string) bool {
			what := writtenBy(op)
			return slices.Contains(e.loose, what)
		})
	}
	left := compared(s.ops)
	for _, step := range e.steps {
		want := slices.Sorted(slices.Values(compared(step)))
		n := min(len(want), len(left))
		if got := slices.Sorted(slices.Values(left[:n])); !slices.Equal(got, want) {
			return fmt.Sprintf("did %q, want %q next of %q", s.ops, want, left)
		}
		left = left[n:]
	}
	switch {
	case len(left) > 0:
		return fmt.Sprintf("did %q beyond what was expected", left)
	case s.phase != e.phase:
		return fmt.Sprintf("ended %s, want %s", s.phase, e.phase)
	case !slices.Equal(compared(s.state), compared(e.state)):
		return fmt.Sprintf("left %q, want %q", s.state, e.state)
	}
	for _, what := range e.also {
		if !slices.ContainsFunc(s.ops, func(op string) bool { return strings.HasPrefix(op, "apply") && strings.HasSuffix(op, " "+what) }) {
			return fmt.Sprintf("did %q, and nothing to %s", s.ops, what)
		}
	}
	return ""
}

// without takes out of what is expected that some objects are written, from where
// something fails on.
func (e *expectation) without(c *simulationCase, objects []string) {
	failed := false
	before := map[string]bool{}
	for i, step := range e.steps {
		failed = failed || slices.ContainsFunc(step, func(op string) bool { return strings.HasPrefix(op, "apply(failed) ") })
		e.steps[i] = slices.DeleteFunc(step, func(op string) bool {
			what := writtenBy(op)
			before[what] = before[what] || !failed
			return failed && slices.Contains(objects, what)
		})
	}
	e.state = slices.DeleteFunc(slices.Clone(e.state), func(what string) bool {
		return slices.Contains(objects, what) && !before[what] && !slices.ContainsFunc(c.Live, func(r simulatedObject) bool { return r.name() == what })
	})
}

// keep takes out of what is expected that some objects are deleted once they are written.
func (e *expectation) keep(objects []string) {
	e.state = slices.Clone(e.state)
	for _, what := range objects {
		written := false
		for i, step := range e.steps {
			deleted := slices.Index(step, "delete "+what)
			if written && deleted >= 0 {
				e.steps[i] = slices.Delete(step, deleted, deleted+1)
				e.state = append(e.state, what)
				break
			}
			written = written || slices.Contains(step, "apply "+what)
		}
	}
	slices.Sort(e.state)
}

// writtenBy is what an operation is done to.
func writtenBy(op string) string {
	if _, what, found := strings.Cut(op, " "); found {
		return what
	}
	return op
}

// simulatedObject is an object of a case.
type simulatedObject struct {
	APIVersion, Kind, Name string
	Annotations            map[string]string
}

func (r simulatedObject) name() string { return r.Kind + "/" + r.Name }

func (r simulatedObject) object() object.Object {
	annotations := map[string]any{}
	for key, value := range r.Annotations {
		annotations[key] = value
	}
	return object.Object{"apiVersion": r.APIVersion, "kind": r.Kind, "metadata": map[string]any{"name": r.Name, "annotations": annotations}}
}

func (r simulatedObject) placement() order.Placement { return order.Annotations(r.object()) }

func (r simulatedObject) kind() int { return order.KindOrder(r.object().GVK().GroupKind()) }

// named lists the objects that a sync is to write and that are such.
func (c *simulationCase) named(is func(order.Placement) bool) []string {
	var out []string
	for _, r := range c.Targets {
		if is(r.placement()) {
			out = append(out, r.name())
		}
	}
	return out
}

func isHook(p order.Placement) bool { return p.Hook }

func isFailureHook(p order.Placement) bool { return slices.Contains(p.Phases, plan.PhaseSyncFail) }

// pruned lists what is there and not to be written.
func (c *simulationCase) pruned() []string {
	var out []string
	for _, r := range c.Live {
		if !slices.ContainsFunc(c.Targets, func(target simulatedObject) bool { return target.name() == r.name() }) {
			out = append(out, r.name())
		}
	}
	return out
}

// prunedWaves counts the waves that what is pruned asks for.
func (c *simulationCase) prunedWaves() int {
	waves := map[int]bool{}
	for _, r := range c.Live {
		if slices.Contains(c.pruned(), r.name()) {
			waves[r.placement().Wave] = true
		}
	}
	return len(waves)
}

// behindFailure lists what comes later, in the order of kinds, than something of its
// phase and wave that cannot be written.
func (c *simulationCase) behindFailure() []string {
	var out []string
	for _, failing := range c.Targets {
		if !slices.Contains(c.FailingApplies, failing.Name) {
			continue
		}
		of := failing.placement()
		for _, r := range c.Targets {
			p := r.placement()
			same := p.Wave == of.Wave && slices.ContainsFunc(p.Phases, func(phase plan.Phase) bool { return slices.Contains(of.Phases, phase) })
			if same && r.kind() > failing.kind() {
				out = append(out, r.name())
			}
		}
	}
	return out
}

// succeededHooks lists the hooks that go only when they fail, and do not.
func (c *simulationCase) succeededHooks() []string {
	var out []string
	for _, r := range c.Targets {
		policies := r.placement().DeletePolicies
		if slices.Contains(policies, order.HookFailed) && !slices.Contains(policies, order.HookSucceeded) && c.becomesHealthy(r) {
			out = append(out, r.name())
		}
	}
	return out
}

// unhealthy reports whether something that is no hook does not become healthy.
func (c *simulationCase) unhealthy() bool {
	return slices.ContainsFunc(c.Targets, func(r simulatedObject) bool {
		p := r.placement()
		return !p.Hook && !p.Ignored && !c.becomesHealthy(r)
	})
}

// becomesHealthy reports whether an object is healthy before it is degraded.
func (c *simulationCase) becomesHealthy(r simulatedObject) bool {
	steps := c.HealthPerStep[r.Name]
	settled := slices.IndexFunc(steps, func(step string) bool { return step == "Healthy" || step == "Degraded" })
	return len(steps) == 0 || settled >= 0 && steps[settled] == "Healthy"
}
