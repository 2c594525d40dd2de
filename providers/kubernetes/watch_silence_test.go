package kubernetes

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// raw sends lines as they are and ends the watch.
func raw(lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, line := range lines {
			_, _ = fmt.Fprintln(w, line)
		}
	}
}

// hangs sends events, and then nothing more without an end.
func hangs(all ...event) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		events(all...)(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// mute takes a request, and gives no answer at all.
func mute(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestWatchGoesOn: what is lost is listed again, and what is silent is asked again.
func TestWatchGoesOn(t *testing.T) {
	first := answer(listOf("10", "", configMap("a", "1")))
	second := answer(listOf("30", "", configMap("a", "25")))
	end := events(event{"ADDED", configMap("end", "99")})
	failed := event{"ERROR", map[string]any{"kind": "Status", "apiVersion": "v1", "code": 500, "reason": "InternalError", "message": "etcd event received with PrevKv=nil"}}
	listedAgain := []string{"a@1 deleted=false", "a@25 deleted=false", "end@99 deleted=false"}
	tests := map[string]struct {
		watches []http.HandlerFunc
		want    []string
		asked   []string
	}{
		"an error amid events":      {[]http.HandlerFunc{events(failed), end}, listedAgain, []string{"10", "30"}},
		"410 amid events":           {[]http.HandlerFunc{events(event{"ADDED", configMap("b", "11")}, gone()), end}, []string{"a@1 deleted=false", "b@11 deleted=false", "b@11 deleted=true", "a@25 deleted=false", "end@99 deleted=false"}, []string{"10", "30"}},
		"an event that is no JSON":  {[]http.HandlerFunc{raw(`{"type":"ADDED","object":{]`), end}, listedAgain, []string{"10", "30"}},
		"an event of another shape": {[]http.HandlerFunc{raw(`{"type":7}`), end}, listedAgain, []string{"10", "30"}},
		"an object that is none":    {[]http.HandlerFunc{raw(`{"type":"MODIFIED","object":["a"]}`), end}, listedAgain, []string{"10", "30"}},
		"an object without a name":  {[]http.HandlerFunc{raw(`{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"12"}}}`), end}, listedAgain, []string{"10", "30"}},
		"an error that is none":     {[]http.HandlerFunc{raw(`{"type":"ERROR","object":"no"}`), end}, listedAgain, []string{"10", "30"}},
		"a kind of event that nobody knows": {
			[]http.HandlerFunc{raw(`{"type":"FUTURE","object":{"metadata":{"name":"x","resourceVersion":"12"}}}`), end},
			[]string{"a@1 deleted=false", "end@99 deleted=false"},
			[]string{"10", "12"},
		},
		"no answer":                  {[]http.HandlerFunc{mute, end}, []string{"a@1 deleted=false", "end@99 deleted=false"}, []string{"10", "10"}},
		"silence after some events":  {[]http.HandlerFunc{hangs(bookmark("20")), end}, []string{"a@1 deleted=false", "end@99 deleted=false"}, []string{"10", "20"}},
		"a page of a proxy":          {[]http.HandlerFunc{raw("<html>gateway</html>"), end}, listedAgain, []string{"10", "30"}},
		"an end in the middle of it": {[]http.HandlerFunc{raw(`{"type":"ADDED","object":{"metadata"`), end}, []string{"a@1 deleted=false", "end@99 deleted=false"}, []string{"10", "10"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			script := &watchScript{t: t, lists: []http.HandlerFunc{first, second}, watches: test.watches}
			got := watchUntil(t, script, "end")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told: %s", diff)
			}
			if diff := cmp.Diff(test.asked, script.asked); diff != "" {
				t.Errorf("watched from: %s", diff)
			}
		})
	}
}

// TestWatchIsNoHotLoop: a server that ends every watch after an event is asked ever less.
func TestWatchIsNoHotLoop(t *testing.T) {
	watches := make([]http.HandlerFunc, 12)
	for i := range watches {
		watches[i] = events(event{"MODIFIED", configMap("a", fmt.Sprint(11+i))})
	}
	script := &watchScript{t: t, lists: []http.HandlerFunc{answer(listOf("10", "", configMap("a", "1")))}, watches: append(watches, events(event{"ADDED", configMap("end", "99")}))}
	server := httptest.NewServer(script)
	defer server.Close()
	c, recorded := connect(t, Options{}, server.URL)
	if err := c.Watch(t.Context(), configMaps, "web", providers.WatchOptions{}, func(o object.Object, _ bool) bool { return o.Name() != "end" }); err != nil {
		t.Fatal(err)
	}
	if n := recorded.count(); n != len(watches) {
		t.Fatalf("waited %d times, want %d", n, len(watches))
	}
	if last := recorded.waits[len(watches)-1]; last < maxWatchBackoff {
		t.Errorf("the last wait was %v, want %v: each connection failed at once", last, maxWatchBackoff)
	}
}

// TestWatchOfMetadata asks for metadata, takes whole objects too, and tells when everything
// has come.
func TestWatchOfMetadata(t *testing.T) {
	partial := func(name, version string) map[string]any {
		o := configMap(name, version)
		o["kind"], o["apiVersion"] = "PartialObjectMetadata", "meta.k8s.io/v1"
		return o
	}
	var accepted []string
	accepts := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			accepted = append(accepted, r.Header.Get("Accept"))
			next(w, r)
		}
	}
	script := &watchScript{
		t:       t,
		lists:   []http.HandlerFunc{accepts(answer(listOf("10", "", partial("a", "1"))))},
		watches: []http.HandlerFunc{accepts(events(event{"MODIFIED", partial("a", "11")}, event{"ADDED", configMap("end", "12")}))},
	}
	server := httptest.NewServer(script)
	defer server.Close()
	c, _ := connect(t, Options{}, server.URL)
	var told []string
	options := providers.WatchOptions{MetadataOnly: true, Listed: func() { told = append(told, "listed") }}
	err := c.Watch(t.Context(), configMaps, "web", options, func(o object.Object, _ bool) bool {
		told = append(told, fmt.Sprintf("%s %s/%s@%s", o.APIVersion(), o.Kind(), o.Name(), o.ResourceVersion()))
		return o.Name() != "end"
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v1 ConfigMap/a@1", "listed", "v1 ConfigMap/a@11", "v1 ConfigMap/end@12"}, told); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{typeMetadataList, typeMetadata}, accepted); diff != "" {
		t.Error(diff)
	}
}

