package view_test

import (
	"io"
	"syscall"
	"testing"
	"time"
)

// mostWork is the CPU time that a view of 10,000 objects may take: less than a second
// passes where nothing else runs, and what else runs here makes it dearer.
const mostWork = 3 * time.Second

func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestViewsAreFast(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	p := creation(10_000, false)
	for name, show := range views() {
		if name == "full" {
			continue // it is all bodies as YAML
		}
		start, before := time.Now(), worked(t)
		if err := show(io.Discard, p); err != nil {
			t.Fatal(err)
		}
		took := worked(t) - before
		t.Logf("%s of 10,000 objects: %s of CPU, %s", name, took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		if took > mostWork {
			t.Errorf("%s of 10,000 objects took %s of CPU, more than %s", name, took.Round(time.Millisecond), mostWork)
		}
	}
}
