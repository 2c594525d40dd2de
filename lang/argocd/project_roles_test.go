package argocd_test

import (
	"strings"
	"testing"
)

// TestRolesOfProjects: what Argo CD refuses in the roles of a project is told, gives
// nobody a right, and what is meant to deny denies.
func TestRolesOfProjects(t *testing.T) {
	role := func(name string, groups []string, policies ...string) map[string]any {
		return map[string]any{"name": name, "groups": groups, "policies": policies}
	}
	result, diags := imported(t, custom("AppProject", "argocd", "web", map[string]any{"roles": []any{
		role("my-role", []string{"a", " b", ""}, "p, proj:web:my-role, applications, get, web/*, allow", "p, proj:web:my-role, applications, sync, other/*, allow"),
		role("my-role", []string{"c"}, "p, proj:web:my-role, applications, sync, web/*, allow"),
		role("my_role", []string{"d"}, "p, proj:web:my_role, applications, get, web/*, allow", "p, proj:web:my_role, applications, delete, web/*, Deny",
			"p, proj:web:other, applications, sync, web/*, allow", "p, proj:web:my_role, applications, fly, web/*, allow", "p, proj:web:my_role, applications, sync, web/*, Allow"),
	}}))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var text, said string
	for _, file := range result.Files {
		text += string(file.Data)
	}
	for _, f := range result.Findings {
		said += f.Text + "\n"
	}
	for _, want := range []string{
		"role \"my_role\" {\n    groups = [\"a\"]", "role \"my_role_2\" {\n    groups = [\"c\"]", "role \"my_role_3\" {\n    groups = [\"d\"]",
		"deny {\n      actions      = [\"destroy\"]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Count(text, `"apply"`) != 1 {
		t.Errorf("who may apply:\n%s", text)
	}
	for _, want := range []string{
		`two roles called "my-role"`, `group that is called " b"`, `group that is called ""`, "applications of the project, web/NAME",
		`the effect "Deny" is neither "allow" nor "deny". Here it denies.`, "it must be about that role, proj:web:my_role", `there is no action "fly"`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not told in\n%s", want, said)
		}
	}
}

// TestApplicationSetInAnyNamespace: what an ApplicationSet would make where its project
// takes no Applications is not imported.
func TestApplicationSetInAnyNamespace(t *testing.T) {
	for project, want := range map[string]int{"web": 0, "open": 1, "elsewhere": 1} {
		result, diags := imported(t,
			custom("AppProject", "argocd", "web", map[string]any{"sourceNamespaces": []string{"team-b"}}),
			map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{custom("AppProject", "argocd", "open", map[string]any{"sourceNamespaces": []string{"team-*"}})}},
			custom("ApplicationSet", "team-a", "shop", map[string]any{
				"generators": []any{map[string]any{"list": map[string]any{"elements": []any{map[string]any{"name": "eu"}}}}},
				"template": map[string]any{"metadata": map[string]any{"name": "{{name}}"}, "spec": map[string]any{
					"project": project, "source": map[string]any{"repoURL": "https://git.example.com/shop.git", "path": "."},
					"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "shop"},
				}},
			}))
		if got := result.Imported["ApplicationSet"]; got != want || diags.HasErrors() {
			t.Errorf("%s: imported %d, want %d: %+v %v", project, got, want, result.Findings, diags)
		}
	}
}
