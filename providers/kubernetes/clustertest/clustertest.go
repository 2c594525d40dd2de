// Package clustertest gives tests a real Kubernetes: the control plane and the
// simulated nodes of cmd/gantry-cluster.
//
// Shared is one cluster for all tests of a run. A test that uses it works in a
// namespace of its own and creates nothing that is not in a namespace. A test that
// does, or that stops, fills or breaks the cluster, takes its Own.
//
// When there is no cluster, the test fails; it is never skipped. Clusters end with
// the process of the tests, however that ends.
//
// It uses the standard library only and is for tests alone.
package clustertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	// KubeconfigVariable names the environment variable with the kubeconfig of a
	// cluster that is already there for Shared to use. `make test` sets it.
	KubeconfigVariable = "GANTRY_TEST_KUBECONFIG"
	// BinaryVariable names the environment variable with the path of
	// gantry-cluster. Without it the binary is built, or taken from where it was
	// built before; the first build takes longer than tests usually may.
	BinaryVariable = "GANTRY_CLUSTER_BINARY"
)

// Cluster is a running cluster.
type Cluster struct {
	// Name is the name that gantry-cluster knows the cluster by. It is empty for
	// one that came from KubeconfigVariable.
	Name string
	// Kubeconfig is the path of a file whose current context is the administrator
	// of the cluster.
	Kubeconfig string
}

// Option changes a cluster of Own.
type Option func(*options)

type options struct {
	args []string
}

// Nodes sets the number of simulated nodes, which is 1 otherwise.
func Nodes(n int) Option {
	return func(o *options) { o.args = []string{"--nodes", strconv.Itoa(n)} }
}

// ControlPlaneOnly leaves out the scheduler, the nodes, the storage class and
// everything that hands out addresses, for tests that need no pod to become ready.
func ControlPlaneOnly() Option {
	return func(o *options) { o.args = []string{"--control-plane-only"} }
}

// Shared returns the cluster that all tests of this run share. The first call of a
// process starts it, in about five seconds, unless KubeconfigVariable names one.
func Shared(t testing.TB) Cluster {
	t.Helper()
	c, err := shared.get()
	if err != nil {
		t.Fatalf("no cluster for the tests: %v", err)
	}
	return c
}

// Own starts a cluster for this test alone, which ends with the test.
func Own(t testing.TB, opts ...Option) Cluster {
	t.Helper()
	o := options{args: []string{"--nodes", "1"}}
	for _, opt := range opts {
		opt(&o)
	}
	c, err := start(o.args...)
	if err != nil {
		t.Fatalf("no cluster for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := stop(c); err != nil {
			t.Errorf("end the cluster of this test: %v", err)
		}
	})
	return c
}

// Binary returns the path of gantry-cluster.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := binary.get()
	if err != nil {
		t.Fatalf("no gantry-cluster for the tests: %v", err)
	}
	return path
}

// once is a value made at the first call of get.
type once[T any] struct {
	get func() (T, error)
}

// These are one per process by their nature: what is started and built is so once
// for all tests in it.
var (
	shared  = once[Cluster]{get: sync.OnceValues(startShared)}
	binary  = once[string]{get: sync.OnceValues(findBinary)}
	started atomic.Int64
)

func startShared() (Cluster, error) {
	if path := os.Getenv(KubeconfigVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return Cluster{}, fmt.Errorf("$%s: %w", KubeconfigVariable, err)
		}
		return Cluster{Kubeconfig: path}, nil
	}
	return start("--nodes", "3")
}

// start runs gantry-cluster up for a new cluster that ends with this process.
func start(args ...string) (Cluster, error) {
	path, err := binary.get()
	if err != nil {
		return Cluster{}, err
	}
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), started.Add(1))
	args = append([]string{"up", "--json", "--name", name, "--parent-pid", strconv.Itoa(os.Getpid())}, args...)
	out, err := run(path, args...)
	if err != nil {
		return Cluster{}, err
	}
	var up struct {
		Kubeconfig string `json:"kubeconfig"`
	}
	if err := json.Unmarshal(out, &up); err != nil {
		return Cluster{}, fmt.Errorf("read what gantry-cluster printed: %w", err)
	}
	return Cluster{Name: name, Kubeconfig: up.Kubeconfig}, nil
}

func stop(c Cluster) error {
	path, err := binary.get()
	if err != nil {
		return err
	}
	_, err = run(path, "down", "--name", c.Name)
	return err
}

// run returns what the command printed. Its error has what it complained about.
func run(path string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(path), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// findBinary returns the binary that the environment names, or has it built.
func findBinary() (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		info, err := os.Stat(path)
		if err == nil && info.Mode()&0o111 == 0 {
			err = errors.New("it is not executable")
		}
		if err != nil {
			return "", fmt.Errorf("$%s is %s: %w", BinaryVariable, path, err)
		}
		return filepath.Abs(path)
	}
	script, err := findScript()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(script)
	cmd.Stderr = os.Stderr // it tells how far it is
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build gantry-cluster with %s: %w", script, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// findScript looks for the build script from the working directory upwards: tests
// run in the folder of their package.
func findScript() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		script := filepath.Join(at, "cmd", "gantry-cluster", "build.sh")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no cmd/gantry-cluster/build.sh in %s or above it; set $%s", dir, BinaryVariable)
		}
	}
}
