package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

const roles = `
role "deployer" {
  groups = ["deployers"]
  allow {
    actions      = ["get", "plan", "apply"]
    applications = ["*/*"]
  }
  deny {
    actions      = ["apply"]
    applications = ["shop/shop"]
  }
}

role "operator" {
  groups = ["operators"]
  allow {
    actions      = ["rollback", "action/restart", "destroy"]
    applications = ["*/*"]
  }
}

project "shop" {}
`

// newRoles is a stage with roles, and applications of which one may be applied.
func newRoles(t *testing.T) *stage {
	t.Helper()
	s := newMemoryStage(t)
	s.Write(t, map[string]string{"roles.gantry.hcl": roles})
	s.applications(t, "a=1")
	return s
}

// applied has all applications applied by somebody whom no role stopped, and changes them.
func (s *stage) applied(t *testing.T) {
	t.Helper()
	first := s.MustPlan(t, engine.PlanOptions{})
	first.Roles = nil
	if _, said := s.by(t, nil, first, engine.ApplyOptions{}); said != "" {
		t.Fatal(said)
	}
	s.applications(t, "a=2")
}

func (s *stage) applications(t *testing.T, data string) {
	t.Helper()
	s.application(t, "web", "project = project.shop", configMap("web", data))
	s.application(t, "shop", "project = project.shop", configMap("shop", data))
	s.application(t, "after", "depends_on = [application.shop]", configMap("after", data))
}

func member(groups ...string) *identity.Identity {
	return &identity.Identity{Name: "alice", Subject: "alice", Issuer: "ssh", Means: identity.SSH, Groups: groups, Verified: true}
}

// by applies a plan as somebody, and returns how each application ended and what was said.
func (s *stage) by(t *testing.T, who *identity.Identity, p *plan.Plan, options engine.ApplyOptions) (map[string]string, string) {
	t.Helper()
	options.By = state.Holder{Who: "test", Identity: who}
	result, diags := s.Engine().Apply(t.Context(), p, options)
	out, said := map[string]string{}, ""
	for _, d := range diags {
		said += d.Summary + ": " + d.Detail + "\n"
	}
	if result != nil {
		for _, o := range result.Applications {
			out[o.Address.Name] = o.Outcome
		}
	}
	return out, said
}

// refusals are the entries of the audit log about what was refused: "apply application.web".
func (s *stage) refusals(t *testing.T) []string {
	t.Helper()
	var out []string
	for event, err := range s.Records.AuditLog(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind != state.EventRefused {
			continue
		}
		text := event.Act
		for _, app := range event.Applications {
			text += " " + app.Address.String()
		}
		if event.By.Identity == nil && event.By.Who == "" || event.Message == "" {
			t.Errorf("the log does not say who, or why: %+v", event)
		}
		out = append(out, text)
	}
	return out
}

func wantWords(t *testing.T, said string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%q is not said in:\n%s", word, said)
		}
	}
}

// TestRoles: an apply leaves out what who applies has no right to, and what depends on it,
// and does the rest; where nothing is left, nothing is begun.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	p := s.MustPlan(t, engine.PlanOptions{})
	if len(p.Roles) != 2 || p.Roles[0].Name != "deployer" {
		t.Fatalf("roles of the plan: %+v", p.Roles)
	}
	for _, who := range []*identity.Identity{nil, member("others"), {Name: "alice", Groups: []string{"deployers"}, Unverified: "the token has expired"}} {
		done, said := s.by(t, who, p, engine.ApplyOptions{})
		if len(done) > 0 {
			t.Errorf("%s: %v", who, done)
		}
		why := "nothing allows " + who.String() + " to apply shop/web"
		if who != nil && who.Verified {
			why = who.String() + " has no role, so that nothing allows them to apply shop/web"
		}
		wantWords(t, said, "Not allowed: application.web: "+why)
	}
	if s.isThere(t, configMaps, "web") {
		t.Fatal("web was applied")
	}
	done, said := s.by(t, member("deployers"), p, engine.ApplyOptions{})
	if done["web"] != engine.OutcomeSucceeded || done["shop"] != engine.OutcomeSkipped || done["after"] != engine.OutcomeSkipped {
		t.Errorf("%v\n%s", done, said)
	}
	wantWords(t, said, `Not allowed: application.shop: role.deployer denies the group "deployers" to apply shop/shop (`, "roles.gantry.hcl:8,3)", "Application left out: application.after: it follows application.shop")
	s.wantData(t, "web", "a", "1")
	if s.isThere(t, configMaps, "shop") || s.isThere(t, configMaps, "after") {
		t.Error("shop was applied, or what follows it")
	}
	all := "apply application.after application.shop application.web"
	got := s.refusals(t)
	slices.Sort(got)
	if d := cmp.Diff([]string{all, all, all, "apply application.shop"}, got); d != "" {
		t.Errorf("the audit log (-want +got):\n%s", d)
	}
}

