package alarm

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// TestTakesNamesWhatHurts: everything is counted by kind; what is named is what loses
// data, what takes more with it, and what is another's.
func TestTakesNamesWhatHurts(t *testing.T) {
	ids := func(names ...string) []plan.TakenID {
		var out []plan.TakenID
		for _, name := range names {
			out = append(out, plan.TakenID{Namespace: "web", Name: name})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		taken plan.Taken
		want  []Taking
	}{
		{"usual", plan.Taken{Kind: "ConfigMap", Why: plan.TakenInside, Count: 2, IDs: ids("a", "b")}, []Taking{{Head: "takes 2 objects that are in it", Items: []string{"2 ConfigMap"}}}},
		{"data", plan.Taken{Kind: "PersistentVolume", Why: plan.TakenVolume, Count: 1, Data: true, IDs: []plan.TakenID{{Name: "pv"}}}, []Taking{{Head: "takes 1 object that it claims", Items: []string{"1 PersistentVolume"}}, {Head: "loses the data of PersistentVolume", Items: []string{"pv"}, Hurts: true}}},
		{"another's", plan.Taken{Group: "example.com", Kind: "Widget", Why: plan.TakenInstance, Count: 1, Of: "application.shop", IDs: ids("w")}, []Taking{{Head: "takes 1 object that it defines", Items: []string{"1 Widget.example.com"}}, {Head: "application.shop wants Widget.example.com", Items: []string{"web/w"}, Hurts: true}}},
		{"another's data", plan.Taken{Kind: "PersistentVolumeClaim", Why: plan.TakenInside, Count: 1, Data: true, Of: "application.shop", IDs: ids("c")}, []Taking{{Head: "takes 1 object that is in it", Items: []string{"1 PersistentVolumeClaim"}}, {Head: "application.shop loses the data of PersistentVolumeClaim", Items: []string{"web/c"}, Hurts: true}}},
		{"a definition", plan.Taken{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Why: plan.TakenOwned, Count: 1, IDs: []plan.TakenID{{Name: "d"}}}, []Taking{{Head: "takes 1 object that it owns", Items: []string{"1 CustomResourceDefinition.apiextensions.k8s.io"}}, {Head: "CustomResourceDefinition.apiextensions.k8s.io", Items: []string{"d"}, Hurts: true}}},
		{"not all named", plan.Taken{Kind: "Namespace", Why: plan.TakenOwned, Count: 3, IDs: []plan.TakenID{{Name: "n"}}}, []Taking{{Head: "takes 3 objects that it owns", Items: []string{"3 Namespace"}}, {Head: "Namespace", Items: []string{"n", "2 more"}, Hurts: true}}},
	} {
		got := Takes(&plan.Change{Takes: []plan.Taken{c.taken}})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRisks(t *testing.T) {
	id := object.ID{Kind: "ConfigMap", Name: "c"}
	low := plan.Risk{Code: "low", Severity: plan.Low, Detail: "d"}
	p := &plan.Plan{Applications: []plan.Application{
		{Address: addr.Application("a"), Risks: []plan.Risk{low, {Code: "odd", Severity: "extreme", Detail: "d"}, {Code: "silent", Severity: plan.High, Accepted: "why not"}}},
		{Address: addr.Application("b"), Risks: []plan.Risk{{Code: "high", Severity: plan.High, Detail: "d", Object: &id}, low}},
	}}
	var got []string
	for _, r := range Risks(p) {
		line := r.Risk.Code
		for _, place := range r.Of {
			line += " " + place.Name()
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"odd application.a", "high ConfigMap c", "low application.a application.b"}, got); diff != "" {
		t.Error(diff)
	}
	if got, want := RiskWords(p), "2 high risks, 2 low risks, 1 accepted risk"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestManyLowRisksAreBrief: three of a kind are one, with every place and what is said
// of it; greater ones never are.
func TestManyLowRisksAreBrief(t *testing.T) {
	ids := []object.ID{{Kind: "ConfigMap", Name: "a"}, {Kind: "ConfigMap", Name: "b"}, {Kind: "ConfigMap", Name: "c"}}
	of := func(code string, severity plan.Severity, n int) []plan.Risk {
		var out []plan.Risk
		for i := range n {
			out = append(out, plan.Risk{Code: code, Severity: severity, Object: &ids[i], Detail: "of " + ids[i].Name})
		}
		return out
	}
	p := &plan.Plan{Applications: []plan.Application{{Address: addr.Application("a"), Risks: slices.Concat(
		of(riskcode.PodsRestart, plan.Low, 3), of(riskcode.ImageUnpinned, plan.Low, 2), of(riskcode.Downtime, plan.Medium, 3), of("unknown", plan.Low, 3),
	)}}}
	var got []string
	for _, r := range Risks(p) {
		line := r.Risk.Code + ": " + r.Detail
		if r.Brief {
			for _, place := range r.Of {
				line += "; " + place.Detail
			}
		}
		got = append(got, line)
	}
	want := []string{
		"downtime: of a", "downtime: of b", "downtime: of c",
		"pods-restart: pods restart; of a; of b; of c",
		"image-unpinned: of a", "image-unpinned: of b",
		"unknown: of a", "unknown: of b", "unknown: of c",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
