package access_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

var update = flag.Bool("update", false, "rewrite what is expected")

// someone is one of whom the matrix asks.
type someone struct {
	name string
	plan.Identity
}

func verified(name, issuer, subject string, groups ...string) someone {
	return someone{name, plan.Identity{Name: name, Subject: subject, Issuer: issuer, Groups: groups, Means: identity.OIDC, Verified: true}}
}

const (
	people = "https://login.example.com"
	ci     = "https://ci.example.com"
)

// asked are those of whom the matrix asks.
func asked() []someone {
	main := "repo:example/web:ref:refs/heads/main"
	return []someone{
		{"nobody known", plan.Identity{}},
		{"unverified, who claims to be an admin", plan.Identity{Name: "mallory", Subject: main, Issuer: people, Groups: []string{"example:admins", "example:sre"}, Unverified: "the token has expired"}},
		verified("without groups", people, "u0"),
		verified("sre", people, "u1", "example:sre"),
		verified("admin", people, "u2", "example:admins"),
		verified("admin, says another issuer", ci, "u2", "example:admins"),
		verified("payments", people, "u3", "example:payments"),
		verified("payments and sre", people, "u4", "example:payments", "example:sre"),
		verified("deployer of production", people, "u5", "example:deployers"),
		verified("deployer and sre", people, "u6", "example:deployers", "example:sre"),
		verified("pipeline", ci, main),
		verified("pipeline, says another issuer", people, main),
		verified("pipeline of a branch", ci, main+"-of-mine"),
		verified("groups that are called like roles", people, "role.admin", "admin", "role.admin", "role:admin", "deployer"),
		verified("groups in other letters", people, "u7", "Example:admins", "example:admins ", "example:*", "*"),
	}
}

// objects are the applications that the matrix asks about.
func objects() [][2]string {
	return [][2]string{
		{"production", "web"},
		{"production", "shop"},
		{"payments", "api"},
		{"payments", "staging-api"},
		{"web", "web"},
		{"web", "web-frozen"},
		{"web", "shop"},
		{"secret", "vault"},
		{"other", "web"},
		{"other", "shop"},
		{"", "web"},
		{"", "shop"},
	}
}

func actions() []string {
	deployment := object.GroupKind{Group: "apps", Kind: "Deployment"}
	return append(govern.Actions(),
		access.ObjectAction(deployment, "restart"), access.ObjectAction(deployment, "delete"),
		access.ObjectAction(object.GroupKind{Group: "argoproj.io", Kind: "Rollout"}, "promote-full"),
		access.ObjectAction(object.GroupKind{Kind: "Pod"}, "restart"),
		"sync", "*", "action/*", "",
	)
}

func matrixRoles(t *testing.T) []plan.Role {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "matrix.gantry.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return rolesOf(t, fstest.MapFS{"matrix.gantry.hcl": {Data: text}})
}

// TestMatrix asks for everybody, every action and every application, and compares with the
// table of answers: "yes", "." where nothing allows it, "no" where a role denies it.
func TestMatrix(t *testing.T) {
	roles := matrixRoles(t)
	cells, yes := 0, 0
	var b strings.Builder
	for _, who := range asked() {
		rights := access.Of(roles, &who.Identity)
		fmt.Fprintf(&b, "%s: %s\n", who.name, strings.Join(rights.Roles(), ", "))
		fmt.Fprintf(&b, "  %-42s", "")
		for _, o := range objects() {
			fmt.Fprintf(&b, " %-20s", access.Object(o[0], o[1]))
		}
		fmt.Fprintf(&b, " %s\n", "all at once")
		for _, action := range actions() {
			fmt.Fprintf(&b, "  %-42s", fmt.Sprintf("%q", action))
			word := func(d access.Decision) string {
				cells++
				switch {
				case d.Allowed:
					yes++
					return "yes"
				case d.Role != "":
					return "no"
				}
				return "."
			}
			for _, o := range objects() {
				fmt.Fprintf(&b, " %-20s", word(rights.Check(action, o[0], o[1])))
			}
			fmt.Fprintf(&b, " %s\n", word(rights.CheckAll(action)))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d cells, of which %d are allowed\n", cells, yes)
	if cells < 2000 {
		t.Errorf("%d cells are fewer than 2000", cells)
	}
	path := filepath.Join("testdata", "matrix.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run go test ./engine/access -update, and look at what changes\n%s", diff)
	}
}

// TestMatrixIsClosed asks the whole matrix again: a role more that denies allows nothing,
// a role that somebody has not changes nothing, and without roles of theirs nothing is
// allowed.
func TestMatrixIsClosed(t *testing.T) {
	roles := matrixRoles(t)
	for _, who := range asked() {
		denied := plan.Role{Name: "deny", Default: true, Deny: []plan.Grant{{Actions: []string{"*"}, Applications: []string{"*/*"}}}}
		others := plan.Role{Name: "others", Groups: []string{"nobody's"}, Allow: []plan.Grant{{Actions: []string{"*"}, Applications: []string{"*/*"}}}}
		before, after, alone := access.Of(roles, &who.Identity), access.Of(append(slices.Clone(roles), others), &who.Identity), access.Of([]plan.Role{others}, &who.Identity)
		var closed []*access.Rights
		for i := 0; i <= len(roles); i++ { // wherever the role is
			closed = append(closed, access.Of(slices.Insert(slices.Clone(roles), i, denied), &who.Identity))
		}
		for _, action := range actions() {
			for _, o := range objects() {
				for _, rights := range closed {
					if rights.Check(action, o[0], o[1]).Allowed || rights.CheckAll(action).Allowed {
						t.Fatalf("%s may %q %v, which is denied", who.name, action, o)
					}
				}
				if before, after := before.Check(action, o[0], o[1]), after.Check(action, o[0], o[1]); after.Allowed != before.Allowed {
					t.Errorf("%s: %q %v: %v with a role of others, and %v without", who.name, action, o, after, before)
				}
				if alone.Check(action, o[0], o[1]).Allowed || alone.CheckAll(action).Allowed {
					t.Errorf("%s has no role, and may %q %v", who.name, action, o)
				}
			}
		}
	}
}
