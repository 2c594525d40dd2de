package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func TestBusyServerIsAskedAgainWhenItSays(t *testing.T) {
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		status(w, http.StatusTooManyRequests, "TooManyRequests", "too many requests", nil)
	}
	c, waited := serve(t, sequence(busy, busy, answer(configMap("settings", "1"))))
	// A write too: a request that was turned away did nothing.
	result, err := c.Apply(t.Context(), configMapRequest())
	if err != nil {
		t.Fatal(err)
	}
	if result.Object.Name() != "settings" {
		t.Errorf("applied %v", result.Object)
	}
	if len(waited.waits) != 2 || waited.waits[0] < 2*time.Second || waited.waits[0] > 3*time.Second {
		t.Errorf("waited %v, want twice the two seconds that the server asked for", waited.waits)
	}
	if got := c.Requests()["APPLY"]; got != 3 {
		t.Errorf("counted %d APPLY, want 3: retries are requests", got)
	}
}

func TestBusyServerIsGivenUpOn(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		status(w, http.StatusTooManyRequests, "TooManyRequests", "the server has received too many requests", nil)
	})
	_, err := c.List(t.Context(), configMaps, "web", providers.ListOptions{})
	if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "too many requests") {
		t.Errorf("error %v, want an ErrUnreachable in the server's words", err)
	}
	if got := c.Requests()["LIST"]; got != maxBusyAttempts {
		t.Errorf("sent %d requests, want %d", got, maxBusyAttempts)
	}
}

// TestBusyServerKeepsEveryRequestBack: what one request is told holds for all that go to
// the same server.
func TestBusyServerKeepsEveryRequestBack(t *testing.T) {
	c, waited := serve(t, answer(configMap("settings", "1")))
	c.busy.close(time.Now().Add(2 * time.Second))
	if _, err := c.Get(t.Context(), configMaps, "web", "settings"); err != nil {
		t.Fatal(err)
	}
	if waited.count() != 1 || waited.waits[0] < 1900*time.Millisecond {
		t.Errorf("waited %v, want the two seconds", waited.waits)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := c.Get(ctx, configMaps, "web", "settings")
	if providers.RetryAfter(err) < 1500*time.Millisecond || !errors.Is(err, providers.ErrUnreachable) {
		t.Errorf("error %v, want one that says when to come back", err)
	}
	if got := c.Requests()["GET"]; got != 1 {
		t.Errorf("sent %d requests, want 1: the other had no time", got)
	}
}

// TestRetryAfterIsNeverCutShort: a server that asks for more than a request may wait is
// not asked earlier, and the caller is told how long it is.
func TestRetryAfterIsNeverCutShort(t *testing.T) {
	for name, limit := range map[string]time.Duration{"too long for any": time.Hour, "too long for this one": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			after := map[time.Duration]string{time.Hour: "86400", 20 * time.Second: "30"}[limit]
			c, waited := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", after)
				status(w, http.StatusTooManyRequests, "TooManyRequests", "too many requests", nil)
			})
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := c.Apply(ctx, configMapRequest())
			if want, _ := time.ParseDuration(after + "s"); providers.RetryAfter(err) != want || !errors.Is(err, providers.ErrUnreachable) {
				t.Errorf("error %v, which says to wait %s", err, providers.RetryAfter(err))
			}
			if waited.count() != 0 || c.Requests()["APPLY"] != 1 {
				t.Errorf("waited %v for %v", waited.waits, c.Requests())
			}
		})
	}
	header := http.Header{"Retry-After": {time.Now().Add(10 * time.Second).UTC().Format(http.TimeFormat)}}
	if wait, told := retryAfter(header); !told || wait < 5*time.Second || wait > 11*time.Second {
		t.Errorf("wait %v (told %v) for a date in 10 seconds", wait, told)
	}
	if _, told := retryAfter(http.Header{"Retry-After": {"soon"}}); told {
		t.Error("a Retry-After that is neither seconds nor a date was taken")
	}
}

