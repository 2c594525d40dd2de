package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// TestInterruptedWaitForAWindow: Ctrl-C, typed at a terminal while an apply waits for a sync
// window, ends it. Nothing was applied, nothing is held, and the terminal is as it was.
func TestInterruptedWaitForAWindow(t *testing.T) {
	t.Parallel()
	kubeconfig := clustertest.Shared(t).Kubeconfig
	ours, theirs := terminal(t)
	dir := t.TempDir()
	namespace := fmt.Sprintf("waits-%d", os.Getpid())
	month := (time.Now().Month()+5)%12 + 1 // half a year from now
	text := fmt.Sprintf(`
cluster "main" {
  kubeconfig = %q
}
project "shop" {
  cluster_resources {
    allow = ["Namespace"]
  }
  sync_window {
    kind     = "allow"
    schedule = "0 0 1 %d *"
    duration = "1h"
  }
}
application "web" {
  project = project.shop
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
  sync {
    create_namespace = true
  }
}
`, kubeconfig, month, namespace)
	if err := os.WriteFile(filepath.Join(dir, "main.gantry.hcl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var shown lockedBuffer
	go func() { _, _ = io.Copy(&shown, ours) }() // until the test ends
	command := exec.CommandContext(t.Context(), program(t), "-C", dir, "apply", "--auto-approve", "--wait-for-window")
	command.Env = append(os.Environ(), "GANTRY_CACHE="+filepath.Join(dir, "cache"), "PAGER=")
	command.Stdin, command.Stdout, command.Stderr = theirs, theirs, theirs
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for deadline := time.Now().Add(5 * time.Minute); !strings.Contains(shown.String(), "Ctrl-C ends it"); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("it ended before: %v\n%s", err, shown.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not wait:\n%s", shown.String())
		}
	}
	gantry := func(want int, args ...string) string {
		t.Helper()
		return runGantry(t, "", want, append([]string{"-C", dir}, args...)...)
	}
	if out := gantry(exitDone, "unlock"); !strings.Contains(out, "Nobody holds it") {
		t.Errorf("something is held while it waits:\n%s", out)
	}
	if _, err := ours.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	err := within(t, ended, "Ctrl-C does not end it")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("it ended with %v\n%s", err, shown.String())
	}
	if !echoes(t, theirs) {
		t.Error("the terminal shows no longer what is typed")
	}
	if out := gantry(exitChanges, "plan", "--detailed-exitcode"); !strings.Contains(out, "web") {
		t.Errorf("something was applied:\n%s", out)
	}
	gantry(exitDone, "apply", "--auto-approve", "--override-window", "--reason", "test", "--no-input")
	gantry(exitDone, "plan", "--detailed-exitcode")
	gantry(exitDone, "destroy", "--auto-approve", "--override-window", "--reason", "test")
}
