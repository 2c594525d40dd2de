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

// Conflicts tells who owns the fields that a server refused to overwrite, and
// parts them by our record: ours are fields that we have applied, and that someone
// took over since (drift) or applied beside us: to write them again is what the
// configuration says, and needs force. foreign never were ours. Both are sorted by
// path. prior is nil where nothing is recorded: all are foreign then.
func Conflicts(refusal *providers.ConflictError, live object.Object, prior *state.Owned) (ours, foreign []plan.Conflict) {
	var applied *fieldpath.Set
	if prior != nil {
		if set, err := parseFields(prior.Fields); err == nil {
			applied = set
		}
	}
	managers := allOwners(live)
	for _, field := range refusal.Fields {
		at, conflict := attribute(field, managers)
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
