package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// oneCluster connects to a cluster in memory, whatever is asked for.
type oneCluster struct{ *memory.Cluster }

func (c oneCluster) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c.Cluster, nil
}

// shrinking is a bench whose applications are made of a list by way of a matrix and
// a local value, and one that is not.
func shrinking(t *testing.T, keys ...string) *enginetest.Bench {
	t.Helper()
	b := enginetest.New(t, map[string]string{"fixed.gantry.hcl": `
cluster "main" {
  server = "https://main.example.com"
}
generator "list" "one" {
  elements = { z = {} }
}
locals {
  some = { for k, v in generator.list.keys : k => v }
}
generator "matrix" "both" {
  generators = [local.some, generator.list.one]
}
application "made" {
  for_each = generator.matrix.both
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = dns_label(each.key) } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "made"
  }
}
application "other" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "other" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "other"
  }
}
`})
	setKeys(t, b, keys...)
	cluster := memory.New(memory.Options{Name: "main", Resource: func(gvk object.GVK) providers.Resource {
		return providers.Resource{GVK: gvk, Plural: strings.ToLower(gvk.Kind) + "s", Namespaced: gvk.Kind != "Namespace"}
	}})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	return b
}

func setKeys(t *testing.T, b *enginetest.Bench, keys ...string) {
	t.Helper()
	elements := ""
	for _, key := range keys {
		elements += fmt.Sprintf("%s = { n = %q }, ", key, key)
	}
	b.Write(t, map[string]string{"list.gantry.hcl": fmt.Sprintf("generator \"list\" \"keys\" {\n  elements = { %s }\n  max_removed = \"50%%\"\n}\n", elements)})
}

var keysGenerator = addr.Address{Kind: "generator", Type: "list", Name: "keys"}

func checkRecorded(t *testing.T, b *enginetest.Bench, want map[string][]string) {
	t.Helper()
	recorded, err := b.Records.Generators(t.Context())
	got := map[string][]string{}
	for address, keys := range recorded {
		got[address.String()] = keys
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; recorded (-want +got):\n%s", err, diff)
	}
}

func planned(p *plan.Plan, address addr.Address) *plan.Generator {
	for i := range p.Generators {
		if p.Generators[i].Address == address {
			return &p.Generators[i]
		}
	}
	return nil
}

func TestShrinkingGeneratorBlocks(t *testing.T) {
	t.Parallel()
	b := shrinking(t, "a", "b", "c", "d")
	b.MustApply(t, engine.PlanOptions{})
	all := map[string][]string{
		"generator.list.keys": {"a", "b", "c", "d"}, "generator.list.one": {"z"}, "generator.matrix.both": {"a/z", "b/z", "c/z", "d/z"},
	}
	checkRecorded(t, b, all)

	setKeys(t, b, "b", "new")
	p, diags := b.Plan(t, engine.PlanOptions{})
	var errs []*hcl.Diagnostic
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			errs = append(errs, diag)
		}
	}
	if len(errs) != 1 || errs[0].Summary != "Too many items removed" || errs[0].Subject == nil || !strings.HasSuffix(errs[0].Subject.Filename, "list.gantry.hcl") {
		t.Fatalf("got %v", diags)
	}
	want := `generator.list.keys gave 4 items when its applications were last applied, and gives 2 now. 3 of them would vanish, and max_removed is 50%: "a", "c", "d". ` +
		`If that is meant, say --allow-removed 'generator.list.keys'; if not, look at what it reads. What is made of it is left as it is: application.made.`
	if errs[0].Detail != want {
		t.Errorf("got  %s\nwant %s", errs[0].Detail, want)
	}
	blocked := []string{}
	for i := range p.Applications {
		if p.Applications[i].IsBlocked() {
			blocked = append(blocked, p.Applications[i].Address.String())
		}
	}
	if diff := cmp.Diff([]string{
		`application.made["a/z"]`, `application.made["b/z"]`, `application.made["c/z"]`, `application.made["d/z"]`, `application.made["new/z"]`,
	}, blocked); diff != "" {
		t.Errorf("blocked are (-want +got):\n%s", diff)
	}
	if g := planned(p, keysGenerator); !g.Blocked || !cmp.Equal(g.Removed, []string{"a", "c", "d"}) || !cmp.Equal(g.Keys, []string{"b", "new"}) {
		t.Errorf("the plan has %+v", g)
	}
	if _, diags := b.Apply(t.Context(), t, p); !diags.HasErrors() {
		t.Error("a blocked plan was applied")
	}
	all["generator.matrix.both"] = []string{"b/z", "new/z"} // it has no limit of its own
	checkRecorded(t, b, all)
	if records, err := b.Records.List(t.Context()); err != nil || len(records) != 5 {
		t.Errorf("there are %d records, %v", len(records), err)
	}

	b.MustApply(t, engine.PlanOptions{AllowRemoved: []addr.Address{keysGenerator}})
	all["generator.list.keys"] = []string{"b", "new"}
	checkRecorded(t, b, all)
	if records, err := b.Records.List(t.Context()); err != nil || len(records) != 3 {
		t.Errorf("there are %d records, %v", len(records), err)
	}
}

