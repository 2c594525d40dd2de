package kubernetes_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
	"github.com/gantrycd/gantry/state"
)

// large returns a value of so many parts. It does not compress.
func large(parts int) string {
	value := make([]byte, (parts-1)*900<<10+1)
	_, _ = rand.NewChaCha8([32]byte{byte(parts)}).Read(value) // it cannot fail
	return string(value)
}

// TestParts: what a value was in goes when another takes its place, and what a killed
// writer left goes later, and nothing else does.
func TestParts(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	store := open(t, cluster.Kubeconfig, where, "")
	ctx := t.Context()
	parts := func(want int) []string {
		t.Helper()
		names, err := store.Parts(ctx)
		if err != nil || len(names) != want {
			t.Errorf("there are %d parts, %v, want %d", len(names), err, want)
		}
		return names
	}
	put := func(value, version string) string {
		t.Helper()
		version, err := store.Put(ctx, "a/key", []byte(value), version)
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	first := put(large(3), "")
	parts(3)
	second := put(large(2), first)
	parts(2)
	if _, err := store.Put(ctx, "a/key", []byte(large(4)), first); !errors.Is(err, state.ErrConflict) {
		t.Errorf("a Put at an old version: %v", err)
	}
	parts(2)
	third := put("small", second)
	parts(0)
	fourth := put(large(2), third)
	if err := store.Delete(ctx, "a/key", fourth); err != nil {
		t.Error(err)
	}
	parts(0)

	// A writer that is stopped before its head is written leaves its parts.
	proxy := faultproxy.Start(t, cluster.Kubeconfig)
	proxied := open(t, proxy.Kubeconfig(t, faultproxy.User{Token: "any"}), where, "")
	proxy.Add(faultproxy.Rule{Method: http.MethodPost, Path: "/secrets", Skip: 2, Fault: faultproxy.Stall()})
	short, cancel := context.WithCancel(ctx)
	written := make(chan error)
	go func() {
		_, err := proxied.Put(short, "b/key", []byte(large(2)), "")
		written <- err
	}()
	for len(proxy.Requests(faultproxy.Rule{Method: http.MethodPost, Path: "/secrets"})) < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-written; !errors.Is(err, state.ErrUnknown) {
		t.Errorf("a writer that was stopped: %v", err)
	}
	left := parts(2)

	// They may still be wanted, and then they are not.
	version := put(large(3), "")
	parts(5)
	later := open(t, cluster.Kubeconfig, where, "")
	later.Abandon(0)
	if version, err := later.Put(ctx, "a/key", []byte(large(4)), version); err != nil || version == "" {
		t.Fatal(err)
	}
	for _, name := range parts(4) {
		if slices.Contains(left, name) {
			t.Errorf("%s is there", name)
		}
	}
	if value, _, err := later.Get(ctx, "a/key"); err != nil || string(value) != large(4) {
		t.Errorf("Get = %d bytes, %v", len(value), err)
	}

	// Whoever slept over its parts writes no head that names them.
	slow := open(t, cluster.Kubeconfig, where, "")
	times := []time.Time{time.Now(), time.Now().Add(2 * time.Hour)}
	slow.At(func() time.Time {
		now := times[0]
		times = times[1:]
		return now
	})
	if _, err := slow.Put(ctx, "c/key", []byte(large(2)), ""); err == nil {
		t.Error("a writer that slept has written")
	}
	parts(4)
}

// TestBroken: what gantry did not write is not believed.
func TestBroken(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	store := open(t, cluster.Kubeconfig, namespace(t, cluster), "")
	ctx := t.Context()
	for name, spoil := range map[string]func(*corev1.Secret){
		"value":      func(s *corev1.Secret) { s.Data["value"] = []byte("other") },
		"no value":   func(s *corev1.Secret) { s.Data = nil },
		"key":        func(s *corev1.Secret) { s.Annotations["gantry.dev/key"] = "other" },
		"no key":     func(s *corev1.Secret) { delete(s.Annotations, "gantry.dev/key") },
		"encoding":   func(s *corev1.Secret) { s.Annotations["gantry.dev/encoding"] = "zstd" },
		"compressed": func(s *corev1.Secret) { s.Annotations["gantry.dev/encoding"] = "gzip" },
		"chunks":     func(s *corev1.Secret) { s.Annotations["gantry.dev/chunks"] = "many" },
		"mark":       func(s *corev1.Secret) { delete(s.Annotations, "gantry.dev/write") },
		"missing":    func(s *corev1.Secret) { s.Annotations["gantry.dev/chunks"] = "2" },
	} {
		key := state.EscapeSegment(name)
		if _, err := store.Put(ctx, key, []byte("value"), ""); err != nil {
			t.Fatal(err)
		}
		if err := store.Change(ctx, store.SecretOf(key), spoil); err != nil {
			t.Fatal(err)
		}
		var broken *state.BrokenError
		if value, _, err := store.Get(ctx, key); !errors.As(err, &broken) {
			t.Errorf("%s: Get = %q, %v, want a BrokenError", name, value, err)
		}
		if _, err := store.GetAll(ctx, ""); !errors.As(err, &broken) {
			t.Errorf("%s: GetAll: %v, want a BrokenError", name, err)
		}
		if err := store.RemoveSecret(ctx, store.SecretOf(key)); err != nil {
			t.Fatal(err)
		}
	}
}
