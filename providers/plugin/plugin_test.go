package plugin_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/plugin"
)

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func TestCall(t *testing.T) {
	asked := 0
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"a":1}` || r.Method != http.MethodPost || r.URL.Path != "/x" {
			t.Errorf("got %s %s %s, %v", r.Method, r.URL, body, err)
		}
		if r.Header.Get("Authorization") != "Bearer hunter2" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers are %v", r.Header)
		}
		_, _ = io.WriteString(w, "answer")
	})
	answer, err := plugin.New(plugin.Options{}).Call(t.Context(), providers.PluginCall{
		URL: at + "/x", Auth: &source.Auth{Token: "hunter2"}, Body: []byte(`{"a":1}`), Timeout: time.Minute,
	})
	if err != nil || string(answer) != "answer" || asked != 1 {
		t.Errorf("got %q, %v, asked %d times", answer, err, asked)
	}
}

// What is wrong is told, once asked, with no token in it.
func TestCallFails(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	})
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		want   string
		is     error
	}{
		"unauthorized": {status(401), "wrong credentials", providers.ErrUnauthorized},
		"forbidden":    {status(403), "not allowed", providers.ErrForbidden},
		"not found":    {status(404), "not found", providers.ErrNotFound},
		"broken":       {status(500), "status 500", providers.ErrUnreachable},
		"no content":   {status(204), "status 204", providers.ErrUnreachable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}, "redirects elsewhere", nil},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 101))
		}, "more than 100 bytes", nil},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 50ms", providers.ErrUnreachable},
		"stops in the middle": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no answer within 50ms", providers.ErrUnreachable},
		"closes": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed", providers.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				_, _ = io.Copy(io.Discard, r.Body)
				test.handle(w, r)
			})
			call := providers.PluginCall{URL: at, Auth: &source.Auth{Token: "hunter2"}, Body: []byte("{}"), Timeout: time.Minute}
			if strings.HasPrefix(test.want, "no answer") {
				call.Timeout = 50 * time.Millisecond
			}
			_, err := plugin.New(plugin.Options{MaxBytes: 100}).Call(t.Context(), call)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the token is shown: %v", err)
			}
			if asked != 1 {
				t.Errorf("it was asked %d times", asked)
			}
		})
	}
}

func TestCallIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	at := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(errors.New("interrupted"))
		<-r.Context().Done()
	})
	_, err := plugin.New(plugin.Options{}).Call(ctx, providers.PluginCall{URL: at})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestCallTrustsGivenCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the test
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	client := plugin.New(plugin.Options{})
	if answer, err := client.Call(t.Context(), providers.PluginCall{URL: server.URL, Auth: &source.Auth{CAData: ca}}); err != nil || string(answer) != "ok" {
		t.Errorf("got %q, %v", answer, err)
	}
	if _, err := client.Call(t.Context(), providers.PluginCall{URL: server.URL}); !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "authority that is not known") {
		t.Errorf("got %v", err)
	}
	if _, err := client.Call(t.Context(), providers.PluginCall{URL: server.URL, Auth: &source.Auth{CAData: "x"}}); err == nil {
		t.Error("a certificate that is none was taken")
	}
}

func TestCallRefusesWhatIsNoURL(t *testing.T) {
	_, err := plugin.New(plugin.Options{}).Call(t.Context(), providers.PluginCall{URL: "http://u:hunter2@[::1"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
