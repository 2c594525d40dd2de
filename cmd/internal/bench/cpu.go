package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
