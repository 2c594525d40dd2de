package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
)

// question is one that Argo CD was asked, with its answer.
type question struct {
	Subject                  string
	Claims                   map[string]any
	Resource, Action, Object string
	Expected                 bool
}

// oracle is one policy, and what was asked of it.
type oracle struct {
	ID              string
	PolicyCSV       string
	DefaultRole     string
	MatchMode       string
	PolicyLoadError string
	Scopes          *[]string
	Projects        []map[string]any
	Cases           []question
}

// who makes an identity of a question's subject and claims, as an issuer does whose
// groups_claim are the policy's scopes.
func (o *oracle) who(q question) *plan.Identity {
	who := &plan.Identity{Subject: q.Subject, Means: identity.OIDC, Verified: true}
	if q.Claims == nil {
		return who
	}
	who.Subject, _ = q.Claims["sub"].(string)
	if federated, ok := q.Claims["federated_claims"].(map[string]any); ok {
		who.Subject, _ = federated["user_id"].(string)
	}
	scopes := []string{"groups"}
	if o.Scopes != nil {
		scopes = *o.Scopes
	}
	for _, scope := range scopes {
		switch values := q.Claims[scope].(type) {
		case string:
			who.Groups = append(who.Groups, values)
		case []any:
			for _, value := range values {
				who.Groups = append(who.Groups, value.(string))
			}
		}
	}
	return who
}

// documents writes the policy as Argo CD has it.
func (o *oracle) documents(t *testing.T) []argocd.File {
	t.Helper()
	data := map[string]string{"policy.csv": o.PolicyCSV}
	if o.DefaultRole != "" {
		data["policy.default"] = o.DefaultRole
	}
	if o.MatchMode != "" {
		data["policy.matchMode"] = o.MatchMode
	}
	if o.Scopes != nil {
		data["scopes"] = fmt.Sprintf("[%s]", strings.Join(*o.Scopes, ", "))
	}
	objects := []any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "argocd-rbac-cm"}, "data": data}}
	for _, project := range o.Projects {
		objects = append(objects, map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": map[string]any{"name": project["name"]},
			"spec": map[string]any{"roles": project["roles"]},
		})
	}
	var files []argocd.File
	for i, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, argocd.File{Name: fmt.Sprintf("%d.json", i), Data: text})
	}
	return files
}

// roles imports the policy, and evaluates what comes of it.
func (o *oracle) roles(t *testing.T) []plan.Role {
	t.Helper()
	tree := fstest.MapFS{}
	for _, file := range argocd.Import(o.documents(t)).Files {
		tree[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	if len(tree) == 0 {
		return nil
	}
	return rolesOf(t, tree)
}

func rolesOf(t *testing.T, tree fstest.MapFS) []plan.Role {
	t.Helper()
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	config, more := module.Evaluate(context.Background(), lang.EvalOptions{})
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	return access.Roles(config)
}

// ours is a question in our terms; false where there is no such thing here.
func (q question) ours() (action, project, application string, ok bool) {
	names := map[string]string{"get": access.Get, "sync": access.Apply, "delete": access.Destroy, "rollback": access.Rollback, "override": access.Override}
	action = names[q.Action]
	if strings.HasPrefix(q.Action, "action/") {
		action = q.Action
	}
	parts := strings.Split(q.Object, "/")
	if q.Resource != "applications" || action == "" || len(parts) < 2 || len(parts) > 3 {
		return "", "", "", false
	}
	return action, strings.ReplaceAll(parts[0], "-", "_"), parts[len(parts)-1], true
}

// rule is a deliberate difference.
type rule struct {
	reason string
	got    bool // what we answer, where Argo CD answers the opposite
	about  func(*oracle, question) bool
}

func TestConformanceRoles(t *testing.T) {
	sub := func(q question) string {
		text, _ := q.Claims["sub"].(string)
		return text + q.Subject
	}
	rules := []rule{
		{"a denial wins over every right; in Argo CD another group's, or the default role's, holds", false, func(o *oracle, _ question) bool {
			return o.ID == "deny-user-but-group-allows" || o.ID == "deny-group-but-other-group-allows"
		}},
		{"a role is nobody's name", false, func(_ *oracle, q question) bool { return strings.HasPrefix(q.Subject, "role:") }},
		{"a group that is called like a role is a group; in Argo CD it has the role", false, func(_ *oracle, q question) bool {
			groups, _ := q.Claims["groups"].([]any)
			return slices.ContainsFunc(groups, func(g any) bool { return strings.HasPrefix(g.(string), "role:") })
		}},
		{"there is no account admin that may do everything", false, func(_ *oracle, q question) bool { return sub(q) == "admin" }},
		{"projects' roles have no tokens: machines have identities of their own", false, func(_ *oracle, q question) bool { return strings.HasPrefix(sub(q), "proj:") }},
		{"what has no project is no application", false, func(_ *oracle, q question) bool { return !strings.Contains(q.Object, "/") }},
		{"there are the actions that there are; a regular expression finds them in other words", false, func(o *oracle, q question) bool { return o.MatchMode == "regex" && !access.IsAction(q.Action) }},
		{"there are rights on applications alone: everything else is in files, or the cluster's", false, func(_ *oracle, q question) bool { return q.Resource != "applications" }},
		{"who creates or changes an application changes files", false, func(_ *oracle, q question) bool {
			return slices.Contains([]string{"create", "update"}, q.Action) || strings.HasPrefix(q.Action, "update/") || strings.HasPrefix(q.Action, "delete/")
		}},
	}
	cases := conformance.Cases[oracle](t, "rbac/oracle_cases.jsonl")
	tally := conformance.Count(t, conformance.Roles)
	for i := range cases {
		o := &cases[i]
		if o.PolicyLoadError != "" && len(o.Cases) > 0 {
			t.Errorf("line %d: a policy that cannot be loaded was asked", i+1)
		}
		roles := o.roles(t)
		for _, q := range o.Cases {
			got := false
			action, project, application, ok := q.ours()
			if ok && len(roles) > 0 {
				got = access.Check(roles, o.who(q), action, project, application).Allowed
			}
			if got == q.Expected {
				tally.Agree()
				continue
			}
			at := slices.IndexFunc(rules, func(r rule) bool { return r.got == got && r.about(o, q) })
			if at < 0 {
				tally.Fail("line %d (%s, %q): allowed %v, want %v: %+v", i+1, o.ID, o.PolicyCSV, got, q.Expected, q)
				continue
			}
			tally.Differ(rules[at].reason)
		}
	}
}
