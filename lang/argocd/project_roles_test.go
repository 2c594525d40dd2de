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
	text, said := importedText(t, custom("AppProject", "argocd", "web", map[string]any{"roles": []any{
		role("my-role", []string{"a", " b", ""}, "p, proj:web:my-role, applications, get, web/*, allow", "p, proj:web:my-role, applications, sync, other/*, allow"),
		role("my-role", []string{"c"}, "p, proj:web:my-role, applications, sync, web/*, allow"),
		role("my_role", []string{"d"}, "p, proj:web:my_role, applications, get, web/*, allow", "p, proj:web:my_role, applications, delete, web/*, Deny",
			"p, proj:web:other, applications, sync, web/*, allow", "p, proj:web:my_role, applications, fly, web/*, allow", "p, proj:web:my_role, applications, sync, web/*, Allow"),
	}}))
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

// TestRolesOfProjectsThatAreNoPolicy: Argo CD reads what all roles of a project say as one
// policy, and has none of it where one line is none: so no role of that project allows
// anything, and what they deny is denied. A line that it refuses by what it says costs no other,
// and those of other projects and of the installation stay.
func TestRolesOfProjectsThatAreNoPolicy(t *testing.T) {
	const open = "everybody may do everything"
	for line, void := range map[string]bool{
		"p, proj:web:ci, applications, get, allow":              true,
		"p, proj:web:ci, applications, get, web/*, allow, more": true,
		"p2, proj:web:ci, applications, get, web/*, allow":      true,
		"g, ci":                                 true,
		"may deploy":                            true,
		", web/*":                               true,
		"p , proj:web:ci, applications, allow":  true,
		"# p, proj:web:ci":                      false,
		"":                                      false,
		"g, someone, proj:web:ci":               false,
		"p, proj:web:ci, clusters, *, *, allow": false,
		"p, proj:web:ci, applications, get, other/*, allow":  false,
		"p, proj:web:ci, applications, get, web/*, allowed":  false,
		"p, proj:web:other, applications, get, web/*, allow": false,
		"p, proj:web:ci , applications, get, web/*, allow":   false,
	} {
		t.Run(line, func(t *testing.T) {
			role := func(project, name string, policies ...string) map[string]any {
				for i := range policies {
					policies[i] = strings.ReplaceAll(policies[i], "SELF", "proj:"+project+":"+name)
				}
				return map[string]any{"name": name, "groups": []string{"of-" + name}, "policies": policies}
			}
			web := custom("AppProject", "argocd", "web", map[string]any{"roles": []any{
				role("web", "ci", "p, SELF, applications, sync, web/*, allow", line, "p, SELF, applications, delete, web/*, deny"),
				role("web", "reader", "p, SELF, applications, get, web/*, allow"),
			}})
			text, said := importedText(t, web,
				custom("AppProject", "argocd", "api", map[string]any{"roles": []any{role("api", "releaser", "p, SELF, applications, rollback, api/*, allow")}}),
				map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "argocd-rbac-cm", "namespace": "argocd"}, "data": map[string]any{
					"policy.csv": "p, role:ops, applications, override, */*, allow\ng, ops, role:ops",
				}})
			for right, want := range map[string]bool{
				`"apply"`: !void, `"get"`: !void, `"destroy"`: true, `"rollback"`: true, `"override"`: true,
			} {
				if strings.Contains(text, right) != want {
					t.Errorf("%s is there: %v, want %v, in\n%s", right, !want, want, text)
				}
			}
			if told := strings.Contains(said, "So no role of the project gives a right"); told != void {
				t.Errorf("told that nothing is allowed: %v, want %v, in\n%s", told, void, said)
			}
			if strings.Contains(said, open) {
				t.Errorf("there are roles:\n%s", said)
			}
			// Without a role, everybody might do everything.
			_, said = importedText(t, custom("AppProject", "argocd", "web", map[string]any{"roles": []any{
				role("web", "ci", "p, SELF, applications, sync, web/*, allow", line),
			}}))
			if told := strings.Contains(said, open); told != void {
				t.Errorf("told that there is no role: %v, want %v, in\n%s", told, void, said)
			}
		})
	}
	_, said := importedText(t, custom("AppProject", "argocd", "web", map[string]any{"roles": []any{map[string]any{"name": "ci", "groups": []string{"ci"}}}}))
	if strings.Contains(said, open) {
		t.Errorf("nothing is said of what anybody may do:\n%s", said)
	}
}

// importedText is all that objects become, and all that is said of them.
func importedText(t *testing.T, objects ...map[string]any) (text, said string) {
	t.Helper()
	result, diags := imported(t, objects...)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, file := range result.Files {
		text += string(file.Data)
	}
	for _, f := range result.Findings {
		said += f.Text + "\n"
	}
	return text, said
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
