package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

type event struct {
	kind   string
	object map[string]any
}

// watchScript answers lists and watches one after the other.
type watchScript struct {
	t       *testing.T
	mu      sync.Mutex
	lists   []http.HandlerFunc
	watches []http.HandlerFunc
	asked   []string // resourceVersions that watches started from
}

func (s *watchScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	steps := &s.lists
	if r.URL.Query().Get("watch") != "" {
		steps = &s.watches
		s.asked = append(s.asked, r.URL.Query().Get("resourceVersion"))
		if r.URL.Query().Get("allowWatchBookmarks") != "true" || r.URL.Query().Get("timeoutSeconds") == "" {
			s.t.Errorf("watched with %s", r.URL.RawQuery)
		}
	}
	if len(*steps) == 0 {
		s.mu.Unlock()
		<-r.Context().Done()
		return
	}
	step := (*steps)[0]
	*steps = (*steps)[1:]
	s.mu.Unlock()
	step(w, r)
}

// events sends events and ends the watch.
func events(all ...event) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, e := range all {
			raw, _ := json.Marshal(e.object)
			_, _ = fmt.Fprintf(w, `{"type":%q,"object":%s}`+"\n", e.kind, raw)
		}
	}
}

// broken sends events and breaks the connection.
func broken(all ...event) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		events(all...)(w, r)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func gone() event {
	return event{"ERROR", map[string]any{"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old resource version"}}
}

