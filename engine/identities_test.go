package engine_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// asked are as whom clusters were connected to, in order: every request of a connection is
// made so.
type asked struct {
	cluster *memory.Cluster
	mu      sync.Mutex
	as      []string
}

func (a *asked) Connect(_ string, connection target.Connection, _ target.Credentials) (providers.Cluster, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.as = append(a.as, connection.As.String())
	return a.cluster, nil
}

// take returns as whom it was connected since the last time.
func (a *asked) take() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := strings.Join(a.as, ", ")
	a.as = nil
	return out
}

func withIdentities(t *testing.T, identities string) (*enginetest.Bench, *asked) {
	t.Helper()
	b := enginetest.New(t, map[string]string{
		"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n",
		"project.gantry.hcl": "project \"web\" {\n" + identities + "\n}\n",
	})
	clusters := &asked{cluster: memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})}
	b.Wrap = func(providers.Clusters) providers.Clusters { return clusters }
	webs(t, b, "", "web project = project.web")
	return b, clusters
}

const deployer = "identity {\n  namespaces = [\"web\"]\n  service_account = \"deployer\"\n}"

// Plan, apply, drift, the end of an application, and that end after the project is gone:
// all speak to the cluster as the project says, and never as who reaches it.
func TestIdentities(t *testing.T) {
	t.Parallel()
	const as = "system:serviceaccount:web:deployer"
	b, clusters := withIdentities(t, deployer)
	p := b.MustPlan(t, engine.PlanOptions{})
	if got := clusters.take(); got != as {
		t.Errorf("planned as %q", got)
	}
	if _, diags := b.Apply(t.Context(), t, p); diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := clusters.take(); got != as {
		t.Errorf("applied as %q", got)
	}
	record, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || record.Settings.As.String() != as || record.Cluster.Connection.As != nil {
		t.Errorf("recorded as %v (%v): %v", record.Settings.As, record.Cluster.Connection.As, err)
	}
	b.Write(t, map[string]string{"web.gantry.hcl": "", "project.gantry.hcl": ""})
	b.MustApply(t, engine.PlanOptions{})
	if got := clusters.take(); got != as+", "+as {
		t.Errorf("deleted as %q", got)
	}
}

// Where identities are named and none is for the destination, nothing is sent at all.
func TestNoIdentityForTheDestination(t *testing.T) {
	t.Parallel()
	for name, identities := range map[string]string{
		"another namespace": strings.Replace(deployer, `"web"`, `"shop"`, 1),
		"another cluster":   "identity {\n  clusters = [\"other\"]\n  service_account = \"gantry:deployer\"\n}",
		"another server":    "identity {\n  clusters = [\"https://other.example.com\"]\n  service_account = \"gantry:deployer\"\n}",
	} {
		t.Run(name, func(t *testing.T) {
			b, clusters := withIdentities(t, identities)
			p, diags := b.Plan(t, engine.PlanOptions{})
			wantRefusal(t, diags, "No identity for the destination")
			if got := clusters.take(); got != "" || p.HasChanges() {
				t.Errorf("connected to as %q", got)
			}
		})
	}
}

// A plan that makes requests as somebody else is refused, and so is one that has lost as
// whom: by its own rules, and by those that stand where it is applied.
func TestPlansOfAnotherIdentity(t *testing.T) {
	t.Parallel()
	b, clusters := withIdentities(t, deployer)
	guards := guardsOf(t, b)
	made := b.MustPlan(t, engine.PlanOptions{})
	clusters.take()
	for name, as := range map[string]*target.Impersonation{
		"nobody":       nil,
		"another":      {User: "system:serviceaccount:kube-system:admin"},
		"a group more": {User: "system:serviceaccount:web:deployer", Groups: []string{"system:masters"}},
	} {
		forged, err := made.Clone()
		if err != nil {
			t.Fatal(err)
		}
		forged.Applications[0].Settings.As = as
		_, diags := b.Engine().Apply(t.Context(), forged, engine.ApplyOptions{By: state.Holder{Who: "test"}})
		wantRefusal(t, diags, "Identity is not the project's")
		forged.Projects[0].Identities = nil
		_, diags = b.Engine().Apply(t.Context(), forged, engine.ApplyOptions{By: state.Holder{Who: "test"}, Guards: guards})
		wantRefusal(t, diags, "Identity is not the project's")
		if got := clusters.take(); got != "" {
			t.Errorf("%s: connected to as %q", name, got)
		}
	}
}
