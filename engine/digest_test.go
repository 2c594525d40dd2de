package engine_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// rendered is a configuration as parts that a case may change.
type rendered struct {
	sync, more string            // of the application's block
	cluster    string            // name of the cluster's block
	others     string            // further blocks
	files      map[string]string // of the application's directory
	options    engine.PlanOptions
}

func (s *stage) rendering() *rendered {
	return &rendered{
		sync: "create_namespace = true\n", cluster: "local", files: map[string]string{
			"a.yaml": configMap("settings", "a=1", "b=2") + "---\n" + configMap("second", "a=1"),
			"b.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n      - name: main\n        image: registry.example.com/web:1\n",
			"c.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: creds\nstringData:\n  key: hunter1\n",
			"d.yaml": hookConfigMap("hook", ""),
		},
	}
}

// digestOf writes the configuration, plans, and returns application.web's change digest and the
// plan.
func (s *stage) digestOf(t *testing.T, r *rendered) (string, *plan.Plan) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.Dir, "web")); err != nil {
		t.Fatal(err)
	}
	written := map[string]string{
		"cluster.gantry.hcl": fmt.Sprintf("cluster %q {\n  kubeconfig = %q\n}\n", r.cluster, clustertest.Shared(t).Kubeconfig),
	}
	written["web.gantry.hcl"] = fmt.Sprintf("application \"web\" {\n  source {\n    path = \"./web\"\n  }\n  destination {\n    cluster   = cluster.%s\n    namespace = %q\n  }\n  sync {\n%s\n  }\n%s\n}\n%s\n",
		r.cluster, s.namespace, r.sync, r.more, r.others)
	for name, text := range r.files {
		if text != "" {
			written["web/"+name] = text
		}
	}
	s.Write(t, written)
	p, diags := s.Plan(t, r.options)
	if p == nil {
		t.Fatal(texts(diags))
	}
	return applicationOf(t, p, "web").Digest, p
}

func replaced(file, was, is string) func(*rendered) {
	return func(r *rendered) {
		if !strings.Contains(r.files[file], was) {
			panic(was + " is not in " + file)
		}
		r.files[file] = strings.ReplaceAll(r.files[file], was, is)
	}
}

func inSync(text string) func(*rendered) { return func(r *rendered) { r.sync += text + "\n" } }

func inBlock(text string) func(*rendered) { return func(r *rendered) { r.more += text + "\n" } }

func withAnnotation(file, annotation string) func(*rendered) {
	return replaced(file, "metadata:\n  name:", "metadata:\n  annotations:\n    "+annotation+"\n  name:")
}

