package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/risk"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// riskRounds bounds how often lists are read for questions of risk: what one list says
// can make another necessary.
const riskRounds = 5

// risks finds the risks of the applications of a plan that change. A plan without
// changes asks for nothing.
func (p *planning) risks(ctx context.Context) map[addr.Address][]plan.Risk {
	byCluster := map[string][]*draft{}
	for _, d := range p.drafts {
		if !d.failed() && slices.ContainsFunc(d.changes, matters) {
			key := d.session.identity() + "\x00" + d.session.as.String() // each reads as itself
			byCluster[key] = append(byCluster[key], d)
		}
	}
	var mu sync.Mutex
	out := map[addr.Address][]plan.Risk{}
	groups := make([][]*draft, 0, len(byCluster))
	for _, drafts := range byCluster {
		groups = append(groups, drafts)
	}
	parallel(ctx, len(groups), len(groups), func(i int) {
		found := p.risksIn(ctx, groups[i])
		mu.Lock()
		defer mu.Unlock()
		for j, d := range groups[i] {
			out[d.address] = found[j]
		}
	})
	return out
}

// matters reports whether there can be a risk in a change.
func matters(c plan.Change) bool {
	switch c.Action {
	case plan.Unchanged, plan.Forget, plan.Remember, plan.Blocked:
		return false
	case plan.Orphan, plan.Adopt, plan.Create, plan.Update, plan.Replace, plan.Run, plan.Prune:
		return true
	}
	return false
}

// risksIn finds the risks of applications in one cluster.
func (p *planning) risksIn(ctx context.Context, drafts []*draft) [][]plan.Risk {
	apps := make([]risk.Application, len(drafts))
	parallel(ctx, p.engine.options.Parallelism, len(drafts), func(i int) { apps[i] = p.riskApplication(ctx, drafts[i]) })
	var items []risk.Item
	for _, app := range apps {
		items = append(items, app.Items...)
	}
	session := drafts[0].session
	world := risk.NewCluster(session.info.Version, session.cluster == nil, items)
	out := make([][]plan.Risk, len(drafts))
	for range riskRounds {
		for i := range apps {
			out[i] = risk.Assess(&apps[i], world)
		}
		missing := world.Missing()
		if len(missing) == 0 || ctx.Err() != nil {
			break
		}
		p.readRisky(ctx, session, world, missing)
	}
	for i, d := range drafts {
		ids := make([]object.ID, len(d.changes))
		for j := range d.changes {
			ids[j] = d.changes[j].ID
		}
		d.warnings = append(d.warnings, risk.Unmatched(apps[i].Accepted, ids)...)
	}
	return out
}

// readRisky reads lists that questions of risk need: a kind that is needed in many
// namespaces with one list of them all. One that cannot be read is told where it
// matters, and is no error.
func (p *planning) readRisky(ctx context.Context, session *session, world *risk.Cluster, missing []risk.Scope) {
	namespaces := map[object.GVK]int{}
	for _, s := range missing {
		namespaces[s.GVK]++
	}
	var mu sync.Mutex
	wide := map[object.GVK]map[string][]object.Object{}
	kinds := slices.DeleteFunc(slices.Collect(maps.Keys(namespaces)), func(gvk object.GVK) bool { return namespaces[gvk] < wideFrom })
	parallel(ctx, p.engine.options.Parallelism, len(kinds), func(i int) {
		all, err := listRisky(ctx, session, risk.Scope{GVK: kinds[i]}, 4*namespaces[kinds[i]]+slack)
		if err != nil {
			return // each by itself, then
		}
		found := map[string][]object.Object{}
		for _, o := range all {
			found[o.Namespace()] = append(found[o.Namespace()], o)
		}
		mu.Lock()
		defer mu.Unlock()
		wide[kinds[i]] = found
	})
	objects, errs := make([][]object.Object, len(missing)), make([]error, len(missing))
	parallel(ctx, p.engine.options.Parallelism, len(missing), func(i int) {
		if found, ok := wide[missing[i].GVK]; ok {
			objects[i] = found[missing[i].Namespace]
			return
		}
		objects[i], errs[i] = listRisky(ctx, session, missing[i], 0)
	})
	for i, s := range missing {
		if ctx.Err() != nil && errs[i] == nil {
			errs[i] = context.Cause(ctx)
		}
		world.Add(s, objects[i], errs[i])
	}
}

