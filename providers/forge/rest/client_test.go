package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
)

const token = "a-canary-that-nobody-may-see"

// clock tells a fixed time, and waits without that any passes.
type clock struct{ waited []time.Duration }

var now = time.Unix(1_800_000_000, 0)

func (c *clock) wait(_ context.Context, d time.Duration) error {
	c.waited = append(c.waited, d)
	return nil
}

func client(t *testing.T, base string, c *clock) *rest.Client {
	t.Helper()
	made, err := rest.New(rest.Options{
		Base: base, Header: http.Header{"Authorization": {"Bearer " + token}}, Secrets: []object.Sensitive{token},
		Wait: c.wait, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// answers is a server that gives one answer after the other, and the last one on.
func answers(t *testing.T, all ...http.HandlerFunc) (string, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		all[min(n, len(all))-1](w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, &asked
}

func says(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = connection.Close()
	}
}

var good = says(http.StatusOK, nil, `{"a":1}`)

// What is waited for, and what is repeated.
func TestRepeats(t *testing.T) {
	inAMinute := fmt.Sprint(now.Add(time.Minute).Unix())
	for _, test := range []struct {
		name   string
		method string
		first  http.HandlerFunc
		asked  int32
		waits  time.Duration // at least, at first
		err    error
	}{
		{"good", "GET", good, 1, 0, nil},
		{"failed", "GET", says(500, nil, "{}"), 2, time.Second / 2, nil},
		{"bad gateway", "PUT", says(502, nil, "<html>"), 2, time.Second / 2, nil},
		{"failed, and may have done it", "POST", says(500, nil, "{}"), 1, 0, providers.ErrUnreachable},
		{"did not do it", "POST", says(503, map[string]string{"Retry-After": "7"}, "{}"), 2, 7 * time.Second, nil},
		{"reset", "GET", reset, 2, time.Second / 2, nil},
		{"reset, and may have done it", "POST", reset, 1, 0, providers.ErrUnreachable},
		{"too many", "POST", says(429, map[string]string{"Retry-After": "30"}, "{}"), 2, 30 * time.Second, nil},
		{"until a date", "GET", says(429, map[string]string{"Retry-After": now.Add(20 * time.Second).UTC().Format(http.TimeFormat)}, "{}"), 2, 20 * time.Second, nil},
		{"primary limit", "POST", says(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inAMinute}, `{"message":"API rate limit exceeded"}`), 2, time.Minute, nil},
		{"secondary limit", "POST", says(403, map[string]string{"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "1900000000"}, `{"message":"You have exceeded a secondary rate limit."}`), 2, time.Minute, nil},
		{"another's limit", "GET", says(429, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": inAMinute}, "{}"), 2, time.Minute, nil},
		{"limit for an hour", "GET", says(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(now.Add(time.Hour).Unix())}, "{}"), 1, 0, providers.ErrUnreachable},
		{"forbidden", "GET", says(403, nil, `{"message":"no"}`), 1, 0, providers.ErrForbidden},
		{"not there", "GET", says(404, nil, "{}"), 1, 0, providers.ErrNotFound},
		{"wrong token", "GET", says(401, nil, "{}"), 1, 0, providers.ErrUnauthorized},
		{"refused", "PUT", says(422, nil, `{"message":"Validation Failed"}`), 1, 0, providers.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &clock{}
			address, asked := answers(t, test.first, good)
			var out struct{ A int }
			err := client(t, address, c).Send(t.Context(), test.method, "x", nil, &out)
			switch {
			case !errors.Is(err, test.err), test.err == nil && err != nil, test.err == nil && out.A != 1:
				t.Errorf("%v, %+v", err, out)
			case asked.Load() != test.asked:
				t.Errorf("asked %d times", asked.Load())
			case test.waits > 0 && (len(c.waited) == 0 || c.waited[0] < test.waits), test.waits == 0 && len(c.waited) > 0:
				t.Errorf("waited %v", c.waited)
			}
		})
	}
}

// A server that goes on failing is given up.
func TestGivesUp(t *testing.T) {
	address, asked := answers(t, says(500, nil, "{}"))
	if err := client(t, address, &clock{}).Get(t.Context(), "x", nil, nil); !errors.Is(err, providers.ErrUnreachable) || asked.Load() != 4 {
		t.Error(err, asked.Load())
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, test := range []struct {
		name, says string
		answer     http.HandlerFunc
		err        error
	}{
		{"login page", "login page", says(200, map[string]string{"Content-Type": "text/html"}, "<!DOCTYPE html><title>Sign in</title>"), providers.ErrUnreachable},
		{"other JSON", "not the JSON", says(200, nil, `[1]`), providers.ErrUnreachable},
		{"nothing", "not the JSON", says(200, nil, ""), providers.ErrUnreachable},
		{"huge", "more than 16 MiB", func(w http.ResponseWriter, _ *http.Request) {
			chunk := strings.Repeat(" ", 1<<20)
			for range 20 {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}, providers.ErrTooMany},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, asked := answers(t, test.answer)
			var out struct{ A int }
			err := client(t, address, &clock{}).Get(t.Context(), "x", nil, &out)
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) || asked.Load() != 1 {
				t.Errorf("%v, asked %d times", err, asked.Load())
			}
		})
	}
}

// Nothing goes to another host, and no request becomes another.
func TestRedirects(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	for _, test := range []struct {
		name, method, to string
		status           int
		ok               bool
	}{
		{"to another host", "GET", other.URL + "/api", 302, false},
		{"a write to another host", "POST", other.URL + "/api", 307, false},
		{"renamed", "GET", "/renamed", 301, true},
		{"a write to a renamed one", "PATCH", "/renamed", 307, true},
		{"a write that would be a read", "POST", "/renamed", 302, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, _ := answers(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, test.to, test.status) }, good)
			err := client(t, address, &clock{}).Send(t.Context(), test.method, "x", map[string]int{"a": 1}, nil)
			if test.ok != (err == nil) || !test.ok && !errors.Is(err, providers.ErrUnreachable) {
				t.Error(err)
			}
		})
	}
	if reached {
		t.Error("the other host was reached")
	}
}

// What a server says is quoted without the token, on one line, and not at length.
func TestErrorsHoldNoCredential(t *testing.T) {
	address, _ := answers(t, says(422, nil, `{"message":"bad `+token+`\n\u001b[31m\u202eevil`+strings.Repeat("x", 5000)+`"}`))
	err := client(t, address, &clock{}).Get(t.Context(), "x", nil, nil)
	if err == nil || strings.Contains(err.Error(), token) || strings.ContainsAny(err.Error(), "\n\x1b\u202e") || len(err.Error()) > 500 || !strings.Contains(err.Error(), "evil") {
		t.Errorf("%q", err)
	}
	for _, base := range []string{"", "ftp://x", "https://user:" + token + "@example.com", "https://example.com?token=" + token} {
		if _, err := rest.New(rest.Options{Base: base}); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q", err)
		}
	}
	if _, err := rest.New(rest.Options{Base: "https://example.com", Header: http.Header{"Authorization": {"Bearer " + token + "\n"}}}); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("%q", err)
	}
}

