package engine_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// BenchmarkFirstApply is the first apply of 1,000 objects, one in ten a Secret, on a
// cluster in memory: what gantry itself takes of the CPU, with the cluster that answers.
// The clock says little here, for there is no network to wait for.
func BenchmarkFirstApply(b *testing.B) {
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		bench := enginetest.New(b, map[string]string{"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n"})
		cluster := memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})
		bench.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
		files := map[string]string{}
		var blocks strings.Builder
		for app := range 10 {
			name := fmt.Sprintf("web-%d", app)
			fmt.Fprintf(&blocks, "application %q {\n  source {\n    path = \"./%[1]s\"\n  }\n  destination {\n    cluster   = cluster.main\n    namespace = %[1]q\n  }\n}\n", name)
			var objects strings.Builder
			for i := range 100 {
				kind, field := "ConfigMap", "data"
				if i%10 == 0 {
					kind, field = "Secret", "stringData"
				}
				fmt.Fprintf(&objects, "---\napiVersion: v1\nkind: %s\nmetadata: {name: object-%d, labels: {app: %s}}\n%s: {one: %q}\n", kind, i, name, field, strings.Repeat("x", 1000))
			}
			files[name+"/all.yaml"] = objects.String()
		}
		files["web.gantry.hcl"] = blocks.String()
		bench.Write(b, files)
		p, diags := bench.Plan(b, engine.PlanOptions{})
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		before := cpuTime(b)
		b.StartTimer()
		if _, diags := bench.Apply(b.Context(), b, p); diags.HasErrors() {
			b.Fatal(diags)
		}
		took += cpuTime(b) - before
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "cpu-ms/op")
}

// cpuTime is what this process has had of the CPU.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
