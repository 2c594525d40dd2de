//go:build unix

package lsp_test

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/lsp/lsptest"
)

// workload is a module of n blocks, half local values and half applications that refer
// to them and to each other, in files of a number of blocks.
func workload(n, perFile int) map[string]string {
	files := map[string]string{
		"base.gantry.hcl": "cluster \"prod\" {\n  context = \"prod\"\n}\n\nrepository \"config\" {\n  url = \"https://git.example.com/config\"\n}\n\nproject \"services\" {}\n",
	}
	var b strings.Builder
	for i := range n / 2 {
		fmt.Fprintf(&b, "locals {\n  value_%d = { name = \"service-%d\", replicas = %d + 1, labels = { team = \"team-%d\", tier = \"backend\" } }\n}\n\n", i, i, i%7, i%50)
		fmt.Fprintf(&b, `application "service_%d" {
  project = project.services

  source {
    repository = repository.config
    path       = "apps/${local.value_%d.name}/overlays/production"
    kustomize {
      images   = ["registry.example.com/${local.value_%d.name}:v1.2.3"]
      replicas = { web = local.value_%d.replicas }
    }
  }

  destination {
    cluster   = cluster.prod
    namespace = "services-%d"
  }

  sync {
    automated {
      prune     = true
      self_heal = true
    }
    create_namespace = true
  }

  labels = merge(local.value_%d.labels, { index = "%d" })
`, i, i, i, i, i%20, i, i)
		if i > 0 {
			fmt.Fprintf(&b, "  depends_on = [application.service_%d]\n", i-1)
		}
		b.WriteString("}\n\n")
		if 2*(i+1)%perFile == 0 || i == n/2-1 {
			files[fmt.Sprintf("services-%05d.gantry.hcl", i)] = b.String()
			b.Reset()
		}
	}
	return files
}

// BenchmarkKeystroke measures, from the edit that an editor sends for a key to the
// answer, diagnostics of the whole module and completion in it. The file is at once
// the one that changes and the one that is asked about.
//
// As in the program, memory is given for time. ns/op is the mean of what an author
// waits, best-ms and median-ms say how much of it is because others have the machine,
// and cpu-ms is the CPU time of server and editor together.
func BenchmarkKeystroke(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	for _, size := range []struct{ blocks, perFile int }{{1_000, 50}, {1_000, 500}, {1_000, 1_000}, {10_000, 500}} {
		files := workload(size.blocks, size.perFile)
		name := fmt.Sprintf("services-%05d.gantry.hcl", size.perFile/2-1)
		const place = "namespace = \"services-0\""
		prepare := func(b *testing.B) (*editor, string) {
			e := start(b, files)
			path := e.open(name)
			if diags := e.Diagnostics(path); len(diags) > 0 {
				b.Fatal(diags)
			}
			return e, path
		}
		b.Run(fmt.Sprintf("diagnostics/blocks=%d/file=%d", size.blocks, size.perFile), func(b *testing.B) {
			e, path := prepare(b)
			at := e.Find(path, place, len(place)-1)
			m := measure(b)
			for i := 0; b.Loop(); i++ {
				// A character is typed, and removed: after both the module is sound.
				edit := lsptest.Edit{Range: lsptest.Range{Start: at, End: at}, NewText: "1"}
				if i%2 == 1 {
					edit.Range.End.Character++
					edit.NewText = ""
				}
				m.begin()
				e.Change(path, edit)
				diags := e.Diagnostics(path)
				m.end()
				if len(diags) > 0 {
					b.Fatal(diags)
				}
			}
			m.report()
		})
		b.Run(fmt.Sprintf("completion/blocks=%d/file=%d", size.blocks, size.perFile), func(b *testing.B) {
			e, path := prepare(b)
			e.Replace(path, place, "namespace = local.")
			at := e.Find(path, "namespace = local.", len("namespace = local."))
			m := measure(b)
			for i := 0; b.Loop(); i++ {
				edit := lsptest.Edit{Range: lsptest.Range{Start: at, End: at}, NewText: "v"}
				asked := at
				if i%2 == 1 {
					edit.Range.End.Character++
					edit.NewText = ""
				} else {
					asked.Character++
				}
				m.begin()
				e.Change(path, edit)
				var got list
				e.Must("textDocument/completion", lsptest.At(path, asked), &got)
				m.end()
				if len(got.Items) < min(size.blocks/2, 1000) {
					b.Fatalf("%d items", len(got.Items))
				}
			}
			m.report()
		})
	}
}

// measurement is what single keystrokes took.
type measurement struct {
	b      *testing.B
	cpu    time.Duration // when it began
	began  time.Time     // the keystroke
	waited []time.Duration
}

func measure(b *testing.B) *measurement { return &measurement{b: b, cpu: usedCPU(b)} }

func (m *measurement) begin() { m.began = time.Now() }
func (m *measurement) end()   { m.waited = append(m.waited, time.Since(m.began)) }

func (m *measurement) report() {
	slices.Sort(m.waited)
	n := len(m.waited)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	m.b.ReportMetric(milliseconds(m.waited[0]), "best-ms")
	m.b.ReportMetric(milliseconds(m.waited[n/2]), "median-ms")
	m.b.ReportMetric(milliseconds(usedCPU(m.b)-m.cpu)/float64(n), "cpu-ms")
}

// usedCPU returns the CPU time that this process has used.
func usedCPU(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
