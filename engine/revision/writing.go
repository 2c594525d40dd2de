package revision

import (
	"context"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// writing is a pack in the making.
type writing struct {
	*header
	bodies map[string]*body // those that it has itself, by digest
	known  map[string]int   // by digest: index in Bodies, counted from 1
	packs  map[string]int   // by key: index in Packs
	record *state.Record
}

// learn enters what is known of the packs of before, as far as they are there: what kept
// revisions need, and what this one may.
func (w *writing) learn(before *pack, there func(key string) bool) {
	if before == nil {
		return
	}
	revisions := append(slices.Clone(before.Kept), kept{ID: before.ID, Packs: before.indices(before.needs())})
	for _, r := range revisions {
		if !slices.ContainsFunc(w.record.History[:len(w.record.History)-1], func(e state.Entry) bool { return e.ID == r.ID && e.Revision != "" }) {
			continue
		}
		again := kept{ID: r.ID}
		for _, at := range r.Packs {
			again.Packs = append(again.Packs, w.pack(before.Packs[at]))
		}
		w.Kept = append(w.Kept, again)
	}
	for _, b := range before.Bodies {
		if key := before.Packs[b.Pack]; there(key) {
			w.Bodies = append(w.Bodies, place{Digest: b.Digest, Pack: w.pack(key)})
			w.known[b.Digest] = len(w.Bodies)
		}
	}
}

// tidy forgets packs that nothing needs, and the bodies in them.
func (w *writing) tidy() {
	needed := w.all()
	packs := make([]int, len(w.Packs)) // by index before: index now
	var keys []string
	for i, key := range w.Packs {
		if packs[i] = -1; needed[key] {
			packs[i] = len(keys)
			keys = append(keys, key)
		}
	}
	numbers := make([]int, len(w.Bodies)+1)
	var bodies []place
	for i, b := range w.Bodies {
		if packs[b.Pack] >= 0 {
			bodies = append(bodies, place{Digest: b.Digest, Pack: packs[b.Pack]})
			numbers[i+1] = len(bodies)
		}
	}
	for i := range w.Objects {
		w.Objects[i].Body = numbers[w.Objects[i].Body]
	}
	for i := range w.Kept {
		for j, at := range w.Kept[i].Packs {
			w.Kept[i].Packs[j] = packs[at]
		}
	}
	w.Packs, w.Bodies = keys, bodies
}

func (h *header) indices(keys []string) []int {
	out := make([]int, len(keys))
	for i, key := range keys {
		out[i] = slices.Index(h.Packs, key)
	}
	return out
}

func (w *writing) pack(key string) int {
	at, ok := w.packs[key]
	if !ok {
		at = len(w.Packs)
		w.Packs = append(w.Packs, key)
		w.packs[key] = at
	}
	return at
}

// remains reports whether a change is of an object that the application has afterwards.
func remains(c *plan.Change) bool {
	switch c.Action {
	case plan.Prune, plan.Orphan, plan.Forget, plan.Blocked:
		return false
	case plan.Unchanged, plan.Remember, plan.Adopt, plan.Create, plan.Update, plan.Replace, plan.Run:
	}
	return true
}

// add enters the objects of an application. A plan of some objects alone says nothing of
// the others, and of hooks: they are as they were.
func (w *writing) add(app *plan.Application, before *pack) error {
	old := w.was(before)
	taken := map[int]bool{}
	for i := range app.Changes {
		c := &app.Changes[i]
		at := old.find(c)
		if at >= 0 {
			taken[at] = true
		}
		if !remains(c) {
			continue
		}
		if c.Body != nil {
			number, err := w.body(c, app)
			if err != nil {
				return err
			}
			w.Objects = append(w.Objects, entry{Change: stripped(c), Body: number})
			continue
		}
		e := entry{Change: stripped(c)}
		if at >= 0 && old.holds(at, c) {
			e.Body, e.Change.Desired = old.number(w, at), old.Objects[at].Change.Desired
		}
		w.Objects = append(w.Objects, e)
	}
	if !app.Partial || before == nil {
		return nil
	}
	for i := range before.Objects {
		if c := &before.Objects[i].Change; !taken[i] && (c.Hook != nil || old.holds(i, c)) {
			w.Objects = append(w.Objects, entry{Change: *c, Body: old.number(w, i)})
		}
	}
	return nil
}

// body enters the body of a change, unless a kept pack has it.
func (w *writing) body(c *plan.Change, app *plan.Application) (int, error) {
	made := bodyOf(c, app.Address)
	digest, err := made.digest(c.Desired)
	if err != nil {
		return 0, err
	}
	if number, ok := w.known[digest]; ok {
		return number, nil
	}
	w.own(digest, made)
	return w.known[digest], nil
}

// own has the pack itself have a body.
func (w *writing) own(digest string, b *body) {
	w.bodies[digest] = b
	if number, ok := w.known[digest]; ok {
		w.Bodies[number-1].Pack = 0
		return
	}
	w.Bodies = append(w.Bodies, place{Digest: digest})
	w.known[digest] = len(w.Bodies)
}

// stripped is a change without what its body has, and without what was so at that time.
func stripped(c *plan.Change) plan.Change {
	return plan.Change{
		ID: c.ID, Version: c.Version, Plural: c.Plural, Namespaced: c.Namespaced, Action: c.Action, Origin: c.Origin, Source: c.Source,
		Phase: c.Phase, Wave: c.Wave, Desired: c.Desired, Keep: c.Keep, Hook: c.Hook, Propagation: c.Propagation,
	}
}

// lacks lists the objects that the record owns and of which no body is known.
func (w *writing) lacks() []object.ID {
	known := map[object.ID]bool{}
	for i := range w.Objects {
		if o := &w.Objects[i]; o.Body > 0 {
			known[o.Change.ID] = true
		}
	}
	var out []object.ID
	for i := range w.record.Objects {
		if o := &w.record.Objects[i]; !o.Hook && !known[o.ID] {
			out = append(out, o.ID)
		}
	}
	return out
}

// gather has the pack have all bodies of its revision itself.
func (k Keeper) gather(ctx context.Context, w *writing) error {
	for _, key := range w.needs()[1:] {
		from, err := k.read(ctx, key)
		if err != nil {
			return err
		}
		bodies, err := from.bodies()
		if err != nil {
			return err
		}
		for i := range w.Objects {
			if o := &w.Objects[i]; o.Body > 0 && w.Bodies[o.Body-1].Pack == w.packs[key] {
				if digest := w.Bodies[o.Body-1].Digest; bodies[digest] != nil {
					w.own(digest, bodies[digest])
				}
			}
		}
	}
	return nil
}

// was is the revision of before.
type was struct {
	*pack
	record *state.Record
	byID   map[object.ID][]int
}

func (w *writing) was(before *pack) *was {
	out := &was{pack: before, record: w.record, byID: map[object.ID][]int{}}
	if before == nil {
		return out
	}
	for i := range before.Objects {
		id := before.Objects[i].Change.ID
		out.byID[id] = append(out.byID[id], i)
		if before.Objects[i].Change.Hook != nil {
			id.Name = "" // its name may be one that is generated
			out.byID[id] = append(out.byID[id], i)
		}
	}
	return out
}

// find returns the index of the object that a change is of, in its phase; -1 where there is
// none.
func (o *was) find(c *plan.Change) int {
	ids := []object.ID{c.ID}
	if c.Hook != nil {
		ids = append(ids, object.ID{Group: c.ID.Group, Kind: c.ID.Kind, Namespace: c.ID.Namespace})
	}
	for _, id := range ids {
		for _, i := range o.byID[id] {
			if was := &o.Objects[i].Change; was.Phase == c.Phase && (was.Hook == nil) == (c.Hook == nil) && (c.Hook == nil || was.Desired == c.Desired) {
				return i
			}
		}
	}
	return -1
}

// holds reports whether what the i-th object was is what it is by now: an apply that failed
// has left no revision, and may have written something else.
func (o *was) holds(i int, c *plan.Change) bool {
	was := &o.Objects[i].Change
	if c.Hook != nil {
		return was.Desired == c.Desired
	}
	owned := o.record.Find(c.ID)
	return owned != nil && was.Desired != "" && owned.Desired == was.Desired
}

// number is the number that the body of the i-th object has in the new pack; 0 where it has
// none, or its pack is kept no more.
func (o *was) number(w *writing, i int) int {
	if o.Objects[i].Body == 0 {
		return 0
	}
	return w.known[o.Bodies[o.Objects[i].Body-1].Digest]
}
