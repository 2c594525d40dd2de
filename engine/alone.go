package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine/takes"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// alone waits until nothing is left that would go with a namespace or a definition
// but what it is planned to take, as long as it is this apply that deletes it, and
// fails where something else is there: since it was checked, or because an
// application was left out.
func (p *progress) alone(ctx context.Context, c *plan.Change) error {
	kind := c.ID.GroupKind()
	if kind != namespaceKind && kind != crdKind {
		return nil
	}
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.session.cluster.Refresh() // kinds that came since the plan was begun count, too
	planned, deleted := p.applying.taken(p.session.info.UID), p.applying.deletes[p.session.info.UID]
	deadline := p.applying.engine.options.Now().Add(aloneTimeout)
	for {
		left, err := p.loose(ctx, have)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, id := range left {
			if !deleted[id] && !planned[keyOf(id)] {
				return fmt.Errorf("with it would go %s, which is not in the plan: it is left as it is. Plan again", id)
			}
		}
		if p.applying.engine.options.Now().After(deadline) {
			return fmt.Errorf("with it would go %s, which was to be deleted first and is still there. Plan again", left[0])
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// aloneTimeout is how long a deletion waits for those that must come before it.
const aloneTimeout = time.Minute

// loose lists what would go with a namespace or a definition alone, as it is now.
func (p *progress) loose(ctx context.Context, have object.Object) ([]object.ID, error) {
	kinds, err := p.session.cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	unknown, err := undiscovered(ctx, p.session.cluster)
	if err != nil {
		return nil, err
	}
	d := takes.Deletion{Object: have, Orphan: true}
	for _, u := range unknown {
		if _, loose := d.Hides(u.Read); loose {
			return nil, u.err
		}
	}
	world := takes.NewWorld(p.applying.plan.Lineage)
	if unread := p.applying.engine.readInto(ctx, p.session.cluster, world, takes.LooseReads(kinds, d)); len(unread) > 0 {
		return nil, unread[0].err
	}
	return world.Of([]takes.Deletion{d})[0].Loose, ctx.Err()
}

// takeKey names what goes with deletions of one cluster.
type takeKey struct {
	kind object.GroupKind
	id   plan.TakenID
}

func (k takeKey) object() object.ID {
	return object.ID{Group: k.kind.Group, Kind: k.kind.Kind, Namespace: k.id.Namespace, Name: k.id.Name}
}

func keyOf(id object.ID) takeKey {
	return takeKey{id.GroupKind(), plan.TakenID{Namespace: id.Namespace, Name: id.Name}}
}

// taken is what a plan says that goes with its deletions in a cluster.
func (a *applying) taken(uid string) map[takeKey]bool {
	out := map[takeKey]bool{}
	for _, p := range a.apps {
		if p.session == nil || p.session.info.UID != uid {
			continue
		}
		for i := range p.app.Changes {
			for _, taken := range p.app.Changes[i].Takes {
				for _, id := range taken.IDs {
					out[takeKey{object.GroupKind{Group: taken.Group, Kind: taken.Kind}, id}] = true
				}
			}
		}
	}
	return out
}

// verifyTakes leaves out the applications with whose deletions more would go by now
// than when they were planned: what comes and goes by itself aside. What cannot be
// read counts as it does when planning.
func (a *applying) verifyTakes(ctx context.Context, session *session, apps []*progress) {
	type root struct {
		app *progress
		id  object.ID
	}
	var roots []root
	var dels []takes.Deletion
	for _, p := range apps {
		for i := range p.app.Changes {
			if c := &p.app.Changes[i]; c.Action.Deletes() && p.live[i] != nil && !p.replaced(c, p.live[i]) {
				roots = append(roots, root{p, c.ID})
				dels = append(dels, takes.Deletion{Object: p.live[i], Orphan: cmp.Or(c.Propagation, p.app.Settings.Propagation) == "Orphan"})
			}
		}
	}
	if len(dels) == 0 {
		return
	}
	world, _, err := a.engine.world(ctx, session.cluster, a.plan.Lineage, dels)
	if err != nil {
		for _, r := range roots {
			r.app.skip(fmt.Sprintf("what goes with its deletions cannot be read: %s", err))
		}
		return
	}
	planned, deleted := a.taken(session.info.UID), a.deletes[session.info.UID]
	for i, result := range world.Of(dels) {
		for _, taken := range result.Taken {
			kind := object.GroupKind{Group: taken.Group, Kind: taken.Kind}
			more := slices.DeleteFunc(slices.Clone(taken.IDs), func(id plan.TakenID) bool {
				return planned[takeKey{kind, id}] || deleted[takeKey{kind, id}.object()]
			})
			if taken.Transient || len(more) == 0 {
				continue
			}
			roots[i].app.skip(staleError(fmt.Sprintf("with %s would go %s by now, which is not in the plan", roots[i].id, takeKey{kind, more[0]}.object())).Error())
		}
	}
}
