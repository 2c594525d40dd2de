package diff

import (
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Wrote tells who wrote a field of a live object, or something in it, since a time: the
// newest of those who own it, who may be us; where none of them wrote since, as when
// the field was removed, the last one who wrote the object at all. It is false where
// the server does not tell.
func Wrote(live object.Object, field string, since time.Time) (plan.Writer, bool) {
	since = since.Truncate(time.Second) // as the server has it
	recent := slices.DeleteFunc(writers(live), func(o owner) bool { return o.at.Before(since) })
	for _, o := range recent {
		found := false
		o.set.Iterate(func(p fieldpath.Path) {
			rest, below := strings.CutPrefix(fromFieldpath(p).String(), field)
			found = found || below && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
		if found {
			return o.writer(), true
		}
	}
	if len(recent) == 0 {
		return plan.Writer{}, false
	}
	return recent[0].writer(), true
}

// LastWriter tells who wrote a live object last; false where the server does not tell.
// Servers tell time in seconds: all who wrote in the last one are named, "gantry, kubectl".
func LastWriter(live object.Object) (plan.Writer, bool) {
	all := writers(live)
	if len(all) == 0 {
		return plan.Writer{}, false
	}
	last := all[0].writer()
	for _, other := range all[1:] {
		if w := other.writer(); w.At.Equal(last.At) && !slices.Contains(strings.Split(last.Manager, ", "), w.Manager) {
			last.Manager += ", " + w.Manager
		}
	}
	return last, true
}

// writers are the owners of an object's fields but for its status, newest first.
func writers(live object.Object) []owner {
	return slices.DeleteFunc(allOwners(live), func(o owner) bool { return o.subresource == "status" })
}

// Taken tells who owns the fields that a server refused to overwrite.
func Taken(refusal *providers.ConflictError, live object.Object) []plan.Conflict {
	managers := allOwners(live)
	out := make([]plan.Conflict, 0, len(refusal.Fields))
	for _, field := range refusal.Fields {
		_, conflict := attribute(field, managers)
		out = append(out, conflict)
	}
	return out
}
