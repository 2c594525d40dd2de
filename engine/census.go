package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// census is what a cluster itself says of whose its objects are.
type census struct {
	session *session
	objects []counted // sorted by ID
	parents []track.Parent
	// unread are kinds that could not be read, or not everywhere, with why, sorted.
	unread []string
}

// counted is an object that carries the marks of an application, and is no copy.
type counted struct {
	object   object.Object // its metadata
	resource providers.Resource
	lineage  string
	address  addr.Address
}

// take reads everything of a cluster that carries marks: one list for each kind that the
// server has, of the metadata alone. What may not be read in the whole cluster is read in
// the namespaces that are given.
func (e *Engine) census(ctx context.Context, s *session, namespaces []string) (*census, error) {
	kinds, err := s.cluster.Resources(ctx)
	if err != nil {
		return nil, err
	}
	out := &census{session: s}
	if out.unread, err = e.unserved(ctx, s); err != nil {
		return nil, err
	}
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(r providers.Resource) bool { return !importable(r) })
	var mu sync.Mutex
	parallel(ctx, e.options.Parallelism, len(kinds), func(i int) {
		found, problem := listMarked(ctx, s.cluster, kinds[i], namespaces)
		mu.Lock()
		defer mu.Unlock()
		if problem != nil {
			out.unread = append(out.unread, kinds[i].GVK.GroupKind().String()+": "+problem.Error())
		}
		for _, o := range found {
			if lineage, address, ok := track.Owner(o); ok {
				out.objects = append(out.objects, counted{o, kinds[i], lineage, address})
			}
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	found, err := e.readParents(ctx, s.cluster, "", namespaces)
	if err != nil {
		out.unread = append(out.unread, "parents: "+err.Error())
	}
	for _, those := range found {
		out.parents = append(out.parents, those...)
	}
	slices.Sort(out.unread)
	slices.SortFunc(out.objects, func(a, b counted) int { return a.object.ID().Compare(b.object.ID()) })
	slices.SortFunc(out.parents, func(a, b track.Parent) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return out, nil
}

// unserved lists the kinds of extensions that do not answer.
func (e *Engine) unserved(ctx context.Context, s *session) ([]string, error) {
	missing, err := s.cluster.Undiscovered(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for version, why := range missing {
		out = append(out, version+": "+why)
	}
	return out, nil
}

// listMarked lists what of a kind carries marks.
func listMarked(ctx context.Context, cluster providers.Cluster, resource providers.Resource, namespaces []string) ([]object.Object, error) {
	options := providers.ListOptions{LabelSelector: track.LabelPartOf, MetadataOnly: true}
	found, err := cluster.List(ctx, resource, "", options)
	switch {
	case errors.Is(err, providers.ErrUnknownKind):
		return nil, nil // it went since
	case !errors.Is(err, providers.ErrForbidden) || !resource.Namespaced:
		return found, err
	}
	for _, namespace := range namespaces {
		some, listErr := cluster.List(ctx, resource, namespace, options)
		if listErr == nil {
			found = append(found, some...)
		}
	}
	return found, err // elsewhere there may be more
}

// newest returns the parent of an application with the highest serial; nil where it has
// none.
func (c *census) newest(lineage string, address addr.Address) *track.Parent {
	var out *track.Parent
	for i := range c.parents {
		if p := &c.parents[i]; p.Lineage == lineage && p.Address == address && (out == nil || p.Serial > out.Serial) {
			out = p
		}
	}
	return out
}

// censuses reads the clusters of a configuration: those of some names, or all. Clusters
// that cannot be read are told by their errors.
func (e *Engine) censuses(ctx context.Context, config *lang.Config, chosen func(name string) bool) (found []*census, failed map[string]error) {
	sessions := e.newSessions(false)
	for _, c := range config.Clusters {
		if chosen(c.Name) {
			sessions.add(c, nil)
		}
	}
	sessions.connect(ctx)
	all := sessions.list()
	made, errs := make([]*census, len(all)), make([]error, len(all))
	parallel(ctx, len(all), len(all), func(i int) {
		if errs[i] = all[i].err; errs[i] == nil {
			made[i], errs[i] = e.census(ctx, all[i], namespacesOf(config, all[i].name))
		}
	})
	failed = map[string]error{}
	for i, s := range all {
		switch {
		case errs[i] != nil:
			failed[s.name] = errs[i]
		case made[i] == nil:
			failed[s.name] = context.Cause(ctx)
		default:
			found = append(found, made[i])
		}
	}
	return found, failed
}

// namespacesOf are the namespaces in which the configuration has something on a cluster,
// sorted.
func namespacesOf(config *lang.Config, cluster string) []string {
	out := []string{parentElsewhere}
	for _, app := range config.Applications {
		if app.Destination.Cluster != nil && app.Destination.Cluster.Name == cluster && app.Destination.Namespace != "" {
			out = append(out, app.Destination.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
