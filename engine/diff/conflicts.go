package diff

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// allOwners reads managedFields, newest first; what cannot be read is left out.
func allOwners(live object.Object) []owner {
	var out []owner
	for _, e := range entries(live) {
		if set, err := parseSet(e.fields); err == nil {
			out = append(out, owner{e, set})
		}
	}
	slices.SortStableFunc(out, func(a, b owner) int { return b.at.Compare(a.at) })
	return out
}

// owners parts managedFields into our own set, and the others.
func (d *Differ) owners(live object.Object) (ours *fieldpath.Set, others []owner) {
	ours = fieldpath.NewSet()
	for _, o := range allOwners(live) {
		if d.ours(o.entry) {
			ours = o.set
		} else {
			others = append(others, o)
		}
	}
	return ours, others
}

// Refused is what a server said to an apply, and what it was about.
type Refused struct {
	*providers.ConflictError
	Live    object.Object
	Desired object.Object // what was sent
	Prior   *state.Owned  // what state has recorded of the object, nil if nothing
	Type    *Type         // nil is a deduced type
}

// Conflicts tells who owns the fields that a server refused to overwrite, and what would
// become of them, and parts them by our record: ours are fields that we have applied, and
// that someone took over since (drift) or applied beside us: to write them again is
// what the configuration says, and needs force. foreign never were ours. Both are
// sorted by path. Without a record all are foreign. Values of Secrets are fingerprints.
func (d *Differ) Conflicts(in Refused) (ours, foreign []plan.Conflict) {
	var applied *fieldpath.Set
	if in.Prior != nil {
		if set, err := parseFields(in.Prior.Fields); err == nil {
			applied = set
		}
	}
	managers, root, secret := allOwners(in.Live), in.Type.root(), isSecret(in.Live)
	live, _ := d.Redact(in.Live)
	desired, _ := d.Redact(in.Desired)
	for _, field := range in.Fields {
		at, conflict := attribute(field, managers)
		if at != nil {
			conflict.Before, _ = lookup(root, map[string]any(live), at)
			conflict.After, _ = lookup(root, map[string]any(desired), at)
			conflict.Sensitive = secret && sensitive(at)
		}
		if at != nil && owns(applied, at) {
			ours = append(ours, conflict)
		} else {
			foreign = append(foreign, conflict)
		}
	}
	byPath := func(a, b plan.Conflict) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Manager, b.Manager))
	}
	slices.SortFunc(ours, byPath)
	slices.SortFunc(foreign, byPath)
	return ours, foreign
}

// attribute finds the owner and the field that a server's words are about; the
// path is nil where live does not know them, and the words stand as they are.
func attribute(field providers.FieldConflict, managers []owner) (path, plan.Conflict) {
	manager := managerName(field.Manager)
	for _, o := range managers {
		if o.manager != manager {
			continue
		}
		var found path
		o.set.Iterate(func(p fieldpath.Path) {
			if found == nil && p.String() == field.Path {
				found = fromFieldpath(p)
			}
		})
		if found != nil {
			return found, plan.Conflict{Path: found.String(), Writer: o.writer()}
		}
	}
	return nil, plan.Conflict{Path: strings.TrimPrefix(field.Path, "."), Writer: plan.Writer{Manager: manager}}
}

// Leave returns desired without the fields in conflict, so that they are left to those
// who have them, and nothing else is. desired is not changed.
func (d *Differ) Leave(desired, live object.Object, conflicts []plan.Conflict, kind *Type) object.Object {
	_, others := d.owners(live)
	var left []path
	for _, o := range others {
		o.set.Iterate(func(p fieldpath.Path) {
			at := fromFieldpath(p)
			if slices.ContainsFunc(conflicts, func(c plan.Conflict) bool { return c.Manager == o.manager && c.Path == at.String() }) {
				left = append(left, at)
			}
		})
	}
	return d.without(desired, live, left, kind)
}

// managerName reads the name out of `"kubectl-edit" using apps/v1`.
func managerName(words string) string {
	quoted, err := strconv.QuotedPrefix(words)
	if err != nil {
		return words
	}
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return words
	}
	return name
}