func TestShrinkingWithinTheLimit(t *testing.T) {
	t.Parallel()
	b := shrinking(t, "a", "b", "c", "d")
	b.MustApply(t, engine.PlanOptions{})
	setKeys(t, b, "a", "b")
	p := b.MustPlan(t, engine.PlanOptions{})
	if g := planned(p, keysGenerator); g.Blocked || !cmp.Equal(g.Removed, []string{"c", "d"}) {
		t.Errorf("the plan has %+v", g)
	}
}

// What a plan for targets leaves aside is not forgotten.
func TestTargetsKeepWhatVanished(t *testing.T) {
	t.Parallel()
	b := shrinking(t, "a", "b", "c")
	b.MustApply(t, engine.PlanOptions{})
	setKeys(t, b, "a", "b", "d")
	b.MustApply(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("made").Instance("d/z")}})
	checkRecorded(t, b, map[string][]string{
		"generator.list.keys": {"a", "b", "c", "d"}, "generator.list.one": {"z"}, "generator.matrix.both": {"a/z", "b/z", "c/z", "d/z"},
	})
}

// A generator that is declared no more is forgotten; one that cannot be evaluated is
// not.
func TestGeneratorsAreForgotten(t *testing.T) {
	t.Parallel()
	b := shrinking(t, "a")
	b.MustApply(t, engine.PlanOptions{})
	if err := b.Records.PutGenerator(t.Context(), addr.Address{Kind: "generator", Type: "git", Name: "gone"}, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	b.Write(t, map[string]string{"list.gantry.hcl": "generator \"list\" \"keys\" {\n  elements = 1\n}\n"})
	p, diags := b.Plan(t, engine.PlanOptions{})
	if !diags.HasErrors() || planned(p, keysGenerator) != nil {
		t.Errorf("got %v", diags)
	}
	remember(t, b, p)
	checkRecorded(t, b, map[string][]string{"generator.list.keys": {"a"}, "generator.list.one": {"z"}, "generator.matrix.both": {"a/z"}})

	setKeys(t, b, "a")
	b.MustApply(t, engine.PlanOptions{Destroy: true})
	checkRecorded(t, b, map[string][]string{})
}

// In a plan with nothing to apply there may be items all the same.
func TestRecordGenerators(t *testing.T) {
	t.Parallel()
	b := shrinking(t, "a")
	b.MustApply(t, engine.PlanOptions{})
	b.Write(t, map[string]string{"more.gantry.hcl": "generator \"list\" \"unused\" {\n  elements = [\"x\"]\n}\n"})
	p := b.MustPlan(t, engine.PlanOptions{})
	if p.HasChanges() {
		t.Fatal("there is something to apply")
	}
	want := map[string][]string{"generator.list.keys": {"a"}, "generator.list.one": {"z"}, "generator.matrix.both": {"a/z"}, "generator.list.unused": {"x"}}
	for range 2 {
		remember(t, b, p)
		checkRecorded(t, b, want)
	}
	offline := b.MustPlan(t, engine.PlanOptions{Offline: true})
	if diags := b.Engine().RecordGenerators(t.Context(), offline, engine.ApplyOptions{}); !diags.HasErrors() {
		t.Error("a plan made offline was recorded")
	}
}

func remember(t *testing.T, b *enginetest.Bench, p *plan.Plan) {
	t.Helper()
	enginetest.Check(t, b.Engine().RecordGenerators(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}}))
}