// TestRolesOfGuards: the roles where a plan is applied hold whatever the plan has, also for
// what it calls its applications.
func TestRolesOfGuards(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	p := s.MustPlan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web"), addr.Application("shop")}})
	e := s.Engine()
	config, _ := s.Config(t, e)
	guards := engine.GuardsOf(config)

	for name, forge := range map[string]func(*plan.Plan){
		"no roles": func(p *plan.Plan) { p.Roles = nil },
		"own roles": func(p *plan.Plan) {
			p.Roles = []plan.Role{{Name: "mine", Default: true, Allow: []plan.Grant{{Actions: []string{"*"}, Applications: []string{"*/*"}}}}}
		},
		"other names": func(p *plan.Plan) {
			for i := range p.Applications {
				p.Applications[i].Name = "web"
			}
		},
	} {
		forged, err := p.Clone()
		if err != nil {
			t.Fatal(err)
		}
		forge(forged)
		done, said := s.by(t, member("deployers"), forged, engine.ApplyOptions{Guards: guards})
		if done["shop"] != engine.OutcomeSkipped && done["shop"] != "" || s.isThere(t, configMaps, "shop") {
			t.Errorf("%s: %v\n%s", name, done, said)
		}
		wantWords(t, said, "Not allowed: application.shop")
		if done, said := s.by(t, nil, forged, engine.ApplyOptions{Guards: guards}); len(done) > 0 {
			t.Errorf("%s: nobody applied %v\n%s", name, done, said)
		}
	}

	// Not even the configuration knows who may do what: nobody may do anything.
	s.Write(t, map[string]string{"broken.gantry.hcl": "role \"more\" {\n groups = [nowhere]\n}\n"})
	config, _ = s.Config(t, e)
	forged, _ := p.Clone()
	forged.Roles = nil
	done, said := s.by(t, member("deployers", "operators"), forged, engine.ApplyOptions{Guards: engine.GuardsOf(config)})
	if len(done) > 0 {
		t.Errorf("%v", done)
	}
	wantWords(t, said, "the configuration has errors, so that it is not known which roles there are, and nobody may apply shop/web")
}

// TestRolesByRecord: what is renamed needs the right to what it was.
func TestRolesByRecord(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	s.applied(t)
	p := s.MustPlan(t, engine.PlanOptions{})
	for i := range p.Applications {
		p.Applications[i].Name = "web"
	}
	done, said := s.by(t, member("deployers"), p, engine.ApplyOptions{})
	if done["web"] != engine.OutcomeSucceeded || done["shop"] != engine.OutcomeSkipped {
		t.Errorf("%v\n%s", done, said)
	}
	wantWords(t, said, `Not allowed: application.shop: as it was last applied, role.deployer denies the group "deployers" to apply shop/shop`)
	s.wantData(t, "shop", "a", "1")
	if got := strings.Join(s.refusals(t), "; "); got != "apply application.shop" {
		t.Errorf("the audit log has %s", got)
	}
}

