package kubernetes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Whatever is asked of a cluster is asked as somebody: discovery, schemas, reads, dry runs,
// writes, deletions and watches.
func TestEveryRequestIsMadeAs(t *testing.T) {
	var mu sync.Mutex
	var seen, bare []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		at := r.Method + " " + r.URL.Path
		seen = append(seen, at)
		if r.Header.Get("Impersonate-User") != "system:serviceaccount:web:deployer" || !slices.Equal(r.Header.Values("Impersonate-Group"), []string{"a", "b"}) {
			bare = append(bare, at)
		}
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer server.Close()
	as := &target.Impersonation{User: "system:serviceaccount:web:deployer", Groups: []string{"a", "b"}}
	// The cluster's own impersonate and how it logs in make no difference.
	connected, err := New(Options{}).Connect("test", target.Connection{Server: server.URL, Impersonate: "admin", As: as}, target.Credentials{Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, _ = connected.Info(ctx)
	_, _ = connected.Resource(ctx, configMaps.GVK)
	_, _ = connected.Resources(ctx)
	_, _, _ = connected.OpenAPI(ctx, "", "v1")
	_, _ = connected.Get(ctx, configMaps, "web", "web")
	_, _ = connected.List(ctx, configMaps, "web", providers.ListOptions{})
	_, _ = connected.Apply(ctx, configMapRequest())
	_, _ = connected.Patch(ctx, configMaps, "web", "web", []byte("{}"), true)
	_ = connected.Watch(ctx, configMaps, "web", providers.WatchOptions{}, func(object.Object, bool) bool { return true })
	if len(seen) < 7 || len(bare) > 0 {
		t.Errorf("of %q, not made as it should be: %q", seen, bare)
	}
}

// Nobody is not acted as: then nothing is connected to, and the server is not asked.
func TestNobodyIsActedAs(t *testing.T) {
	for name, as := range map[string]*target.Impersonation{
		"empty":             {},
		"groups only":       {Groups: []string{"system:masters"}},
		"whitespace":        {User: " \t"},
		"space behind":      {User: "admin "},
		"line break":        {User: "web\r\nImpersonate-User: admin"},
		"empty group":       {User: "web", Groups: []string{""}},
		"group of a space":  {User: "web", Groups: []string{"a", " "}},
		"group with a line": {User: "web", Groups: []string{"a\nb"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a request was sent: %s", r.URL) }))
			defer server.Close()
			if _, err := New(Options{}).Connect("test", target.Connection{Server: server.URL, As: as}, target.Credentials{}); err == nil {
				t.Error("it is connected to")
			}
		})
	}
}

// Of what is about to be sent the headers are looked at last: a request that lost them
// stays here.
func TestRequestsWithoutTheHeaderAreNotSent(t *testing.T) {
	as := &target.Impersonation{User: "web"}
	config := &rest.Config{}
	if err := actAs(config, as); err != nil {
		t.Fatal(err)
	}
	sent := 0
	transport := config.WrapTransport(roundTrip(func(*http.Request) (*http.Response, error) { sent++; return nil, fmt.Errorf("sent") }))
	send := func(header http.Header) error {
		answer, err := transport.RoundTrip(&http.Request{Header: header})
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	for name, header := range map[string]http.Header{
		"none": {}, "another user": {"Impersonate-User": {"admin"}}, "empty": {"Impersonate-User": {""}},
		"two": {"Impersonate-User": {"web", "admin"}}, "a group more": {"Impersonate-User": {"web"}, "Impersonate-Group": {"system:masters"}},
	} {
		if err := send(header); err == nil || !strings.Contains(err.Error(), "was not sent") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := send(http.Header{"Impersonate-User": {"web"}}); sent != 1 {
		t.Errorf("%d were sent: %v", sent, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
