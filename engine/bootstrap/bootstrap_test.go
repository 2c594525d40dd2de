package bootstrap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/bootstrap"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func kind(group, name, plural string, namespaced bool) providers.Resource {
	return providers.Resource{GVK: object.GVK{Group: group, Version: "v1", Kind: name}, Plural: plural, Namespaced: namespaced}
}

func options() bootstrap.Options {
	return bootstrap.Options{
		Name: "gantry", Planner: bootstrap.Identity{User: `oidc:a"b`}, Applier: bootstrap.Identity{Group: "deployers"},
		Kinds: []providers.Resource{
			kind("apps", "Deployment", "deployments", true), kind("", "Namespace", "namespaces", false), kind("", "Secret", "secrets", true),
			kind("rbac.authorization.k8s.io", "Role", "roles", true), kind("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", true),
			kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
			kind("metrics.example.com", "Sample", "samples", true),
		},
		Served:     []providers.Resource{kind("apps", "Deployment", "deployments", true), kind("", "Secret", "secrets", true), kind("authentication.k8s.io", "TokenReview", "tokenreviews", false)},
		Extensions: []string{"metrics.example.com"},
		Namespaces: []string{"shop"},
		Secrets:    map[string][]string{"shop": {"b", "a", "b"}},
	}
}

// rights are the rules of the roles whose names begin with something: "verbs groups/resources names".
func rights(t *testing.T, o bootstrap.Options, prefix string) []string {
	t.Helper()
	objects, err := bootstrap.Objects(o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, made := range objects {
		rules, _ := made["rules"].([]any)
		for _, one := range rules {
			r := one.(map[string]any)
			if strings.HasPrefix(made.Name(), prefix) {
				out = append(out, fmt.Sprint(made.Namespace(), r["verbs"], r["apiGroups"], r["resources"], r["resourceNames"]))
			}
		}
	}
	return out
}

// TestPlannerRights: no verb that writes what a policy does not guard or that lends rights,
// no list of Secrets, no subresource.
func TestPlannerRights(t *testing.T) {
	t.Parallel()
	got := rights(t, options(), "gantry-planner")
	want := []string{
		"[get list watch] [] [namespaces] <nil>",
		"[get list watch] [admissionregistration.k8s.io] [validatingadmissionpolicies] <nil>",
		"[create patch update] [] [namespaces] <nil>",
		"[get list watch] [apps] [deployments] <nil>",
		"[get list watch] [metrics.example.com] [samples] <nil>",
		"[get list watch] [rbac.authorization.k8s.io] [rolebindings roles] <nil>",
		"[create patch update] [apps] [deployments] <nil>",
		"shop[get create patch update] [] [secrets] [a b]",
	}
	for i := range got {
		got[i] = strings.NewReplacer("][", "] [", "]<nil>", "] <nil>").Replace(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestApplierRights: it may grant where roles are applied, and binds nothing where none are.
func TestApplierRights(t *testing.T) {
	t.Parallel()
	if all := strings.Join(rights(t, options(), "gantry-applier"), "\n"); !strings.Contains(all, "[bind escalate]") || !strings.Contains(all, "secrets") {
		t.Error(all)
	}
	o := options()
	o.Kinds = o.Kinds[:1]
	if all := strings.Join(rights(t, o, "gantry-applier"), "\n"); strings.Contains(all, "bind") || strings.Contains(all, "secrets") {
		t.Error(all)
	}
}

// TestPolicyOfAUser: a name is a text in CEL, whatever is in it.
func TestPolicyOfAUser(t *testing.T) {
	t.Parallel()
	objects, err := bootstrap.Objects(options())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.ID().Kind == "ValidatingAdmissionPolicy" {
			if text := fmt.Sprint(o["spec"]); !strings.Contains(text, `request.userInfo.username == "oidc:a\"b"`) {
				t.Error(text)
			}
			return
		}
	}
	t.Error("there is no policy")
}

// TestOf: kinds that the plan defines are known by their definition; Secrets of namespaces
// that it makes come later.
func TestOf(t *testing.T) {
	t.Parallel()
	change := func(group, name, kind, plural, namespace string, action plan.Action) plan.Change {
		return plan.Change{ID: object.ID{Group: group, Kind: kind, Namespace: namespace, Name: name}, Version: "v1", Plural: plural, Namespaced: namespace != "", Action: action}
	}
	definition := change("apiextensions.k8s.io", "widgets.example.com", "CustomResourceDefinition", "customresourcedefinitions", "", plan.Create)
	definition.Body = object.Object{"spec": map[string]any{"group": "example.com", "scope": "Namespaced", "names": map[string]any{"kind": "Widget", "plural": "widgets"}}}
	made := &plan.Plan{Applications: []plan.Application{
		{Cluster: "main", Changes: []plan.Change{
			definition, change("example.com", "one", "Widget", "", "shop", plan.Create), change("example.org", "x", "Lost", "", "shop", plan.Blocked),
			change("", "new", "Namespace", "namespaces", "", plan.Create), change("", "s", "Secret", "secrets", "new", plan.Create), change("", "s", "Secret", "secrets", "shop", plan.Create),
		}},
		{Cluster: "other", Changes: []plan.Change{change("apps", "web", "Deployment", "deployments", "shop", plan.Create)}},
	}}
	got := bootstrap.Of(made, "main")
	var kinds []string
	for _, r := range got.Kinds {
		kinds = append(kinds, r.Plural)
	}
	if text := fmt.Sprint(kinds, got.Secrets, got.Later, got.Unknown); text != "[namespaces secrets customresourcedefinitions widgets] map[shop:[s]] [new/s] [Lost.example.org]" {
		t.Error(text)
	}
}
