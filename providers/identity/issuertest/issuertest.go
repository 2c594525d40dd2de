// Package issuertest is an OpenID Connect issuer for tests, on a loopback address: it signs
// any token, also such as no real issuer would, answers in wrong ways, and lets people log in
// with a code or from another device without asking them anything. The real issuer that the
// same code is tested with is a Gitea. Only tests import it.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Issuer is a running issuer. Its fields may be changed before it is asked.
type Issuer struct {
	URL string
	RSA *rsa.PrivateKey
	EC  *ecdsa.PrivateKey
	Ed  ed25519.PrivateKey
	// Discovery is what it says of itself, and Keys its key set. Handlers replace what it
	// answers at a path.
	Discovery map[string]any
	Keys      []map[string]any
	Handlers  map[string]http.HandlerFunc
	Now       func() time.Time // its clock

	mu     sync.Mutex
	asked  map[string]int
	logins logins
}

// The IDs of its keys.
const (
	KeyRSA = "rsa-1"
	KeyEC  = "ec-1"
	KeyEd  = "ed-1"
)

// Start starts an issuer, which ends with the test.
func Start(t testing.TB) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return StartWith(t, key)
}

// StartWith starts an issuer with an RSA key, which takes long to make.
func StartWith(t testing.TB, key *rsa.PrivateKey) *Issuer {
	t.Helper()
	i := &Issuer{RSA: key, Handlers: map[string]http.HandlerFunc{}, asked: map[string]int{}, Now: time.Now}
	var err error
	if i.EC, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, i.Ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	i.logins.begin()
	i.Discovery = map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize",
		"token_endpoint": i.URL + "/token", "device_authorization_endpoint": i.URL + "/device",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"scopes_supported":                      []string{"openid", "profile", "email", "groups", "offline_access"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA"},
	}
	point, err := i.EC.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	i.Keys = []map[string]any{
		RSAKey(KeyRSA, &i.RSA.PublicKey),
		{"kty": "EC", "crv": "P-256", "kid": KeyEC, "use": "sig", "alg": "ES256", "x": encode(point[1:33]), "y": encode(point[33:])},
		{"kty": "OKP", "crv": "Ed25519", "kid": KeyEd, "use": "sig", "alg": "EdDSA", "x": encode(i.Ed.Public().(ed25519.PublicKey))},
	}
	return i
}

// RSAKey is a public key as key sets have it.
func RSAKey(id string, key *rsa.PublicKey) map[string]any {
	return map[string]any{"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes())}
}

// Asked returns how often a path was asked for.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	handler := i.Handlers[r.URL.Path]
	i.mu.Unlock()
	switch {
	case handler != nil:
		handler(w, r)
	case r.URL.Path == "/.well-known/openid-configuration":
		answer(w, http.StatusOK, i.Discovery)
	case r.URL.Path == "/keys":
		answer(w, http.StatusOK, map[string]any{"keys": i.Keys})
	case r.URL.Path == "/authorize":
		i.authorize(w, r)
	case r.URL.Path == "/token":
		i.token(w, r)
	case r.URL.Path == "/device":
		i.device(w, r)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value) // a client that went away is no matter of the issuer's
}

// Claims are those of a usual token for an audience, which counts for an hour.
func (i *Issuer) Claims(audience string) map[string]any {
	now := i.Now()
	return map[string]any{
		"iss": i.URL, "sub": "user-1", "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"preferred_username": "alice", "groups": []string{"example:sre", "example:web"},
	}
}

// Token signs claims with the RSA key, as usual.
func (i *Issuer) Token(claims map[string]any) string {
	return i.Sign(map[string]any{"alg": "RS256", "kid": KeyRSA, "typ": "JWT"}, claims)
}

// Sign signs claims with the key that goes with the header's algorithm: of this issuer, or of
// a secret that is its public key, for HS256. Another algorithm gets no signature.
func (i *Issuer) Sign(header, claims map[string]any) string {
	return i.SignText(header, string(mustJSON(claims)))
}

// SignText is Sign with the claims as text, which need not be JSON.
func (i *Issuer) SignText(header map[string]any, claims string) string {
	signed := encode(mustJSON(header)) + "." + encode([]byte(claims))
	return signed + "." + encode(i.signature(header["alg"], signed))
}

func (i *Issuer) signature(algorithm any, signed string) []byte {
	digest := sha256.Sum256([]byte(signed))
	switch algorithm {
	case "RS256":
		return must(rsa.SignPKCS1v15(rand.Reader, i.RSA, crypto.SHA256, digest[:]))
	case "PS256":
		return must(rsa.SignPSS(rand.Reader, i.RSA, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, i.EC, digest[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "EdDSA":
		return ed25519.Sign(i.Ed, []byte(signed))
	case "HS256":
		mac := hmac.New(sha256.New, i.RSA.N.Bytes())
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	default:
		return nil
	}
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func mustJSON(value any) []byte { return must(json.Marshal(value)) }

// must is for what cannot fail with the keys that were made here.
func must(out []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return out
}