// blackHole is a connection to a server that can be made to swallow everything.
type blackHole struct {
	listener net.Listener
	server   string
	dark     atomic.Bool // for the connections that there are
	made     atomic.Int32
}

func newBlackHole(t *testing.T, server string) *blackHole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &blackHole{listener: listener, server: server}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go h.carry(in, h.made.Add(1))
		}
	}()
	return h
}

// carry carries both ways. The first connection is the one that goes dark: it stays open,
// and nothing comes through.
func (h *blackHole) carry(in net.Conn, number int32) {
	defer in.Close()
	out, err := net.Dial("tcp", h.server)
	if err != nil {
		return
	}
	defer out.Close()
	pump := func(to, from net.Conn) {
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				_ = to.Close()
				return
			}
			if number == 1 && h.dark.Load() {
				continue
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go pump(out, in)
	pump(in, out)
}

// TestWatchNoticesABlackHole: a connection that is there, and carries nothing any more, is
// given up soon, and the watch resumed over another one. Nothing but pings of the
// connection can tell: the watch itself may be silent for an hour.
func TestWatchNoticesABlackHole(t *testing.T) {
	var hole *blackHole
	watches := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("asked by %s, want HTTP/2", r.Proto)
		}
		if r.URL.Query().Get("watch") == "" {
			answer(listOf("10", "", configMap("a", "1")))(w, r)
			return
		}
		watches++
		if watches == 1 {
			events(bookmark("20"))(w, r)
			w.(http.Flusher).Flush()
			time.AfterFunc(50*time.Millisecond, func() { hole.dark.Store(true) })
			<-r.Context().Done()
			return
		}
		if version := r.URL.Query().Get("resourceVersion"); version != "20" {
			t.Errorf("resumed from %s, want 20", version)
		}
		events(event{"ADDED", configMap("end", "99")})(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	hole = newBlackHole(t, server.Listener.Addr().String())

	options := Options{silence: silence{idle: 200 * time.Millisecond, sign: 200 * time.Millisecond, watch: time.Hour}}
	connected, err := New(options).Connect("test", target.Connection{Server: "https://" + hole.listener.Addr().String(), Insecure: true}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = connected.Watch(ctx, configMaps, "web", providers.WatchOptions{}, func(o object.Object, _ bool) bool { return o.Name() != "end" })
	if err != nil {
		t.Errorf("the watch was not resumed: %v", err)
	}
	if !hole.dark.Load() || hole.made.Load() < 2 {
		t.Errorf("dark: %v, connections: %d; the test shows nothing", hole.dark.Load(), hole.made.Load())
	}
}
