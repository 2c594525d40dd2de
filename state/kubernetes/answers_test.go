package kubernetes_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state/kubernetes"
)

// answers counts the bytes of what a server answers.
type answers struct {
	next  http.RoundTripper
	bytes *atomic.Int64
}

func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if err == nil {
		body, readErr := io.ReadAll(response.Body)
		if closeErr := response.Body.Close(); readErr == nil {
			readErr = closeErr
		}
		if readErr != nil {
			return nil, readErr
		}
		a.bytes.Add(int64(len(body)))
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	return response, err
}

// TestAnswersWithoutValues: the server does not send back what was written.
func TestAnswersWithoutValues(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Shared(t)
	where := namespace(t, cluster)
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var got atomic.Int64
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &answers{next, &got} })
	store, err := kubernetes.New(kubernetes.Options{Config: config, Namespace: where})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	value := make([]byte, 1500<<10) // in two parts
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	version := ""
	for range 2 { // made, and changed
		if version, err = store.Put(t.Context(), "key", value, version); err != nil {
			t.Fatal(err)
		}
	}
	if n := got.Load(); n > 50<<10 {
		t.Errorf("%d bytes were answered to two writes of %d", n, len(value))
	}
	found, at, err := store.Get(t.Context(), "key")
	if err != nil || !bytes.Equal(found, value) || at != version {
		t.Errorf("Get: %d bytes at %q, %v, want %d at %q", len(found), at, err, len(value), version)
	}
}
