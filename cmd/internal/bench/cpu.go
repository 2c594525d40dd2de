package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is in how many parts of a second Linux counts what a process took.
const ticks = 100

// clusterCPU returns how many CPU seconds the control plane has taken so far: of the
// processes that work in a folder of the benchmark's clusters. It is 0 where the system
// does not tell.
func (b *bench) clusterCPU() float64 {
	home := filepath.Join(filepath.Dir(b.kubeconfig), "clusters") + string(filepath.Separator)
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}
	total := 0
	for _, process := range processes {
		if at, err := os.Readlink(filepath.Join(process, "cwd")); err != nil || !strings.HasPrefix(at, home) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(process, "stat"))
		if err != nil {
			continue // it has ended
		}
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		const user, system = 11, 12 // behind the name
		for _, field := range []int{user, system} {
			if field < len(fields) {
				n, _ := strconv.Atoi(string(fields[field])) // 0 where it is no number
				total += n
			}
		}
	}
	return float64(total) / ticks
}

// rest waits until the control plane does next to nothing: what it does of itself after
// many writes is no part of the next step.
func (b *bench) rest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	for before := b.clusterCPU(); ; {
		select {
		case <-ctx.Done():
			return // it is measured as it is; a command that was interrupted tells
		case <-time.After(time.Second):
		}
		now := b.clusterCPU()
		if now-before < resting {
			return
		}
		before = now
	}
}

const (
	restTimeout = time.Minute
	resting     = 0.2 // CPU seconds in a second
)
