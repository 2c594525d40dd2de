package forge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge"
)

const secret = "a-token-that-nobody-may-see"

// open opens a repository of a kind at a server.
func open(t *testing.T, kind, address string) providers.Forge {
	t.Helper()
	f, err := forge.Open(kind, forge.Account{URL: address, Token: secret}, "example/repository")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// list answers with so many open pull requests in the pages of a kind, as these say that there
// are more.
func list(kind string, all int, w http.ResponseWriter, r *http.Request) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.FormValue(name)); err == nil {
			return n
		}
		return otherwise
	}
	size := max(number("per_page", 0), number("limit", 0), number("pagelen", 0))
	if size < 1 || size > 100 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	from := (number("page", 1) - 1) * size
	if kind == "bitbucket_data_center" {
		from = number("start", 0)
	}
	var values []map[string]any
	for n := from + 1; n <= min(all, from+size); n++ {
		commit := fmt.Sprintf("%040x", n)
		values = append(values, map[string]any{
			"number": n, "iid": n, "id": n, "title": "change", "sha": commit, "state": map[string]string{"gitlab": "opened", "bitbucket": "OPEN", "bitbucket_data_center": "OPEN"}[kind],
			"head": map[string]any{"sha": commit}, "source": map[string]any{"commit": map[string]any{"hash": commit}}, "fromRef": map[string]any{"latestCommit": commit},
		})
	}
	last := from+size >= all
	var answer any = append([]map[string]any{}, values...)
	switch kind {
	case "github":
		if !last {
			w.Header().Set("Link", fmt.Sprintf(`<https://api.example.com/x?page=%d>; rel="next"`, number("page", 1)+1))
		}
	case "gitea", "forgejo":
		w.Header().Set("X-Total-Count", strconv.Itoa(all))
	case "gitlab":
		w.Header().Set("X-Total", strconv.Itoa(all))
	case "bitbucket":
		out := map[string]any{"values": answer}
		if !last {
			out["next"] = fmt.Sprintf("https://api.example.com/x?state=OPEN&pagelen=%d&page=%d", size, number("page", 1)+1)
		}
		answer = out
	case "bitbucket_data_center":
		answer = map[string]any{"values": answer, "isLastPage": last, "nextPageStart": from + size}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // whoever goes away hears nothing
}

// What every client makes of a server that limits, fails, breaks off, redirects, floods or
// does not answer.
func TestServersThatMisbehave(t *testing.T) {
	t.Parallel()
	for _, kind := range forge.Types() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("another host is asked, with %q", r.Header)
			}))
			t.Cleanup(other.Close)
			for name, c := range map[string]struct {
				first http.HandlerFunc // once; what comes after is well
				asked int32
				err   error
				says  string
			}{
				"too many requests": {func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				}, 2, nil, ""},
				"too many for an hour": {func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-RateLimit-Remaining", "0")
					w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
					w.WriteHeader(http.StatusForbidden)
				}, 1, providers.ErrUnreachable, "it may be asked again in"},
				"failed": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 2, nil, ""},
				"broken off": {func(w http.ResponseWriter, _ *http.Request) {
					if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
						_ = connection.Close()
					}
				}, 2, nil, ""},
				"redirected to another host": {func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
				}, 1, providers.ErrUnreachable, "redirects"},
				"a hundred megabytes": {func(w http.ResponseWriter, _ *http.Request) {
					chunk, sent := strings.Repeat(" ", 1<<20), 0
					for range 100 {
						if _, err := io.WriteString(w, chunk); err != nil {
							break
						}
						sent++
					}
					if sent > 60 { // what is in flight of a connection is some
						t.Errorf("%d MiB were read", sent)
					}
				}, 1, providers.ErrTooMany, "more than 16 MiB"},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					var asked atomic.Int32
					server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if asked.Add(1) == 1 {
							c.first(w, r)
							return
						}
						list(kind, 1, w, r)
					}))
					defer server.Close()
					got, err := open(t, kind, server.URL).OpenPulls(t.Context())
					switch {
					case !errors.Is(err, c.err), c.err == nil && err != nil, c.err == nil && len(got) != 1:
						t.Errorf("%d, %v", len(got), err)
					case asked.Load() != c.asked:
						t.Errorf("asked %d times", asked.Load())
					case err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret)):
						t.Error(err)
					}
				})
			}
		})
	}
}

// A server that does not answer is waited for no longer than the caller waits.
func TestServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range forge.Types() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			reached, done := make(chan struct{}, 8), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				reached <- struct{}{}
				select {
				case <-done:
				case <-r.Context().Done():
				}
			}))
			defer server.Close()
			defer close(done)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-reached
				cancel()
			}()
			if _, err := open(t, kind, server.URL).OpenPulls(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

// A thousand pull requests are all found, in no more requests than there are pages.
func TestAThousandPullRequests(t *testing.T) {
	t.Parallel()
	for _, kind := range forge.Types() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				list(kind, 1000, w, r)
			}))
			defer server.Close()
			all, err := open(t, kind, server.URL).OpenPulls(t.Context())
			if err != nil || len(all) != 1000 || all[0].Number != 1000 || all[999].Number != 1 || len(all[0].Head) != 40 || !all[0].Open && kind == "gitlab" {
				t.Fatalf("%d, %v", len(all), err)
			}
			if n := asked.Load(); n < 10 || n > 20 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	if _, err := forge.Open("githab", forge.Account{}, "a/b"); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "bitbucket_data_center") {
		t.Error(err)
	}
	if _, err := forge.OpenOwner("github", forge.Account{}, "a b"); !errors.Is(err, providers.ErrInvalid) {
		t.Error(err)
	}
	for _, kind := range forge.Types() {
		if _, err := forge.OpenOwner(kind, forge.Account{URL: "https://git.example.com"}, "example"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