// listRisky reads a list, nothing where the cluster does not have the kind.
func listRisky(ctx context.Context, session *session, s risk.Scope, atMost int) ([]object.Object, error) {
	resource, err := session.cluster.Resource(ctx, s.GVK)
	if err == nil {
		var found []object.Object
		if found, err = session.cluster.List(ctx, resource, s.Namespace, providers.ListOptions{AtMost: atMost}); err == nil {
			return found, nil
		}
	}
	if errors.Is(err, providers.ErrUnknownKind) || errors.Is(err, providers.ErrNotFound) {
		return nil, nil
	}
	return nil, err
}

// riskApplication is a draft as its risks are looked at.
func (p *planning) riskApplication(ctx context.Context, d *draft) risk.Application {
	out := risk.Application{Propagation: d.settings().Propagation, Range: rangeText(d.appRange())}
	for i := range d.changes {
		if c := &d.changes[i]; matters(*c) {
			out.Items = append(out.Items, p.riskItem(ctx, d, c))
		}
	}
	if d.leaves() {
		return out
	}
	for _, a := range d.app.AcceptedRisks {
		out.Accepted = append(out.Accepted, risk.Acceptance{
			Code: a.Code, Reason: a.Reason, Kind: a.Kind, Namespace: a.Namespace, Name: a.Name, Own: a.Own, Range: rangeText(a.Range),
		})
	}
	for i := range d.app.Sources {
		location := d.app.Sources[i].Location
		s := risk.Source{Pin: d.pins[i], Locked: p.engine.options.Lock.Holds(lockfile.Repository, location)}
		if location.Type == source.Git {
			if snapshot, err := p.engine.openLocation(ctx, location); err == nil { // it has been opened before
				s.Ref = snapshot.Ref
			}
		}
		out.Sources = append(out.Sources, s)
	}
	out.Varying, out.Clear = p.varying(ctx, d), d.inClear()
	return out
}

// riskItem is a change with its object before and after. Values that nobody must see
// are redacted.
func (p *planning) riskItem(ctx context.Context, d *draft, c *plan.Change) risk.Item {
	out := risk.Item{Change: c, After: c.Body}
	have := p.liveOf(d, c)
	if have != nil {
		out.Before, _ = p.engine.differ.Redact(have)
	}
	switch {
	case c.Action == plan.Orphan:
		out.After = out.Before
	case have != nil && (c.Action == plan.Update || c.Action == plan.Adopt):
		after, err := p.engine.differ.Moved(have, c.Target(), c.Moves, d.session.schema(ctx, c.GVK()))
		if err != nil {
			after = merged(have, c.Target())
		}
		out.After, _ = p.engine.differ.Redact(after)
	}
	return out
}

// liveOf returns the live object of a change, nil where there is none or nobody has
// looked.
func (p *planning) liveOf(d *draft, c *plan.Change) object.Object {
	if c.UID == "" || c.Hook != nil {
		return nil
	}
	for _, compared := range p.compared {
		if compared.session != d.session || compared.live == nil {
			continue
		}
		resource := providers.Resource{GVK: c.GVK(), Namespaced: c.Namespaced}
		if have, err := compared.live.find(resource, c.ID.Namespace, c.ID.Name); err == nil {
			return have
		}
	}
	return nil
}

// muchLater is by how much the second of two renderings is later: every part of the
// time is another one.
const muchLater = 400*24*time.Hour + time.Hour + time.Minute + time.Second

