package oidc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/identity/issuertest"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

// browse opens an address as a browser does, and returns the page that it ends at.
func browse(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return string(page)
}

func newIssuer(t *testing.T, issuer *issuertest.Issuer) (*oidc.Issuer, identity.Issuer) {
	t.Helper()
	trusted := identity.Issuer{URL: issuer.URL, Audience: "gantry"}
	made, err := oidc.New(trusted, oidc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return made, trusted
}

// TestBrowser: logging in with a browser, renewing, keeping the login, and forgetting it.
func TestBrowser(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	client, trusted := newIssuer(t, issuer)
	page := make(chan string, 1)
	login, who, err := client.Browser(t.Context(), func(address string) {
		u, err := url.Parse(address)
		if err != nil || u.Query().Get("code_challenge_method") != "S256" || !strings.Contains(u.Query().Get("scope"), "openid profile email groups offline_access") {
			t.Errorf("the address is %s", address)
		}
		// An answer with another state is somebody else's, and is passed over.
		if other, err := http.Get(u.Query().Get("redirect_uri") + "?state=other&code=other"); err != nil {
			t.Error(err)
		} else {
			_ = other.Body.Close()
		}
		go func() { page <- browse(t, address) }()
	})
	if err != nil {
		t.Fatal(err)
	}
	if !who.Verified || who.Name != "alice" || !strings.Contains(<-page, "go back to the terminal") {
		t.Errorf("%+v", who)
	}

	store := oidc.Store{Dir: filepath.Join(t.TempDir(), "logins")}
	if found, err := store.Load(&trusted); found != nil || err != nil {
		t.Fatalf("%v %v", found, err)
	}
	if err := store.Save(&trusted, login); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(store.Dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	kept, err := store.Load(&trusted)
	if err != nil || kept.Token != login.Token || kept.Refresh != login.Refresh || !kept.Expires.Equal(login.Expires) {
		t.Fatalf("%v: not what was kept", err)
	}
	renewed, who, err := client.Renew(t.Context(), kept)
	if err != nil || !who.Verified || renewed.Refresh == kept.Refresh {
		t.Fatalf("%v: %+v", err, who)
	}
	// A refresh token is used up.
	if _, _, err := client.Renew(t.Context(), kept); !errors.Is(err, oidc.ErrLogin) {
		t.Errorf("%v", err)
	}
	// Another client of the issuer has logins of its own.
	other := trusted
	other.ClientID = "other"
	if found, err := store.Load(&other); found != nil || err != nil {
		t.Errorf("%v %v", found, err)
	}
	if removed, err := store.Remove(&trusted); !removed || err != nil {
		t.Errorf("%v %v", removed, err)
	}
	if removed, err := store.Remove(&trusted); removed || err != nil {
		t.Errorf("%v %v", removed, err)
	}
}

// TestLoginsThatOthersCanRead are not taken, nor what is no login.
func TestLoginsThatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes here")
	}
	trusted := identity.Issuer{URL: "https://login.example.com", Audience: "gantry"}
	store := oidc.Store{Dir: t.TempDir()}
	if err := store.Save(&trusted, &oidc.Login{Issuer: trusted.URL, Client: "gantry", Token: "token-0123456789"}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(store.Dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if err := os.Chmod(files[0], 0o640); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Load(&trusted); found != nil || err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("%v %v", found, err)
	}
	for _, text := range []string{"", "{", `{"formatVersion":2}`, `{"formatVersion":1,"issuer":"https://other.example.com","client":"gantry"}`} {
		if err := errors.Join(os.WriteFile(files[0], []byte(text), 0o600), os.Chmod(files[0], 0o600)); err != nil {
			t.Fatal(err)
		}
		if found, err := store.Load(&trusted); found != nil || !errors.Is(err, oidc.ErrLogin) {
			t.Errorf("%q: %v %v", text, found, err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := errors.Join(os.WriteFile(elsewhere, nil, 0o600), os.Remove(files[0]), os.Symlink(elsewhere, files[0])); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Load(&trusted); found != nil || err == nil {
		t.Errorf("a link: %v %v", found, err)
	}
}

// TestDevice: logging in from another device, which takes as long as it takes.
func TestDevice(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	issuer.Pend(1)
	client, _ := newIssuer(t, issuer)
	var shown string
	_, who, err := client.Device(t.Context(), func(address, code string) { shown = address + " " + code })
	if err != nil || !who.Verified || shown != issuer.URL+"/activate WDJB-MJHT" {
		t.Errorf("%v: %+v, shown: %s", err, who, shown)
	}
}

// TestLoginsThatFail: each with its reason, and nothing that was sent or got is in it.
func TestLoginsThatFail(t *testing.T) {
	t.Parallel()
	reply := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, test := range map[string]struct {
		change func(i *issuertest.Issuer)
		device bool
		want   string
	}{
		"somebody says no": {func(i *issuertest.Issuer) {
			i.Handlers["/authorize"] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.FormValue("redirect_uri")+"?error=access_denied&error_description=not+today%0A&state="+r.FormValue("state"), http.StatusFound)
			}
		}, false, "refuses: access_denied: not today"},
		"no code": {func(i *issuertest.Issuer) {
			i.Handlers["/authorize"] = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.FormValue("redirect_uri")+"?state="+r.FormValue("state"), http.StatusFound)
			}
		}, false, "without a code"},
		"no ID token": {func(i *issuertest.Issuer) {
			i.Handlers["/token"] = reply(200, `{"access_token":"a","token_type":"Bearer"}`)
		}, false, "gave no ID token"},
		"token of another login": {func(i *issuertest.Issuer) {
			claims := i.Claims("gantry")
			claims["nonce"] = "another"
			i.Handlers["/token"] = reply(200, `{"access_token":"a","token_type":"Bearer","id_token":"`+i.Token(claims)+`"}`)
		}, false, "another login"},
		"token for another program": {func(i *issuertest.Issuer) {
			i.Handlers["/token"] = reply(200, `{"access_token":"a","token_type":"Bearer","id_token":"`+i.Token(i.Claims("other"))+`"}`)
		}, true, "made for \"other\""},
		"the token endpoint fails":   {func(i *issuertest.Issuer) { i.Handlers["/token"] = reply(500, "secret-of-the-server") }, false, "refuses: 500"},
		"the code is not taken":      {func(i *issuertest.Issuer) { i.Handlers["/token"] = reply(400, `{"error":"invalid_grant"}`) }, false, "refuses: invalid_grant"},
		"no place to log in":         {func(i *issuertest.Issuer) { delete(i.Discovery, "authorization_endpoint") }, false, "is for CI systems"},
		"no devices":                 {func(i *issuertest.Issuer) { delete(i.Discovery, "device_authorization_endpoint") }, true, "does not offer"},
		"the device flow fails":      {func(i *issuertest.Issuer) { i.Handlers["/device"] = reply(400, `{"error":"invalid_client"}`) }, true, "refuses: invalid_client"},
		"the device waited too long": {func(i *issuertest.Issuer) { i.Handlers["/token"] = reply(400, `{"error":"expired_token"}`) }, true, "refuses: expired_token"},
		"devices are sent elsewhere": {func(i *issuertest.Issuer) {
			i.Handlers["/device"] = reply(200, `{"device_code":"a","user_code":"b","verification_uri":"http://login.example.com","interval":1}`)
		}, true, "an address that is not taken"},
		"tokens over http": {func(i *issuertest.Issuer) { i.Discovery["token_endpoint"] = "http://login.example.com" }, false, "a token_endpoint that is not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := issuertest.Start(t)
			test.change(issuer)
			client, _ := newIssuer(t, issuer)
			var err error
			if test.device {
				_, _, err = client.Device(t.Context(), func(string, string) {})
			} else {
				_, _, err = client.Browser(t.Context(), func(address string) { go browse(t, address) })
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; expected: %s", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "secret-of") || strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("it is said that %v", err)
			}
		})
	}
	t.Run("nobody comes", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		client, _ := newIssuer(t, issuertest.Start(t))
		_, _, err := client.Browser(ctx, func(string) { cancel(errors.New("interrupted")) })
		if err == nil || !strings.Contains(err.Error(), "nobody has logged in: interrupted") {
			t.Errorf("%v", err)
		}
	})
}

// TestActions: a job of GitHub Actions gets a token for the audience that counts.
func TestActions(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	issuer.Handlers["/job"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer job-token-0123" || r.FormValue("api-version") != "2.0" {
			http.Error(w, "job-token-0123 is wrong", http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"value":"`+issuer.Token(issuer.Claims(r.FormValue("audience")))+`"}`)
	}
	client, _ := newIssuer(t, issuer)
	for _, test := range []struct {
		url, want string
		token     object.Sensitive
	}{
		{issuer.URL + "/job?api-version=2.0", "", "job-token-0123"},
		{issuer.URL + "/job?api-version=2.0", "answers 403", "other-token-0123"},
		{issuer.URL + "/keys", "gives none", "job-token-0123"},
		{"http://jobs.example.com/", "must have https", "job-token-0123"},
	} {
		token, err := oidc.Actions{URL: test.url, Token: test.token}.Request(t.Context(), "gantry", oidc.Options{Timeout: time.Minute})
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "-token-0123") {
				t.Errorf("%s: %v", test.url, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if who, err := client.Verify(t.Context(), token); err != nil || !who.Verified {
			t.Errorf("%v: %+v", err, who)
		}
	}
}
