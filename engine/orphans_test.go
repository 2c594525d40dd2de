package engine_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// What belongs to no application is reported where the project asks, and left as it is:
// not what an application has, what another object owns, what Kubernetes makes in every
// namespace, what is ignored, and what is in namespaces of nobody.
func TestOrphans(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{
		"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n",
		"project.gantry.hcl": `project "web" {
  orphaned_resources {
    ignore {
      kind = "ConfigMap"
      name = "ignored-*"
    }
  }
}
project "other" {
}
`,
	})
	cluster := memory.New(memory.Options{Name: "main", Resource: func(gvk object.GVK) providers.Resource {
		resource := engine.GuessResource(gvk)
		resource.Verbs = []string{"create", "delete", "get", "list", "patch", "watch"}
		return resource
	}})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	put := func(kind, namespace, name string, more map[string]any) {
		metadata := map[string]any{"namespace": namespace, "name": name}
		for key, value := range more {
			metadata[key] = value
		}
		if err := cluster.Put(t.Context(), object.Object{"apiVersion": "v1", "kind": kind, "metadata": metadata}, "kubectl"); err != nil {
			t.Fatal(err)
		}
	}
	put("ConfigMap", "web", "left-over", nil)
	put("Secret", "web", "by-hand", nil)
	put("ConfigMap", "web", "ignored-1", nil)
	put("ConfigMap", "web", "kube-root-ca.crt", nil)
	put("ServiceAccount", "web", "default", nil)
	put("ConfigMap", "elsewhere", "left-over", nil)
	put("ConfigMap", "web", "owned", map[string]any{"ownerReferences": []any{map[string]any{"apiVersion": "v1", "kind": "Secret", "name": "by-hand", "uid": "1"}}})
	for _, kind := range []string{"ConfigMap", "Secret", "ServiceAccount"} { // the cluster has what it was asked for
		if _, err := cluster.Resource(t.Context(), object.GVK{Version: "v1", Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	webs(t, b, "", "web project = project.web")
	for _, when := range []string{"before it is applied", "after it"} {
		p := b.MustPlan(t, engine.PlanOptions{})
		var got []string
		for _, o := range p.Orphans {
			got = append(got, fmt.Sprintf("%s %s %s", o.Project, o.Cluster, o.ID))
		}
		if d := cmp.Diff([]string{"web main ConfigMap web/left-over", "web main Secret web/by-hand"}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
		if _, diags := b.Apply(t.Context(), t, p); diags.HasErrors() {
			t.Fatal(diags)
		}
	}
	webs(t, b, "", "web project = project.other")
	if p := b.MustPlan(t, engine.PlanOptions{}); p.Orphans != nil {
		t.Errorf("nobody asks, and told is %v", p.Orphans)
	}
}
