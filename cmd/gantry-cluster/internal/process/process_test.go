package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func sleeper(t *testing.T) ID {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	id, err := Find(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestFind(t *testing.T) {
	self, err := Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !self.Alive() {
		t.Error("this process is not alive")
	}
	if _, err := Find(1 << 30); !errors.Is(err, ErrGone) {
		t.Errorf("finding a pid that cannot be gives %v, want ErrGone", err)
	}
	if (ID{}).Alive() {
		t.Error("no process is alive")
	}
}

func TestAnotherProcessWithThePid(t *testing.T) {
	id := sleeper(t)
	former := ID{PID: id.PID, Start: "1@former"}
	if former.Alive() {
		t.Error("a former process with the pid is alive")
	}
	if err := former.Signal(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("signalling it gives %v, want ErrGone", err)
	}
	if err := former.Wait(t.Context()); err != nil {
		t.Errorf("waiting for it gives %v", err)
	}
	if !id.Alive() {
		t.Error("the signal went to the process that has the pid now")
	}
}

func TestWaitSeesTheEnd(t *testing.T) {
	id := sleeper(t)
	done := make(chan error, 1)
	go func() { done <- id.Wait(context.Background()) }()
	select {
	case err := <-done:
		t.Fatalf("the wait is over while the process runs: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := id.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// The process is not waited for by its parent, this one: it is a zombie.
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the wait goes on after the end of the process")
	}
	if id.Alive() {
		t.Error("the process is alive after its end")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	id := sleeper(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := id.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the wait gives %v, want its context's error", err)
	}
}
