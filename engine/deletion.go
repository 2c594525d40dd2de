package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/takes"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// precious are the kinds that take others' objects or data with them when they
// are deleted.
var precious = map[object.GroupKind]bool{
	namespaceKind:                   true,
	crdKind:                         true,
	{Kind: "PersistentVolume"}:      true,
	{Kind: "PersistentVolumeClaim"}: true,
}

// careful blocks the deletion of what may be wanted by an application which this plan
// knows nothing of, where much would go with it.
func (c *comparison) careful(change *plan.Change) *plan.Change {
	if change.Action != plan.Prune || !precious[change.ID.GroupKind()] || c.uncertain == "" {
		return change
	}
	return block(change, "Deletion is not safe", fmt.Sprintf(
		"%s is no longer wanted by its application, but %s, so another one may want it. It is not deleted before that is known.", change.ID, c.uncertain))
}

// deletion is one object of a plan that is deleted, with the object as it is.
type deletion struct {
	takes.Deletion
	draft  *draft
	change *plan.Change
}

// takes fills in what goes with the deletions of the plan, and blocks those of
// namespaces and definitions with which would go what the plan does not delete. A
// cluster of which nothing is deleted is asked nothing.
func (p *planning) takes(ctx context.Context, all []*comparison) {
	byCluster := map[*claims][]deletion{}
	for _, c := range all {
		if c.live != nil {
			byCluster[c.claims] = append(byCluster[c.claims], p.deletions(c)...)
		}
	}
	done := map[*claims]bool{}
	for _, c := range all {
		if dels := byCluster[c.claims]; len(dels) > 0 && !done[c.claims] {
			done[c.claims] = true
			p.engine.takes(ctx, c.session.cluster, p.lineage, dels)
		}
	}
}

// deletions returns what is deleted of a cluster block, sorted by application and
// object.
func (p *planning) deletions(c *comparison) []deletion {
	var out []deletion
	for _, d := range p.soundIn(c.session) {
		propagation := d.settings().Propagation
		first := len(out)
		for i := range d.changes {
			change := &d.changes[i]
			if d.leaves() && change.Action == plan.Run { // what the hook has left goes with the application
				swept := *change
				change = &swept
			} else if !change.Action.Deletes() {
				continue
			}
			have, err := c.live.find(resource(change), change.ID.Namespace, change.ID.Name)
			if err == nil && have != nil {
				out = append(out, deletion{takes.Deletion{Object: have, Orphan: cmp.Or(change.Propagation, propagation) == "Orphan"}, d, change})
			}
		}
		slices.SortFunc(out[first:], func(a, b deletion) int { return a.change.ID.Compare(b.change.ID) })
	}
	return out
}

// takes fills in what goes with deletions of one cluster.
func (e *Engine) takes(ctx context.Context, cluster providers.Cluster, lineage string, dels []deletion) {
	plain := make([]takes.Deletion, len(dels))
	for i := range dels {
		plain[i] = dels[i].Deletion
	}
	world, unread, err := e.world(ctx, cluster, lineage, plain)
	if err != nil {
		for i := range dels {
			if kind := dels[i].change.ID.GroupKind(); kind == namespaceKind || kind == crdKind {
				notSafe(dels[i].change, err)
			}
			dels[i].draft.warn(incompletely(err.Error()))
		}
		return
	}
	missing := map[*draft][]unreadable{}
	for i, result := range world.Of(plain) {
		d := &dels[i]
		d.change.Takes = result.Taken
		var hidden error
		for _, u := range unread {
			some, loose := d.Hides(u.Read)
			if some && !slices.ContainsFunc(missing[d.draft], func(m unreadable) bool { return m.what() == u.what() }) {
				missing[d.draft] = append(missing[d.draft], u)
			}
			if loose && hidden == nil {
				hidden = u.err
			}
		}
		switch {
		case hidden != nil:
			notSafe(d.change, hidden)
		case len(result.Loose) > 0:
			block(d.change, "Deletion takes more with it", tooMuch(d.change.ID, result.Loose))
		}
	}
	for draft, all := range missing {
		names := make([]string, len(all))
		for i, u := range all {
			names[i] = u.what()
		}
		draft.warn(incompletely(fmt.Sprintf("%s. The first of them: %s", few(names), all[0].err)))
	}
}

// incompletely is the warning about what could not be read.
func incompletely(what string) string {
	return "It is not known in full what goes with what is deleted, for this cannot be read: " + what
}

// warn adds a warning, once.
func (d *draft) warn(text string) {
	if !slices.Contains(d.warnings, text) {
		d.warnings = append(d.warnings, text)
	}
}