// TestFailuresThatMayPass counts how often each verb is sent to a server that answers
// with nothing but one failure.
func TestFailuresThatMayPass(t *testing.T) {
	const web = "failed calling webhook \"a.example.com\": connection refused"
	calls := map[string]func(c *cluster) error{
		"get": func(c *cluster) error {
			_, err := c.Get(context.Background(), configMaps, "web", "settings")
			return err
		},
		"apply": func(c *cluster) error {
			_, err := c.Apply(context.Background(), configMapRequest())
			return err
		},
		"guarded apply": func(c *cluster) error {
			r := configMapRequest()
			r.UID, r.ResourceVersion = "u", "7"
			_, err := c.Apply(context.Background(), r)
			return err
		},
		"create": func(c *cluster) error {
			_, err := c.Create(context.Background(), configMapRequest())
			return err
		},
		"delete": func(c *cluster) error {
			return c.Delete(context.Background(), providers.DeleteRequest{Resource: configMaps, Namespace: "web", Name: "settings"})
		},
	}
	for _, test := range []struct {
		code    int
		message string
		want    map[string]int // requests by call; others are sent once
		failed  bool
	}{
		{code: 500, message: "etcdserver: leader changed", failed: true, want: map[string]int{"get": maxFailedAttempts, "apply": maxFailedAttempts}},
		{code: 500, message: web},
		{code: 502, message: "bad gateway", want: map[string]int{"get": maxNetworkAttempts, "apply": maxNetworkAttempts}},
		{code: 504, message: "request did not complete within the allotted timeout", want: map[string]int{"get": maxNetworkAttempts, "apply": maxNetworkAttempts}},
	} {
		for name, call := range calls {
			t.Run(fmt.Sprintf("%d %s: %s", test.code, test.message, name), func(t *testing.T) {
				var sent atomic.Int32
				c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					sent.Add(1)
					status(w, test.code, "", test.message, nil)
				})
				err := call(c)
				if want := max(test.want[name], 1); name != "get" && int(sent.Load()) != want || name == "get" && test.message != web && int(sent.Load()) != want {
					t.Errorf("sent %d times, want %d", sent.Load(), want)
				}
				var transient *providers.TransientError
				if isTransient := errors.As(err, &transient); isTransient == (test.message == web && name != "get") || isTransient && transient.Failed != (test.failed || test.message == web) {
					t.Errorf("error %v (%T)", err, err)
				}
			})
		}
	}
}

// TestServerThatWasThereIsWaitedFor: one that has answered before is given time to come
// back; TestRefusedConnection has one that never did.
func TestServerThatWasThereIsWaitedFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	c, waited := connect(t, Options{}, "http://"+listener.Addr().String())
	c.answered.Store(true)
	_, err = c.Create(t.Context(), configMapRequest())
	if !errors.Is(err, providers.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
	var whole time.Duration
	for _, wait := range waited.waits {
		whole += wait
	}
	if whole < patience || whole > patience+5*time.Second {
		t.Errorf("waited %s in %d pauses, want about %s", whole, waited.count(), patience)
	}
}

func TestBrokenConnections(t *testing.T) {
	create := func(c *cluster) error {
		_, err := c.Create(context.Background(), configMapRequest())
		return err
	}
	apply := func(change func(*providers.ApplyRequest)) func(c *cluster) error {
		return func(c *cluster) error {
			r := configMapRequest()
			change(&r)
			_, err := c.Apply(context.Background(), r)
			return err
		}
	}
	tests := map[string]struct {
		call  func(c *cluster) error
		again bool
	}{
		"list": {again: true, call: func(c *cluster) error {
			_, err := c.List(context.Background(), configMaps, "web", providers.ListOptions{})
			return err
		}},
		"get": {again: true, call: func(c *cluster) error {
			_, err := c.Get(context.Background(), configMaps, "web", "settings")
			return err
		}},
		"apply":                            {again: true, call: apply(func(*providers.ApplyRequest) {})},
		"apply with a uid":                 {again: true, call: apply(func(r *providers.ApplyRequest) { r.UID = "u" })},
		"apply with a resourceVersion":     {again: false, call: apply(func(r *providers.ApplyRequest) { r.UID, r.ResourceVersion = "u", "7" })},
		"dry run with a resourceVersion":   {again: true, call: apply(func(r *providers.ApplyRequest) { r.UID, r.ResourceVersion, r.DryRun = "u", "7", true })},
		"create, whose outcome is unknown": {again: false, call: create},
		"delete": {again: false, call: func(c *cluster) error {
			return c.Delete(context.Background(), providers.DeleteRequest{Resource: configMaps, Namespace: "web", Name: "settings"})
		}},
		"patch": {again: false, call: func(c *cluster) error {
			_, err := c.Patch(context.Background(), configMaps, "web", "settings", []byte(`[]`), false)
			return err
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			c, _ := serve(t, sequence(
				func(w http.ResponseWriter, r *http.Request) { requests.Add(1); cut(w, r) },
				func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					writeJSON(w, http.StatusOK, configMap("settings", "1"))
				},
			))
			err := test.call(c)
			switch {
			case test.again && (err != nil || requests.Load() != 2):
				t.Errorf("error %v after %d requests, want none after 2", err, requests.Load())
			case !test.again && (!errors.Is(err, providers.ErrUnreachable) || requests.Load() != 1):
				t.Errorf("error %v after %d requests, want an ErrUnreachable after 1", err, requests.Load())
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	c, waited := connect(t, Options{}, "http://"+address)
	// Nothing was sent, so that a write may be repeated too.
	_, err = c.Create(t.Context(), configMapRequest())
	if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), `cluster "test"`) {
		t.Errorf("error %v, want an ErrUnreachable with the cluster's name and address", err)
	}
	if waited.count() != maxNetworkAttempts-1 {
		t.Errorf("tried %d times again, want %d", waited.count(), maxNetworkAttempts-1)
	}
}

func TestExpiredPageStartsOver(t *testing.T) {
	var unpaged atomic.Bool
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		switch {
		case query.Get("continue") != "":
			status(w, http.StatusGone, "Expired", "The provided continue parameter is too old", nil)
		case query.Get("limit") != "":
			writeJSON(w, http.StatusOK, listOf("5", "token", configMap("old", "1")))
		default:
			unpaged.Store(true)
			writeJSON(w, http.StatusOK, listOf("9", "", configMap("a", "2"), configMap("b", "3")))
		}
	})
	objects, err := c.List(t.Context(), configMaps, "web", providers.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !unpaged.Load() || len(objects) != 2 || objects[0].Name() != "a" {
		t.Errorf("listed %v, want only what the second list had", objects)
	}
}

