package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
)

func budget(most int) string { return fmt.Sprintf("lifecycle {\n max_destroyed = %d\n}", most) }

// overBudget has two applications of four ConfigMaps each, of which one remains: with
// one of the first goes another, which it owns.
func overBudget(t *testing.T, web, api, settings string) *stage {
	t.Helper()
	s := newStage(t)
	s.Write(t, map[string]string{"gantry.gantry.hcl": settings})
	write := func(names ...string) {
		var of [2][]string
		for _, name := range names {
			of[0] = append(of[0], configMap("web-"+name, "a=b"))
			of[1] = append(of[1], configMap("api-"+name, "a=b"))
		}
		s.application(t, "web", createNamespace+"\n"+web, of[0]...)
		s.application(t, "api", api, of[1]...)
	}
	write("one", "two", "three", "four")
	s.MustApply(t, engine.PlanOptions{})
	s.ownedMap(t, "generated", s.get(t, configMaps, "web-two"))
	write("one")
	return s
}

func count(n int) *int { return &n }

// blocks returns which applications of a plan are blocked.
func blocks(p *plan.Plan) string {
	var out []string
	for i := range p.Applications {
		if p.Applications[i].IsBlocked() {
			out = append(out, p.Applications[i].Address.Name)
		}
	}
	return strings.Join(out, " ")
}

func errorsIn(diags hcl.Diagnostics) int { return len(diags.Errs()) }

func TestBudgetsHold(t *testing.T) {
	t.Parallel()
	protection := func(most int) string { return fmt.Sprintf("gantry {\n protection {\n max_destroyed = %d\n }\n}", most) }
	for name, test := range map[string]struct {
		web, api, settings string
		allow              *int
		blocked            string
		errors             int
		says               []string // of one of the errors
	}{
		"without one":                {},
		"just enough":                {web: budget(4), api: budget(3), settings: protection(7)},
		"what goes with them counts": {web: budget(3), blocked: "web", errors: 1, says: []string{"application.web", "4 objects would be destroyed (3, and 1 that go with them)", "lifecycle.max_destroyed is 3", "--allow-destroyed 4"}},
		"one of each":                {web: budget(0), api: budget(0), blocked: "api web", errors: 2, says: []string{"application.api", "3 objects would be destroyed, and", "is 0"}},
		"of the plan":                {settings: protection(6), blocked: "api web", errors: 1, says: []string{"All applications together", "7 objects would be destroyed (6, and 1 that go with them)", "max_destroyed of the protection block is 6", "application.api, application.web"}},
		"of the plan, one blocked":   {web: budget(3), settings: protection(6), blocked: "web", errors: 1},
		"raised":                     {web: budget(3), settings: protection(6), allow: count(7)},
		"raised, not enough":         {web: budget(2), api: budget(3), settings: protection(7), allow: count(3), blocked: "web", errors: 1, says: []string{"is 2, raised to 3"}},
		"never lowered":              {web: budget(4), api: budget(3), allow: count(1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := overBudget(t, test.web, test.api, test.settings)
			p, diags := s.Plan(t, engine.PlanOptions{AllowDestroyed: test.allow})
			if have := blocks(p); have != test.blocked {
				t.Errorf("%q is blocked, want %q", have, test.blocked)
			}
			if have := errorsIn(diags); have != test.errors {
				t.Errorf("%d errors, want %d: %v", have, test.errors, diags)
			}
			if test.says != nil {
				wantError(t, diags, test.says...)
			}
			_, _ = s.Apply(t.Context(), t, p)
			for _, app := range []string{"web", "api"} {
				if strings.Contains(test.blocked, app) {
					s.wantData(t, app+"-two", "a", "b")
				} else {
					s.wantGone(t, app+"-two")
				}
			}
		})
	}
}

// TestSavedPlansHoldToTheirBudgets: a saved plan carries what it was allowed, and one
// that carries less does not destroy more, whoever made it.
func TestSavedPlansHoldToTheirBudgets(t *testing.T) {
	t.Parallel()
	s := overBudget(t, budget(3), "", "")
	p := s.MustPlan(t, engine.PlanOptions{AllowDestroyed: count(4)})
	saved := s.saved(t, p)
	if saved.AllowDestroyed == nil || *saved.AllowDestroyed != 4 {
		t.Fatalf("the saved plan was allowed %v", saved.AllowDestroyed)
	}
	tight := s.saved(t, p)
	tight.AllowDestroyed = nil
	_, diags := s.Apply(t.Context(), t, tight)
	wantError(t, diags, "application.web", "4 objects would be destroyed")
	s.wantData(t, "web-two", "a", "b")
	s.wantGone(t, "api-two")

	s = overBudget(t, "", "", "")
	p = s.MustPlan(t, engine.PlanOptions{})
	tight = s.saved(t, p)
	tight.MaxDestroyed = count(6)
	_, diags = s.Apply(t.Context(), t, tight)
	wantError(t, diags, "application.web", "all applications together", "7 objects")
	s.wantData(t, "web-two", "a", "b")
	s.wantData(t, "api-two", "a", "b")
	s.MustApply(t, engine.PlanOptions{})
	s.wantGone(t, "web-two")
}

// saved is a plan after it was in a file.
func (s *stage) saved(t *testing.T, p *plan.Plan) *plan.Plan {
	t.Helper()
	file := t.TempDir() + "/saved.gantryplan"
	if err := planfile.WriteFile(file, p, planfile.WriteOptions{Recipient: s.Identity.Recipient()}); err != nil {
		t.Fatal(err)
	}
	out, err := planfile.ReadFile(file, planfile.ReadOptions{Identity: s.Identity})
	if err != nil {
		t.Fatal(err)
	}
	return out.Plan
}

// TestBudgetsOfTheStateHold: who leaves is held to the budget that it was last applied
// with, and destroy to the present one.
func TestBudgetsOfTheStateHold(t *testing.T) {
	t.Parallel()
	s := overBudget(t, "", budget(1), "")
	s.Write(t, map[string]string{"api.gantry.hcl": ""})
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "application.api", "4 objects would be destroyed", "is 1")
	if have := blocks(p); have != "api" {
		t.Errorf("%q is blocked", have)
	}
	s.application(t, "api", budget(4), configMap("api-one", "a=b"))
	p = s.MustPlan(t, engine.PlanOptions{Destroy: true, Targets: []addr.Address{addr.Application("api")}})
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.wantGone(t, "api-one")
}
