package kubernetes_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest"
)

// TestRestarts takes the server away while it is written to, with all connections.
func TestRestarts(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	proxy := faultproxy.Start(t, cluster.Kubeconfig)
	kubeconfig := proxy.Kubeconfig(t, faultproxy.User{Token: "any"})
	where := namespace(t, cluster)
	storetest.Restarts(t, func(t *testing.T) state.Store { return open(t, kubeconfig, where, "") }, func(t *testing.T) {
		proxy.Down()
		if err := proxy.Up(); err != nil {
			t.Error(err)
		}
	})
}

// TestCutWrites loses requests and answers, of writes that others do or do not follow.
func TestCutWrites(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	plain := open(t, cluster.Kubeconfig, where, "")
	proxy := faultproxy.Start(t, cluster.Kubeconfig)
	store := open(t, proxy.Kubeconfig(t, faultproxy.User{Token: "any"}), where, "")
	ctx := t.Context()
	if _, err := plain.Put(ctx, "first", nil, ""); err != nil { // there is a namespace
		t.Fatal(err)
	}
	put := func(key, value, version string) string {
		t.Helper()
		version, err := store.Put(ctx, key, []byte(value), version)
		if err != nil {
			t.Fatalf("Put(%q): %v", key, err)
		}
		found, at, err := plain.Get(ctx, key)
		if err != nil || string(found) != value || at != version {
			t.Fatalf("%s is %d bytes at %q, %v, want %d at %q", key, len(found), at, err, len(value), version)
		}
		return version
	}
	for name, fault := range map[string]faultproxy.Fault{
		"reset": faultproxy.Reset(), "lost": faultproxy.Lost(),
		"500":        faultproxy.Status(http.StatusInternalServerError, "InternalError", "etcdserver: request timed out"),
		"500-done":   faultproxy.LostAs(http.StatusInternalServerError, "InternalError", "etcdserver: request timed out"),
		"504-done":   faultproxy.LostAs(http.StatusGatewayTimeout, "Timeout", "request did not complete within the allotted timeout"),
		"502":        faultproxy.Page(http.StatusBadGateway),
		"429":        faultproxy.Busy(http.StatusTooManyRequests, 0),
		"503":        faultproxy.Busy(http.StatusServiceUnavailable, 0),
		"404-a-page": faultproxy.Page(http.StatusServiceUnavailable),
	} {
		key := "cut/" + name
		each := func(method string) {
			proxy.Clear()
			proxy.Add(faultproxy.Rule{Method: method, Path: "/secrets", Times: 2, Fault: fault})
		}
		each(http.MethodPost)
		version := put(key, "created", "")
		each(http.MethodPut)
		version = put(key, "changed", version)
		each(http.MethodPost)
		version = put(key, large(2), version)
		each(http.MethodDelete)
		if err := store.Delete(ctx, key, version); err != nil {
			t.Errorf("%s: Delete: %v", name, err)
		}
		if _, _, err := plain.Get(ctx, key); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("%s: after it was deleted: %v", name, err)
		}
		each(http.MethodGet)
		if keys, err := store.List(ctx, "cut"); err != nil || len(keys) != 0 {
			t.Errorf("%s: List = %q, %v", name, keys, err)
		}
	}
	proxy.Clear()
	if parts, err := plain.Parts(ctx); err != nil || len(parts) > 0 {
		t.Errorf("parts are left: %q, %v", parts, err)
	}

	// A page that says 404 is not the server's word that there is nothing.
	proxy.Add(faultproxy.Rule{Reads: true, Path: "/secrets", Fault: faultproxy.Page(http.StatusNotFound)})
	if _, _, err := store.Get(ctx, "first"); err == nil || errors.Is(err, state.ErrNotFound) {
		t.Errorf("Get behind a proxy that knows no such page: %v", err)
	}
	proxy.Clear()

	// Another has written over it, before anyone could ask.
	version := put("followed", "one", "")
	proxy.Add(faultproxy.Rule{Method: http.MethodPut, Times: 1, Fault: func(p *faultproxy.Proxy, _ http.ResponseWriter, r *http.Request) {
		p.Forward(httptest.NewRecorder(), r)
		_, at, err := plain.Get(ctx, "followed")
		if err == nil {
			_, err = plain.Put(ctx, "followed", []byte("three"), at)
		}
		if err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}})
	if _, err := store.Put(ctx, "followed", []byte("two"), version); !errors.Is(err, state.ErrUnknown) || errors.Is(err, state.ErrConflict) {
		t.Errorf("a Put that was written over: %v, want ErrUnknown", err)
	}
	proxy.Clear()

	// Nobody ever answers, and the server has written or not.
	for value, fault := range map[string]faultproxy.Fault{"kept": faultproxy.Stall(), "written": faultproxy.LostInStall()} {
		version = put("silent-"+value, "kept", "")
		proxy.Add(faultproxy.Rule{Method: http.MethodPut, Fault: fault})
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		_, err := store.Put(short, "silent-"+value, []byte("written"), version)
		cancel()
		if !errors.Is(err, state.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Put without an answer: %v, want ErrUnknown and DeadlineExceeded", err)
		}
		proxy.Clear()
		if found, _, err := plain.Get(ctx, "silent-"+value); err != nil || string(found) != value {
			t.Errorf("it is %q, %v, want %s", found, err, value)
		}
	}
}

// TestLeftAlone: who asks to be left alone is.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	proxy := faultproxy.Start(t, cluster.Kubeconfig)
	store := open(t, proxy.Kubeconfig(t, faultproxy.User{Token: "any"}), where, "")
	if _, err := store.Put(t.Context(), "key", nil, ""); err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		proxy.Clear()
		proxy.Add(faultproxy.Rule{Method: http.MethodGet, Times: 1, Fault: faultproxy.Busy(code, 1)})
		if _, _, err := store.Get(t.Context(), "key"); err != nil {
			t.Error(err)
		}
		asked := proxy.Requests(faultproxy.Rule{Method: http.MethodGet})
		last, before := asked[len(asked)-1], asked[len(asked)-2]
		if wait := last.At.Sub(before.At); !before.Fault || wait < time.Second {
			t.Errorf("%d: asked again after %s", code, wait)
		}
	}
}
