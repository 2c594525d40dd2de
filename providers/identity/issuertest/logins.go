package issuertest

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"sync"
)

// logins are those that are under way.
type logins struct {
	mu      sync.Mutex
	pending map[string]pending // by code, of either kind
	refresh map[string]string  // clients by refresh token
	waits   int
}

type pending struct {
	client, challenge, nonce, redirect string
	waits                              int // how often a device is told to wait
}

func (l *logins) begin() {
	l.pending, l.refresh = map[string]pending{}, map[string]string{}
}

// Pend has devices told so often that nobody has entered their code yet.
func (i *Issuer) Pend(times int) {
	i.logins.mu.Lock()
	defer i.logins.mu.Unlock()
	i.logins.waits = times
}

// authorize sends the browser back at once, as if alice had agreed.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	back, err := url.Parse(r.FormValue("redirect_uri"))
	if err != nil || back.Hostname() != "127.0.0.1" || r.FormValue("code_challenge_method") != "S256" || r.FormValue("response_type") != "code" {
		http.Error(w, "invalid request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.logins.mu.Lock()
	i.logins.pending[code] = pending{client: r.FormValue("client_id"), challenge: r.FormValue("code_challenge"), nonce: r.FormValue("nonce"), redirect: r.FormValue("redirect_uri")}
	i.logins.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {r.FormValue("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *Issuer) device(w http.ResponseWriter, r *http.Request) {
	code := rand.Text()
	i.logins.mu.Lock()
	i.logins.pending[code] = pending{client: r.FormValue("client_id"), challenge: r.FormValue("code_challenge"), waits: i.logins.waits}
	i.logins.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": i.URL + "/activate", "expires_in": 300, "interval": 1,
	})
}

// token answers for a code, a device or a refresh token. What was used is used up.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.logins.mu.Lock()
	defer i.logins.mu.Unlock()
	client := r.FormValue("client_id")
	refuse := func(why string) { answer(w, http.StatusBadRequest, map[string]string{"error": why}) }
	var nonce string
	switch r.FormValue("grant_type") {
	case "authorization_code", "urn:ietf:params:oauth:grant-type:device_code":
		code := r.FormValue("code") + r.FormValue("device_code")
		login, ok := i.logins.pending[code]
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || login.client != client || login.challenge != encode(sum[:]) || login.redirect != r.FormValue("redirect_uri") {
			refuse("invalid_grant")
			return
		}
		if login.waits > 0 {
			login.waits--
			i.logins.pending[code] = login
			refuse("authorization_pending")
			return
		}
		delete(i.logins.pending, code)
		nonce = login.nonce
	case "refresh_token":
		if i.logins.refresh[r.FormValue("refresh_token")] != client {
			refuse("invalid_grant")
			return
		}
		delete(i.logins.refresh, r.FormValue("refresh_token"))
	default:
		refuse("unsupported_grant_type")
		return
	}
	claims := i.Claims(client)
	if nonce != "" {
		claims["nonce"] = nonce
	}
	refresh := rand.Text()
	i.logins.refresh[refresh] = client
	answer(w, http.StatusOK, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": i.Token(claims), "refresh_token": refresh,
	})
}
