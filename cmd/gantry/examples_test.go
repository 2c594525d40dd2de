package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

const examplesFolder = "../../examples"

// TestExamples plans, applies and destroys every example that is one concept, on a
// cluster of their own. The quickstart and the estate have tests of their own.
func TestExamples(t *testing.T) {
	entries, err := os.ReadDir(examplesFolder)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := defaultCluster(t)
	ran := 0
	for _, entry := range entries {
		if !entry.IsDir() || entry.Name() == "quickstart" || entry.Name() == "estate" {
			continue
		}
		ran++
		t.Run(entry.Name(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), entry.Name())
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(examplesFolder, entry.Name()))); err != nil {
				t.Fatal(err)
			}
			gantry := func(want int, args ...string) string {
				t.Helper()
				return runGantry(t, kubeconfig, want, append([]string{"-C", dir}, args...)...)
			}
			gantry(exitDone, "fmt", "--check", "--recursive", dir)
			gantry(exitDone, "validate")
			gantry(exitDone, "plan", "--offline")
			if _, err := os.Stat(filepath.Join(dir, ".gantry")); err == nil {
				t.Error("a plan without a cluster began a state")
			}
			gantry(exitChanges, "plan", "--detailed-exitcode")
			gantry(exitDone, "apply", "--auto-approve")
			if again := gantry(exitDone, "plan", "--detailed-exitcode"); strings.Contains(again, "Error") {
				t.Error(again)
			}
			gantry(exitDone, "destroy", "--auto-approve")
			gantry(exitDone, "plan", "--destroy", "--detailed-exitcode")
		})
	}
	if ran < 5 {
		t.Errorf("only %d examples were found", ran)
	}
}

// TestExamplesAreTested runs the tests of the examples that have some: without a cluster.
func TestExamplesAreTested(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join(examplesFolder, "*", "*.gantrytest.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, file := range found {
		tested[filepath.Dir(file)] = true
	}
	if !tested[filepath.Join(examplesFolder, "policies")] {
		t.Error("the policies have no tests")
	}
	for dir := range tested {
		runGantry(t, "none", exitDone, "-C", dir, "validate")
		if out := runGantry(t, "none", exitDone, "-C", dir, "test"); !strings.Contains(out, " passed in ") {
			t.Error(out)
		}
	}
}

// defaultCluster starts the cluster that "gantry-cluster up" starts, in a home of
// its own, and returns its kubeconfig.
func defaultCluster(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	kubeconfig := filepath.Join(folder, "kubeconfig")
	cluster := func(args ...string) {
		command := exec.Command(clustertest.Binary(t), args...)
		command.Env = append(os.Environ(), "GANTRY_CLUSTER_HOME="+filepath.Join(folder, "clusters"))
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("gantry-cluster %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	cluster("up", "--kubeconfig", kubeconfig, "--parent-pid", strconv.Itoa(os.Getpid()))
	t.Cleanup(func() { cluster("down") })
	return kubeconfig
}

// runGantry runs the program, which must end with an exit code, and returns what
// it printed.
func runGantry(t *testing.T, kubeconfig string, want int, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program(t), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "GANTRY_CACHE="+filepath.Join(binaryFolder, "cache"))
	out, err := command.CombinedOutput()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("gantry %s ended with %d, expected %d\n%s", strings.Join(args, " "), got, want, out)
	}
	return string(out)
}
