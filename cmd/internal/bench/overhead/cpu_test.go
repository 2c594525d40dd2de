package overhead

import (
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// used returns the CPU seconds that this process has taken so far.
func used(b *testing.B) float64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// startProfile writes a CPU profile until what it returns is called.
func startProfile(b *testing.B, path string) (stop func()) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		b.Fatal(err) // with -cpuprofile, for one
	}
	return func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			b.Error(err)
		}
	}
}

// stateWork is what has to do with locking, journal and history.
const stateWork = `gantry/state[./]|engine/revision\.|\.keepRevision|\.collectRevisions`

// shareOf returns the CPU seconds of a profile that went into state.
func shareOf(b *testing.B, path string) float64 {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "go", "tool", "pprof", "-top", "-unit=ms", "-nodecount=1", "-focus="+stateWork, path).CombinedOutput()
	found := regexp.MustCompile(`Showing nodes accounting for ([0-9.]+)m?s,`).FindSubmatch(out)
	if err != nil || len(found) == 0 {
		b.Fatalf("the profile tells nothing of state: %v\n%s", err, out)
	}
	milliseconds, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return milliseconds / 1000
}
