// Package revision keeps what applications were: all objects of each apply that succeeded,
// so that it can be shown, gone back to, and drift be corrected to.
//
// A revision is a pack, one value of the state beside the record. It has the bodies that no
// kept pack before it has, and says of each object which pack its body is in, so that what
// does not change is stored once. Packs are written once and never changed: who no longer
// holds an application cannot harm what another has written. One goes when no entry of the
// history needs it any more. Secrets are sealed before they come here.
//
// The package knows records and plans, and no cluster; the engine imports it.
package revision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
)

// Prefix is that of the keys of packs.
const Prefix = state.RevisionPrefix

// maxPacks is how many packs a revision draws on at most: one that would need more has all
// bodies itself.
const maxPacks = 16

// Keeper writes and reads revisions in the store of a state.
type Keeper struct {
	Store   state.Store
	Lineage string
	// New tells that Save is of a record which the caller has made: nobody has kept anything
	// of it before, so that what there is need not be listed.
	New bool
}

// Saved is what Save wrote.
type Saved struct {
	Key string
	// Lacks are objects that the application owns and whose bodies nobody knows, sorted.
	Lacks []object.ID
	// Lost says which packs of before could not be read.
	Lost error

	outdated []string // keys of packs that no entry needs any more
}

// Save writes the revision of the newest entry of a record's history, which has its ID
// already and lost those entries that are not kept. app is the application as it was
// applied, with Secrets sealed. What it has unchanged, without a body, is taken from the
// revision before, as long as the record says that this is what was written. The record is
// not written: until Collect everything that was there before is there.
func (k Keeper) Save(ctx context.Context, record *state.Record, app *plan.Application) (*Saved, error) {
	newest := record.History[len(record.History)-1]
	before, lost := k.before(ctx, record)
	folder := folderOf(record)
	var listed []string
	if !k.New {
		var err error
		if listed, err = k.Store.List(ctx, folder); err != nil {
			return nil, err
		}
	}
	w := &writing{
		header: &header{Lineage: k.Lineage, Address: record.Address, ID: newest.ID, Application: *app, Packs: []string{""}},
		bodies: map[string]*body{}, known: map[string]int{}, packs: map[string]int{}, record: record,
	}
	w.Application.Changes = nil
	w.Application.Blocked, w.Application.Warnings, w.Application.Risks, w.Application.Prior = nil, nil, nil, nil
	w.Application.Held, w.Application.Lifts = nil, nil
	w.learn(before, func(key string) bool {
		return !strings.HasPrefix(key, folder+"/") || slices.Contains(listed, key) // where it moved from, nobody looks
	})
	if err := w.add(app, before); err != nil {
		return nil, err
	}
	if len(w.needs()) > maxPacks {
		if err := k.gather(ctx, w); err != nil {
			lost = errors.Join(lost, err)
		}
	}
	w.tidy()
	out := &Saved{Lacks: w.lacks(), Lost: lost}
	var err error
	if out.Key, err = k.put(ctx, w); err != nil {
		return nil, err
	}
	needed := w.all()
	if before != nil {
		listed = append(listed, before.Packs...)
	}
	slices.Sort(listed)
	for _, key := range slices.Compact(listed) {
		// What is newer is of someone who has taken over meanwhile.
		if uid, id := nameOf(key); uid == record.UID && id <= newest.ID && !needed[key] {
			out.outdated = append(out.outdated, key)
		}
	}
	return out, nil
}

// Migrate writes the revisions of entries that have them in themselves, as an older gantry
// wrote them, but for the newest entry; the record is to be written after it.
func (k Keeper) Migrate(ctx context.Context, record *state.Record) error {
	for i := range record.History[:len(record.History)-1] {
		entry := &record.History[i]
		if entry.Plan == nil || entry.Revision != "" {
			continue
		}
		found, err := legacy(entry, nil)
		if err != nil {
			return err
		}
		then := *record
		then.History = record.History[:i+1]
		saved, err := k.Save(ctx, &then, found.Application)
		if err != nil {
			return err
		}
		entry.Plan, entry.Revision, entry.Incomplete = nil, saved.Key, len(saved.Lacks) > 0
	}
	return nil
}

// before reads the newest pack of an entry before the newest one. Those that cannot be read
// are told.
func (k Keeper) before(ctx context.Context, record *state.Record) (*pack, error) {
	var lost []error
	for i := len(record.History) - 2; i >= 0; i-- {
		entry := &record.History[i]
		if entry.Revision == "" {
			continue
		}
		found, err := k.read(ctx, entry.Revision)
		if err == nil {
			return found, errors.Join(lost...)
		}
		lost = append(lost, fmt.Errorf("revision %d is lost: %w", entry.ID, err))
	}
	return nil, errors.Join(lost...)
}

// read reads a pack of this installation.
func (k Keeper) read(ctx context.Context, key string) (*pack, error) {
	value, _, err := k.Store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	found, err := decode(key, value)
	if err != nil {
		return nil, err
	}
	if found.Lineage != k.Lineage {
		return nil, &state.BrokenError{Key: key, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, k.Lineage)}
	}
	if found.Packs[0] != key {
		return nil, &state.BrokenError{Key: key, Reason: fmt.Sprintf("it is the one of %s", found.Packs[0])}
	}
	return found, nil
}

