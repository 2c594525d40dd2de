package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

var (
	configMaps = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}
	secrets    = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Secret"}, Plural: "secrets", Namespaced: true}
)

// pauses records waits instead of waiting.
type pauses struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (p *pauses) pause(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits = append(p.waits, d)
	return context.Cause(ctx)
}

func (p *pauses) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waits)
}

// serve starts a server of faults, and connects to it.
func serve(t *testing.T, handler http.HandlerFunc) (*cluster, *pauses) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return connect(t, Options{}, server.URL)
}

func connect(t *testing.T, options Options, address string) (*cluster, *pauses) {
	t.Helper()
	clusters := New(options)
	recorded := &pauses{}
	clusters.pause = recorded.pause
	connected, err := clusters.Connect("test", target.Connection{Server: address}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	return connected.(*cluster), recorded
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

// status answers as an API server explains a failure.
func status(w http.ResponseWriter, code int, reason, message string, details map[string]any) {
	writeJSON(w, code, map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"code": code, "reason": reason, "message": message, "details": details,
	})
}

func configMap(name, version string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "namespace": "web", "uid": "uid-" + name, "resourceVersion": version},
	}
}

func listOf(version, next string, items ...map[string]any) map[string]any {
	return map[string]any{
		"kind": "ConfigMapList", "apiVersion": "v1",
		"metadata": map[string]any{"resourceVersion": version, "continue": next},
		"items":    items,
	}
}

func secretRequest(values map[string]any) providers.ApplyRequest {
	return providers.ApplyRequest{
		Resource: secrets,
		Manager:  "gantry",
		Object: object.Object{
			"apiVersion": "v1", "kind": "Secret",
			"metadata":   map[string]any{"name": "db", "namespace": "web"},
			"stringData": values,
		},
	}
}

func configMapRequest() providers.ApplyRequest {
	return providers.ApplyRequest{
		Resource: configMaps,
		Manager:  "gantry",
		Object: object.Object{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": "settings", "namespace": "web"},
			"data":     map[string]any{"a": "1"},
		},
	}
}

// sequence answers with one handler after the other, and repeats the last.
func sequence(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	next := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handler := handlers[min(next, len(handlers)-1)]
		next++
		mu.Unlock()
		handler(w, r)
	}
}

func answer(value any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, value) }
}

func refuse(code int, reason, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { status(w, code, reason, message, nil) }
}

// cut sends the start of an answer and breaks the connection.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = fmt.Fprint(w, `{"kind":"ConfigMapList","items":[`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}
