package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// patience is how long any condition may take to come about. Tests may have to
// share two cores with much else.
const patience = 2 * time.Minute

var binaryOnce = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("GANTRY_CLUSTER_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	script, err := filepath.Abs("../../build.sh")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(script)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := binaryOnce()
	if err != nil {
		t.Fatalf("build gantry-cluster: %v", err)
	}
	return path
}

// place is a folder for the clusters of one test, which must have none at its end.
type place struct {
	t    *testing.T
	home home.Home
}

func newPlace(t *testing.T) *place {
	t.Helper()
	h, err := home.New(filepath.Join(t.TempDir(), "clusters"))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, home: h}
	t.Cleanup(func() {
		p.run("down", "--all")
		if _, err := os.Stat(h.Path()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("there are files left after every cluster is down: %v", err)
		}
	})
	return p
}

func (p *place) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary(p.t), args...)
	cmd.Env = append(os.Environ(), "GANTRY_CLUSTER_HOME="+p.home.Path())
	return cmd
}

// try runs a command line and returns what it printed and whether it succeeded.
func (p *place) try(args ...string) (stdout, stderr string, ok bool) {
	p.t.Helper()
	var out, complaints bytes.Buffer
	cmd := p.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return out.String(), complaints.String(), err == nil
}

// run runs a command line that must succeed and returns what it printed.
func (p *place) run(args ...string) string {
	p.t.Helper()
	stdout, stderr, ok := p.try(args...)
	if !ok {
		p.t.Fatalf("gantry-cluster %s failed:\n%s", strings.Join(args, " "), stderr)
	}
	return stdout
}

func (p *place) record(name string) home.Record {
	p.t.Helper()
	r, err := p.home.Dir(name).Record()
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// processes returns the supervisor and the servers of a cluster.
func (p *place) processes(name string) []process.ID {
	p.t.Helper()
	r := p.record(name)
	ids := []process.ID{r.Supervisor}
	for _, id := range r.Children {
		ids = append(ids, id)
	}
	return ids
}

func (p *place) client(name string) (kubernetes.Interface, dynamic.Interface) {
	p.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.home.Dir(name).Kubeconfig())
	if err != nil {
		p.t.Fatal(err)
	}
	config.QPS = -1
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		p.t.Fatal(err)
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		p.t.Fatal(err)
	}
	return typed, untyped
}

// waitGone fails the test unless every process ends.
func waitGone(t *testing.T, ids []process.ID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, id := range ids {
		if err := id.Wait(ctx); err != nil {
			t.Fatalf("process %d is still there: %v", id.PID, err)
		}
	}
}

// eventually waits for a condition, which returns what is missing.
func eventually(t *testing.T, what string, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// decode reads an object from YAML.
func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.Unmarshal([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// parse reads JSON that a command printed.
func parse[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}
