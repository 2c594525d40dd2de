package engine

import (
	"context"
	"errors"
	"fmt"
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
	return l.objects[s][name], nil
}

// read reads everything wanted: one object with a get, several with a list. A
// namespace that is not there has nothing in it.
func (w *wanted) read(ctx context.Context, cluster providers.Cluster, limit int) *live {
	out := &live{objects: map[scope]map[string]object.Object{}, errs: map[scope]error{}}
	scopes := make([]scope, 0, len(w.names))
	for s := range w.names {
		scopes = append(scopes, s)
	}
	var mu sync.Mutex
	parallel(ctx, limit, len(scopes), func(i int) {
		found, err := w.readScope(ctx, cluster, scopes[i])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			out.errs[scopes[i]] = err
			return
		}
		out.objects[scopes[i]] = found
	})
	if ctx.Err() != nil {
		for _, s := range scopes {
			if _, read := out.objects[s]; !read && out.errs[s] == nil {
				out.errs[s] = context.Cause(ctx)
			}
		}
	}
	return out
}

func (w *wanted) readScope(ctx context.Context, cluster providers.Cluster, s scope) (map[string]object.Object, error) {
	resource, names := w.resources[s], w.names[s]
	found := make(map[string]object.Object, len(names))
	if len(names) == 1 {
		for name := range names {
			o, err := cluster.Get(ctx, resource, s.namespace, name)
			if errors.Is(err, providers.ErrNotFound) {
				return found, nil
			}
			if err != nil {
				return nil, err
			}
			found[name] = o
		}
		return found, nil
	}
	objects, err := cluster.List(ctx, resource, s.namespace, providers.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if name := o.Name(); names[name] {
			found[name] = o
		}
	}
	return found, nil
}
