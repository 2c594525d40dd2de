package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gantrycd/gantry/engine/remoteplan"
)

// Limits of what a plan may say beside the plan.
const (
	mostSaid = 4 << 20 // bytes of its stderr
	mostNote = 50      // lines that are no diagnostics
)

// plan plans a task: in a clone of its own, in a process of its own, whose end nothing of the
// planner shares.
func (w *plannerWork) plan(ctx context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.options.timeout, fmt.Errorf("it took longer than %s (--timeout)", w.options.timeout))
	defer cancel()
	dir := filepath.Join(w.scratch, task.ID)
	defer func() { _ = os.RemoveAll(dir) }()
	stage(fmt.Sprintf("fetching %.8s", task.Commit))
	s, err := w.source()
	if err != nil {
		return nil, err
	}
	clone := filepath.Join(dir, "clone")
	err = s.Checkout(ctx, w.location(), task.Commit, w.options.branch, clone)
	_ = s.Close() // it was read only
	if err != nil {
		return nil, fmt.Errorf("fetching the commit: %w", errors.Join(err, ended(ctx)))
	}
	at := filepath.Join(clone, filepath.FromSlash(w.options.path))
	if info, err := os.Stat(at); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the commit has no directory %q", w.options.path)
	}
	stage("planning")
	file := filepath.Join(dir, "plan")
	outcome, err := w.run(ctx, at, w.arguments(task, file))
	if err != nil {
		return nil, err
	}
	if outcome.Plan, err = os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the plan cannot be read: %w", err)
	}
	if task.Of != nil && outcome.Exit == exitDone {
		outcome.Notes = append([]string{fmt.Sprintf("Recorded for %s by the planner.", task)}, outcome.Notes...)
	}
	return outcome, nil
}

// ended is why a context ended, where that was for something that is worth telling.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// arguments is the command line that plans a task. What is of a request is a number.
func (w *plannerWork) arguments(task *remoteplan.Task, file string) []string {
	out := []string{"plan", "--json", "--no-input", "--out", file}
	if task.Of != nil {
		out = append(out, "--record", "--pull", strconv.FormatInt(task.Of.Number, 10), "--base", w.options.branch)
		if w.options.comment {
			out = append(out, "--comment")
		}
	}
	return append(out, w.options.planArgs...)
}

// run runs gantry in a directory.
func (w *plannerWork) run(ctx context.Context, dir string, args []string) (*remoteplan.Outcome, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the program cannot be run: %w", err)
	}
	command := exec.CommandContext(ctx, self, args...)
	said := &capped{left: mostSaid}
	command.Dir, command.Stdout, command.Stderr = dir, io.Discard, said
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	err = command.Run()
	if why := ended(ctx); why != nil {
		return nil, why
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("the program cannot be run: %w", err)
	}
	out := heardOf(said.Bytes())
	if out.Exit = command.ProcessState.ExitCode(); out.Exit != exitDone && out.Exit != exitError {
		return nil, fmt.Errorf("the plan ended with exit code %d: %s", out.Exit, strings.Join(append(out.Notes, command.ProcessState.String()), "; "))
	}
	return out, nil
}

// heardOf takes diagnostics and other lines from what a plan wrote to stderr with --json.
func heardOf(said []byte) *remoteplan.Outcome {
	out := &remoteplan.Outcome{}
	lines := bufio.NewScanner(bytes.NewReader(said))
	lines.Buffer(nil, mostSaid+1)
	for lines.Scan() {
		var one diagnostic
		switch line := bytes.TrimSpace(lines.Bytes()); {
		case len(line) == 0:
		case line[0] == '{' && json.Unmarshal(line, &one) == nil:
			if one.Event == "diagnostic" {
				out.Diagnostics = append(out.Diagnostics, bytes.Clone(line))
			}
		case len(out.Notes) < mostNote:
			out.Notes = append(out.Notes, remoteplan.Clean(string(line), 2000))
		}
	}
	return out
}

// capped keeps the beginning of what is written.
type capped struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *capped) Write(p []byte) (int, error) {
	kept := p[:min(len(p), b.left)]
	b.left -= len(kept)
	_, err := b.Buffer.Write(kept)
	return len(p), err
}
