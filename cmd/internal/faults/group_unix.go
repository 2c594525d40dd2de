//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// together has a command and all that it starts end together, and not by the Ctrl-C that is
// for this process.
func together(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}
