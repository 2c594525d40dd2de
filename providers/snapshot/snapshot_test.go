package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/providers/snapshot"
)

func resource(gvk object.GVK) providers.Resource {
	return providers.Resource{GVK: gvk, Plural: "configmaps", Namespaced: true}
}

var configMaps = resource(object.GVK{Version: "v1", Kind: "ConfigMap"})

func configMap(name string) object.Object {
	return object.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "namespace": "web"}, "data": map[string]any{"v": "secret of " + name},
	}
}

type clusters struct{ *memory.Cluster }

func (c clusters) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c.Cluster, nil
}

// take records one get of one of two objects.
func take(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	cluster := memory.New(memory.Options{Name: "main", Version: "v1.37.2", Resource: resource})
	for _, name := range []string{"a", "b"} {
		if err := cluster.Put(t.Context(), configMap(name), "someone"); err != nil {
			t.Fatal(err)
		}
	}
	recorder := snapshot.Record(clusters{cluster}, func(o object.Object) object.Object {
		out := o.DeepCopy()
		out.Remove("data")
		return out
	})
	connected, err := recorder.Connect("main", target.Connection{}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := connected.Get(t.Context(), configMaps, "web", "a")
	if err != nil || got["data"] == nil {
		t.Fatalf("who records sees the object itself, and got %v, %v", got, err)
	}
	if _, err := connected.Apply(t.Context(), providers.ApplyRequest{}); !errors.Is(err, providers.ErrUnsupported) {
		t.Fatalf("recording writes: %v", err)
	}
	s := &snapshot.Snapshot{TakenAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), KeyCheck: "key:1", State: snapshot.State{Lineage: "l"}}
	if err := recorder.Into(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnswersLikeTheCluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	if err := snapshot.WriteFile(file, take(t)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v, %v", info.Mode(), err)
	}
	read, err := snapshot.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	connected, err := read.Answering().Connect("main", target.Connection{}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	past := connected.(providers.Past)
	if past.KeyCheck() != "key:1" || !past.TakenAt().Equal(read.TakenAt) {
		t.Errorf("got %s, %s", past.KeyCheck(), past.TakenAt())
	}
	// The neighbour was not asked for when recording, and is there; without its data.
	got, err := connected.Get(t.Context(), configMaps, "web", "b")
	if err != nil || got.UID() == "" || got["data"] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if list, err := connected.List(t.Context(), configMaps, "web", providers.ListOptions{}); err != nil || len(list) != 2 {
		t.Errorf("listed %v, %v", list, err)
	}
	for _, test := range []struct {
		name string
		want error
		call func(context.Context) error
	}{
		{"another name", providers.ErrNotFound, func(ctx context.Context) error {
			_, err := connected.Get(ctx, configMaps, "web", "c")
			return err
		}},
		{"another namespace", providers.ErrNotCached, func(ctx context.Context) error {
			_, err := connected.Get(ctx, configMaps, "other", "a")
			return err
		}},
		{"another kind", providers.ErrUnknownKind, func(ctx context.Context) error {
			_, err := connected.Resource(ctx, object.GVK{Group: "x.example.com", Version: "v1", Kind: "X"})
			return err
		}},
		{"another cluster", providers.ErrNotCached, func(context.Context) error {
			_, err := read.Answering().Connect("other", target.Connection{}, target.Credentials{})
			return err
		}},
		{"a dry-run", providers.ErrUnsupported, func(ctx context.Context) error {
			_, err := connected.Apply(ctx, providers.ApplyRequest{DryRun: true})
			return err
		}},
		{"a deletion", providers.ErrUnsupported, func(ctx context.Context) error {
			return connected.Delete(ctx, providers.DeleteRequest{})
		}},
	} {
		if err := test.call(t.Context()); !errors.Is(err, test.want) {
			t.Errorf("%s gives %v, want %v", test.name, err, test.want)
		}
	}
}

func TestEqualSnapshotsAreEqualBytes(t *testing.T) {
	first, err := snapshot.Encode(take(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := snapshot.Encode(take(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two snapshots of the same differ")
	}
	decoded, err := snapshot.Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := snapshot.Encode(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if delta := cmp.Diff(first, again); delta != "" {
		t.Error(delta)
	}
}

// Every byte that is another, and every end that is missing, is refused.
func TestDamageIsRefused(t *testing.T) {
	whole, err := snapshot.Encode(take(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		if _, err := snapshot.Decode(flipped); err == nil {
			t.Errorf("byte %d of %d can be another", i, len(whole))
		}
		if _, err := snapshot.Decode(whole[:i]); err == nil {
			t.Errorf("it can end after %d of %d bytes", i, len(whole))
		}
	}
	if _, err := snapshot.Decode(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("something can follow")
	}
	_, err = snapshot.Decode(bytes.Replace(whole, []byte("gantry-snapshot 1"), []byte("gantry-snapshot 2"), 1))
	if !errors.Is(err, snapshot.ErrVersion) {
		t.Errorf("another version gives %v", err)
	}
	if _, err := snapshot.Decode([]byte("kind: List\n")); !errors.Is(err, snapshot.ErrForeign) {
		t.Errorf("another file gives %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("gantry-snapshot 1\nsha256 0\n"))
	f.Fuzz(func(_ *testing.T, file []byte) {
		if s, err := snapshot.Decode(file); err == nil {
			_ = s.Answering()
		}
	})
}
