// Package against plans what a change of a configuration does by itself: the
// configuration as it was is planned and applied to clusters in memory, and the one
// that it has become is planned against those. No cluster and no state is asked, and
// both plans are made by the engine that makes all others, so that what it says of
// moves, of what leaves and of what may not is said here too.
//
// It proves nothing about a server: nothing is defaulted and nothing refused. Only
// cmd imports it.
package against

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
	statememory "github.com/gantrycd/gantry/state/memory"
)

// Side is one of the two configurations. Of Options, Clusters and Records are not
// looked at; Fingerprinter must be the same on both sides.
type Side struct {
	Config  *lang.Config
	Options engine.Options
	// Unsound says that the configuration has errors beyond what it tells of itself.
	Unsound bool
}

// Options are what else there is to say.
type Options struct {
	// Ref and Commit name the revision of the configuration as it was.
	Ref, Commit string
	// Targets and AllowRemoved are as in engine.PlanOptions.
	Targets, AllowRemoved []addr.Address
	// Affected is as in engine.PlanOptions.
	Affected *engine.Affected
	// About tells what charts are told of a cluster; nil tells nothing.
	About About
}

// Plan makes the plan. What is wrong with the configuration as it was is in the first
// diagnostics, as it concerns what can be compared only; what is wrong with the one
// that it has become is in the second. The plan cannot be applied.
func Plan(ctx context.Context, before, after Side, options Options) (*plan.Plan, hcl.Diagnostics, hcl.Diagnostics) {
	records, err := state.Open(ctx, statememory.New(), state.WithLineage(lineage))
	if err != nil {
		return nil, nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be opened", Detail: err.Error()}}
	}
	w := newWorld(options.About)
	before.Options.Clusters, before.Options.Records = w, records
	before.Options.Events, before.Options.HealthTimeout = nil, healthTimeout
	before.Options.Unsigned, after.Options.Unsigned = true, true // nothing of it is applied
	missing, former := w.become(ctx, before, options.Affected.Before(before.Config, after.Config))
	if ctx.Err() != nil {
		return nil, nil, former
	}
	after.Options.Clusters, after.Options.Records = w, records
	made, diags := engine.New(after.Options).Plan(ctx, after.Config, engine.PlanOptions{
		Targets: options.Targets, Affected: options.Affected, AllowRemoved: options.AllowRemoved, Unsound: after.Unsound,
	})
	if made == nil {
		return nil, former, diags
	}
	made.Offline, made.Against = true, &plan.Against{Ref: options.Ref, Commit: options.Commit}
	diags = append(diags, withhold(made, missing, after.Config, options.Ref)...)
	present(made)
	return made, former, diags
}

// lineage is of the state that there never was: the same for every plan, so that two
// of the same change are the same.
const lineage = "00000000-0000-4000-8000-000000000000"

// withhold takes out of a plan the applications of which it is not known what they
// were.
func withhold(made *plan.Plan, missing map[addr.Address]string, config *lang.Config, ref string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	now := make(map[addr.Address]string, len(missing))
	for address, why := range missing {
		now[config.Refactoring.Current(address)] = why
	}
	made.Applications = slices.DeleteFunc(made.Applications, func(a plan.Application) bool {
		for was, why := range now {
			if !was.Covers(a.Address) {
				continue
			}
			problem := plan.Problem{
				Address: a.Address, Summary: "Application cannot be compared",
				Detail: fmt.Sprintf("What it was at %s cannot be told: %s", ref, why),
			}
			made.Problems = append(made.Problems, problem)
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: problem.Summary, Detail: fmt.Sprintf("%s: %s", a.Address, problem.Detail),
			})
			return true
		}
		return false
	})
	return diags
}

// present leaves out of a plan what is of clusters and a state that there never were,
// and what only applying needs.
func present(made *plan.Plan) {
	made.Lineage, made.Steps = "", nil
	for i := range made.Clusters {
		made.Clusters[i].UID, made.Clusters[i].Server = "", ""
	}
	for i := range made.Applications {
		a := &made.Applications[i]
		a.Serial, a.Digest = 0, ""
		for j := range a.Changes {
			c := &a.Changes[j]
			c.UID, c.Seen = "", ""
			if c.Action != plan.Unchanged {
				c.Predicted, c.Validation = true, plan.NotValidated
			}
			var fields []plan.FieldChange
			for _, f := range c.Fields {
				fields = append(fields, diff.Inside(f)...)
			}
			c.Fields = fields
		}
	}
}
