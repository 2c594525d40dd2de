package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/process"
)

var (
	configMaps = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}
	namespaces = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}
	web        = addr.Application("web")
	serial     atomic.Int64
)

// estate is an application on a real API server, with its state in files, which children
// apply and are killed at. Round by round its objects change: a tenth of them, and the
// hooks, have another name each time.
type estate struct {
	*enginetest.Bench
	state     string
	namespace string
	cluster   providers.Cluster
	size      int
	round     int
	writes    *counts
}

func newEstate(t *testing.T, size int) *estate {
	t.Helper()
	kubeconfig := clustertest.Shared(t).Kubeconfig
	identity, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	e := &estate{state: t.TempDir(), size: size, namespace: fmt.Sprintf("crash-%d-%d", os.Getpid(), serial.Add(1)), writes: &counts{writes: map[string]int{}}}
	records, err := state.Open(t.Context(), local.New(e.state))
	if err != nil {
		t.Fatal(err)
	}
	e.Bench = &enginetest.Bench{Dir: t.TempDir(), Records: records, Identity: identity}
	e.Wrap = enginetest.Each(func(c providers.Cluster) providers.Cluster { return countingCluster{c, e.writes} })
	e.Adapt = func(o *engine.Options) { o.Lease = state.LeaseOptions{Dead: process.Dead} }
	if e.cluster, err = kubernetes.New(kubernetes.Options{}).Connect("local", target.Connection{Kubeconfig: kubeconfig}, target.Credentials{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: namespaces, Name: e.namespace})
	})
	e.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
		cluster "local" {
		  kubeconfig = %q
		}
		application "web" {
		  source {
		    path = "./web"
		  }
		  destination {
		    cluster   = cluster.local
		    namespace = %q
		  }
		  sync {
		    create_namespace = true
		  }
		}`, kubeconfig, e.namespace)})
	return e
}

// next is the next round: its plan, and where that is saved.
func (e *estate) next(t *testing.T) (*plan.Plan, string) {
	t.Helper()
	e.round++
	var documents []string
	configMap := func(name, annotations string) {
		documents = append(documents, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {%s, labels: {round: "%d"}, annotations: {%s}}, data: {round: "%d"}}`, name, e.round, annotations, e.round))
	}
	for i := range e.size {
		name := fmt.Sprintf("name: object-%03d", i)
		if i%10 == 9 {
			name = fmt.Sprintf("name: object-%03d-%d", i, e.round)
		}
		configMap(name, fmt.Sprintf(`argocd.argoproj.io/sync-wave: "%d"`, i%3))
	}
	configMap("generateName: before-", "argocd.argoproj.io/hook: PreSync")
	configMap("name: after", "argocd.argoproj.io/hook: PostSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded")
	e.Write(t, map[string]string{"web/all.yaml": strings.Join(documents, "\n---\n")})
	p := e.MustPlan(t, engine.PlanOptions{})
	path := filepath.Join(e.Dir, "plan")
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(planfile.Write(file, p, planfile.WriteOptions{Recipient: e.Identity.Recipient()}), file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, path
}

// command is a child that applies a plan.
func (e *estate) command(t *testing.T, o order) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	o.Dir, o.State = e.Dir, e.state
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &strings.Builder{}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = append(os.Environ(), childVariable+"="+string(text))
	command.Stdout, command.Stderr = out, out
	return command, out
}

// killed runs a child and reports whether it was killed, and not done before that.
func (e *estate) killed(t *testing.T, o order) bool {
	t.Helper()
	command, out := e.command(t, o)
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		return true
	}
	t.Fatalf("%v: %v\n%s", errChild, err, out)
	return false
}

// live is what there is in the namespace, by name.
func (e *estate) live(t *testing.T) map[string]object.Object {
	t.Helper()
	all, err := e.cluster.List(t.Context(), configMaps, e.namespace, providers.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]object.Object{}
	for _, o := range all {
		if _, _, ours := track.Owner(o); ours {
			out[o.Name()] = o
		}
	}
	return out
}

