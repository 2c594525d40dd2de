package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"

	"github.com/gantrycd/gantry/plan/target"
)

// defaultTimeout is how long a command may take that does not say.
const defaultTimeout = 30 * time.Second

// leaveTime is how long a command that was told to end may take to do so.
const leaveTime = 2 * time.Second

// command runs a program without a shell and returns what it prints. What it
// writes to its standard error is thrown away: nobody knows what is in it.
func (r *Reader) command(ctx context.Context, from *target.CommandSecret) (string, error) {
	timeout := from.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	command := exec.CommandContext(within, from.Command, from.Args...)
	command.Dir, command.WaitDelay = r.options.Dir, leaveTime
	command.Env = append(command.Env, r.options.Environ...)
	for name, v := range from.Env {
		command.Env = append(command.Env, name+"="+v)
	}
	var printed bounded
	command.Stdout = &printed
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case within.Err() != nil:
		return "", fmt.Errorf("%s has not ended within %s", from.Command, timeout)
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no program %s", from.Command)
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s failed: %s; what it wrote is not shown, as it may hold secrets", from.Command, exit.ProcessState)
	case err != nil:
		return "", fmt.Errorf("%s cannot be run: %w", from.Command, err)
	}
	return string(printed.text), nil
}

// bounded keeps the beginning of what is written to it, and so much that it can be
// seen to be too long.
type bounded struct{ text []byte }

func (b *bounded) Write(p []byte) (int, error) {
	room := maxSize + 3 - len(b.text)
	b.text = append(b.text, p[:min(room, len(p))]...)
	return len(p), nil
}
