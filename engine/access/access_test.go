package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan"
)

func grantOf(action, application string) plan.Grant {
	return plan.Grant{Actions: []string{action}, Applications: []string{application}, Range: "roles.gantry.hcl:9,3"}
}

func TestCheck(t *testing.T) {
	alice := &plan.Identity{Name: "alice", Subject: "alice", Issuer: "ssh", Means: "ssh", Groups: []string{"sre"}, Verified: true}
	claimed := &plan.Identity{Name: "alice", Groups: []string{"sre"}, Unverified: "the token has expired"}
	allow := plan.Role{Name: "sre", Groups: []string{"sre"}, Allow: []plan.Grant{grantOf("apply", "*/*")}}
	deny := plan.Role{Name: "freeze", Project: "production", Subjects: []string{"alice"}, Deny: []plan.Grant{grantOf("*", "web*")}}
	for _, c := range []struct {
		name  string
		roles []plan.Role
		who   *plan.Identity
		asked [3]string
		want  access.Decision
	}{
		{"no roles", nil, nil, [3]string{"apply", "web", "web"}, access.Decision{Allowed: true, Because: "there are no roles, so that everybody may do everything"}},
		{"a group's role", []plan.Role{allow}, alice, [3]string{"apply", "web", "web"}, access.Decision{
			Allowed: true, Because: `role.sre allows the group "sre" to apply web/web`, Role: "role.sre", Rule: "roles.gantry.hcl:9,3",
		}},
		{"nothing allows it", []plan.Role{allow}, alice, [3]string{"destroy", "", "web"}, access.Decision{Because: "nothing allows alice (ssh) to destroy /web: role.sre does not"}},
		{"who has no role", []plan.Role{deny}, &plan.Identity{Name: "bob", Subject: "bob", Means: "ssh", Verified: true}, [3]string{"get", "web", "web"}, access.Decision{Because: "bob (ssh) has no role, so that nothing allows them to see web/web"}},
		{"whom nobody vouches for", []plan.Role{allow}, claimed, [3]string{"apply", "web", "web"}, access.Decision{Because: `nothing allows "alice" (not verified) to apply web/web (the token has expired)`}},
		{"nobody known", []plan.Role{allow}, nil, [3]string{"hold", "web", "web"}, access.Decision{Because: "nothing allows somebody unverified to hold web/web"}},
		{"a denial wins", []plan.Role{allow, deny}, alice, [3]string{"apply", "production", "web"}, access.Decision{
			Because: `role "freeze" of project production denies the subject "alice" to apply production/web`, Role: `role "freeze" of project production`, Rule: "roles.gantry.hcl:9,3",
		}},
		{"elsewhere it denies nothing", []plan.Role{allow, deny}, alice, [3]string{"apply", "staging", "web"}, access.Decision{
			Allowed: true, Because: `role.sre allows the group "sre" to apply staging/web`, Role: "role.sre", Rule: "roles.gantry.hcl:9,3",
		}},
		{"no such action", []plan.Role{allow}, alice, [3]string{"sync", "web", "web"}, access.Decision{Because: `there is no action "sync", so that no role allows it`}},
		{"an object's action", []plan.Role{allow}, alice, [3]string{"action/apps/Deployment/restart", "web", "web"}, access.Decision{Because: `nothing allows alice (ssh) to use the action "restart" on apps/Deployment objects of web/web: role.sre does not`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := access.Check(c.roles, c.who, c.asked[0], c.asked[1], c.asked[2])
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestBroken holds that a rule which cannot be read allows nothing and denies everything,
// in a project's role everything of the project.
func TestBroken(t *testing.T) {
	alice := &plan.Identity{Subject: "alice", Verified: true}
	all := plan.Role{Name: "all", Default: true, Allow: []plan.Grant{grantOf("*", "*/*")}}
	for _, c := range []plan.Grant{
		grantOf("[a", "*/*"), grantOf("get", "[a/*"), grantOf("get", "*/[a"), grantOf("get", "web"), grantOf("get", "a/b/c"), grantOf("get", ""),
		{Actions: []string{"apply", "[a"}, Applications: []string{"*/*"}},
	} {
		if d := access.Check([]plan.Role{{Name: "r", Default: true, Allow: []plan.Grant{c}}}, alice, "get", "web", "web"); d.Allowed {
			t.Errorf("%v allows: %s", c, d.Because)
		}
		if d := access.Check([]plan.Role{all, {Name: "r", Default: true, Deny: []plan.Grant{c}}}, alice, "get", "web", "web"); d.Allowed {
			t.Errorf("%v does not deny: %s", c, d.Because)
		}
	}
	broken := plan.Role{Name: "r", Project: "web", Default: true, Deny: []plan.Grant{grantOf("[a", "*")}}
	if d := access.Check([]plan.Role{all, broken}, alice, "get", "web", "web"); d.Allowed {
		t.Errorf("in its project it does not deny: %s", d.Because)
	}
	if d := access.Check([]plan.Role{all, broken}, alice, "get", "shop", "web"); !d.Allowed {
		t.Errorf("in another project it denies: %s", d.Because)
	}
}

// TestExplain lists every rule that is about what was asked, those that deny first.
func TestExplain(t *testing.T) {
	roles := []plan.Role{
		{Name: "a", Default: true, Allow: []plan.Grant{grantOf("get", "*/*"), grantOf("get", "other/*")}},
		{Name: "b", Default: true, Deny: []plan.Grant{{Actions: []string{"get"}, Applications: []string{"web/*"}, Inherited: "role.base"}}},
	}
	got, decision := access.Of(roles, nil).Explain("get", "web", "web")
	want := []access.Match{{Role: "role.b", By: "everybody", Deny: true, Inherited: "role.base"}, {Role: "role.a", By: "everybody", Rule: "roles.gantry.hcl:9,3"}}
	if d := cmp.Diff(want, got); d != "" || decision.Allowed || decision.Role != "role.b" {
		t.Errorf("%+v (-want +got):\n%s", decision, d)
	}
}
