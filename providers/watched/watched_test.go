package watched_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/watched"
)

var configMaps = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}

// server is a cluster of ConfigMaps that counts its requests.
type server struct {
	providers.Cluster
	objects  []object.Object
	changes  chan object.Object // sent to the watch; deleted where it has no data
	refused  error              // of watches
	lists    int
	watching atomic.Int32
}

func (s *server) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return s, nil
}

func (s *server) List(_ context.Context, _ providers.Resource, _ string, options providers.ListOptions) ([]object.Object, error) {
	s.lists++
	if options.AtMost > 0 && len(s.objects) > options.AtMost {
		return nil, fmt.Errorf("there are more: %w", providers.ErrTooMany)
	}
	return s.objects, nil
}

func (s *server) Get(context.Context, providers.Resource, string, string) (object.Object, error) {
	s.lists++
	return s.objects[0], nil
}

func (s *server) Watch(ctx context.Context, _ providers.Resource, _ string, options providers.WatchOptions, changed func(object.Object, bool) bool) error {
	if s.refused != nil {
		return s.refused
	}
	s.watching.Add(1)
	defer s.watching.Add(-1)
	for _, o := range s.objects {
		changed(o, false)
	}
	options.Listed()
	for {
		select {
		case o, ok := <-s.changes:
			if !ok {
				return errors.New("the watch broke")
			}
			changed(o, o["data"] == nil)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func configMap(name, value string) object.Object {
	out := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "web"}}
	if value != "" {
		out["data"] = map[string]any{"v": value}
	}
	return out
}

// look connects and lists, as each look at a status does, and says what there is.
func look(t *testing.T, c *watched.Clusters) string {
	t.Helper()
	synctest.Wait()
	cluster, err := c.Connect("main", target.Connection{}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := cluster.List(t.Context(), configMaps, "web", providers.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, o := range found {
		data, _ := o["data"].(map[string]any)
		out += fmt.Sprintf("%s=%v ", o.Name(), data["v"])
	}
	return out
}

func TestWatched(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *server, *watched.Clusters){
		"listed once, and then told of": func(t *testing.T, s *server, c *watched.Clusters) {
			want(t, look(t, c), "a=1 b=1 ")
			s.changes <- configMap("b", "2")
			s.changes <- configMap("a", "")
			s.changes <- configMap("c", "3")
			want(t, look(t, c), "b=2 c=3 ")
			want(t, look(t, c), "b=2 c=3 ")
			want(t, s.lists, 1)
			cluster, _ := c.Connect("main", target.Connection{}, target.Credentials{})
			if o, err := cluster.Get(t.Context(), configMaps, "web", "c"); err != nil || o.Name() != "c" {
				t.Errorf("got %v, %v", o, err)
			}
			if _, err := cluster.Get(t.Context(), configMaps, "web", "a"); !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("of what is gone: %v", err)
			}
			if _, err := cluster.List(t.Context(), configMaps, "web", providers.ListOptions{AtMost: 1}); !errors.Is(err, providers.ErrTooMany) {
				t.Errorf("of too many: %v", err)
			}
			want(t, s.lists, 1)
			if _, err := cluster.List(t.Context(), configMaps, "web", providers.ListOptions{LabelSelector: "a=b"}); err != nil {
				t.Error(err)
			}
			want(t, s.lists, 2)
		},
		"listed each time where it may not be watched": func(t *testing.T, s *server, c *watched.Clusters) {
			s.refused = fmt.Errorf("watch: %w", providers.ErrForbidden)
			for range 3 {
				want(t, look(t, c), "a=1 b=1 ")
			}
			want(t, s.lists, 3)
		},
		"watched again after the watch broke": func(t *testing.T, s *server, c *watched.Clusters) {
			look(t, c)
			close(s.changes)
			synctest.Wait()
			s.changes, s.objects = make(chan object.Object), []object.Object{configMap("a", "9")}
			want(t, look(t, c), "a=9 ")
			want(t, look(t, c), "a=9 ")
			want(t, look(t, c), "a=9 ")
			if s.lists > 3 || s.watching.Load() != 1 {
				t.Errorf("%d lists, %d watches", s.lists, s.watching.Load())
			}
		},
		"another cluster has watches of its own": func(t *testing.T, s *server, c *watched.Clusters) {
			look(t, c)
			other, _ := c.Connect("main", target.Connection{Impersonate: "someone"}, target.Credentials{})
			if _, err := other.List(t.Context(), configMaps, "web", providers.ListOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			want(t, s.watching.Load(), int32(2))
		},
		"what nobody asks for is watched no more": func(t *testing.T, s *server, c *watched.Clusters) {
			look(t, c)
			for range 2 {
				if _, err := c.Connect("main", target.Connection{}, target.Credentials{}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			want(t, s.watching.Load(), int32(0))
		},
		"too many are asked for once": func(t *testing.T, s *server, c *watched.Clusters) {
			cluster, _ := c.Connect("main", target.Connection{}, target.Credentials{})
			for range 3 {
				if _, err := cluster.List(t.Context(), configMaps, "", providers.ListOptions{AtMost: 1}); !errors.Is(err, providers.ErrTooMany) {
					t.Fatal(err)
				}
			}
			want(t, s.lists, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{changes: make(chan object.Object), objects: []object.Object{configMap("a", "1"), configMap("b", "1")}}
				c := watched.New(s)
				test(t, s, c)
				c.Close()
				if n := s.watching.Load(); n != 0 {
					t.Errorf("%d watches are left", n)
				}
			})
		})
	}
}

func want[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
