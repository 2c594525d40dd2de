package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

type upResult struct {
	Name, Kubeconfig, Context, Server, Version string
	Nodes                                      int
	AlreadyUp                                  bool
}

type listResult []struct {
	Name, Status, Message string
}

// TestTwoAtOnce starts two clusters at the same time and one of them by two
// commands at the same time, looks at them, and takes them down.
func TestTwoAtOnce(t *testing.T) {
	p := newPlace(t)
	lines := [][]string{
		{"up", "--json", "--name", "one", "--nodes", "2"},
		{"up", "--json", "--name", "one", "--nodes", "2"},
		{"up", "--json", "--name", "two", "--control-plane-only"},
	}
	results := make([]upResult, len(lines))
	var all sync.WaitGroup
	for i, args := range lines {
		all.Go(func() {
			stdout, stderr, ok := p.try(args...)
			if !ok {
				t.Errorf("%v failed:\n%s", args, stderr)
				return
			}
			results[i] = parse[upResult](t, stdout)
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	if results[0].AlreadyUp == results[1].AlreadyUp {
		t.Errorf("of two commands that start one cluster exactly one finds it up already: %+v", results)
	}
	if results[0].Server != results[1].Server || results[0].Server == results[2].Server {
		t.Errorf("one cluster has one server of its own: %+v", results)
	}
	for _, r := range results {
		if r.Version != "v1.37.2" || r.Context != "gantry-"+r.Name || r.Kubeconfig != p.home.Dir(r.Name).Kubeconfig() {
			t.Errorf("up printed %+v", r)
		}
	}

	one, _ := p.client("one")
	version, err := one.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.37.2" || version.Major != "1" || version.Minor != "37" || version.GitTreeState != "clean" {
		t.Errorf("the server's version is %+v", version)
	}
	nodes, err := one.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 2 {
		t.Errorf("cluster one has %d nodes (%v), want 2", len(nodes.Items), err)
	}
	two, _ := p.client("two")
	nodes, err = two.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 0 {
		t.Errorf("cluster two has %d nodes (%v), want none", len(nodes.Items), err)
	}

	ids := append(p.processes("one"), p.processes("two")...)
	if len(ids) != 6+4 {
		t.Errorf("the two clusters have %d processes, want 10", len(ids))
	}
	p.run("down", "--name", "one")
	if got := parse[listResult](t, p.run("list", "--json")); len(got) != 1 || got[0].Name != "two" || got[0].Status != "ready" {
		t.Errorf("after one is down, list prints %+v", got)
	}
	if _, err := two.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Errorf("cluster two after one is down: %v", err)
	}
	p.run("down", "--name", "two")
	for _, id := range ids {
		if id.Alive() {
			t.Errorf("process %d is alive after down", id.PID)
		}
	}
}

// TestOnlyWithCredentials checks that the API server lets nobody in who has no
// certificate of the cluster, and that it proves who it is.
func TestOnlyWithCredentials(t *testing.T) {
	p := newPlace(t)
	p.run("up", "--name", "tls", "--control-plane-only", "--kubeconfig", filepath.Join(t.TempDir(), "copy"))
	config, err := clientcmd.BuildConfigFromFlags("", p.home.Dir("tls").Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := rest.HTTPClientFor(rest.AnonymousClientConfig(config))
	if err != nil {
		t.Fatal(err)
	}
	status := func(client *http.Client, path string) (int, error) {
		response, err := client.Get(config.Host + path)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	for path, want := range map[string]int{"/readyz": 200, "/livez": 200, "/api": 401, "/version": 401, "/api/v1/namespaces/kube-system/secrets": 401} {
		if got, err := status(anonymous, path); err != nil || got != want {
			t.Errorf("without credentials %s answers %d (%v), want %d", path, got, err, want)
		}
	}
	if _, err := status(http.DefaultClient, "/readyz"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a client that does not know the cluster's authority gets %v, want a certificate error", err)
	}

	// A service account can do nothing until it is given a role.
	client, _ := p.client("tls")
	impersonated := rest.CopyConfig(config)
	impersonated.Impersonate.UserName = "system:serviceaccount:default:default"
	account, err := kubernetes.NewForConfig(impersonated)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a service account without a role lists secrets: %v", err)
	}
	if _, err := client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("the administrator cannot list secrets: %v", err)
	}
}

// TestSupervisorKilled checks that the servers end with their supervisor, that the
// cluster is known to be dead, and that it can be started anew.
func TestSupervisorKilled(t *testing.T) {
	p := newPlace(t)
	p.run("up", "--name", "k", "--nodes", "1")
	ids := p.processes("k")
	if err := p.record("k").Supervisor.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, ids)
	if got := parse[listResult](t, p.run("list", "--json")); len(got) != 1 || got[0].Status != "dead" {
		t.Errorf("list prints %+v, want the cluster as dead", got)
	}
	if _, stderr, ok := p.try("kubeconfig", "--name", "k"); ok || !strings.Contains(stderr, "have been killed") {
		t.Errorf("kubeconfig of a dead cluster: %t, %s", ok, stderr)
	}
	if got := parse[upResult](t, p.run("up", "--name", "k", "--nodes", "1", "--json")); got.AlreadyUp {
		t.Error("a dead cluster is said to be up")
	}
}

