package overhead

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
	statekubernetes "github.com/gantrycd/gantry/state/kubernetes"
	"github.com/gantrycd/gantry/state/local"
	memorystate "github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
)

// perApplication is how many objects an application has.
const perApplication = 100

// place is a backend, and how much of an apply it may add.
type place struct {
	name  string
	most  float64 // in percent
	open  func(testing.TB) state.Store
	spent []spending
}

// BenchmarkOverhead applies GANTRY_BENCH_OBJECTS new objects (1,000 unless set) to a
// cluster in memory that takes as long as an API server does, in turns with each state,
// and tells how much longer it took than with none: by the fastest apply of each, for what else a machine does only ever adds. With
// GANTRY_BENCH_CHECK it fails where that is more than docs/benchmarks.md promises.
//
// "None" keeps records in memory, for an apply reads them; so what they cost to encode is
// in both, and is told as the CPU time of everything that has to do with state.
func BenchmarkOverhead(b *testing.B) {
	objects := 1000
	if text := os.Getenv("GANTRY_BENCH_OBJECTS"); text != "" {
		var err error
		if objects, err = strconv.Atoi(text); err != nil || objects < perApplication {
			b.Fatalf("GANTRY_BENCH_OBJECTS=%q is not a number from %d up", text, perApplication)
		}
	}
	places := []*place{
		{name: "none", open: func(testing.TB) state.Store { return memorystate.New() }},
		{name: "local", most: 5, open: func(t testing.TB) state.Store { return local.New(t.TempDir()) }},
		{name: "postgres", most: 10, open: onPostgres(b)},
		{name: "kubernetes", most: 10, open: onKubernetes(b)},
	}
	for b.Loop() {
		for _, p := range places {
			p.spent = append(p.spent, apply(b, p.open(b), objects))
		}
		slices.Reverse(places) // so that none is always the first
	}
	slices.SortFunc(places, func(a, b *place) int { return cmp.Compare(a.most, b.most) })
	none := fastest(places[0].spent)
	b.ReportMetric(none.wall, "s-none")
	for _, p := range places[1:] {
		best := fastest(p.spent)
		added := 100 * (best.wall/none.wall - 1)
		b.ReportMetric(added, p.name+"-%")
		b.Logf("%d objects, state in %s: %.2f s, without %.2f s: %+.1f %%, of %.0f that are promised; CPU %.2f s, without %.2f s; all that has to do with state took %.3f s of CPU",
			objects, p.name, best.wall, none.wall, added, p.most, best.cpu, none.cpu, best.ofState)
		if os.Getenv("GANTRY_BENCH_CHECK") != "" && added > p.most {
			b.Errorf("state in %s adds %.1f %% to an apply of %d objects, and %.0f are promised", p.name, added, objects, p.most)
		}
	}
}

// spending is what an apply took, in seconds.
type spending struct{ wall, cpu, ofState float64 }

// fastest is the apply that took least.
func fastest(all []spending) spending {
	return slices.MinFunc(all, func(a, b spending) int { return cmp.Compare(a.wall, b.wall) })
}

// apply plans objects and applies them with a state, which is measured.
func apply(b *testing.B, store state.Store, objects int) spending {
	b.Helper()
	bench := enginetest.New(b, configuration(objects))
	records, err := state.Open(b.Context(), store)
	if err != nil {
		b.Fatal(err)
	}
	bench.Records = records
	cluster := &paced{Cluster: memory.New(memory.Options{Name: "main", Resource: engine.GuessResource}), slots: make(chan struct{}, inFlight)}
	bench.Wrap = func(providers.Clusters) providers.Clusters { return only{cluster} }
	p := bench.MustPlan(b, engine.PlanOptions{})
	runtime.GC() // what applies before have left is not this one's
	profile := filepath.Join(b.TempDir(), "profile")
	stop := startProfile(b, profile)
	began, before := time.Now(), used(b)
	_, diags := bench.Apply(b.Context(), b, p)
	out := spending{wall: time.Since(began).Seconds(), cpu: used(b) - before}
	stop()
	enginetest.Check(b, diags)
	out.ofState = shareOf(b, profile)
	if n := cluster.Requests()["APPLY"]; n < objects {
		b.Fatalf("the cluster took %d requests for %d objects", n, objects)
	}
	return out
}

// configuration is one of so many objects, in applications of perApplication each.
func configuration(objects int) map[string]string {
	files := map[string]string{"main.gantry.hcl": fmt.Sprintf(`
cluster "main" {
  server = "https://main.example.com"
}
application "web" {
  for_each = { for n in range(%d) : "n${n}" => n }
  source {
    path = "./app-${each.value}"
  }
  destination {
    cluster   = cluster.main
    namespace = "web-${each.value}"
  }
}
`, objects/perApplication)}
	for i := range objects / perApplication {
		var text strings.Builder
		for j := range perApplication / 4 {
			name := fmt.Sprintf("service-%d-%d", i, j)
			setting := strings.Repeat("setting of "+name+" that is there to be read ", 30)
			text.WriteString(strings.NewReplacer("NAME", name, "SETTING", setting).Replace(service))
		}
		files[fmt.Sprintf("app-%d/all.yaml", i)] = text.String()
	}
	return files
}

const service = `
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}, data: {setting: "SETTING"}}
---
{apiVersion: v1, kind: Secret, metadata: {name: NAME}, stringData: {password: not-a-secret-NAME}}
---
{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {selector: {app: NAME}, ports: [{name: http, port: 80, targetPort: 8080}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 0
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
        - name: main
          image: registry.example.com/bench/NAME:v1
          ports: [{containerPort: 8080}]
          envFrom: [{configMapRef: {name: NAME}}, {secretRef: {name: NAME}}]
          resources: {requests: {cpu: 10m, memory: 16Mi}}
`

func onPostgres(b *testing.B) func(testing.TB) state.Store {
	server := pgtest.Start(b)
	made := 0
	return func(t testing.TB) state.Store {
		made++
		store, err := postgres.New(b.Context(), postgres.Options{URL: object.Sensitive(server.URL()), Schema: fmt.Sprint("bench_", made)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
}

func onKubernetes(b *testing.B) func(testing.TB) state.Store {
	config, err := clientcmd.BuildConfigFromFlags("", clustertest.Own(b, clustertest.ControlPlaneOnly()).Kubeconfig)
	if err != nil {
		b.Fatal(err)
	}
	made := 0
	return func(t testing.TB) state.Store {
		made++
		store, err := statekubernetes.New(statekubernetes.Options{Config: config, Namespace: "bench", Name: fmt.Sprint("bench-", made)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
}
