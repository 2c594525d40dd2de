package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
)

// acting is a stage whose application acts as somebody, seen by a proxy before the API server.
func acting(t *testing.T, identity string) *faulty {
	t.Helper()
	s := newFaulty(t, faultproxy.User{})
	s.Adapt = nil
	s.Write(t, map[string]string{"project.gantry.hcl": "project \"web\" {\n cluster_resources {\n  allow = [\"Namespace\"]\n }\n identity {\n" + identity + "\n }\n}\n"})
	return s
}

// onlyAs fails the test unless every request since the last time was made as a user in
// groups, and of each method there was one.
func (s *faulty) onlyAs(t *testing.T, when, user string, groups []string, methods ...string) {
	t.Helper()
	all := s.proxy.Requests(faultproxy.Rule{Reads: true})
	all = append(all, s.proxy.Requests(faultproxy.Rule{Reads: true, DryRun: true})...)
	seen := map[string]bool{}
	for _, r := range all {
		method := r.Method
		switch {
		case r.DryRun():
			method = "dry run"
		case r.Query.Get("watch") != "":
			method = "watch"
		}
		seen[method] = true
		if !slices.Equal(r.As, []string{user}) || !slices.Equal(r.AsGroups, groups) {
			t.Errorf("%s: %s %s was made as %q in %d groups", when, method, r.Path, r.As, len(r.AsGroups))
		}
	}
	for _, method := range methods {
		if !seen[method] {
			t.Errorf("%s: of %s there was no request: %v", when, method, seen)
		}
	}
}

// TestEveryRequestActsAs: whatever an application asks of the real API server is asked as
// its project says, in all of its groups: discovery, lists, watches, dry runs, writes,
// drift, what heals itself, an act, and deletions.
func TestEveryRequestActsAs(t *testing.T) {
	t.Parallel()
	const user = "deployer@example.com"
	groups := []string{"payments", "system:masters"}
	s := acting(t, fmt.Sprintf("user = %q\n groups = [%q, %q]", user, groups[0], groups[1]))
	project := "project = project.web\n" + selfHealing
	s.application(t, "web", project, configMap("settings", "a=1"), served)
	p := s.MustPlan(t, engine.PlanOptions{})
	s.onlyAs(t, "plan", user, groups, "GET")
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.onlyAs(t, "apply", user, groups, "PATCH")

	s.application(t, "web", project, configMap("settings", "a=2"), served)
	s.MustApply(t, engine.PlanOptions{})
	s.onlyAs(t, "update", user, groups, "dry run")
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "theirs"}) // past the proxy
	s.mustHeal(t)
	s.wantData(t, "settings", "a", "2")
	s.mustAct(t, "Deployment", "shop", "restart")
	s.onlyAs(t, "healed and restarted", user, groups)

	p = s.MustPlan(t, engine.PlanOptions{Destroy: true})
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.onlyAs(t, "destroyed", user, groups, "DELETE", "watch")
}

// TestForbiddenIdentity: what a server refuses somebody names who that is, and nothing is
// tried as who reaches the cluster.
func TestForbiddenIdentity(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ identity, user string }{
		"a user":            {"user = \"nobody@example.com\"", "nobody@example.com"},
		"a service account": {"service_account = \"payments:deployer\"", "system:serviceaccount:payments:deployer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := acting(t, test.identity)
			s.application(t, "web", "project = project.web", configMap("settings", "a=1"))
			p, diags := s.Plan(t, engine.PlanOptions{})
			if !diags.HasErrors() || !strings.Contains(said(diags), fmt.Sprintf("User %q cannot", test.user)) || p.HasChanges() {
				t.Errorf("it is not refused as %s: %s", test.user, said(diags))
			}
			s.onlyAs(t, "plan", test.user, nil, "GET")
		})
	}
}

// TestManyGroups: an identity of ten thousand groups is made as all of them, or as nobody.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	groups := make([]string, 10_000, 10_001)
	quoted := make([]string, len(groups), cap(groups))
	for i := range groups {
		groups[i] = fmt.Sprintf("group-%05d", i)
		quoted[i] = fmt.Sprintf("%q", groups[i])
	}
	groups, quoted = append(groups, "system:masters"), append(quoted, `"system:masters"`)
	s := acting(t, "user = \"deployer@example.com\"\n groups = ["+strings.Join(quoted, ", ")+"]")
	s.application(t, "web", "project = project.web\n"+createNamespace, configMap("settings", "a=1"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	if diags.HasErrors() {
		t.Logf("refused: %.300s", said(diags))
	} else {
		_, diags = s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		s.wantData(t, "settings", "a", "1")
	}
	s.onlyAs(t, "with many groups", "deployer@example.com", groups, "GET")
}
