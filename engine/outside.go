package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/providers"
)

var (
	_ eval.PluginCaller   = reader{}
	_ eval.ResourceReader = reader{}
	_ eval.RemoteReader   = reader{}
	_ eval.ForgeReader    = reader{}
)

// ReadRemote reads what another configuration published.
func (r reader) ReadRemote(ctx context.Context, from lang.RemoteState) (*published.Document, error) {
	if r.engine.options.Remotes == nil {
		return nil, eval.ErrNotRead
	}
	return r.engine.options.Remotes(ctx, from)
}

// CallPlugin asks a service for a generator.
func (r reader) CallPlugin(ctx context.Context, call lang.PluginCall) ([]byte, error) {
	if r.engine.options.Plugins == nil {
		return nil, fmt.Errorf("%w: asking services is not built in", providers.ErrUnsupported)
	}
	r.engine.emit(Event{Kind: EventOpening, Subject: call.URL})
	answer, err := r.engine.options.Plugins.Call(ctx, providers.PluginCall{URL: call.URL, Auth: call.Auth, Body: call.Body, Timeout: call.Timeout})
	if err == nil {
		r.engine.emit(Event{Kind: EventOpened, Subject: call.URL})
	}
	return answer, err
}

// ReadResources reads objects of a cluster for a generator.
func (r reader) ReadResources(ctx context.Context, query lang.ResourceQuery) ([]object.Object, error) {
	cluster, err := r.engine.connect(query.Cluster, query.Connection, query.Credentials)
	if err != nil {
		return nil, err
	}
	group, version, ok := strings.Cut(query.APIVersion, "/")
	if !ok {
		group, version = "", query.APIVersion
	}
	resource, err := cluster.Resource(ctx, object.GVK{Group: group, Version: version, Kind: query.Kind})
	if err != nil {
		return nil, err
	}
	if query.Name == "" {
		found, err := cluster.List(ctx, resource, query.Namespace, providers.ListOptions{LabelSelector: query.LabelSelector})
		slices.SortFunc(found, func(a, b object.Object) int {
			return cmp.Or(cmp.Compare(a.Namespace(), b.Namespace()), cmp.Compare(a.Name(), b.Name()))
		})
		return found, err
	}
	if resource.Namespaced && query.Namespace == "" {
		return nil, fmt.Errorf("a %s is in a namespace: say in which, with the argument namespace", query.Kind)
	}
	found, err := cluster.Get(ctx, resource, query.Namespace, query.Name)
	if err != nil {
		return nil, err
	}
	return []object.Object{found}, nil
}
