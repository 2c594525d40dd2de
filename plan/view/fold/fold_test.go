package fold

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

func app(name string, changes ...plan.Change) plan.Application {
	return plan.Application{Address: addr.Application("team").Instance(name), Name: name, Namespace: name, Changes: changes}
}

func update(namespace, name, path string, before, after any) plan.Change {
	return plan.Change{
		ID: object.ID{Kind: "ConfigMap", Namespace: namespace, Name: name}, Version: "v1", Action: plan.Update,
		Fields: []plan.FieldChange{{Path: path, Kind: plan.Changed, Before: before, After: after}},
	}
}

func planOf(applications ...plan.Application) *plan.Plan {
	return &plan.Plan{Applications: applications}
}

func TestFind(t *testing.T) {
	same := func(name string) plan.Change {
		return update(name, name+"-settings", "data.host", name+".example.com", name+".example.org")
	}
	scaled := func(name string, to int64) plan.Change { return update(name, "scale", "spec.replicas", int64(1), to) }
	deleted := func(name string) plan.Change {
		c := same(name)
		c.Action = plan.Prune
		return c
	}
	blocked := app("d", same("d"))
	blocked.Blocked = []plan.Problem{{Summary: "no"}}
	for _, c := range []struct {
		name string
		plan *plan.Plan
		want []Group
	}{
		{"the same but for names", planOf(app("a", same("a")), app("b", same("b")), app("c", same("c"))), []Group{{[]int{0, 1, 2}, [][]int{{0}, {0}, {0}}}}},
		{"of two applications only", planOf(app("a", same("a")), app("b", same("b"))), nil},
		{"another value", planOf(app("a", scaled("a", 2)), app("b", scaled("b", 2)), app("c", scaled("c", 3))), nil},
		{"the same word is another's", planOf(app("a", update("a", "x", "p", "1", "a")), app("b", update("b", "x", "p", "1", "b")), app("c", update("c", "x", "p", "1", "a"))), nil},
		{"within a word", planOf(app("a", update("a", "x", "p", "1", "ab")), app("b", update("b", "x", "p", "1", "bb")), app("c", update("c", "x", "p", "1", "cb"))), nil},
		{"deletions", planOf(app("a", deleted("a")), app("b", deleted("b")), app("c", deleted("c"))), nil},
		{"one is blocked", planOf(app("a", same("a")), app("b", same("b")), blocked), nil},
		{
			"two changes of the same applications, and one of more",
			planOf(app("a", same("a"), scaled("a", 2)), app("b", scaled("b", 2), same("b")), app("c", same("c"), scaled("c", 2), scaled("c", 9)), app("d", scaled("d", 2))),
			[]Group{{[]int{0, 1, 2, 3}, [][]int{{1}, {0}, {1}, {0}}}, {[]int{0, 1, 2}, [][]int{{0}, {1}, {0}}}},
		},
		{
			"twice in each", planOf(app("a", scaled("a", 2), scaled("a", 2)), app("b", scaled("b", 2), scaled("b", 2)), app("c", scaled("c", 2), scaled("c", 2))),
			[]Group{{[]int{0, 1, 2}, [][]int{{0, 1}, {0, 1}, {0, 1}}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Find(c.plan)
			if diff := cmp.Diff(c.want, got.List); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			for i := range c.plan.Applications {
				for j := range c.plan.Applications[i].Changes {
					in := false
					for _, g := range got.List {
						for n, application := range g.Applications {
							for _, change := range g.Changes[n] {
								in = in || application == i && change == j
							}
						}
					}
					if got.Has(i, j) != in {
						t.Errorf("change %d of application %d: Has is %v", j, i, !in)
					}
				}
			}
		})
	}
}

// TestBookkeepingDoesNotCount: gantry's own labels are others in each application.
func TestBookkeepingDoesNotCount(t *testing.T) {
	var applications []plan.Application
	for i := range 3 {
		key := fmt.Sprintf("n%d", i)
		c := update(key, "x", "p", "1", "3")
		c.Body = object.Object{"metadata": map[string]any{"labels": map[string]any{"app": "x", "gantry.dev/id": fmt.Sprint(i), "applyset.kubernetes.io/part-of": fmt.Sprint("hash", i)}}}
		applications = append(applications, app(key, c))
	}
	if got := len(Find(planOf(applications...)).List); got != 1 {
		t.Errorf("%d groups", got)
	}
}

// TestEveryPartOfAChangeCounts: applications of which one differs in any way from the
// others are not folded.
func TestEveryPartOfAChangeCounts(t *testing.T) {
	for name, edit := range map[string]func(*plan.Change){
		"action":     func(c *plan.Change) { c.Action = plan.Adopt },
		"kind":       func(c *plan.Change) { c.ID.Kind = "Secret" },
		"version":    func(c *plan.Change) { c.Version = "v2" },
		"reason":     func(c *plan.Change) { c.Reason = "x" },
		"phase":      func(c *plan.Change) { c.Phase = plan.PhasePreSync },
		"wave":       func(c *plan.Change) { c.Wave = 1 },
		"predicted":  func(c *plan.Change) { c.Predicted = true },
		"force":      func(c *plan.Change) { c.Force = true },
		"path":       func(c *plan.Change) { c.Fields[0].Path = "q" },
		"before":     func(c *plan.Change) { c.Fields[0].Before = "2" },
		"type":       func(c *plan.Change) { c.Fields[0].Before = int64(1) },
		"after":      func(c *plan.Change) { c.Fields[0].After = map[string]any{"a": []any{"x"}} },
		"drift":      func(c *plan.Change) { c.Fields[0].Drift = &plan.Writer{Manager: "x"} },
		"server":     func(c *plan.Change) { c.Fields[0].Server = true },
		"warnings":   func(c *plan.Change) { c.Warnings = []string{"x"} },
		"conflicts":  func(c *plan.Change) { c.Conflicts = append(c.Conflicts, plan.Conflict{Path: "p"}) },
		"is":         func(c *plan.Change) { c.Conflicts[0].Before = int64(7) },
		"would be":   func(c *plan.Change) { c.Conflicts[0].After = int64(7) },
		"sensitive":  func(c *plan.Change) { c.Conflicts[0].Sensitive = true },
		"moves":      func(c *plan.Change) { c.Moves = []plan.ManagerMove{{Manager: "x"}} },
		"validation": func(c *plan.Change) { c.Validation = plan.SchemaOnly },
		"body":       func(c *plan.Change) { c.Body = object.Object{"a": "b"} },
		"takes":      func(c *plan.Change) { c.Takes = []plan.Taken{{Kind: "x"}} },
	} {
		var applications []plan.Application
		for i := range 3 {
			key := fmt.Sprintf("n%d", i)
			c := update(key, "x", "p", "1", "3")
			c.Conflicts = []plan.Conflict{{Path: "q", Before: int64(1), After: int64(2)}}
			applications = append(applications, app(key, c))
		}
		if len(Find(planOf(applications...)).List) != 1 {
			t.Fatal("three alike are not found")
		}
		edit(&applications[2].Changes[0])
		if got := Find(planOf(applications...)).List; len(got) != 0 {
			t.Errorf("%s: folded although one differs: %v", name, got)
		}
	}
}
