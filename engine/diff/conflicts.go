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

// owners reads managedFields: our own set, and the others, newest first.
func (d *Differ) owners(live object.Object) (*fieldpath.Set, []owner) {
	ours := fieldpath.NewSet()
	var others []owner
	for _, e := range entries(live) {
		set, err := parseSet(e.fields)
		switch {
		case err != nil:
		case d.ours(e):
			ours = set
		default:
			others = append(others, owner{e, set})
		}
	}
	slices.SortStableFunc(others, func(a, b owner) int { return b.at.Compare(a.at) })
	return ours, others
}

// Conflicts tells who owns the fields that a server refused to overwrite, and
// parts them by our record: drifted are fields that we applied and someone took
// over since, which correcting drift forces; foreign never were ours. Both are
// sorted by path. prior is nil where nothing is recorded: all are foreign then.
func (d *Differ) Conflicts(refusal *providers.ConflictError, live object.Object, prior *state.Owned) (drifted, foreign []plan.Conflict) {
	var applied *fieldpath.Set
	if prior != nil {
		if set, err := parseFields(prior.Fields); err == nil {
			applied = set
		}
	}
	_, others := d.owners(live)
	for _, field := range refusal.Fields {
		at, conflict := attribute(field, others)
		if at != nil && owns(applied, at) {
			drifted = append(drifted, conflict)
		} else {
			foreign = append(foreign, conflict)
		}
	}
	byPath := func(a, b plan.Conflict) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Manager, b.Manager))
	}
	slices.SortFunc(drifted, byPath)
	slices.SortFunc(foreign, byPath)
	return drifted, foreign
}

// attribute finds the owner and the field that a server's words are about; the
// path is nil where live does not know them, and the words stand as they are.
func attribute(field providers.FieldConflict, others []owner) (path, plan.Conflict) {
	manager := managerName(field.Manager)
	for _, o := range others {
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