// TestServerKilled checks that the cluster ends with one of its servers, and that
// the reason and the logs can be read.
func TestServerKilled(t *testing.T) {
	p := newPlace(t)
	p.run("up", "--name", "k", "--control-plane-only")
	ids := p.processes("k")
	if err := p.record("k").Children["etcd"].Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, ids)
	got := parse[listResult](t, p.run("list", "--json"))
	if len(got) != 1 || got[0].Status != "failed" || !strings.Contains(got[0].Message, "etcd has ended") {
		t.Errorf("list prints %+v, want the cluster as failed because of etcd", got)
	}
	log, err := os.ReadFile(p.home.Dir("k").Log("supervisor"))
	if err != nil || !strings.Contains(string(log), "etcd has ended") {
		t.Errorf("the supervisor's log does not tell of etcd (%v):\n%s", err, log)
	}
	if _, err := os.Stat(p.home.Dir("k").Path("pki")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("keys are left of a cluster that has failed: %v", err)
	}
}

// TestWithParent checks that a cluster ends with the process that started it, also
// when that is killed, and leaves nothing.
func TestWithParent(t *testing.T) {
	p := newPlace(t)
	script := fmt.Sprintf("%s up --name p --control-plane-only --with-parent && sleep 600", binary(t))
	shell := exec.Command("/bin/sh", "-c", script)
	shell.Env = append(os.Environ(), "GANTRY_CLUSTER_HOME="+p.home.Path())
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Kill(-shell.Process.Pid, unix.SIGKILL) // sleep too
		_ = shell.Wait()
	})
	eventually(t, "the cluster is ready", func(context.Context) error {
		r, err := p.home.Dir("p").Record()
		if err == nil && r.Phase != home.Ready {
			err = fmt.Errorf("it is %s", r.Phase)
		}
		return err
	})
	ids := p.processes("p")
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, ids)
	if p.home.Dir("p").Exists() {
		t.Error("the cluster's folder is still there after its parent's end")
	}
}

// TestNotInTime checks what is said and left when a cluster is not ready in time.
func TestNotInTime(t *testing.T) {
	p := newPlace(t)
	_, stderr, ok := p.try("up", "--name", "late", "--timeout", "300ms")
	if ok || !strings.Contains(stderr, "not ready after 300ms: still waiting for the API server") {
		t.Errorf("up printed (success: %t)\n%s", ok, stderr)
	}
	if got := parse[listResult](t, p.run("list", "--json")); len(got) != 1 || got[0].Status != "failed" {
		t.Errorf("list prints %+v, want the cluster as failed", got)
	}
	if stdout := p.run("down", "--name", "late"); !strings.Contains(stdout, "What was left") {
		t.Errorf("down prints %q", stdout)
	}
}

// TestInterrupted checks that Ctrl-C while a cluster starts leaves nothing.
func TestInterrupted(t *testing.T) {
	p := newPlace(t)
	cmd := p.command("up", "--name", "i")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []process.ID
	eventually(t, "the servers are started", func(context.Context) error {
		r, err := p.home.Dir("i").Record()
		if err == nil && len(r.Children) < 2 {
			err = fmt.Errorf("%d are", len(r.Children))
		}
		if err == nil {
			ids = p.processes("i")
		}
		return err
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("an interrupted up succeeds")
		}
	case <-time.After(patience):
		t.Fatal("up does not end when it is interrupted")
	}
	waitGone(t, ids)
	if p.home.Dir("i").Exists() {
		t.Error("there are files left after an interruption")
	}
}
