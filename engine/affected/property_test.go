package affected_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// changes are the digests of the applications of a plan that change, or leave.
func changes(p *plan.Plan) map[addr.Address]string {
	out := map[addr.Address]string{}
	for _, a := range p.Applications {
		for _, c := range a.Changes {
			if c.Action != plan.Unchanged {
				out[a.Address] = a.Digest
			}
		}
	}
	return out
}

// TestTheSameIsPlanned makes random changes of a configuration that was applied: a plan of
// what they touch has the changes, with the digests, that a plan of everything has, and asks
// no cluster that only others are on.
func TestTheSameIsPlanned(t *testing.T) {
	const seed, rounds, apps = 7, 12, 6
	random := rand.New(rand.NewPCG(seed, seed))
	block := func(i int) string {
		return fmt.Sprintf("application \"app%d\" {\n  source {\n    path = \"./apps\"\n    manifests {\n      include = \"%d-*.yaml\"\n    }\n  }\n  destination {\n    cluster   = cluster.c%d\n    namespace = \"app%d\"\n  }\n}\n", i, i, i%3, i)
	}
	r := newRepo(t, func(string) map[string]string {
		files := map[string]string{"clusters.gantry.hcl": ""}
		for i := range 3 {
			files["clusters.gantry.hcl"] += fmt.Sprintf("cluster \"c%d\" {\n  context = \"c%d\"\n}\n", i, i)
		}
		for i := range apps {
			files[fmt.Sprintf("app%d.gantry.hcl", i)] = block(i)
			files[fmt.Sprintf("apps/%d-a.yaml", i)] = named(fmt.Sprintf("a%d", i))
		}
		return files
	})
	here := map[int]bool{}
	for i := range apps {
		here[i] = true
	}
	r.MustApply(t, engine.PlanOptions{})
	left := 0
	for round := range rounds {
		for range 1 + random.IntN(2) {
			i := random.IntN(apps)
			file, text := fmt.Sprintf("apps/%d-a.yaml", i), named(fmt.Sprintf("a%d", i))+fmt.Sprintf("  round: r%d\n", round)
			config := fmt.Sprintf("app%d.gantry.hcl", i)
			switch kind := random.IntN(5); {
			case kind == 0 && here[i]:
				r.edit(t, edit{config: nil})
				here[i] = false
				left++
			case kind <= 1 && !here[i]:
				r.Write(t, map[string]string{config: block(i)})
				here[i] = true
			case kind == 2:
				r.Write(t, map[string]string{fmt.Sprintf("apps/%d-b%d.yaml", i, round): named(fmt.Sprintf("b%d-%d", i, round))})
			case kind == 3:
				r.Write(t, map[string]string{"apps/unread.txt": text})
			default:
				r.Write(t, map[string]string{file: text})
			}
		}
		whole := r.MustPlan(t, engine.PlanOptions{})
		found, config := r.find(t)
		clear(r.asked)
		narrow := r.MustPlan(t, engine.PlanOptions{Affected: engine.Only(*found)})
		want, got := changes(whole), changes(narrow)
		if !maps.Equal(want, got) {
			t.Fatalf("round %d of seed %d: of everything %v, of what is touched %v (%v)", round, seed, want, got, found.Touched)
		}
		on := map[string]bool{}
		for _, a := range narrow.Applications {
			on[a.Cluster] = true
		}
		if !maps.Equal(on, r.asked) {
			t.Errorf("round %d: asked %v, and the plan is of %v", round, r.asked, on)
		}
		if len(narrow.Applications) > len(found.Touched)+apps-len(config.Applications) {
			t.Errorf("round %d: %d applications are planned, %d touched", round, len(narrow.Applications), len(found.Touched))
		}
		_, diags := r.Apply(t.Context(), t, narrow)
		enginetest.Check(t, diags)
		if rest := changes(r.MustPlan(t, engine.PlanOptions{})); len(rest) > 0 {
			t.Fatalf("round %d: once it is applied, there is still %v", round, rest)
		}
		r.commit(t)
	}
	if left == 0 {
		t.Error("no application has left in any round: choose another seed")
	}
}
