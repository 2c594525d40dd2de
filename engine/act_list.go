package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/action"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Actionable is an object of an application that something can be done to.
type Actionable struct {
	Application addr.Address
	Object      object.ID
	Offers      []Offer // sorted by name
}

// Offer is an action on an object.
type Offer struct {
	*action.Action
	NotNow string // why it makes no sense at present; empty where it does
}

// Actions lists what can be done to which objects of applications, sorted by application
// and object; no targets are all applications. A cluster that cannot be read costs only
// what its objects are like at present.
func (e *Engine) Actions(ctx context.Context, config *lang.Config, targets []addr.Address) ([]Actionable, hcl.Diagnostics) {
	e.use(config)
	p := &planning{engine: e, config: config, options: PlanOptions{Targets: targets}, sessions: e.newSessions(false)}
	if diags := p.collectApplied(ctx); diags.HasErrors() {
		return nil, diags
	}
	p.sessions.connect(ctx)
	found := make([][]Actionable, len(p.drafts))
	told := make([]hcl.Diagnostics, len(p.drafts))
	parallel(ctx, e.options.Parallelism, len(p.drafts), func(i int) {
		found[i], told[i] = e.actionable(ctx, p.drafts[i])
	})
	diags := p.diags
	var out []Actionable
	for i := range found {
		out, diags = append(out, found[i]...), append(diags, told[i]...)
	}
	return out, diags
}

// ActionsOf lists what can be done to the objects of a record, whatever they are like at
// present, sorted by object. What hooks left behind is left out.
func ActionsOf(record *state.Record) []Actionable {
	var out []Actionable
	for i := range record.Objects {
		o := &record.Objects[i]
		offers := action.Of(o.ID.GroupKind())
		if len(offers) == 0 || o.Hook {
			continue
		}
		one := Actionable{Application: record.Address, Object: o.ID}
		for _, a := range offers {
			one.Offers = append(one.Offers, Offer{Action: a})
		}
		out = append(out, one)
	}
	return out
}

// actionable lists what can be done to the objects of one application.
func (e *Engine) actionable(ctx context.Context, d *draft) ([]Actionable, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	readable := d.session.err == nil && d.session.info.UID == d.record.Cluster.UID
	if !readable {
		detail := anotherCluster(d.session, d.record)
		if d.session.err != nil {
			detail = clusterError(d.session).Error()
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Live objects are not known", Detail: fmt.Sprintf("%s: %s. What can be done at present is not told.", d.address, strings.TrimSuffix(detail, ".")),
		})
	}
	out := ActionsOf(d.record)
	if !readable {
		return out, diags
	}
	ask := newWanted()
	for i := range out {
		o := d.record.Find(out[i].Object)
		ask.add(servedAs(o), o.ID.Namespace, o.ID.Name)
	}
	now := ask.read(ctx, d.session.cluster, e.options.Parallelism, nil)
	for i := range out {
		o := d.record.Find(out[i].Object)
		have, err := now.find(servedAs(o), o.ID.Namespace, o.ID.Name)
		for j := range out[i].Offers {
			offer := &out[i].Offers[j]
			switch {
			case err != nil:
				offer.NotNow = "it cannot be read: " + err.Error()
			case have == nil:
				offer.NotNow = "it was deleted"
			default:
				offer.NotNow = offer.Action.NotNow(have)
			}
		}
	}
	return out, diags
}
