package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// scope is one list request: a kind in one version, in one namespace or, with an
// empty one, in the cluster's scope.
type scope struct {
	gvk       object.GVK
	namespace string
}

// wanted collects what is to be read of one cluster, so that it is read by list:
// per kind and namespace, once, and never a kind that nobody asked for.
type wanted struct {
	resources map[scope]providers.Resource
	names     map[scope]map[string]bool
	whole     bool // everything that a list gives is kept, whatever its name
}

func newWanted() *wanted {
	return &wanted{resources: map[scope]providers.Resource{}, names: map[scope]map[string]bool{}}
}

// add asks for one object.
func (w *wanted) add(resource providers.Resource, namespace, name string) {
	if !resource.Namespaced {
		namespace = ""
	}
	s := scope{resource.GVK, namespace}
	if w.names[s] == nil {
		w.resources[s] = resource
		w.names[s] = map[string]bool{}
	}
	w.names[s][name] = true
}

// live is what a cluster has of what was asked for.
type live struct {
	objects map[scope]map[string]object.Object
	errs    map[scope]error
	// byName are the scopes of which single objects were read and no list: why each of them
	// could not be, nil where it was.
	byName map[scope]map[string]error
}

// find returns the live object, nil where there is none, and an error where it
// could not be read.
func (l *live) find(resource providers.Resource, namespace, name string) (object.Object, error) {
	if !resource.Namespaced {
		namespace = ""
	}
	s := scope{resource.GVK, namespace}
	if err := l.errs[s]; err != nil {
		return nil, err
	}
	if _, read := l.objects[s]; !read {
		return nil, fmt.Errorf("%s %s/%s was never read. This is a bug in gantry", resource.GVK, namespace, name)
	}
	if err := l.byName[s][name]; err != nil {
		return nil, err
	}
	return l.objects[s][name], nil
}

// wideFrom is from how many namespaces on a kind is read of all namespaces at once, if
// there is not much more of it there than what is wanted.
const wideFrom = 8

// slack is how many objects that nobody asked for may be read with those of many
// namespaces, beside as many as are wanted.
const slack = 500

// read reads everything wanted: one object with a get, several with a list, and a
// kind that is wanted in many namespaces with one list of them all. Of Secrets nothing
// is read but the namespaces asked for; and what may not be listed is read one by one, for
// who may read some Secrets by their names need not be able to read all of them. A namespace that is not there has nothing in
// it. What was read before (nil: nothing) is not read again.
func (w *wanted) read(ctx context.Context, cluster providers.Cluster, limit int, before *early) *live {
	out := &live{objects: map[scope]map[string]object.Object{}, errs: map[scope]error{}, byName: map[scope]map[string]error{}}
	byKind := map[object.GVK][]scope{}
	for s := range w.names {
		if found, ok := before.take(ctx, s, w.names[s]); ok {
			out.objects[s] = found
			continue
		}
		byKind[s.gvk] = append(byKind[s.gvk], s)
	}
	var wide, narrow [][]scope
	for gvk, scopes := range byKind {
		if len(scopes) >= wideFrom && gvk.GroupKind() != (object.GroupKind{Kind: "Secret"}) {
			wide = append(wide, scopes)
			continue
		}
		narrow = append(narrow, each(scopes)...)
	}
	var mu sync.Mutex
	var again [][]scope
	read := func(jobs [][]scope) {
		parallel(ctx, limit, len(jobs), func(i int) {
			found, named, err := w.readScopes(ctx, cluster, jobs[i])
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				maps.Copy(out.objects, found)
				if named != nil {
					out.byName[jobs[i][0]] = named
				}
			case len(jobs[i]) > 1:
				again = append(again, each(jobs[i])...)
			default:
				out.errs[jobs[i][0]] = err
			}
		})
	}
	read(append(wide, narrow...))
	read(again)
	if ctx.Err() != nil {
		for s := range w.names {
			if _, read := out.objects[s]; !read && out.errs[s] == nil {
				out.errs[s] = context.Cause(ctx)
			}
		}
	}
	return out
}

// each is a list of one for every scope.
func each(scopes []scope) [][]scope {
	out := make([][]scope, len(scopes))
	for i, s := range scopes {
		out[i] = []scope{s}
	}
	return out
}

// readScopes reads one scope, or those of a kind in several namespaces at once. Where
// objects of a single scope were read by their names, it tells what came of each.
func (w *wanted) readScopes(ctx context.Context, cluster providers.Cluster, scopes []scope) (map[scope]map[string]object.Object, map[string]error, error) {
	if len(scopes) == 1 {
		found, named, err := w.readScope(ctx, cluster, scopes[0])
		return map[scope]map[string]object.Object{scopes[0]: found}, named, err
	}
	found, count := make(map[scope]map[string]object.Object, len(scopes)), 0
	for _, s := range scopes {
		found[s] = make(map[string]object.Object, len(w.names[s]))
		count += len(w.names[s])
	}
	objects, err := cluster.List(ctx, w.resources[scopes[0]], "", providers.ListOptions{AtMost: 2*count + slack})
	if err != nil {
		return nil, nil, err
	}
	for _, o := range objects {
		s := scope{scopes[0].gvk, o.Namespace()}
		if into := found[s]; into != nil && (w.whole || w.names[s][o.Name()]) {
			into[o.Name()] = o
		}
	}
	return found, nil, nil
}

func (w *wanted) readScope(ctx context.Context, cluster providers.Cluster, s scope) (map[string]object.Object, map[string]error, error) {
	resource, names := w.resources[s], w.names[s]
	if len(names) == 1 {
		found, named := readNames(ctx, cluster, resource, s.namespace, names)
		return found, named, nil
	}
	objects, err := cluster.List(ctx, resource, s.namespace, providers.ListOptions{})
	if errors.Is(err, providers.ErrForbidden) {
		found, named := readNames(ctx, cluster, resource, s.namespace, names)
		return found, named, nil
	}
	if err != nil {
		return nil, nil, err
	}
	found := make(map[string]object.Object, len(names))
	for _, o := range objects {
		if name := o.Name(); w.whole || names[name] {
			found[name] = o
		}
	}
	return found, nil, nil
}

// readNames reads objects one by one, and tells of each why it could not be read.
func readNames(ctx context.Context, cluster providers.Cluster, resource providers.Resource, namespace string, names map[string]bool) (map[string]object.Object, map[string]error) {
	found, named := make(map[string]object.Object, len(names)), make(map[string]error, len(names))
	for name := range names {
		o, err := cluster.Get(ctx, resource, namespace, name)
		switch {
		case err == nil:
			found[name], named[name] = o, nil
		case errors.Is(err, providers.ErrNotFound):
			named[name] = nil
		default:
			named[name] = err
		}
	}
	return found, named
}