// put writes a pack under a name that nobody has: the one of an apply that was killed may
// be taken, and is left as it is.
func (k Keeper) put(ctx context.Context, w *writing) (string, error) {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		name := w.record.UID + "." + strconv.FormatInt(w.ID, 10)
		if attempt > 1 {
			name += "-" + strconv.Itoa(attempt)
		}
		key := folderOf(w.record) + "/" + name
		w.Packs[0] = key
		text, err := encode(w.header, w.bodies)
		if err != nil {
			return "", err
		}
		_, err = k.Store.Put(ctx, key, text, "")
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrUnknown) || attempt == attempts {
			return "", err
		}
	}
}

// Collect removes the packs that no entry of the history needs any more, once the record
// is written: also those that an apply which was killed has left.
func (k Keeper) Collect(ctx context.Context, saved *Saved) error {
	return k.remove(ctx, saved.outdated)
}

func folderOf(record *state.Record) string {
	return Prefix + "/" + state.EscapeSegment(record.Address.String())
}

// all are the packs that the revision and the kept ones need.
func (h *header) all() map[string]bool {
	out := map[string]bool{}
	for _, key := range h.needs() {
		out[key] = true
	}
	for _, kept := range h.Kept {
		for _, at := range kept.Packs {
			out[h.Packs[at]] = true
		}
	}
	return out
}

// nameOf tells of which record and which entry a pack is.
func nameOf(key string) (uid string, id int64) {
	name := key[strings.LastIndexByte(key, '/')+1:]
	uid, rest, _ := strings.Cut(name, ".")
	number, _, _ := strings.Cut(rest, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", 0
	}
	return uid, id
}

// Drop removes all packs of a record that is no more.
func (k Keeper) Drop(ctx context.Context, record *state.Record) error {
	all := map[string]bool{}
	if newest, _ := k.before(ctx, &state.Record{History: append(slices.Clone(record.History), state.Entry{})}); newest != nil {
		all = newest.all()
	}
	listed, err := k.Store.List(ctx, folderOf(record))
	for _, key := range listed {
		if uid, _ := nameOf(key); uid == record.UID && record.UID != "" {
			all[key] = true
		}
	}
	keys := make([]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return errors.Join(err, k.remove(ctx, keys))
}

func (k Keeper) remove(ctx context.Context, keys []string) error {
	var errs []error
	for _, key := range keys {
		_, version, err := k.Store.Get(ctx, key)
		if err == nil {
			err = k.Store.Delete(ctx, key, version)
		}
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Revision is what an application was.
type Revision struct {
	// Application is as it was applied. Changes are its objects, hooks among them; one
	// whose body is not known has none.
	Application *plan.Application
	// Lost says why bodies that were stored cannot be read any more; nil where none is lost.
	Lost error
}

// Lacks lists the objects whose bodies are not known.
func (r *Revision) Lacks() []object.ID {
	var out []object.ID
	for i := range r.Application.Changes {
		if c := &r.Application.Changes[i]; c.Body == nil {
			out = append(out, c.ID)
		}
	}
	return out
}

// Load reads the revision of an entry; nil where it has none. Where there is an identity,
// Secrets are open.
func (k Keeper) Load(ctx context.Context, entry *state.Entry, identity *seal.Identity) (*Revision, error) {
	switch {
	case entry.Revision != "":
	case entry.Plan != nil:
		return legacy(entry, identity)
	default:
		return nil, nil
	}
	found, err := k.read(ctx, entry.Revision)
	if err != nil {
		return nil, err
	}
	out := &Revision{Application: &found.Application}
	bodies := map[string]*body{}
	var lost []error
	for _, key := range found.needs() {
		from := found
		if key != entry.Revision {
			if from, err = k.read(ctx, key); err != nil {
				lost = append(lost, err)
				continue
			}
		}
		more, err := from.bodies()
		if err != nil {
			lost = append(lost, err)
			continue
		}
		for digest, b := range more {
			bodies[digest] = b
		}
	}
	for _, o := range found.Objects {
		c := o.Change
		if o.Body > 0 {
			if b := bodies[found.Bodies[o.Body-1].Digest]; b != nil {
				b.into(&c)
				if c.Secret, err = b.open(&c, identity); err != nil {
					return nil, err
				}
			}
		}
		out.Application.Changes = append(out.Application.Changes, c)
	}
	out.Lost = errors.Join(lost...)
	return out, nil
}

// open opens the real object of a change that has the body.
func (b *body) open(c *plan.Change, identity *seal.Identity) (object.Object, error) {
	if len(b.Sealed) == 0 || identity == nil {
		return nil, nil
	}
	opened, err := planfile.UnsealApplication(&plan.Application{Address: b.SealedFor, Changes: []plan.Change{*c}}, identity)
	if err != nil {
		return nil, err
	}
	return opened.Changes[0].Secret, nil
}

// legacy is the revision of an entry that has all of it in itself.
func legacy(entry *state.Entry, identity *seal.Identity) (*Revision, error) {
	app := &plan.Application{}
	err := kjson.UnmarshalCaseSensitivePreserveInts(entry.Plan, app)
	if err != nil {
		return nil, fmt.Errorf("the plan that was applied, of serial %d in the history, cannot be read: %w", entry.Serial, err)
	}
	if identity != nil {
		if app, err = planfile.UnsealApplication(app, identity); err != nil {
			return nil, err
		}
	}
	app.Changes = slices.DeleteFunc(app.Changes, func(c plan.Change) bool { return !remains(&c) })
	return &Revision{Application: app}, nil
}

// Check reports whether all packs that the revision of an entry needs can be read.
func (k Keeper) Check(ctx context.Context, entry *state.Entry) error {
	if entry.Revision == "" {
		return nil
	}
	found, err := k.read(ctx, entry.Revision)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range found.needs()[1:] {
		_, err := k.read(ctx, key)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