func bookmark(version string) event {
	return event{"BOOKMARK", map[string]any{"kind": "ConfigMap", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": version}}}
}

// watchUntil watches until an object of the name last comes, and returns what
// came.
func watchUntil(t *testing.T, script *watchScript, last string) []string {
	t.Helper()
	server := httptest.NewServer(script)
	defer server.Close()
	c, _ := connect(t, Options{silence: silence{idle: time.Minute, sign: time.Minute, watch: 300 * time.Millisecond}}, server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []string
	err := c.Watch(ctx, configMaps, "web", providers.WatchOptions{}, func(o object.Object, deleted bool) bool {
		if o.Kind() != "ConfigMap" || o.APIVersion() != "v1" || o.Namespace() != "web" {
			t.Errorf("told of %v", o)
		}
		seen = append(seen, fmt.Sprintf("%s@%s deleted=%v", o.Name(), o.ResourceVersion(), deleted))
		return o.Name() != last
	})
	if err != nil {
		t.Fatalf("error %v after %q", err, seen)
	}
	return seen
}

func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	end := event{"ADDED", configMap("end", "99")}
	tests := map[string]struct {
		script *watchScript
		want   []string
		asked  []string
	}{
		"events in order, and resumed from the last one": {
			script: &watchScript{
				lists: []http.HandlerFunc{answer(listOf("10", "", configMap("a", "1"), configMap("b", "2")))},
				watches: []http.HandlerFunc{
					events(event{"ADDED", configMap("c", "11")}, event{"MODIFIED", configMap("a", "12")}, event{"DELETED", configMap("b", "13")}),
					events(bookmark("20")),
					broken(event{"MODIFIED", configMap("a", "21")}),
					events(end),
				},
			},
			want:  []string{"a@1 deleted=false", "b@2 deleted=false", "c@11 deleted=false", "a@12 deleted=false", "b@13 deleted=true", "a@21 deleted=false", "end@99 deleted=false"},
			asked: []string{"10", "13", "20", "21"},
		},
		"listed again where the server forgot": {
			script: &watchScript{
				lists: []http.HandlerFunc{
					answer(listOf("10", "", configMap("a", "1"), configMap("b", "2"), configMap("c", "3"))),
					answer(listOf("30", "", configMap("a", "1"), configMap("c", "25"), configMap("d", "26"))),
				},
				watches: []http.HandlerFunc{events(gone()), events(end)},
			},
			want:  []string{"a@1 deleted=false", "b@2 deleted=false", "c@3 deleted=false", "b@2 deleted=true", "c@25 deleted=false", "d@26 deleted=false", "end@99 deleted=false"},
			asked: []string{"10", "30"},
		},
		"refused with 410 at once, and the list fails for a while": {
			script: &watchScript{
				lists:   []http.HandlerFunc{answer(listOf("10", "", configMap("a", "1"))), refuse(500, "InternalError", "x"), cut, cut, cut, cut, answer(listOf("30", "", configMap("a", "1")))},
				watches: []http.HandlerFunc{refuse(410, "Expired", "too old"), events(end)},
			},
			want:  []string{"a@1 deleted=false", "end@99 deleted=false"},
			asked: []string{"10", "30"},
		},
		"made anew under the same name meanwhile": {
			script: &watchScript{
				lists: []http.HandlerFunc{
					answer(listOf("10", "", configMap("a", "1"))),
					answer(listOf("30", "", map[string]any{"metadata": map[string]any{"name": "a", "namespace": "web", "uid": "another", "resourceVersion": "28"}})),
				},
				watches: []http.HandlerFunc{events(gone()), events(end)},
			},
			want:  []string{"a@1 deleted=false", "a@1 deleted=true", "a@28 deleted=false", "end@99 deleted=false"},
			asked: []string{"10", "30"},
		},
		"a server that is busy and then down": {
			script: &watchScript{
				lists:   []http.HandlerFunc{answer(listOf("10", ""))},
				watches: []http.HandlerFunc{refuse(429, "TooManyRequests", "busy"), refuse(500, "InternalError", "x"), broken(), refuse(503, "ServiceUnavailable", "x"), events(end)},
			},
			want:  []string{"end@99 deleted=false"},
			asked: []string{"10", "10", "10", "10", "10"},
		},
		"ended during the list": {
			script: &watchScript{lists: []http.HandlerFunc{answer(listOf("10", "", configMap("end", "1"), configMap("b", "2")))}},
			want:   []string{"end@1 deleted=false"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.script.t = t
			got := watchUntil(t, test.script, "end")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told: %s", diff)
			}
			if diff := cmp.Diff(test.asked, test.script.asked); diff != "" {
				t.Errorf("watched from: %s", diff)
			}
		})
	}
}

func TestWatchEndsByItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	server := httptest.NewServer(&watchScript{t: t, lists: []http.HandlerFunc{answer(listOf("10", "", configMap("a", "1")))}})
	defer server.Close()
	c, _ := connect(t, Options{}, server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Watch(ctx, configMaps, "web", providers.WatchOptions{}, func(object.Object, bool) bool {
		time.AfterFunc(20*time.Millisecond, cancel) // by then the watch waits for events
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestWatchEndsByRefusals(t *testing.T) {
	first := func() []http.HandlerFunc { return []http.HandlerFunc{answer(listOf("10", ""))} }
	tests := map[string]struct {
		script *watchScript
		want   error
	}{
		"at the first list": {script: &watchScript{lists: []http.HandlerFunc{refuse(403, "Forbidden", `User "ci" cannot list`)}}, want: providers.ErrForbidden},
		"no such kind":      {script: &watchScript{lists: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404 page not found", 404) }}}, want: providers.ErrUnknownKind},
		"later":             {script: &watchScript{lists: first(), watches: []http.HandlerFunc{events(), refuse(401, "Unauthorized", "Unauthorized")}}, want: providers.ErrUnauthorized},
		"the kind is gone":  {script: &watchScript{lists: first(), watches: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404 page not found", 404) }}}, want: providers.ErrUnknownKind},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.script.t = t
			server := httptest.NewServer(test.script)
			defer server.Close()
			c, _ := connect(t, Options{}, server.URL)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := c.Watch(ctx, configMaps, "web", providers.WatchOptions{}, func(object.Object, bool) bool { return true })
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestWatchBackoffGrowsAndIsBounded(t *testing.T) {
	last := time.Duration(0)
	for failures := 1; failures < 20; failures++ {
		wait := watchBackoff(failures)
		if wait < last/2 || wait > maxWatchBackoff*5/4 {
			t.Errorf("after %d failures wait %v, before it %v", failures, wait, last)
		}
		last = wait
	}
	if last < maxWatchBackoff {
		t.Errorf("it ends at %v, want %v", last, maxWatchBackoff)
	}
}
