package guard_test

import (
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// BenchmarkObjects holds 10,000 objects to each of 20 projects, compiled anew every time.
func BenchmarkObjects(b *testing.B) {
	const objects, count = 10_000, 20
	projects := make([]*plan.Project, count)
	for i := range projects {
		projects[i] = production()
		projects[i].Name = fmt.Sprintf("p%d", i)
	}
	ids := make([]object.ID, objects)
	for i := range ids {
		ids[i] = object.ID{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprintf("n%d", i%100), Name: fmt.Sprintf("web-%d", i)}
	}
	for b.Loop() {
		for _, project := range projects {
			rules := guard.Compile(project)
			for _, id := range ids {
				if problems := rules.Object(id, true, "prod-eu", "https://eu.example.com"); problems != nil {
					b.Fatal(problems)
				}
			}
		}
	}
}
