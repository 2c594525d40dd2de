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

// Finish adds an entry to the history, with the next ID. Kept are the newest limit of the
// applies that succeeded, of the other applies, and of what was done beside them
// (Entry.Act), each by themselves, so that none pushes the others out. A limit below 1
// keeps all.
func (r *Record) Finish(entry Entry, limit int) {
	r.History = slices.Clone(r.History)
	entry.ID = r.number() + 1
	r.History = append(r.History, entry)
	if limit < 1 {
		return
	}
	left := [...]int{limit, limit, limit}
	kept := make([]Entry, 0, len(r.History))
	for _, e := range slices.Backward(r.History) {
		of := 0
		switch {
		case e.Act != nil:
			of = 1
		case e.Outcome != "succeeded":
			of = 2
		}
		if left[of]--; left[of] >= 0 {
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	r.History = kept
}

// number gives IDs to entries that an older gantry wrote, and returns the last one.
func (r *Record) number() int64 {
	var last int64
	for i := range r.History {
		if r.History[i].ID == 0 {
			r.History[i].ID = last + 1
		}
		last = r.History[i].ID
	}
	return last
}

func (r *Record) search(id object.ID) (int, bool) {
	return slices.BinarySearchFunc(r.Objects, id, func(o Owned, id object.ID) int { return o.ID.Compare(id) })
}