// varying renders an application again, where its charts may give something else every
// time, and returns the objects that are not the same.
func (p *planning) varying(ctx context.Context, d *draft) []risk.Varying {
	if !p.mayVary(ctx, d) {
		return nil
	}
	again := &draft{address: d.address, app: d.app, record: d.record, session: d.session}
	p.engine.desire(ctx, again, p.engine.renderLater(ctx, again, muchLater), p.lineage)
	if again.failed() || ctx.Err() != nil {
		return nil // it was rendered a moment ago: no reason to fail what was
	}
	first, second := namedObjects(d.desired), namedObjects(again.desired)
	var out []risk.Varying
	for id, a := range first {
		b, there := second[id]
		if !there {
			out = append(out, risk.Varying{Object: id, Origin: a.origin})
			continue
		}
		v := risk.Varying{Object: id, Origin: a.origin}
		typ := d.session.schema(ctx, a.resource.GVK)
		for _, f := range p.engine.differ.Fields(diff.Changes{Before: a.object, After: b.object, Desired: b.object, Type: typ}) {
			v.Paths = append(v.Paths, f.Path)
		}
		if len(v.Paths) > 0 {
			out = append(out, v)
		}
	}
	for id, b := range second {
		if _, there := first[id]; !there {
			out = append(out, risk.Varying{Object: id, Origin: b.origin})
		}
	}
	slices.SortFunc(out, func(a, b risk.Varying) int { return a.Object.Compare(b.Object) })
	return out
}

// namedObjects returns what is wanted by what it is, but for objects whose name the
// server makes, and for the namespace that there is to be where there is none.
func namedObjects(all []*desired) map[object.ID]*desired {
	out := map[object.ID]*desired{}
	for _, want := range all {
		if id := want.object.ID(); id.Name != "" && !want.whenAbsent {
			out[id] = want
		}
	}
	return out
}

// mayVary reports whether a source of an application may give something else every
// time. What its files say is looked up once for each revision and values of a chart.
func (p *planning) mayVary(ctx context.Context, d *draft) bool {
	opened := &draft{address: d.address, app: d.app, record: d.record, session: d.session}
	for _, in := range p.engine.inputs(ctx, opened) {
		renderer, err := p.engine.renderer(in.Input)
		if err != nil {
			return false
		}
		unsteady, ok := renderer.(providers.Unsteady)
		if !ok {
			continue
		}
		pin := opened.pins[in.source]
		key := digestOf([]any{pin, pin.Resolved, in.Spec.Helm, valuesOf(in.Spec.Helm), opened.referred()})
		if p.unsteady.once(key, func() bool {
			if err := p.engine.openNeeds(ctx, p.engine.rules(opened.app.Project), renderer, &in.Input); err != nil {
				return false
			}
			may, err := unsteady.MayVary(ctx, in.Input)
			return err == nil && may
		}) {
			return true
		}
	}
	return false
}

// referred are the pins of the sources whose files others may name: "$values/prod.yaml".
func (d *draft) referred() []any {
	var out []any
	for i, pin := range d.pins {
		if ref := d.app.Sources[i].Ref; ref != "" {
			out = append(out, ref, pin, pin.Resolved)
		}
	}
	return out
}

// valuesOf is what is in a source for a chart and does not show in its JSON.
func valuesOf(options *source.HelmOptions) any {
	if options == nil {
		return nil
	}
	return []any{options.Values, options.Parameters}
}

// answers are answers to questions that are asked once. Its zero value is ready to use.
type answers struct {
	mu  sync.Mutex
	all map[string]func() bool
}

// once returns the answer to a question, finding it where nobody has asked before.
func (a *answers) once(key string, find func() bool) bool {
	a.mu.Lock()
	answer, asked := a.all[key]
	if !asked {
		if a.all == nil {
			a.all = map[string]func() bool{}
		}
		answer = sync.OnceValue(find)
		a.all[key] = answer
	}
	a.mu.Unlock()
	return answer()
}
