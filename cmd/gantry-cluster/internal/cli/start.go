package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/supervisor"
)

var errAlreadyUp = errors.New("the cluster is up already")

// acquire locks the cluster's folder. If another process has it, it waits until
// that has a cluster ready (errAlreadyUp) or lets go, but no longer than timeout.
func (a *app) acquire(ctx context.Context, dir home.Dir, timeout time.Duration) (*home.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	said := home.Phase("")
	for {
		lock, err := dir.Lock()
		if !errors.Is(err, home.ErrLocked) {
			return lock, err
		}
		record, err := dir.Record()
		if err != nil && !errors.Is(err, home.ErrUnknown) {
			return nil, err
		}
		switch {
		case record.Phase == home.Ready:
			return nil, errAlreadyUp
		case record.Phase == home.Failed && record.Parent != nil:
			return nil, fmt.Errorf("cluster %q has failed (%s) and keeps its logs for the process that it belongs to; remove it with %s",
				dir.Name(), record.Message, downLine(dir.Name()))
		case record.Phase != said && record.Phase != home.Dead:
			said = record.Phase
			fmt.Fprintf(a.stderr, "Cluster %q is %s, waiting\n", dir.Name(), record.Phase)
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("cluster %q is in use by another process, which has not finished: %w", dir.Name(), err)
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(100 * time.Millisecond):
		return nil
	}
}

// clearLeftovers removes what is left of a former cluster in a locked folder, first the
// processes that may be there.
func clearLeftovers(ctx context.Context, dir home.Dir, lock *home.Lock) error {
	if err := killChildren(ctx, dir); err != nil {
		return err
	}
	return lock.Clear()
}

// killChildren ends the servers of a cluster that has lost its supervisor. They
// end by themselves then; this waits for it, and makes sure.
func killChildren(ctx context.Context, dir home.Dir) error {
	record, err := dir.Record()
	if err != nil {
		return nil //nolint:nilerr // without a record it is unknown what ran, and the lock says that nobody holds it
	}
	for name, child := range record.Children {
		if err := child.Signal(unix.SIGKILL); err != nil && !errors.Is(err, process.ErrGone) {
			return fmt.Errorf("end %s of the former cluster %s: %w", name, dir.Name(), err)
		}
		if err := child.Wait(ctx); err != nil {
			return fmt.Errorf("wait for %s of the former cluster %s to end: %w", name, dir.Name(), err)
		}
	}
	return nil
}

// start starts the supervisor of a new cluster in a clear, locked folder, hands it
// the lock, and waits until the cluster is ready.
func (a *app) start(ctx context.Context, dir home.Dir, lock *home.Lock, record home.Record, timeout time.Duration) error {
	if err := lock.Save(record); err != nil {
		return errors.Join(err, lock.Remove())
	}
	status, cmd, err := spawn(dir, lock, timeout)
	if err != nil {
		return errors.Join(err, lock.Remove())
	}
	defer status.Close()
	// The supervisor has a descriptor of the lock too and holds it alone from here
	// on.
	if err := lock.Release(); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Starting cluster %q (%s)\n", dir.Name(), shape(record))
	return a.follow(ctx, dir, status, cmd.Process)
}

// spawn starts the supervisor in a session of its own, so that it outlives the
// terminal, and returns the pipe on which it reports.
func spawn(dir home.Dir, lock *home.Lock, timeout time.Duration) (*os.File, *exec.Cmd, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find this binary: %w", err)
	}
	if err := os.MkdirAll(dir.Path("logs"), 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the folder of logs: %w", err)
	}
	log, err := os.OpenFile(dir.Log("supervisor"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the supervisor's log: %w", err)
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make the pipe on which the supervisor reports: %w", err)
	}
	defer write.Close()

	cmd := exec.Command(executable, "supervise", dir.Path(), "--timeout", timeout.String())
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock.File(), write} // lockFD, statusFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = read.Close() // nothing was written to it
		return nil, nil, fmt.Errorf("start the supervisor: %w", err)
	}
	return read, cmd, nil
}

// follow waits for the supervisor to say that the cluster is ready. If the context
// is done before, it has the supervisor take everything down and waits for that.
func (a *app) follow(ctx context.Context, dir home.Dir, status *os.File, supervised *os.Process) error {
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.stderr, "Interrupted, taking the cluster down")
		_ = supervised.Signal(syscall.SIGTERM) // it may have ended
	})
	defer stop()

	var failure *supervisor.Event
	decoder := json.NewDecoder(status)
	for {
		var e supervisor.Event
		if decoder.Decode(&e) != nil { // the supervisor has ended, or should have
			break
		}
		switch {
		case e.Ready:
			return nil
		case e.Failure != "":
			failure = &e
		case e.Step != "":
			fmt.Fprintf(a.stderr, "  waiting for %s\n", e.Step)
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("cluster %q was not started: interrupted", dir.Name())
	case failure == nil:
		return &explained{
			error:  fmt.Errorf("cluster %q did not start: its supervisor has ended without a word, at the end of this log", dir.Name()),
			detail: strings.Join(supervisor.Tail(dir.Log("supervisor"), 20), "\n"),
		}
	}
	return explain(dir, failure)
}

// explain makes an error of what the supervisor said of a failure.
func explain(dir home.Dir, e *supervisor.Event) error {
	err := fmt.Errorf("cluster %q did not start: %s", dir.Name(), e.Failure)
	var detail strings.Builder
	if len(e.Log) > 0 {
		fmt.Fprintf(&detail, "The end of the log of %s:\n  %s\n", e.Program, strings.Join(e.Log, "\n  "))
	}
	if dir.Exists() {
		fmt.Fprintf(&detail, "All logs are in %s until the next \"up\" or \"down\".\n", dir.Path("logs"))
	}
	return &explained{error: err, detail: detail.String()}
}