func TestChangeDigests(t *testing.T) {
	t.Parallel()
	stays := map[string]func(*rendered){
		"nothing":               func(*rendered) {},
		"an expiry":             func(r *rendered) { r.options.Expires = time.Hour },
		"comments":              replaced("a.yaml", "\ndata:", "\n# settings\ndata: # all of them"),
		"the order of keys":     replaced("a.yaml", "  a: \"1\"\n  b: \"2\"\n", "  b: \"2\"\n  a: \"1\"\n"),
		"quotes":                replaced("a.yaml", `"1"`, `'1'`),
		"JSON in place of YAML": replaced("a.yaml", "data:\n  a: \"1\"\n  b: \"2\"\n", `data: {"a": "1", "b": "2"}`+"\n"),
		"the order of documents": func(r *rendered) {
			r.files["a.yaml"] = configMap("second", "a=1") + "---\n" + configMap("settings", "a=1", "b=2")
		},
		"the names of files":    func(r *rendered) { r.files["z.yaml"], r.files["b.yaml"] = r.files["b.yaml"], "" },
		"files put together":    func(r *rendered) { r.files["a.yaml"] += "---\n" + r.files["b.yaml"]; r.files["b.yaml"] = "" },
		"blank lines":           replaced("b.yaml", "spec:\n", "spec:\n\n"),
		"another application":   func(r *rendered) { r.others = strings.ReplaceAll(otherApplication, "NAMESPACE", "default") },
		"an output":             func(r *rendered) { r.others = "output \"x\" {\n  value = 1\n}\n" },
		"an unused variable":    func(r *rendered) { r.others = "variable \"x\" {\n  default = 1\n}\n" },
		"the cluster's name":    func(r *rendered) { r.cluster = "renamed" },
		"the block's label":     inBlock("labels = { team = \"payments\" }"),
		"a target":              func(r *rendered) { r.options.Targets = []addr.Address{addr.Application("web")} },
		"an ignored difference": inBlock("ignore_differences {\n  kind = \"Job\"\n  json_pointers = [\"/spec\"]\n}"),
		"whom it waits for": func(r *rendered) {
			r.others = strings.ReplaceAll(otherApplication, "NAMESPACE", "default")
			r.more = "depends_on = [application.other]"
		},
		"a file that is no object": func(r *rendered) { r.files["README.md"] = "# text\n" },
		"an anchor":                replaced("a.yaml", "  a: \"1\"\n  b: \"2\"\n", "  a: &one \"1\"\n  b: \"2\"\n"),
	}
	moves := map[string]func(*rendered){
		"an image":               replaced("b.yaml", "web:1", "web:2"),
		"replicas":               replaced("b.yaml", "replicas: 1", "replicas: 2"),
		"replicas to zero":       replaced("b.yaml", "replicas: 1", "replicas: 0"),
		"a value":                replaced("a.yaml", `b: "2"`, `b: "3"`),
		"a Secret's value":       replaced("c.yaml", "hunter1", "hunter2"),
		"a Secret's key":         replaced("c.yaml", "key:", "token:"),
		"a label":                replaced("a.yaml", "metadata:\n  name: second", "metadata:\n  labels:\n    a: b\n  name: second"),
		"an annotation":          withAnnotation("c.yaml", `example.com/a: "b"`),
		"a default that is said": replaced("b.yaml", "      containers:", "      restartPolicy: Always\n      containers:"),
		"an object less":         func(r *rendered) { r.files["c.yaml"] = "" },
		"an object more":         func(r *rendered) { r.files["e.yaml"] = configMap("third", "a=1") },
		"an object's name":       replaced("c.yaml", "name: creds", "name: credentials"),
		"an object's kind":       func(r *rendered) { r.files["c.yaml"] = configMap("creds", "key=hunter1") },
		"a hook less":            func(r *rendered) { r.files["d.yaml"] = "" },
		"a hook more":            func(r *rendered) { r.files["e.yaml"] = hookConfigMap("another", "") },
		"a hook's phase":         replaced("d.yaml", "PreSync", "PostSync"),
		"a hook's policy": func(r *rendered) {
			r.files["d.yaml"] = hookConfigMap("hook", "    argocd.argoproj.io/hook-delete-policy: HookSucceeded\n")
		},
		"a wave":              withAnnotation("c.yaml", `argocd.argoproj.io/sync-wave: "3"`),
		"on_destroy":          inBlock("on_destroy = \"orphan\""),
		"prevent_destroy":     inBlock("lifecycle {\n  prevent_destroy = true\n}"),
		"conflicts":           inSync("conflicts = \"take_over\""),
		"propagation":         inSync("prune_propagation_policy = \"orphan\""),
		"no namespace":        func(r *rendered) { r.sync = "" },
		"another namespace":   replaced("a.yaml", "metadata:\n  name: second", "metadata:\n  namespace: default\n  name: second"),
		"an immutable object": replaced("a.yaml", "kind: ConfigMap\nmetadata:\n  name: second", "kind: ConfigMap\nimmutable: true\nmetadata:\n  name: second"),
	}
	s := newStage(t)
	want, first := s.digestOf(t, s.rendering())
	_, canonical, err := planfile.Canonical(first)
	if err != nil {
		t.Fatal(err)
	}
	_, second := s.digestOf(t, s.rendering())
	if _, again, err := planfile.Canonical(second); err != nil || again != canonical || first.ID == second.ID {
		t.Errorf("two plans of the same: canonical digests %s and %s, ids %s and %s, %v", canonical, again, first.ID, second.ID, err)
	}
	for _, name := range slices.Sorted(maps.Keys(stays)) {
		t.Run("stays with "+name, func(t *testing.T) {
			r := s.rendering()
			stays[name](r)
			if have, p := s.digestOf(t, r); have != want {
				t.Errorf("the digest has moved: %+v", p.Applications)
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(moves)) {
		t.Run("moves with "+name, func(t *testing.T) {
			r := s.rendering()
			moves[name](r)
			if have, _ := s.digestOf(t, r); have == want {
				t.Error("the digest has not moved")
			}
		})
	}
	t.Logf("%d changes of the configuration leave a change digest, %d move it", len(stays), len(moves))
}

const otherApplication = `
application "other" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "gantry-other" }, data = { a = "b" } }]
  }
  destination {
    cluster   = cluster.local
    namespace = "NAMESPACE"
  }
}
`
