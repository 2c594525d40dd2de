package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// inMemory is a bench with a cluster in memory.
func inMemory(t *testing.T) (*enginetest.Bench, *memory.Cluster) {
	t.Helper()
	b := enginetest.New(t, map[string]string{"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n"})
	cluster := memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	return b, cluster
}

// webs declares applications, by what follows their name, each with an object of the
// name, and what else there is.
func webs(t *testing.T, b *enginetest.Bench, more string, blocks ...string) {
	t.Helper()
	var text strings.Builder
	text.WriteString(more + "\n")
	for _, block := range blocks {
		name, arguments, _ := strings.Cut(block, " ")
		fmt.Fprintf(&text, `application %q {
  %s
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, name, arguments)
	}
	b.Write(t, map[string]string{"web.gantry.hcl": text.String()})
}

func liveWeb(t *testing.T, cluster *memory.Cluster) object.Object {
	t.Helper()
	have, err := cluster.Get(context.Background(), engine.GuessResource(object.GVK{Version: "v1", Kind: "ConfigMap"}), "web", "web")
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return have
}

func recordsOf(t *testing.T, b *enginetest.Bench) []string {
	t.Helper()
	all, err := b.Records.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, record := range all {
		out = append(out, fmt.Sprintf("%s %d", record.Address, len(record.Objects)))
	}
	return out
}

// What has moved keeps its objects: they are labelled anew, and the state goes on.
func TestMoved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, after, moved, address string }{
		"a name":                {"old", "new", "from = application.old\n  to = application.new", "application.new"},
		"into an instance":      {"web", `web for_each = toset(["eu"])`, "from = application.web\n  to = application.web[\"eu\"]", `application.web["eu"]`},
		"out of an instance":    {`web for_each = toset(["eu"])`, "web", "from = application.web[\"eu\"]\n  to = application.web", "application.web"},
		"all instances":         {`old for_each = toset(["eu"])`, `new for_each = toset(["eu"])`, "from = application.old\n  to = application.new", `application.new["eu"]`},
		"by way of another one": {"old", "new", "from = application.old\n  to = application.middle\n}\nmoved {\n  from = application.middle\n  to = application.new", "application.new"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, cluster := inMemory(t)
			webs(t, b, "", test.before)
			b.MustApply(t, engine.PlanOptions{})
			before := liveWeb(t, cluster)
			webs(t, b, "moved {\n  "+test.moved+"\n}\n", test.after)
			p := b.MustPlan(t, engine.PlanOptions{})
			if len(p.Applications) != 1 || p.Applications[0].Address.String() != test.address || p.Applications[0].MovedFrom.IsZero() || !p.HasChanges() {
				t.Fatalf("planned %+v", p.Applications)
			}
			change := p.Applications[0].Changes[0]
			if change.Action != plan.Update {
				t.Errorf("the action is %s: %s", change.Action, change.Reason)
			}
			for _, field := range change.Fields {
				if !strings.HasPrefix(field.Path, "metadata.") {
					t.Errorf("%s changes", field.Path)
				}
			}
			_, diags := b.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			after := liveWeb(t, cluster)
			if _, owner, _ := track.Owner(after); after.UID() != before.UID() || owner.String() != test.address {
				t.Errorf("the object is %s of %s, and was %s", after.UID(), owner, before.UID())
			}
			if diff := cmp.Diff([]string{test.address + " 1"}, recordsOf(t, b)); diff != "" {
				t.Error("records:", diff)
			}
			record, _, err := b.Records.Get(t.Context(), p.Applications[0].Address)
			if err != nil || !record.MovedFrom.IsZero() || len(record.History) != 2 {
				t.Errorf("the record is %+v, %v", record, err)
			}
			if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() || !p.Applications[0].MovedFrom.IsZero() {
				t.Errorf("planned again: %+v", p.Applications)
			}
		})
	}
}

// failing fails the n-th write to a store, and all later ones.
type failing struct {
	state.Store
	after int
}

var errStore = errors.New("the store is gone")

func (f *failing) count() error {
	if f.after--; f.after < 0 {
		return errStore
	}
	return nil
}

func (f *failing) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if strings.HasPrefix(key, "applications/") {
		if err := f.count(); err != nil {
			return "", err
		}
	}
	return f.Store.Put(ctx, key, value, version)
}

func (f *failing) Delete(ctx context.Context, key, version string) error {
	if strings.HasPrefix(key, "applications/") {
		if err := f.count(); err != nil {
			return err
		}
	}
	return f.Store.Delete(ctx, key, version)
}

// An apply of a move that is interrupted at any write of the state loses nothing,
// and the next one finishes it.
func TestMovedInterrupted(t *testing.T) {
	t.Parallel()
	for after := range 5 {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			b, cluster := inMemory(t)
			webs(t, b, "", "old")
			b.MustApply(t, engine.PlanOptions{})
			before := liveWeb(t, cluster).UID()
			webs(t, b, "moved {\n  from = application.old\n  to = application.new\n}\n", "new")
			p := b.MustPlan(t, engine.PlanOptions{})
			whole := b.Records
			var err error
			if b.Records, err = state.Open(t.Context(), &failing{Store: whole.Store(), after: after}); err != nil {
				t.Fatal(err)
			}
			_, diags := b.Apply(t.Context(), t, p)
			if after < 3 && !diags.HasErrors() {
				t.Error("it did not fail")
			}
			b.Records = whole
			p, diags = b.Plan(t, engine.PlanOptions{})
			enginetest.Check(t, diags)
			if gone := enginetest.Change(p, addr.Application("old"), "ConfigMap web/web"); gone != nil {
				t.Fatalf("the object would be %s: %s", gone.Action, gone.Reason)
			}
			_, diags = b.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			if diff := cmp.Diff([]string{"application.new 1"}, recordsOf(t, b)); diff != "" {
				t.Error("records:", diff)
			}
			if after := liveWeb(t, cluster); after == nil || after.UID() != before {
				t.Error("the object is another one")
			}
			if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
				t.Errorf("planned again: %+v", p.Applications)
			}
		})
	}
}

// Nothing moves onto what the state has already.
func TestMovedOntoAnother(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	webs(t, b, "", "old")
	b.MustApply(t, engine.PlanOptions{})
	b.Write(t, map[string]string{"other.gantry.hcl": `application "new" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "other" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`})
	b.MustApply(t, engine.PlanOptions{})
	webs(t, b, "moved {\n  from = application.old\n  to = application.new\n}\n")
	p, diags := b.Plan(t, engine.PlanOptions{})
	if p != nil || len(diags.Errs()) != 1 || !strings.Contains(diags[0].Detail, "application.old cannot be application.new now: the state has both") || diags[0].Subject == nil {
		t.Errorf("got %v, %v", p, diags)
	}
	if liveWeb(t, cluster) == nil {
		t.Error("the object is gone")
	}
}

func TestRemoved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arguments, removed string
		action             plan.Action
		left               bool
	}{
		"nothing said":                  {"", "", plan.Prune, false},
		"kept":                          {"", "destroy = false", plan.Orphan, true},
		"kept although prevented":       {"lifecycle {\n prevent_destroy = true\n}", "destroy = false", plan.Orphan, true},
		"kept although it would go":     {`on_destroy = "delete"`, "destroy = false", plan.Orphan, true},
		"destroyed":                     {"", "destroy = true", plan.Prune, false},
		"destroyed although orphaned":   {`on_destroy = "orphan"`, "destroy = true", plan.Prune, false},
		"destroyed although left alone": {"lifecycle {\n destroy = false\n}", "destroy = true", plan.Prune, false},
		"not destroyed when prevented":  {"lifecycle {\n prevent_destroy = true\n}", "destroy = true", plan.Blocked, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, cluster := inMemory(t)
			webs(t, b, "", "old "+test.arguments)
			b.MustApply(t, engine.PlanOptions{})
			block := "removed {\n  from = application.old\n  " + test.removed + "\n}\n"
			if test.removed == "" {
				block = ""
			}
			webs(t, b, block)
			p, diags := b.Plan(t, engine.PlanOptions{})
			change := enginetest.Change(p, addr.Application("old"), "ConfigMap web/web")
			if change == nil || change.Action != test.action {
				t.Fatalf("planned %+v, %v", change, diags)
			}
			if test.action == plan.Orphan && change.Reason != "a removed block says that its objects stay" {
				t.Errorf("the reason is %q", change.Reason)
			}
			_, _ = b.Apply(t.Context(), t, p)
			have := liveWeb(t, cluster)
			if (have != nil) != test.left {
				t.Errorf("the object is there: %v", have != nil)
			}
			if test.action == plan.Orphan {
				if _, _, ours := track.Owner(have); ours || len(recordsOf(t, b)) > 0 {
					t.Errorf("it is still ours: %v, records %v", have.Annotations(), recordsOf(t, b))
				}
			}
		})
	}
}

// TestAMoveThatWasCutOffIsNotUndone: an object went from one application to another, and
// the one that gave it could not write that down. Planned by itself, it neither takes the
// object back nor deletes it.
func TestAMoveThatWasCutOffIsNotUndone(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	webs(t, b, "", "old")
	b.MustApply(t, engine.PlanOptions{})
	stale, _, err := b.Records.Get(t.Context(), addr.Application("old"))
	if err != nil {
		t.Fatal(err)
	}
	webs(t, b, "", "new")
	b.MustApply(t, engine.PlanOptions{})
	if _, err := b.Records.Put(t.Context(), stale, ""); err != nil {
		t.Fatal(err)
	}
	alone := engine.PlanOptions{Targets: []addr.Address{addr.Application("old")}}
	wantForgotten := func(p *plan.Plan) {
		t.Helper()
		change := enginetest.Change(p, addr.Application("old"), "ConfigMap web/web")
		wantAction(t, change, plan.Forget)
		if !strings.Contains(change.Reason, "belongs to application.new") {
			t.Errorf("the reason is %q", change.Reason)
		}
	}
	wantForgotten(b.MustPlan(t, alone))
	webs(t, b, "", "old")
	p, diags := b.Plan(t, alone)
	wantError(t, diags, "belongs to application.new")
	wantBlocked(t, enginetest.Change(p, addr.Application("old"), "ConfigMap web/web"), "Object of another application")
	webs(t, b, "", "new")
	b.MustApply(t, engine.PlanOptions{})
	if _, owner, _ := track.Owner(liveWeb(t, cluster)); owner != addr.Application("new") {
		t.Errorf("the object is of %s", owner)
	}
	if diff := cmp.Diff([]string{"application.new 1"}, recordsOf(t, b)); diff != "" {
		t.Error("records:", diff)
	}
}
