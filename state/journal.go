package state

import (
	"slices"

	"github.com/gantrycd/gantry/plan/object"
)

// The methods below change a record in memory; Records.Put makes it last. They
// are not safe for concurrent use.

// Begin notes changes that are about to be made. There is one intent for an
// object at most: a newer one takes the place of the older.
func (r *Record) Begin(intents ...Intent) {
	newer := make(map[object.ID]bool, len(intents))
	for _, intent := range intents {
		newer[intent.ID] = true
	}
	r.Journal = slices.DeleteFunc(r.Journal, func(i Intent) bool { return newer[i.ID] })
	at := make(map[object.ID]int, len(intents))
	for _, intent := range intents {
		if i, twice := at[intent.ID]; twice {
			r.Journal[i] = intent
			continue
		}
		at[intent.ID] = len(r.Journal)
		r.Journal = append(r.Journal, intent)
	}
}

// Done forgets what was begun with an object, because its outcome is known.
func (r *Record) Done(id object.ID) {
	r.Journal = slices.DeleteFunc(r.Journal, func(i Intent) bool { return i.ID == id })
}

// Own notes an object as owned, in the place of what was known of it.
func (r *Record) Own(owned Owned) {
	i, found := r.search(owned.ID)
	if found {
		r.Objects[i] = owned
	} else {
		r.Objects = slices.Insert(r.Objects, i, owned)
	}
}

// Disown forgets an object, because it is gone or no longer ours.
func (r *Record) Disown(id object.ID) {
	if i, found := r.search(id); found {
		r.Objects = slices.Delete(r.Objects, i, i+1)
	}
}

// Finish adds an entry to the history. If it has a Plan, older entries lose theirs. The
// newest limit applies are kept, and as many of what was done beside them (Entry.Act), so
// that these do not push those out; and the entry with a Plan, whichever it is. A limit
// below 1 keeps all.
func (r *Record) Finish(entry Entry, limit int) {
	if entry.Plan != nil {
		for i := range r.History {
			r.History[i].Plan = nil
		}
	}
	r.History = append(r.History, entry)
	if limit < 1 {
		return
	}
	left := map[bool]int{true: limit, false: limit}
	kept := make([]Entry, 0, len(r.History))
	for _, e := range slices.Backward(r.History) {
		acts := e.Act != nil
		if left[acts]--; left[acts] >= 0 || e.Plan != nil {
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	r.History = kept
}

func (r *Record) search(id object.ID) (int, bool) {
	return slices.BinarySearchFunc(r.Objects, id, func(o Owned, id object.ID) int { return o.ID.Compare(id) })
}
