package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// pollMillis bounds how long a wait takes to see that its context is done; the
// end of the process is seen at once.
const pollMillis = 500

// startOf reads field 22 of /proc/PID/stat, in clock ticks since the machine
// was started, and adds which start of the machine that was.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return "", ErrGone
	}
	if err != nil {
		return "", fmt.Errorf("read the status of process %d: %w", pid, err)
	}
	// The name in the second field may hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("read the status of process %d: %d fields", pid, len(fields))
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return "", ErrGone
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return fields[19] + "@" + strings.TrimSpace(string(boot)), nil
}

func send(id ID, signal unix.Signal) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return unix.Kill(id.PID, signal)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !id.Alive() { // the descriptor may be of a later process with the pid
		return ErrGone
	}
	return unix.PidfdSendSignal(fd, signal, nil, 0)
}

func wait(ctx context.Context, id ID) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		// Gone, or a kernel or sandbox without the call.
		return poll(ctx, id)
	}
	defer unix.Close(fd)
	for id.Alive() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, pollMillis); err != nil && !errors.Is(err, unix.EINTR) {
			return poll(ctx, id)
		}
	}
	return nil
}
