package kubernetes_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestKilledServer kills a real API server with SIGKILL while it is written to, and starts it
// again. It is a second one of the cluster, on the same etcd. A start takes seconds: in CI it
// is killed three times.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	server := second(t, cluster, where)
	server.restart(t)
	t.Cleanup(server.kill)
	storetest.RestartsOf(t, soak.Rounds(3, 200), func(t *testing.T) state.Store { return open(t, server.kubeconfig, where, "") }, server.restart)
}

// apiserver is an API server that a test starts and kills.
type apiserver struct {
	program, dir string
	args         []string
	kubeconfig   string
	namespace    string // of the state
	running      *exec.Cmd
	leash        *os.File // it ends when nobody holds this
}

// second returns an API server as the cluster's own, with a port of its own.
func second(t *testing.T, cluster clustertest.Cluster, namespace string) *apiserver {
	t.Helper()
	config, err := clientcmd.LoadFromFile(cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s := &apiserver{kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"), namespace: namespace}
	for _, known := range config.Clusters {
		_, old, _ := strings.Cut(strings.TrimPrefix(known.Server, "https://"), ":")
		s.like(t, old, port)
		known.Server = "https://127.0.0.1:" + port
	}
	if err := clientcmd.WriteToFile(*config, s.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return s
}

// like finds the API server with a port, and takes its arguments with another.
func (s *apiserver) like(t *testing.T, port, other string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		text, _ := os.ReadFile(path) // it may have ended
		args := strings.Split(string(bytes.TrimRight(text, "\x00")), "\x00")
		at := slices.Index(args, "--secure-port="+port)
		if at < 0 || !slices.Contains(args, "kube-apiserver") {
			continue
		}
		args[at] = "--secure-port=" + other
		s.program, s.args = args[0], append(args[1:], forSecrets...)
		if s.dir, err = os.Readlink(filepath.Join(filepath.Dir(path), "cwd")); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("there is no API server with the port %s", port)
}

// forSecrets are arguments with which a server checks no more of what it is sent than it has
// to for state, and so is there sooner.
var forSecrets = []string{
	"--enable-priority-and-fairness=false",
	"--disable-admission-plugins=MutatingAdmissionPolicy,MutatingAdmissionWebhook,ValidatingAdmissionPolicy,ValidatingAdmissionWebhook",
}

func (s *apiserver) kill() {
	if s.running == nil {
		return
	}
	_ = s.running.Process.Kill()
	_ = s.running.Wait() // that it was killed is no news
	_ = s.leash.Close()
	s.running = nil
}

// restart kills the server if it runs, starts it, and waits until it answers for Secrets. That
// is sooner than it calls itself ready: there is more to it that no state is kept in.
func (s *apiserver) restart(t *testing.T) {
	t.Helper()
	s.kill()
	held, leash, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s.running, s.leash = exec.Command(s.program, s.args...), leash
	s.running.Dir, s.running.Stderr, s.running.ExtraFiles = s.dir, &log, []*os.File{held}
	s.running.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.running.Start(); err != nil {
		t.Fatal(err)
	}
	_ = held.Close()
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	client.Timeout = 10 * time.Second
	defer client.CloseIdleConnections()
	ready := func() error {
		answer, err := client.Get(config.Host + "/api/v1/namespaces/" + s.namespace + "/secrets?limit=1")
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", answer.Status)
		}
		return nil
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.kill()
			t.Fatalf("the API server does not answer: %v\n%s", err, log.String())
		}
	}
}
