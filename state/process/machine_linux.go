package process

import (
	"os"
	"strings"
)

// machine identifies a start of this machine and the process table that this
// process sees: containers have tables of their own.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	table, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + table
}
