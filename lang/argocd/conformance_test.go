package argocd_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
)

// imported turns objects, and evaluates what comes of them.
func imported(t *testing.T, objects ...map[string]any) (*argocd.Result, hcl.Diagnostics) {
	t.Helper()
	var files []argocd.File
	for _, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, argocd.File{Name: strings.ToLower(object["kind"].(string)) + ".json", Data: text})
	}
	result := argocd.Import(files)
	tree := fstest.MapFS{}
	for _, file := range result.Files {
		tree[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	if len(tree) == 0 {
		return result, nil
	}
	return result, evaluate(tree)
}

func custom(kind, namespace, name string, spec any) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": namespace}, "spec": spec,
	}
}

// TestConformanceSourceNamespaces: of which namespaces Applications may be of a project.
// There are no such namespaces here: what Argo CD refuses is not imported.
func TestConformanceSourceNamespaces(t *testing.T) {
	type testCase struct {
		AppNamespace, ControllerNamespace string
		SourceNamespaces                  []string
		Expected                          bool
	}
	tally := conformance.Count(t, conformance.SourceNamespaces)
	for i, c := range conformance.Cases[testCase](t, "projects/source_namespace_cases.jsonl") {
		result, diags := imported(t,
			custom("AppProject", c.ControllerNamespace, "web", map[string]any{
				"sourceRepos": []string{"*"}, "destinations": []any{map[string]any{"server": "*", "namespace": "*"}}, "sourceNamespaces": c.SourceNamespaces,
			}),
			custom("Application", c.AppNamespace, "shop", map[string]any{
				"project": "web", "source": map[string]any{"repoURL": "https://git.example.com/shop.git", "path": "."},
				"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "shop"},
			}))
		if diags.HasErrors() {
			t.Errorf("line %d: %v", i+1, diags)
		}
		refused := slices.ContainsFunc(result.Findings, func(f argocd.Finding) bool {
			return f.Level == argocd.LeftOut && f.Object == "Application shop" && strings.Contains(f.Text, "sourceNamespaces")
		})
		switch got := result.Imported["Application"] == 1; got {
		case refused:
			t.Errorf("line %d: imported %v, and told that it is left out %v: %+v", i+1, got, refused, result.Findings)
		case c.Expected:
			tally.Agree()
		default:
			tally.Fail("line %d: imported %v, want %v: %+v", i+1, got, c.Expected, c)
		}
	}
}

// TestConformanceProjectSpecs: which AppProjects are valid. What is not is told of by the
// importer, or is an error when what it writes is loaded.
func TestConformanceProjectSpecs(t *testing.T) {
	type testCase struct {
		Name  string
		Spec  map[string]any
		Valid bool
		Error string
	}
	type rule struct{ reason, about string } // which is in what Argo CD says, or we where it does not
	rules := []rule{
		{"a server is a URL, and what is none an error when it is loaded; in Argo CD no cluster has it", "must be an https URL"},
		{"a denial of everything is a denial like any other, and denies everything", "'!*'"},
		{"what is listed twice says the same twice", "already added"},
		{"a window that is there twice is open when it is open", "duplicate detected"},
		{"a window that names nothing is for every application of the project", "requires one of application, cluster or namespace"},
		{"a group is called as it is called, with a comma too: a list needs no quotes", "must be quoted"},
	}
	tally := conformance.Count(t, conformance.ProjectSpecs)
	for i, c := range conformance.Cases[testCase](t, "projects/validate_project_cases.jsonl") {
		result, diags := imported(t, custom("AppProject", "argocd", c.Name, c.Spec))
		got := !diags.HasErrors() && !slices.ContainsFunc(result.Findings, func(f argocd.Finding) bool {
			return strings.Contains(f.Text, "Argo CD refuses")
		})
		said := c.Error
		if !got {
			said = diags.Error()
		}
		at := slices.IndexFunc(rules, func(r rule) bool { return strings.Contains(said, r.about) })
		switch {
		case got == c.Valid:
			tally.Agree()
		case at >= 0:
			tally.Differ(rules[at].reason)
		default:
			text, _ := json.Marshal(c.Spec)
			tally.Fail("line %d: valid %v, want %v: %s\n%s\n%v\n%+v\n%s", i+1, got, c.Valid, text, c.Error, diags, result.Findings, result.Files)
		}
	}
}
