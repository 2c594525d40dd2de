package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// What an application lets go of may be wanted by one that a narrow plan leaves out: it was
// given over in an earlier change that is not applied yet, or both rendered it, so that
// neither could be planned. So where anything may go, those left out are rendered too, as far
// as they are on the same clusters. Nothing of them is compared, and nothing is in the plan.

// leftOut renders what a narrow plan leaves out, where it must be known what that wants.
func (p *planning) leftOut(ctx context.Context) []*draft {
	if p.options.Affected == nil || p.options.Offline {
		return nil
	}
	loses := p.loses()
	if len(loses) == 0 {
		return nil
	}
	rest := &planning{engine: p.engine, config: p.config, options: p.options, records: p.records, lineage: p.lineage, sessions: p.engine.newSessions(false)}
	planned := map[addr.Address]bool{}
	for _, d := range p.drafts {
		planned[d.address] = true
	}
	for _, app := range p.config.Applications {
		if planned[app.Address] || app.Lifecycle.Disabled || p.engine.options.Withheld[app.Address] || !p.mayBeOn(app.Destination.Cluster, loses) {
			continue
		}
		d := &draft{address: app.Address, app: app, record: p.records[app.Address]}
		rest.enter(d)
		rest.drafts = append(rest.drafts, d)
	}
	sortDrafts(rest.drafts)
	rest.sessions.connectLike(ctx, p.sessions)
	rendered := make([][]rendering, len(rest.drafts))
	parallel(ctx, p.engine.options.Parallelism, len(rest.drafts), func(i int) {
		d := rest.drafts[i]
		if d.failed() {
			return
		}
		if d.session.err != nil {
			d.fail(rest.clusterRange(d), "Cluster cannot be read", clusterError(d.session).Error())
			return
		}
		if elsewhere(d) {
			return
		}
		if rest.guardApplication(d); !d.failed() {
			rendered[i] = p.engine.render(ctx, d)
		}
	})
	rest.shape(ctx, rendered)
	return rest.drafts
}

// loses are the clusters, by identity, that have an object which an application of the plan
// owns, and which none of the plan wants.
func (p *planning) loses() map[string]bool {
	wanted := map[string]map[object.ID]bool{}
	for _, d := range p.drafts {
		for _, want := range d.desired {
			on := d.session.identity()
			if wanted[on] == nil {
				wanted[on] = map[object.ID]bool{}
			}
			wanted[on][want.object.ID()] = true
		}
	}
	out := map[string]bool{}
	for _, d := range p.drafts {
		if d.failed() {
			continue
		}
		on := d.session.identity()
		for _, owned := range d.record.Owns() {
			if !wanted[on][owned.ID] && (!owned.Hook || d.leaves()) {
				out[on] = true
				break
			}
		}
	}
	return out
}

// mayBeOn reports whether a cluster block may name one of some clusters. What it named when
// something was last applied there is taken for what it names, for who names another has
// touched it.
func (p *planning) mayBeOn(cluster *lang.Cluster, identities map[string]bool) bool {
	for _, session := range p.sessions.list() {
		if session.name == cluster.Name && session.err == nil {
			return identities[session.identity()]
		}
	}
	for _, record := range p.records {
		if record != nil && record.Cluster.Name == cluster.Name && record.Cluster.UID != "" {
			return identities[record.Cluster.UID]
		}
	}
	return true
}

// connectLike connects to clusters, and uses what others are connected to already. It learns
// what the plan of the others defines, and they do not learn what it defines.
func (s *sessions) connectLike(ctx context.Context, others *sessions) {
	missing := maps.Clone(s.byName)
	for _, other := range others.list() {
		if other.err != nil || other.cluster == nil {
			continue
		}
		for key, session := range s.byName {
			if session.name != other.name {
				continue
			}
			delete(missing, key)
			session.cluster, session.info = other.cluster, other.info
			for kind, defined := range other.defined {
				session.defined[kind] = slices.Concat(session.defined[kind], defined)
			}
		}
	}
	(&sessions{engine: s.engine, byName: missing}).connect(ctx)
}
