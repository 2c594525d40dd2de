package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
)

func TestLiveWatch(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	l.apply(l.configMap("first", map[string]any{"n": "1"}))
	resource := l.resource(configMapKind)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	type told struct {
		Name    string
		N       any
		Deleted bool
	}
	var seen []told
	err := l.Watch(ctx, resource, l.namespace, providers.WatchOptions{}, func(o object.Object, deleted bool) bool {
		if o.Name() != "first" && o.Name() != "second" {
			return true // what a cluster puts into every namespace
		}
		n, _ := o.Get("data", "n")
		seen = append(seen, told{o.Name(), n, deleted})
		// Each step follows what it was told of before, so that the order is known.
		switch len(seen) {
		case 1:
			l.apply(l.configMap("second", map[string]any{"n": "2"}))
		case 2:
			l.apply(l.configMap("first", map[string]any{"n": "3"}))
		case 3:
			if err := l.Delete(ctx, providers.DeleteRequest{Resource: resource, Namespace: l.namespace, Name: "second"}); err != nil {
				t.Error(err)
			}
		}
		return len(seen) < 4
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []told{{"first", "1", false}, {"second", "2", false}, {"first", "3", false}, {"second", "2", true}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}

	short, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	err = l.Watch(short, resource, l.namespace, providers.WatchOptions{}, func(object.Object, bool) bool { return true })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
}

// TestLiveWatchIsResumed has the server go away while it is watched, and something happen
// meanwhile; later the server forgets the version that the watch is at. Everything is told
// once.
func TestLiveWatchIsResumed(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	proxy := faultproxy.Start(t, clustertest.Shared(t).Kubeconfig)
	through, err := kubernetes.New(kubernetes.Options{}).Connect("proxy", target.Connection{Kubeconfig: proxy.Kubeconfig(t, faultproxy.User{})}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	l.apply(l.configMap("a", nil))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []string
	err = through.Watch(ctx, l.resource(configMapKind), l.namespace, providers.WatchOptions{MetadataOnly: true}, func(o object.Object, deleted bool) bool {
		if o.Name() == "kube-root-ca.crt" {
			return true
		}
		seen = append(seen, fmt.Sprintf("%s %s deleted=%v", o.Kind(), o.Name(), deleted))
		switch len(seen) {
		case 1:
			proxy.Down()
			l.apply(l.configMap("b", nil))
			if err := proxy.Up(); err != nil {
				t.Error(err)
			}
		case 2:
			proxy.Add(faultproxy.Rule{Method: "GET", Path: "/configmaps", Times: 1, Fault: faultproxy.Status(410, "Expired", "too old resource version")})
			proxy.Down()
			if err := l.Delete(ctx, providers.DeleteRequest{Resource: l.resource(configMapKind), Namespace: l.namespace, Name: "a"}); err != nil {
				t.Error(err)
			}
			if err := proxy.Up(); err != nil {
				t.Error(err)
			}
		}
		return len(seen) < 3
	})
	if err != nil {
		t.Fatal(err)
	}
	asked := proxy.Requests(faultproxy.Rule{Method: "GET", Path: "/configmaps"})
	if !slices.ContainsFunc(asked, func(r faultproxy.Request) bool { return r.Fault && r.Query.Has("watch") }) {
		t.Errorf("no watch was refused; asked: %v", asked)
	}
	if diff := cmp.Diff([]string{"ConfigMap a deleted=false", "ConfigMap b deleted=false", "ConfigMap a deleted=true"}, seen); diff != "" {
		t.Error(diff)
	}
}
