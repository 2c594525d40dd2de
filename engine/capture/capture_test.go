package capture_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/capture"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/snapshot"
)

// take takes a snapshot, and brings it through a file.
func take(t *testing.T, b *enginetest.Bench) *snapshot.Snapshot {
	t.Helper()
	options := b.Options()
	config, diags := b.Config(t, engine.New(options))
	enginetest.Check(t, diags)
	taken, diags := capture.Take(t.Context(), config, options, nil)
	enginetest.Check(t, diags)
	file := filepath.Join(t.TempDir(), "s")
	if err := snapshot.WriteFile(file, taken); err != nil {
		t.Fatal(err)
	}
	read, err := snapshot.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// offline plans with a snapshot; f is whose key the fingerprints are made with.
func offline(t *testing.T, b *enginetest.Bench, s *snapshot.Snapshot, f seal.Fingerprinter) *plan.Plan {
	t.Helper()
	records, err := capture.Restore(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	options := b.Options()
	options.Clusters, options.Records, options.Fingerprinter = s.Answering(), records, f
	e := engine.New(options)
	config, diags := b.Config(t, e)
	enginetest.Check(t, diags)
	made, diags := e.Plan(t.Context(), config, engine.PlanOptions{})
	enginetest.Check(t, diags)
	return made
}

// shown is what of a plan must be the same with the cluster and with a snapshot: each
// object's action, and its fields but for those that the server brings.
func shown(p *plan.Plan) map[string]string {
	out := map[string]string{}
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Changes {
			c := &a.Changes[j]
			id := fmt.Sprintf("%s %s", a.Address, c.ID)
			out[id] = string(c.Action)
			for _, f := range c.Fields {
				if f.Server {
					continue
				}
				f.Drift = nil
				text, err := json.Marshal(f)
				if err != nil {
					panic(err)
				}
				out[id+" "+f.Path] = string(text)
			}
		}
	}
	return out
}

// compare holds the plan with a snapshot to the one with the cluster. It returns how
// many objects change. Fields that only a server tells, by their path, may differ: a
// zero value that it drops, a default that it puts in the place of what goes.
func compare(t *testing.T, b *enginetest.Bench, s *snapshot.Snapshot, byServer ...string) int {
	t.Helper()
	online, made := b.MustPlan(t, engine.PlanOptions{}), offline(t, b, s, b.Records.Fingerprinter())
	want, have := shown(online), shown(made)
	for _, fields := range []map[string]string{want, have} {
		maps.DeleteFunc(fields, func(key, _ string) bool {
			return slices.ContainsFunc(byServer, func(path string) bool { return strings.HasSuffix(key, " "+path) })
		})
	}
	if delta := cmp.Diff(want, have); delta != "" {
		t.Errorf("with the snapshot the plan is another (-cluster +snapshot):\n%s", delta)
	}
	changes := 0
	for _, a := range made.Applications {
		for _, c := range a.Changes {
			if c.Action == plan.Create || c.Action == plan.Update || c.Action == plan.Adopt {
				changes++
				if !c.Predicted {
					t.Errorf("%s is foretold, and does not say so", c.ID)
				}
			}
		}
	}
	return changes
}

const secret = "c4nary-in-a-snapshot"

func configuration(kubeconfig, namespace, more, password, value string) map[string]string {
	return map[string]string{"main.gantry.hcl": fmt.Sprintf(`
cluster "main" {
  kubeconfig = %q
}
application "own" {
  source {
    objects = [
      { apiVersion = "v1", kind = "Secret", metadata = { name = "own" }, stringData = { password = %q, user = "app" } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "own" }, data = %s },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "named" }, data = { hidden = %q } },
      %s
    ]
  }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
  sync {
    create_namespace = true
  }
  redact {
    kind          = "ConfigMap"
    name          = "named"
    json_pointers = ["/data/hidden"]
  }
}
`, kubeconfig, password, value, password, more, namespace)}
}

// TestSnapshotIsTheCluster: what is planned with a snapshot is what is planned with the
// cluster, for edits of each kind, and no secret is in it.
func TestSnapshotIsTheCluster(t *testing.T) {
	cluster := clustertest.Shared(t)
	namespace := fmt.Sprintf("capture-%d", os.Getpid())
	b := enginetest.New(t, configuration(cluster.Kubeconfig, namespace, "", secret, `{ a = "1", b = "2" }`))
	defer func() { b.MustApply(t, engine.PlanOptions{Destroy: true}) }()
	b.MustApply(t, engine.PlanOptions{})
	s := take(t, b)
	if n := compare(t, b, s); n != 0 {
		t.Errorf("as it was applied, %d objects change", n)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
		if bytes.Contains(text, []byte(form)) {
			t.Errorf("%s is in the snapshot", form)
		}
	}
	const more = `{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "more" } },`
	for _, edit := range []struct {
		name, more, password, value string
		changes                     int
	}{
		{"a value changes, one goes, one comes", "", secret, `{ a = "3", c = "4" }`, 1},
		{"the secret changes", "", secret + "-2", `{ a = "1", b = "2" }`, 2},
		{"an object comes", more, secret, `{ a = "1", b = "2" }`, 1},
	} {
		t.Run(edit.name, func(t *testing.T) {
			b.Write(t, configuration(cluster.Kubeconfig, namespace, edit.more, edit.password, edit.value))
			if n := compare(t, b, s); n != edit.changes {
				t.Errorf("%d objects change, want %d", n, edit.changes)
			}
		})
	}

	// Whoever has not the key cannot tell whether a Secret changes, and is told so.
	b.Write(t, configuration(cluster.Kubeconfig, namespace, "", secret, `{ a = "1", b = "2" }`))
	key, err := seal.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.NewFingerprinter(key)
	if err != nil {
		t.Fatal(err)
	}
	unknown := offline(t, b, s, other)
	if c := &unknown.Applications[0].Changes[0]; len(unknown.Applications) != 1 {
		t.Errorf("it plans %d applications, of which the first has %v", len(unknown.Applications), c.ID)
	}
	told := 0
	for _, c := range unknown.Applications[0].Changes {
		if strings.Contains(c.Reason, "is not known") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d changes say that it is not known whether they change, want those of the Secret and of the named field", told)
	}
}

// TestRealConfigurations is TestSnapshotIsTheCluster for configurations that nobody
// here wrote: as they were applied, and with another version of them.
func TestRealConfigurations(t *testing.T) {
	root := os.Getenv("GANTRY_REALWORLD")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "realworld")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("the configurations are not here: set GANTRY_REALWORLD (%s)", err)
	}
	cluster := clustertest.Shared(t)
	for _, test := range []struct{ name, repository, before, after string }{
		{"podinfo", "podinfo", "path = \"charts/podinfo\"\nhelm {\n values = { replicaCount = 1, serviceAccount = { enabled = true } }\n}", "path = \"charts/podinfo\"\nhelm {\n values = { replicaCount = 2, logLevel = \"debug\", ui = { color = \"#123456\" } }\n}"},
		{"sock-shop", "argocd-example-apps", `path = "sock-shop"`, "path = \"sock-shop\"\nkustomize {\n labels = { tier = \"shop\" }\n label_without_selector = true\n}"},
		{"kube-state-metrics", "prometheus-community", "path = \"charts/kube-state-metrics\"", "path = \"charts/kube-state-metrics\"\nhelm {\n values = { replicas = 2, collectors = [\"pods\", \"nodes\"] }\n}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			repository := enginetest.Repository(t, filepath.Join(root, test.repository))
			files := func(source string) map[string]string {
				return map[string]string{"main.gantry.hcl": fmt.Sprintf(`
cluster "main" {
  kubeconfig = %q
}
application "real" {
  name = %q
  source {
    url = %q
    %s
  }
  destination {
    cluster   = cluster.main
    namespace = "capture-%s"
  }
  sync {
    create_namespace = true
  }
}
`, cluster.Kubeconfig, test.name, repository, source, test.name)}
			}
			b := enginetest.New(t, files(test.before))
			defer func() { b.MustApply(t, engine.PlanOptions{Destroy: true}) }()
			b.MustApply(t, engine.PlanOptions{})
			s := take(t, b)
			if n := compare(t, b, s); n != 0 {
				t.Errorf("as it was applied, %d objects change", n)
			}
			b.Write(t, files(test.after))
			n := compare(t, b, s, "spec.template.spec.hostNetwork", "spec.template.spec.serviceAccountName")
			if n == 0 {
				t.Error("the edit changes nothing: the test shows nothing")
			}
			t.Logf("%d objects change", n)
		})
	}
}
