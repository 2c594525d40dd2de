package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSameOrigin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"https://example.com/a", "https://EXAMPLE.com:443/b", true},
		{"http://example.com", "http://example.com:80", true},
		{"https://example.com", "http://example.com", false},
		{"https://example.com", "https://example.com:8443", false},
		{"https://example.com", "https://charts.example.com", false},
		{"https://example.com", "https://example.com.test", false},
	} {
		if got := SameOrigin(parse(t, test.a), parse(t, test.b)); got != test.want {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
}

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"https://user:secret@example.com/a?token=secret#secret": "https://example.com/a",
		"https://secret@example.com/a":                          "https://example.com/a",
		"https://u:secret%zz@example.com/a?token=secret":        "https://example.com/a",
		"https://u:sec/ret%zz@example.com/a":                    "https://example.com/a",
		"not a url":                                             "not a url",
	} {
		if got := RedactText(raw); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	if err := CheckURL(parse(t, "https://u:secret@example.com")); err == nil {
		t.Error("a password is accepted")
	}
	if err := CheckURL(parse(t, "https://u@example.com")); err != nil {
		t.Error(err)
	}
}

func TestStatus(t *testing.T) {
	at := parse(t, "https://example.com")
	for status, want := range map[int]error{
		200: nil, 401: providers.ErrUnauthorized, 403: providers.ErrForbidden, 404: providers.ErrNotFound, 410: providers.ErrNotFound,
		500: providers.ErrUnreachable, 429: providers.ErrUnreachable, 304: providers.ErrUnreachable,
	} {
		if err := Status(at, status); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestRedirectDowngradeAndLoop(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := plain.URL
		if r.URL.Path == "/loop" {
			target = "/loop"
		}
		http.Redirect(w, r, target, http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	for _, path := range []string{"/down", "/loop"} {
		client, err := NewClient(parse(t, secure.URL), &source.Auth{Insecure: true}, Network{})
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(t.Context(), parse(t, secure.URL+path))
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("%s: no error", path)
		}
	}
}

func TestBasicCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		auth *source.Auth
		want Credentials
		ok   bool
	}{
		"none":     {nil, Credentials{}, false},
		"empty":    {&source.Auth{CAData: "x"}, Credentials{}, false},
		"password": {&source.Auth{Username: "u", Password: "p"}, Credentials{"u", "p"}, true},
		"token":    {&source.Auth{Token: "t"}, Credentials{"bot", "t"}, true},
		"both":     {&source.Auth{Username: "u", Token: "t"}, Credentials{"u", "t"}, true},
	} {
		if got, ok := BasicCredentials(test.auth, "bot"); got != test.want || ok != test.ok {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
