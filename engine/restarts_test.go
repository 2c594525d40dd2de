package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// replica is one more kube-apiserver of a cluster, which can be killed and started again.
type replica struct {
	Kubeconfig string

	executable, dir string
	arguments       []string
	server          *exec.Cmd
	leash           *os.File // while it is open, the server lives
}

// serverAddress finds the server in a kubeconfig.
var serverAddress = regexp.MustCompile(`(https://127\.0\.0\.1:)(\d+)`)

// newReplica starts an API server as the one that a kubeconfig is of, on the same etcd and
// another port.
func newReplica(t *testing.T, kubeconfig string) *replica {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("how the API server of the cluster was started is known on Linux only")
	}
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	port := serverAddress.FindStringSubmatch(string(text))[2]
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	r := &replica{Kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	for _, process := range processes {
		line, _ := os.ReadFile(process) // it may have ended
		if !bytes.Contains(line, []byte("\x00--secure-port="+port+"\x00")) || !bytes.Contains(line, []byte("kube-apiserver")) {
			continue
		}
		arguments := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		for i, argument := range arguments {
			if argument == "--secure-port="+port {
				arguments[i] = "--secure-port=" + free
			}
		}
		r.executable, r.arguments = arguments[0], arguments[1:]
		if r.dir, err = os.Readlink(filepath.Join(filepath.Dir(process), "cwd")); err != nil {
			t.Fatal(err)
		}
	}
	if r.executable == "" {
		t.Fatalf("no kube-apiserver listens on port %s", port)
	}
	text = serverAddress.ReplaceAll(text, []byte("${1}"+free))
	if err := os.WriteFile(r.Kubeconfig, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	r.start(t)
	return r
}

// start starts the server and waits until it answers.
func (r *replica) start(t testing.TB) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Error(err)
		return
	}
	r.server, r.leash = exec.Command(r.executable, r.arguments...), write
	r.server.Dir, r.server.ExtraFiles = r.dir, []*os.File{read}
	err = r.server.Start()
	_ = read.Close()
	if err != nil {
		t.Error(err)
		return
	}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		cluster, err := kubernetes.New(kubernetes.Options{}).Connect("replica", target.Connection{Kubeconfig: r.Kubeconfig}, target.Credentials{})
		if err == nil {
			_, err = cluster.Get(context.Background(), namespaceResource, "", "kube-system")
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the API server does not answer: %v", err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// kill ends the server at once, whatever it is doing.
func (r *replica) kill() {
	if r.server == nil || r.server.Process == nil {
		return
	}
	_ = r.server.Process.Signal(syscall.SIGKILL)
	_ = r.server.Wait()
	_ = r.leash.Close()
	r.server = nil
}

// TestTheAPIServerRestarts kills a real API server in the middle of an apply and starts it
// again, once; with GANTRY_SOAK every five seconds, while 1,000 objects are applied. All of
// them are there then, as the state has them, and nothing is left to do.
func TestTheAPIServerRestarts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := newReplica(t, clustertest.Shared(t).Kubeconfig)
	s.Write(t, map[string]string{"cluster.gantry.hcl": fmt.Sprintf("cluster \"local\" {\n  kubeconfig = %q\n}\n", r.Kubeconfig)})
	objects, every, restarts, limit := 100, time.Duration(0), 1, 8*time.Minute
	if soak() {
		objects, every, restarts, limit = 1000, 5*time.Second, 3, 30*time.Minute
	}
	maps := make([]string, objects)
	for i := range maps {
		maps[i] = configMap(fmt.Sprintf("m%d", i), fmt.Sprintf("number=%d", i))
	}
	s.application(t, "web", createNamespace, maps...)
	s.Parallelism = 4
	var sent atomic.Int64
	reached := make(chan struct{}) // a part of it is sent
	s.tap(taps{apply: func(_ context.Context, _ providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if sent.Add(1) == int64(objects/10) {
			close(reached)
		}
		if every > 0 {
			time.Sleep(50 * time.Millisecond) // a server that is busy
		}
		return on()
	}})
	p := s.MustPlan(t, engine.PlanOptions{})
	ended := make(chan struct{})
	killed := 0
	var killer sync.WaitGroup
	killer.Go(func() {
		select {
		case <-reached:
		case <-ended:
			return
		}
		for {
			r.kill()
			killed++
			r.start(t)
			if every == 0 {
				return
			}
			select {
			case <-time.After(every):
			case <-ended:
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, diags := s.Apply(ctx, t, p)
	close(ended)
	killer.Wait()
	enginetest.Check(t, diags)
	t.Logf("%d objects, %d requests, %d restarts", objects, sent.Load(), killed)
	if killed < restarts {
		t.Errorf("the API server was restarted %d times, want at least %d", killed, restarts)
	}
	live, err := s.cluster.List(t.Context(), configMaps, s.namespace, providers.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	record := s.record(t)
	there := 0
	for _, o := range live {
		if owned := record.Find(o.ID()); owned != nil && owned.UID == o.UID() {
			there++
		}
	}
	if there != objects {
		t.Errorf("%d objects are there as the state has them, want %d", there, objects)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}