// recovers applies a plan again after its apply was killed, and checks what must hold then:
// nothing was done twice, everything is as planned, everything that is marked is in the
// inventory, and the next plan has nothing to do.
func (e *estate) recovers(t *testing.T, p *plan.Plan, what string) {
	t.Helper()
	before := e.live(t)
	e.writes.reset()
	_, diags := e.Apply(t.Context(), t, p)
	for _, d := range diags {
		if strings.Contains(d.Detail, "a plan is applied once") {
			diags = nil // it was killed when all was done
			break
		}
	}
	if diags.HasErrors() {
		t.Fatalf("%s: %v", what, diags)
	}
	round := fmt.Sprint(e.round)
	for name, n := range e.writes.all() {
		if was := before[name]; n > 1 || was != nil && was.Labels()["round"] == round {
			t.Errorf("%s: %s was written %d times by the next apply, and was there: %t", what, name, n, was != nil)
		}
	}
	if next := e.MustPlan(t, engine.PlanOptions{}); next.HasChanges() {
		t.Errorf("%s: the next plan has %v", what, next.Counts())
	}
	record, _, err := e.Records.Get(t.Context(), web)
	if err != nil || record == nil {
		t.Fatalf("%s: %+v, %v", what, record, err)
	}
	if record.Claim != nil && e.isAtWork(t, record.Claim) || len(record.Journal) > 0 {
		t.Errorf("%s: left are the claim %+v, and %d intents", what, record.Claim, len(record.Journal))
	}
	after, hooks, current := e.live(t), 0, 0
	for name, o := range after {
		if record.Find(o.ID()) == nil {
			t.Errorf("%s: %s is marked, and not in the inventory", what, name)
		}
		switch isRound := o.Labels()["round"] == round; {
		case strings.HasPrefix(name, "before-"):
			if isRound {
				hooks++
			}
		case name == "after":
			t.Errorf("%s: the hook that goes when it succeeded is there", what)
		case !isRound:
			t.Errorf("%s: %s is of round %s", what, name, o.Labels()["round"])
		default:
			current++
		}
	}
	if hooks != 1 {
		t.Errorf("%s: the hook with a generated name ran %d times", what, hooks)
	}
	if current != e.size {
		t.Errorf("%s: there are %d objects of the round, want %d", what, current, e.size)
	}
	for i := range record.Objects {
		if o := &record.Objects[i]; o.ID.Kind == "ConfigMap" && after[o.ID.Name] == nil {
			t.Errorf("%s: the inventory has %s, which is not there", what, o.ID)
		}
	}
	for i := 1; i < len(record.History); i++ {
		if record.History[i].Serial <= record.History[i-1].Serial {
			t.Errorf("%s: serials of the history are %d after %d", what, record.History[i].Serial, record.History[i-1].Serial)
		}
	}
}

// isAtWork reports whether the run of a claim has a lease.
func (e *estate) isAtWork(t *testing.T, claim *state.Claim) bool {
	t.Helper()
	runs, err := e.Records.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(runs, func(r state.Run) bool { return r.ID == claim.Lease })
}

// counts are writes, by the name of their object.
type counts struct {
	mu     sync.Mutex
	writes map[string]int
}

func (c *counts) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes[name]++
}

func (c *counts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = map[string]int{}
}

func (c *counts) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for name, n := range c.writes {
		out[name] = n
	}
	return out
}

// countingCluster counts writes.
type countingCluster struct {
	providers.Cluster
	counts *counts
}

func (c countingCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if !request.DryRun {
		c.counts.add(request.Object.Name())
	}
	return c.Cluster.Apply(ctx, request)
}

// said is all that diagnostics say.
func said(diags hcl.Diagnostics) string {
	var out []string
	for _, d := range diags {
		out = append(out, d.Summary+": "+d.Detail)
	}
	return strings.Join(out, "\n")
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after two minutes: %s", what)
		}
	}
}