func TestListInPages(t *testing.T) {
	var queries []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("continue"), &from)
		next := ""
		if from < 4 {
			next = fmt.Sprint(from + 2)
		}
		// Items of built-in kinds have no kind.
		item := func(i int) map[string]any {
			return map[string]any{"metadata": map[string]any{"name": fmt.Sprint("item-", i), "generation": i}}
		}
		writeJSON(w, http.StatusOK, listOf("7", next, item(from), item(from+1)))
	})
	c.pageSize = 2
	objects, err := c.List(t.Context(), configMaps, "", providers.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 6 || c.Requests()["LIST"] != 3 {
		t.Fatalf("%d objects by %v", len(objects), c.Requests())
	}
	for i, o := range objects {
		if o.Name() != fmt.Sprint("item-", i) || o.Kind() != "ConfigMap" || o.APIVersion() != "v1" {
			t.Errorf("object %d is %v", i, o)
		}
		if generation, _ := o.Get("metadata", "generation"); generation != int64(i) {
			t.Errorf("generation %v (%T), want an int64", generation, generation)
		}
	}
	if want := "continue=2&labelSelector=app%3Dweb&limit=2"; queries[1] != want {
		t.Errorf("second page asked with %q, want %q", queries[1], want)
	}
}

func TestListThatDoesNotAdvance(t *testing.T) {
	c, _ := serve(t, answer(listOf("1", "same", configMap("a", "1"))))
	if _, err := c.List(t.Context(), configMaps, "web", providers.ListOptions{}); err == nil || !strings.Contains(err.Error(), "does not advance") {
		t.Errorf("error %v", err)
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	slow := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	t.Cleanup(func() { close(release) })

	t.Run("the context ends", func(t *testing.T) {
		c, _ := serve(t, slow)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := c.Get(ctx, configMaps, "web", "settings")
		if !errors.Is(err, context.Canceled) || errors.Is(err, providers.ErrUnreachable) {
			t.Errorf("error %v, want the context's", err)
		}
	})
	t.Run("the request's time ends", func(t *testing.T) {
		c, waited := serve(t, slow)
		c.timeout = 20 * time.Millisecond
		_, err := c.Get(t.Context(), configMaps, "web", "settings")
		if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 20ms") {
			t.Errorf("error %v", err)
		}
		if waited.count() != 0 {
			t.Errorf("a time-out was tried %d times again", waited.count())
		}
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, `{"kind":`)
			w.(http.Flusher).Flush()
			slow(w, r)
		})
		c.timeout = 50 * time.Millisecond
		_, err := c.Get(t.Context(), configMaps, "web", "settings")
		if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnswersThatAreNotKubernetes(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<html>welcome</html>")
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
	}
	for name, handler := range map[string]http.HandlerFunc{"a web page": html, "a redirect": redirect, "nothing": answer(nil)} {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, handler)
			_, err := c.Info(t.Context())
			if err == nil || !strings.Contains(err.Error(), "Kubernetes API server") {
				t.Errorf("error %v, want a hint that this is no Kubernetes API server", err)
			}
		})
	}
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("requested %s", r.URL.Path) })
	for _, name := range []string{"", ".", "..", "a/status", "a%2fstatus"} {
		if _, err := c.Get(t.Context(), configMaps, "web", name); !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("name %q: error %v, want an ErrInvalid", name, err)
		}
	}
	if _, err := c.Get(t.Context(), configMaps, "", "a"); !errors.Is(err, providers.ErrInvalid) {
		t.Errorf("no namespace: error %v, want an ErrInvalid", err)
	}
	if _, err := c.List(t.Context(), configMaps, "../..", providers.ListOptions{}); !errors.Is(err, providers.ErrInvalid) {
		t.Errorf("namespace ../..: error %v, want an ErrInvalid", err)
	}
	if _, err := c.List(t.Context(), providers.Resource{GVK: object.GVK{Version: "v1", Kind: "X"}}, "", providers.ListOptions{}); err == nil {
		t.Error("a resource without a plural was listed")
	}
}
