package revision_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine/revision"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
)

// BenchmarkHistory is what the history of 100 applications of 100 objects each costs an
// apply on the local backend, when all of it is new and when an object of each changes:
// beside the record as it is, and in the record, as it was once.
func BenchmarkHistory(b *testing.B) {
	const applications, objects = 100, 100
	for _, changed := range []int{objects, 1} {
		for _, beside := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d changed, beside the record: %v", changed, beside), func(b *testing.B) {
				records, err := state.Open(b.Context(), local.New(b.TempDir()))
				if err != nil {
					b.Fatal(err)
				}
				keeper := revision.Keeper{Store: records.Store(), Lineage: records.Lineage()}
				all := make([]*state.Record, applications)
				versions := make([]string, applications)
				written := 0
				apply := func(round, changed int) {
					for i := range all {
						if all[i] == nil {
							all[i] = &state.Record{Address: addr.Application(fmt.Sprintf("app%d", i)), UID: "uid"}
						}
						r := all[i]
						app := deployments(r, objects, changed, round)
						r.Finish(state.Entry{Outcome: "succeeded"}, 10)
						newest := &r.History[len(r.History)-1]
						var saved *revision.Saved
						if beside {
							if saved, err = keeper.Save(b.Context(), r, app); err != nil {
								b.Fatal(err)
							}
							newest.Revision = saved.Key
						} else {
							for j := range r.History {
								r.History[j].Plan = nil
							}
							if newest.Plan, err = json.Marshal(deployments(r, objects, objects, round)); err != nil {
								b.Fatal(err)
							}
						}
						if versions[i], err = records.Put(b.Context(), r, versions[i]); err != nil {
							b.Fatal(err)
						}
						if saved != nil {
							if err := keeper.Collect(b.Context(), saved); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
				if changed < objects {
					apply(0, objects)
				}
				round := 1
				for b.Loop() {
					apply(round, changed)
					round++
				}
				for _, r := range all {
					text, _, err := records.Store().Get(b.Context(), state.RecordKey(r.Address))
					if err != nil {
						b.Fatal(err)
					}
					written += len(text)
				}
				b.ReportMetric(float64(written)/applications/1024, "KB/record")
			})
		}
	}
}

// deployments is an application as it is applied, and its record.
func deployments(r *state.Record, count, changed, round int) *plan.Application {
	app := &plan.Application{Address: r.Address, Name: r.Address.Name}
	for i := range count {
		name := fmt.Sprintf("d%d", i)
		desired := fmt.Sprintf("hmac-sha256:%064x", i)
		c := plan.Change{ID: object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: name}, Version: "v1", Plural: "deployments", Namespaced: true, Action: plan.Unchanged}
		if i < changed {
			desired = fmt.Sprintf("hmac-sha256:%064x", i+round*1000)
			env := []any{}
			for j := range 12 {
				env = append(env, map[string]any{"name": fmt.Sprintf("VARIABLE_%d", j), "value": fmt.Sprintf("value-%d-of-%s-in-%d", j, name, round)})
			}
			c.Action = plan.Update
			c.Body = object.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": "web", "labels": map[string]any{"app": name}}, "spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"app": name}},
				"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": name}}, "spec": map[string]any{"containers": []any{map[string]any{"name": "app", "image": "registry.example.com/app:1", "env": env}}}},
			}}
		}
		c.Desired = desired
		r.Own(state.Owned{ID: c.ID, Version: "v1", Plural: "deployments", Namespaced: true, Desired: desired, Values: desired})
		app.Changes = append(app.Changes, c)
	}
	return app
}