func TestListsEnd(t *testing.T) {
	forever := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `<https://example.com/?page=2>; rel="next"`)
		_, _ = io.WriteString(w, "[1,2]")
	}
	address, asked := answers(t, forever)
	pages := rest.Pages{Size: "limit", PerPage: 2}
	_, err := rest.All[int](t.Context(), client(t, address, &clock{}), pages, "x", nil)
	if !errors.Is(err, providers.ErrTooMany) || asked.Load() != rest.MaxPages {
		t.Error(err, asked.Load())
	}
	pages.Most, pages.Cut = 3, true
	if all, err := rest.All[int](t.Context(), client(t, address, &clock{}), pages, "x", nil); err != nil || len(all) != 6 {
		t.Error(all, err)
	}
	total, _ := answers(t, says(200, map[string]string{"X-Total-Count": "3"}, "[1,2]"), says(200, map[string]string{"X-Total-Count": "3"}, "[3]"))
	if all, err := rest.All[int](t.Context(), client(t, total, &clock{}), rest.Pages{Size: "limit", PerPage: 50}, "x", nil); err != nil || len(all) != 3 {
		t.Error(all, err)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{"a/b": "a%2Fb", "..": "%2E%2E", ".": "%2E", "a b#?%": "a%20b%23%3F%25", "-x": "-x"} {
		if got := rest.Escape(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := rest.EscapePath("a/../b c"); got != "a/%2E%2E/b%20c" {
		t.Error(got)
	}
}
