//go:build unix

package lang_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// aloneDir names, in a process of BenchmarkAlone, the directory of its configuration.
const aloneDir = "GANTRY_BENCH_ALONE"

// TestAlone loads and evaluates a configuration, and nothing else, for BenchmarkAlone.
func TestAlone(t *testing.T) {
	dir := os.Getenv(aloneDir)
	if dir == "" {
		t.Skip("it is a process of BenchmarkAlone")
	}
	m, diags := lang.Load(dir, lang.LoadOptions{})
	config, more := m.Evaluate(context.Background(), lang.EvalOptions{Reader: fakeReader{}})
	if diags.HasErrors() || more.HasErrors() || len(config.Applications) == 0 {
		t.Fatal(diags, more)
	}
}

// BenchmarkAlone loads and evaluates configurations of many blocks from disk, each in a
// process that does nothing else. peak-MiB is the most memory that the process had, as
// the kernel counts it (its maximum resident set).
func BenchmarkAlone(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 10_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir, size := b.TempDir(), 0
			for name, content := range workload(n) {
				size += len(content)
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			peak, cpu := 0.0, 0.0
			for b.Loop() {
				child := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestAlone$")
				child.Env = append(os.Environ(), aloneDir+"="+dir)
				if out, err := child.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				usage := child.ProcessState.SysUsage().(*syscall.Rusage)
				kilobytes := float64(usage.Maxrss)
				if runtime.GOOS == "darwin" {
					kilobytes /= 1024 // it counts bytes
				}
				peak = max(peak, kilobytes/1024)
				cpu += (child.ProcessState.UserTime() + child.ProcessState.SystemTime()).Seconds()
			}
			b.ReportMetric(float64(size)/(1<<20), "MiB")
			b.ReportMetric(peak, "peak-MiB")
			b.ReportMetric(cpu/float64(b.N), "cpu-s")
		})
	}
}