// notSafe blocks a deletion of which it cannot be told what would go with it.
func notSafe(change *plan.Change, err error) {
	block(change, "Deletion is not safe", fmt.Sprintf("what would go with %s cannot be read: %s", change.ID, err))
}

// tooMuch says what would go with an object that the plan does not delete.
func tooMuch(id object.ID, loose []object.ID) string {
	const most = 5
	more := ""
	if n := len(loose) - most; n > 0 {
		loose, more = loose[:most], fmt.Sprintf(" and %d more", n)
	}
	names := make([]string, len(loose))
	for i, id := range loose {
		names[i] = id.String()
	}
	return fmt.Sprintf(
		"With %s would go what this plan does not delete: %s%s. Delete these first, or keep it with the annotation argocd.argoproj.io/sync-options: Prune=false,Delete=false.",
		id, strings.Join(names, ", "), more)
}

// unreadable is a list that could not be read.
type unreadable struct {
	takes.Read
	err error
}

// what names the list for people.
func (u unreadable) what() string {
	kind := u.Resource.GVK.GroupKind().String()
	if u.Namespace == "" {
		return kind
	}
	return fmt.Sprintf("%s in %s", kind, u.Namespace)
}

// world reads what is needed to know what goes with deletions, and returns the lists
// that could not be read, sorted.
func (e *Engine) world(ctx context.Context, cluster providers.Cluster, lineage string, dels []takes.Deletion) (*takes.World, []unreadable, error) {
	kinds, err := cluster.Resources(ctx)
	if err != nil {
		return nil, nil, err
	}
	world := takes.NewWorld(lineage)
	unread := e.readInto(ctx, cluster, world, takes.Reads(kinds, dels))
	unread = append(unread, e.readInto(ctx, cluster, world, world.Volumes(kinds, dels))...)
	unknown, err := undiscovered(ctx, cluster)
	if err != nil {
		return nil, nil, err
	}
	unread = append(unread, unknown...)
	slices.SortStableFunc(unread, func(a, b unreadable) int { return cmp.Compare(a.what(), b.what()) })
	return world, unread, ctx.Err()
}

// undiscovered returns the groups of which it is not known what they have, as lists that
// cannot be read: in any namespace there may be something of theirs.
func undiscovered(ctx context.Context, cluster providers.Cluster) ([]unreadable, error) {
	groups, err := cluster.Undiscovered(ctx)
	if err != nil {
		return nil, err
	}
	var out []unreadable
	for groupVersion, reason := range groups {
		group, version, _ := strings.Cut(groupVersion, "/")
		out = append(out, unreadable{
			takes.Read{Resource: providers.Resource{GVK: object.GVK{Group: group, Version: version, Kind: "*"}, Namespaced: true}},
			fmt.Errorf("which kinds there are in %s cannot be told: %s; check its APIService", groupVersion, reason),
		})
	}
	return out, nil
}

// readInto reads lists side by side and adds what is in them to a world.
func (e *Engine) readInto(ctx context.Context, cluster providers.Cluster, world *takes.World, reads []takes.Read) []unreadable {
	objects, unread := make([][]object.Object, len(reads)), make([][]unreadable, len(reads))
	parallel(ctx, e.options.Parallelism, len(reads), func(i int) {
		objects[i], unread[i] = readWide(ctx, cluster, reads[i])
	})
	for _, list := range objects {
		world.Add(list)
	}
	return slices.Concat(unread...)
}

// readWide reads a list, and where that is forbidden for the whole cluster, what it
// would have of the namespaces that matter most.
func readWide(ctx context.Context, cluster providers.Cluster, read takes.Read) ([]object.Object, []unreadable) {
	objects, err := readOne(ctx, cluster, read)
	if err == nil {
		return objects, nil
	}
	if !errors.Is(err, providers.ErrForbidden) {
		read.Instead = nil
	}
	unread := []unreadable{{read, err}}
	for _, namespace := range read.Instead {
		one := takes.Read{Resource: read.Resource, Namespace: namespace, Whole: read.Whole}
		more, err := readOne(ctx, cluster, one)
		objects = append(objects, more...)
		if err != nil {
			unread = append(unread, unreadable{one, err})
		}
	}
	return objects, unread
}

// readOne reads one list; a kind or a namespace that is not there is empty.
func readOne(ctx context.Context, cluster providers.Cluster, read takes.Read) ([]object.Object, error) {
	objects, err := cluster.List(ctx, read.Resource, read.Namespace, providers.ListOptions{MetadataOnly: !read.Whole})
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind) {
		return nil, nil
	}
	return objects, err
}