// TestRolesByWhatIsDone: a destroy, a rollback and an action have rights of their own. What a
// plan file says of itself, for which nobody speaks, is not believed.
func TestRolesByWhatIsDone(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	apply := func(data string) {
		s.applications(t, data)
		p := s.MustPlan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web")}})
		if _, said := s.by(t, member("deployers"), p, engine.ApplyOptions{}); said != "" {
			t.Fatal(said)
		}
	}
	apply("a=1")
	apply("a=2")
	back, diags := s.rollback(t, 1)
	if back == nil || diags.HasErrors() {
		t.Fatal(diags)
	}
	destroy := s.MustPlan(t, engine.PlanOptions{Destroy: true})
	acting := s.MustPlan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web")}})
	for _, c := range []struct {
		name  string
		p     *plan.Plan
		right string
		file  bool
		who   []string
		want  string // what is said; empty is that it is done
	}{
		{"a rollback needs its right", back, access.Rollback, false, []string{"deployers"}, "to roll back shop/web"},
		{"a rollback from a file that nobody signed", back, access.Rollback, true, []string{"operators"}, "to apply shop/web"},
		{"a destroy needs its right", destroy, access.Destroy, false, []string{"deployers"}, "to destroy shop/web"},
		{"a plan that leaves and creates", leaving(t, acting, plan.Create), access.Destroy, false, []string{"operators"}, "to apply shop/web"},
		{"an action needs its right", acted(t, acting, "restart", 1), "", false, []string{"deployers"}, `use the action "restart" on ConfigMap objects of shop/web: role.deployer does not`},
		{"another action", acted(t, acting, "scale", 1), "", false, []string{"operators"}, `use the action "scale" on ConfigMap objects of shop/web: role.operator does not`},
		{"an action that does more", acted(t, acting, "restart", 2), "", false, []string{"operators"}, "to apply shop/web"},
		{"an action from a file that nobody signed", acted(t, acting, "restart", 1), "", true, []string{"operators"}, "to apply shop/web"},
	} {
		options := engine.ApplyOptions{}
		if c.file {
			options.File = []byte("a plan")
		}
		done, said := s.by(t, member(c.who...), c.p, options)
		if len(done) > 0 {
			t.Errorf("%s: %v", c.name, done)
		}
		wantWords(t, said, "Not allowed: application.web", c.want)
	}
	s.wantData(t, "web", "a", "2")
	if _, said := s.by(t, member("operators"), back, engine.ApplyOptions{}); said != "" {
		t.Error(said)
	}
	s.wantData(t, "web", "a", "1")
	if _, err := s.Records.DeleteHold(t.Context(), addr.Application("web"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	destroy = s.MustPlan(t, engine.PlanOptions{Destroy: true})
	if _, said := s.by(t, member("operators"), destroy, engine.ApplyOptions{File: []byte("a plan")}); said != "" {
		t.Error(said)
	}
	if s.isThere(t, configMaps, "web") {
		t.Error("it was not destroyed")
	}
}

// leaving is a plan whose application leaves, and has a change all the same.
func leaving(t *testing.T, p *plan.Plan, action plan.Action) *plan.Plan {
	t.Helper()
	out, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	out.Applications[0].Leaves = true
	out.Applications[0].Changes[0].Action = action
	return out
}

// acted is a plan that says it is an action on a ConfigMap, with as many changes.
func acted(t *testing.T, p *plan.Plan, name string, changes int) *plan.Plan {
	t.Helper()
	out, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	app := &out.Applications[0]
	first := app.Changes[0]
	first.Action, first.Method = plan.Update, plan.MethodPatch
	app.Changes = nil
	for i := range changes {
		change := first
		if i > 0 {
			change.ID.Name = "other"
		}
		app.Changes = append(app.Changes, change)
	}
	id := first.ID
	out.Act = &plan.Act{Name: name, Object: &object.ID{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}}
	return out
}

// TestWithheld: what who asks has no right to is left out of plans, drift and status, and
// does not look as if it had left the configuration.
func TestWithheld(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	s.applied(t)
	s.Adapt = func(o *engine.Options) { o.Withheld = map[addr.Address]bool{addr.Application("shop"): true} }
	for _, targets := range [][]addr.Address{nil, {addr.Application("after")}} {
		p := s.MustPlan(t, engine.PlanOptions{Targets: targets})
		for i := range p.Applications {
			if app := &p.Applications[i]; app.Address == addr.Application("shop") || app.Leaves || !app.HasChanges() {
				t.Errorf("with targets %v: %s %+v", targets, app.Address, app.Counts())
			}
		}
		if want := 2 - len(targets); len(p.Applications) != want {
			t.Errorf("with targets %v: %d applications, want %d", targets, len(p.Applications), want)
		}
	}
	e := s.Engine()
	config, _ := s.Config(t, e)
	status, diags := e.Status(t.Context(), config, engine.StatusOptions{})
	if diags.HasErrors() || len(status.Applications) != 2 {
		t.Errorf("status: %v %v", status.Applications, diags)
	}
	drift, diags := e.Drift(t.Context(), config, nil, nil)
	if diags.HasErrors() || len(drift.Applications) != 2 {
		t.Errorf("drift: %v %v", drift.Applications, diags)
	}
}
