//go:build unix

package main

import (
	"runtime"
	"syscall"
	"time"
)

// resources returns the CPU time and the largest resident memory, in bytes, of
// this process so far.
func resources() (cpu time.Duration, memory int64) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, 0
	}
	unit := int64(1024) // ru_maxrss is in KiB, but on macOS in bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), int64(usage.Maxrss) * unit
}
