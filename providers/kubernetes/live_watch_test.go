package kubernetes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
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
