package engine

import (
	"context"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// early is what is read of a cluster while sources are still being rendered: what the
// state says is there, which is nearly all that a plan asks for. A nil one has nothing.
type early struct {
	asked *wanted
	done  chan struct{} // closed once live is there
	live  *live
}

// readEarly begins to read what the applications of each cluster own, by their records.
// It goes on in the background; the group is what waits for it.
func (p *planning) readEarly(ctx context.Context, background *group) map[*session]*early {
	out := map[*session]*early{}
	for _, session := range p.sessions.list() {
		if session.cluster == nil || session.err != nil {
			continue
		}
		e := &early{asked: newWanted(), done: make(chan struct{})}
		e.asked.whole = true
		out[session] = e
		background.Go(func() {
			defer close(e.done)
			for _, d := range p.drafts {
				if d.session == session && d.record != nil && d.record.Cluster.UID == session.info.UID {
					e.ask(ctx, session, d.record)
				}
			}
			e.live = e.asked.read(ctx, session.cluster, p.engine.options.Parallelism, nil)
		})
	}
	return out
}

// ask asks for what a record owns.
func (e *early) ask(ctx context.Context, session *session, record *state.Record) {
	for _, owned := range record.Owns() {
		if owned.Hook {
			continue
		}
		if resource, err := session.owned(ctx, &owned); err == nil {
			e.asked.add(resource, owned.ID.Namespace, owned.ID.Name)
		}
	}
}

// take returns what was read of a scope, if all the names were read. It waits for the
// reading to end.
func (e *early) take(ctx context.Context, s scope, names map[string]bool) (map[string]object.Object, bool) {
	if e == nil {
		return nil, false
	}
	select {
	case <-e.done:
	case <-ctx.Done():
		return nil, false
	}
	if e.live == nil { // it panicked, which is told elsewhere
		return nil, false
	}
	read, ok := e.live.objects[s]
	if !ok {
		return nil, false
	}
	if named, ok := e.live.byName[s]; ok { // so the others are not known
		for name := range names {
			if err, asked := named[name]; !asked || err != nil {
				return nil, false
			}
		}
	}
	found := make(map[string]object.Object, len(names))
	for name := range names {
		if o := read[name]; o != nil {
			found[name] = o
		}
	}
	return found, true
}
