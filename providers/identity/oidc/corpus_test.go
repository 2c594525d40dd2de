package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/identity/issuertest"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

// bad is a token that does not count, and what is said of it.
type bad struct {
	name string
	// make returns the token; it may change how the issuer answers.
	make func(i *issuertest.Issuer) string
	// trusted changes what the configuration trusts; nil is the usual.
	trusted func(t *identity.Issuer)
	want    string
}

// with is a usual token but for some claims; nil takes one away.
func with(changes map[string]any) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string { return i.Token(changed(i, changes)) }
}

func changed(i *issuertest.Issuer, changes map[string]any) map[string]any {
	claims := i.Claims("gantry")
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// headed is a usual token with a header of its own.
func headed(header map[string]any) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string {
		all := map[string]any{"alg": "RS256", "kid": issuertest.KeyRSA, "typ": "JWT"}
		maps.Copy(all, header)
		return i.Sign(all, i.Claims("gantry"))
	}
}

// raw is a token whose claims are text.
func raw(edit func(usual string) string) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string {
		now := i.Now().Unix()
		usual := fmt.Sprintf(`{"iss":%q,"sub":"user-1","aud":"gantry","iat":%d,"exp":%d,"preferred_username":"alice"}`, i.URL, now, now+3600)
		return i.SignText(map[string]any{"alg": "RS256", "kid": issuertest.KeyRSA}, edit(usual))
	}
}

// edited is a usual token whose text is changed.
func edited(edit func(token string) string) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string { return edit(i.Token(i.Claims("gantry"))) }
}

// answering is a usual token of an issuer that answers in a way of its own at a path.
func answering(path string, handler http.HandlerFunc) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string {
		i.Handlers[path] = handler
		return i.Token(i.Claims("gantry"))
	}
}

// described is a usual token of an issuer that says something else of itself.
func described(changes map[string]any) func(i *issuertest.Issuer) string {
	return func(i *issuertest.Issuer) string {
		maps.Copy(i.Discovery, changes)
		return i.Token(i.Claims("gantry"))
	}
}

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(`{"keys":[` + strings.Repeat(" ", 1<<16))); err != nil {
			return
		}
	}
}

func slow(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func badHeaders() []bad {
	return []bad{
		{"alg none", headed(map[string]any{"alg": "none"}), nil, "is not signed"},
		{"alg none with a signature", func(i *issuertest.Issuer) string { return headed(map[string]any{"alg": "none"})(i) + "c2ln" }, nil, "\"alg\" is none"},
		{"alg None", func(i *issuertest.Issuer) string { return headed(map[string]any{"alg": "NoNe"})(i) + "c2ln" }, nil, "\"alg\" is none"},
		{"no alg", func(i *issuertest.Issuer) string {
			return i.Sign(map[string]any{"kid": issuertest.KeyRSA}, i.Claims("gantry")) + "c2ln"
		}, nil, "does not say what it is signed with"},
		{"alg is a list", headed(map[string]any{"alg": []string{"RS256"}}), nil, "is not signed"},
		{"HS256 with the public key", headed(map[string]any{"alg": "HS256"}), nil, "a shared secret"},
		{"hs256 in small letters", func(i *issuertest.Issuer) string { return headed(map[string]any{"alg": "hs256"})(i) + "c2ln" }, nil, "a shared secret"},
		{"unknown alg", func(i *issuertest.Issuer) string { return headed(map[string]any{"alg": "RS1"})(i) + "c2ln" }, nil, "which is not taken"},
		{"alg that the issuer does not sign with", headed(map[string]any{"alg": "PS256"}), nil, "signs with RS256"},
		{"jku", headed(map[string]any{"jku": "https://keys.example.com"}), nil, "brings its own key (\"jku\")"},
		{"jwk", headed(map[string]any{"jwk": map[string]any{"kty": "RSA"}}), nil, "brings its own key (\"jwk\")"},
		{"x5u", headed(map[string]any{"x5u": "https://keys.example.com"}), nil, "brings its own key (\"x5u\")"},
		{"x5c", headed(map[string]any{"x5c": []string{"MII="}}), nil, "brings its own key (\"x5c\")"},
		{"crit", headed(map[string]any{"crit": []string{"exp"}}), nil, "demands an extension"},
		{"unencoded content", headed(map[string]any{"b64": false, "crit": []string{"b64"}}), nil, "demands an extension"},
		{"kid that nobody published", headed(map[string]any{"kid": "rsa-2"}), nil, "not signed with a key"},
		{"kid of another key", headed(map[string]any{"kid": issuertest.KeyEC}), nil, "not signed with a key"},
		{"kid is a path", headed(map[string]any{"kid": "../../dev/null"}), nil, "not signed with a key"},
		{"kid is a number", headed(map[string]any{"kid": 1}), nil, "\"kid\" that is no text"},
		{"ES256 with the ID of the RSA key", headed(map[string]any{"alg": "ES256"}), nil, "not signed with a key"},
		{"access token", headed(map[string]any{"typ": "at+jwt"}), nil, "an access token"},
		{"logout token", headed(map[string]any{"typ": "logout+jwt"}), nil, "no ID token"},
		{"typ is a number", headed(map[string]any{"typ": 3}), nil, "\"typ\" that is no text"},
		{"header says alg twice", func(i *issuertest.Issuer) string {
			_, rest, _ := strings.Cut(i.Token(i.Claims("gantry")), ".")
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","alg":"RS256"}`)) + "." + rest
		}, nil, "says something twice"},
		{"header is no object", func(i *issuertest.Issuer) string {
			_, rest, _ := strings.Cut(i.Token(i.Claims("gantry")), ".")
			return base64.RawURLEncoding.EncodeToString([]byte(`null`)) + "." + rest
		}, nil, "header is no JSON object"},
	}
}

func badClaims() []bad {
	hour := time.Hour
	return []bad{
		{"another issuer", with(map[string]any{"iss": "https://login.example.com"}), nil, "issued by \"https://login.example.com\""},
		{"issuer with a slash", func(i *issuertest.Issuer) string { return with(map[string]any{"iss": i.URL + "/"})(i) }, nil, "issued by"},
		{"issuer that looks alike", func(i *issuertest.Issuer) string {
			return with(map[string]any{"iss": strings.Replace(i.URL, "http", "httр", 1)})(i)
		}, nil, "issued by"},
		{"no issuer", with(map[string]any{"iss": nil}), nil, "who issued it"},
		{"issuer is a list", func(i *issuertest.Issuer) string { return with(map[string]any{"iss": []string{i.URL}})(i) }, nil, "who issued it"},
		{"another audience", with(map[string]any{"aud": "sts.example.com"}), nil, "made for \"sts.example.com\", and not for \"gantry\""},
		{"audience in capitals", with(map[string]any{"aud": "Gantry"}), nil, "made for"},
		{"audience that looks alike", with(map[string]any{"aud": "gаntry"}), nil, "made for"},
		{"audience with a space", with(map[string]any{"aud": "gantry "}), nil, "made for"},
		{"no audience", with(map[string]any{"aud": nil}), nil, "whom it is made for"},
		{"empty list of audiences", with(map[string]any{"aud": []string{}}), nil, "whom it is made for"},
		{"audience is an object", with(map[string]any{"aud": map[string]any{"gantry": true}}), nil, "whom it is made for"},
		{"audiences with a number", with(map[string]any{"aud": []any{"gantry", 1}}), nil, "no text and no list"},
		{"azp is another program", with(map[string]any{"azp": "other"}), nil, "for another program"},
		{"azp is a number", with(map[string]any{"azp": 1}), nil, "\"azp\" is no text"},
		{"several audiences without azp", with(map[string]any{"aud": []string{"gantry", "other"}}), nil, "made for several"},
		{"several audiences and another's azp", with(map[string]any{"aud": []string{"gantry", "other"}, "azp": "other"}), nil, "for another program"},
		{"ended", with(map[string]any{"exp": time.Now().Add(-hour).Unix()}), nil, "has ended at"},
		{"ended just beyond the leeway", with(map[string]any{"exp": time.Now().Add(-61 * time.Second).Unix()}), nil, "has ended at"},
		{"no end", with(map[string]any{"exp": nil}), nil, "when it ends"},
		{"end is text", with(map[string]any{"exp": "2099-01-01"}), nil, "\"exp\" is no time"},
		{"end is null", raw(func(s string) string { return strings.Replace(s, `"exp":`, `"exp":null,"x":`, 1) }), nil, "\"exp\" is no time"},
		{"end is negative", with(map[string]any{"exp": -1}), nil, "\"exp\" is no time"},
		{"end is beyond all numbers", raw(func(s string) string { return strings.Replace(s, `"exp":`, `"exp":1e300,"x":`, 1) }), nil, "\"exp\" is no time"},
		{"does not begin yet", with(map[string]any{"nbf": time.Now().Add(hour).Unix()}), nil, "begins to count"},
		{"does not begin within the leeway", with(map[string]any{"nbf": time.Now().Add(90 * time.Second).Unix()}), nil, "begins to count"},
		{"nbf is text", with(map[string]any{"nbf": "now"}), nil, "\"nbf\" is no time"},
		{"made tomorrow", with(map[string]any{"iat": time.Now().Add(24 * hour).Unix(), "exp": time.Now().Add(48 * hour).Unix()}), nil, "clock of this machine"},
		{"no subject", with(map[string]any{"sub": nil}), nil, "whom it is about"},
		{"empty subject", with(map[string]any{"sub": ""}), nil, "whom it is about"},
		{"subject is a number", with(map[string]any{"sub": 7}), nil, "whom it is about"},
		{"subject turns the line around", with(map[string]any{"sub": "user\u202eecila"}), nil, "cannot be seen"},
		{"subject without an end", with(map[string]any{"sub": strings.Repeat("a", 2000)}), nil, "has 2000 bytes"},
		{"claims twice", raw(func(s string) string { return strings.Replace(s, `"sub":`, `"sub":"root","sub":`, 1) }), nil, "says something twice"},
		{"groups twice", raw(func(s string) string { return strings.Replace(s, "}", `,"groups":["a"],"groups":["example:sre"]}`, 1) }), nil, "says something twice"},
		{"claim in capitals", raw(func(s string) string { return strings.Replace(s, "}", `,"SUB":"root"}`, 1) }), nil, "can be taken for \"sub\""},
		{"claim with a long s", raw(func(s string) string { return strings.Replace(s, "}", `,"ſub":"root"}`, 1) }), nil, "can be taken for \"sub\""},
		{"claims are a list", raw(func(string) string { return `["iss"]` }), nil, "content is no JSON object"},
		{"claims are not JSON", raw(func(s string) string { return s[:len(s)-1] }), nil, "content is no JSON object"},
		{"claims and more", raw(func(s string) string { return s + s }), nil, "content is no JSON object"},
		{"claims are not UTF-8", raw(func(s string) string { return strings.Replace(s, "alice", "al\xffce", 1) }), nil, "not in UTF-8"},
		{"name is a list", with(map[string]any{"preferred_username": []string{"alice"}}), nil, "is no name"},
		{"name is empty", with(map[string]any{"preferred_username": " "}), nil, "is no name"},
		{"name breaks the line", with(map[string]any{"preferred_username": "alice\nverified: true"}), nil, "cannot be seen"},
		{"name has an escape", with(map[string]any{"preferred_username": "\x1b[2Jalice"}), nil, "cannot be seen"},
		{"name claim is missing", with(nil), func(t *identity.Issuer) { t.NameClaim = "upn" }, "no claim \"upn\""},
		{"e-mail is not verified", with(map[string]any{"email": "alice@example.com", "email_verified": false}), func(t *identity.Issuer) { t.NameClaim = "email" }, "has not verified the e-mail"},
		{"groups are an object", with(map[string]any{"groups": map[string]any{"example:sre": true}}), nil, "no list of groups"},
		{"groups are a number", with(map[string]any{"groups": 1}), nil, "no list of groups"},
		{"groups are lists of lists", with(map[string]any{"groups": []any{[]any{"example:sre"}}}), nil, "something that is no text"},
		{"groups with a number", with(map[string]any{"groups": []any{"example:sre", 1}}), nil, "something that is no text"},
		{"group without a name", with(map[string]any{"groups": []any{""}}), nil, "without a name"},
		{"group with what cannot be seen", with(map[string]any{"groups": []any{"example:\u200bsre"}}), nil, "cannot be seen"},
		{"too many groups", with(map[string]any{"groups": strings.Split(strings.Repeat("g ", 2500)+"g", " ")}), nil, "may have 2000"},
		{"groups are elsewhere", with(map[string]any{"groups": nil, "_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src2": map[string]any{"endpoint": "https://graph.example.com"}}}), nil, "source does not exist"},
		{"required claim is missing", with(nil), func(t *identity.Issuer) { t.RequiredClaims = map[string]string{"repository_owner": "example"} }, "required_claims"},
		{"required claim is another", with(map[string]any{"repository_owner": "examp1e"}), func(t *identity.Issuer) { t.RequiredClaims = map[string]string{"repository_owner": "example"} }, "required_claims"},
		{"required claim is a list", with(map[string]any{"repository_owner": []string{"example"}}), func(t *identity.Issuer) { t.RequiredClaims = map[string]string{"repository_owner": "example"} }, "required_claims"},
	}
}

func badTexts() []bad {
	return []bad{
		{"empty", edited(func(string) string { return "" }), nil, "is empty"},
		{"spaces alone", edited(func(string) string { return " \n" }), nil, "is empty"},
		{"Bearer", edited(func(s string) string { return "Bearer " + s }), nil, "give the token alone"},
		{"a space in it", edited(func(s string) string { return s[:20] + " " + s[20:] }), nil, "spaces or line breaks"},
		{"broken into lines", edited(func(s string) string { return s[:64] + "\n" + s[64:] }), nil, "spaces or line breaks"},
		{"two tokens", edited(func(s string) string { return s + "\n" + s }), nil, "spaces or line breaks"},
		{"cut after the header", edited(func(s string) string { h, _, _ := strings.Cut(s, "."); return h }), nil, "Perhaps it was cut"},
		{"cut before the signature", edited(func(s string) string { return s[:strings.LastIndex(s, ".")] }), nil, "Perhaps it was cut"},
		{"no signature", edited(func(s string) string { return s[:strings.LastIndex(s, ".")+1] }), nil, "is not signed"},
		{"signature is cut", edited(func(s string) string { return s[:len(s)-40] }), nil, "perhaps it was cut"},
		{"signature of another token", func(i *issuertest.Issuer) string {
			other := with(map[string]any{"sub": "user-2"})(i)
			own := i.Token(i.Claims("gantry"))
			return own[:strings.LastIndex(own, ".")] + other[strings.LastIndex(other, "."):]
		}, nil, "not signed with a key"},
		{"claims changed", edited(func(s string) string {
			parts := strings.Split(s, ".")
			claims, err := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil {
				panic(err)
			}
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), "alice", "admin", 1)))
			return strings.Join(parts, ".")
		}), nil, "not signed with a key"},
		{"padded", edited(func(s string) string { return strings.Replace(s, ".", "=.", 1) }), nil, "cannot be decoded"},
		{"base64 of another kind", edited(func(s string) string { return "+" + s[1:] }), nil, "cannot be decoded"},
		{"bits that say nothing", edited(func(s string) string { return strings.Replace(s, ".", "B.", 1) }), nil, "header"},
		{"JWE", edited(func(s string) string { return s + ".AAAA.AAAA" }), nil, "is encrypted"},
		{"JSON serialization", edited(func(s string) string {
			parts := strings.Split(s, ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
		}), nil, "in JSON"},
		{"an opaque token", edited(func(string) string { return "opaque_0123456789abcdef" }), nil, "no JSON web token"},
		{"huge", edited(func(s string) string { return s + strings.Repeat("A", 70_000) }), nil, "may have 65536"},
		{"dots", edited(func(string) string { return ".." }), nil, "not signed"},
		{"a null byte", edited(func(s string) string { return s + "\x00" }), nil, "cannot be decoded"},
	}
}

func badIssuers() []bad {
	return []bad{
		{"no discovery", answering(discoveryPath, status(404)), nil, "could not be asked: 404"},
		{"discovery fails", answering(discoveryPath, status(500)), nil, "could not be asked: 500"},
		{"discovery is HTML", answering(discoveryPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), nil, "could not be asked"},
		{"discovery of another issuer", described(map[string]any{"issuer": "https://login.example.com"}), nil, "is another issuer"},
		{"discovery is slow", answering(discoveryPath, slow), nil, "could not be asked"},
		{"discovery is endless", answering(discoveryPath, endless), nil, "longer than"},
		{"sent on to http elsewhere", answering(discoveryPath, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.example.com/", http.StatusFound)
		}), nil, "where others listen"},
		{"sent on without end", answering(discoveryPath, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, discoveryPath, http.StatusFound) }), nil, "sends on more than"},
		{"keys over http elsewhere", described(map[string]any{"jwks_uri": "http://keys.example.com"}), nil, "a jwks_uri that is not taken"},
		{"keys in a file", described(map[string]any{"jwks_uri": "file:///etc/passwd"}), nil, "a jwks_uri that is not taken"},
		{"no keys at all", described(map[string]any{"jwks_uri": ""}), nil, "a jwks_uri that is not taken"},
		{"issuer offers alg none", func(i *issuertest.Issuer) string {
			i.Discovery["id_token_signing_alg_values_supported"] = []string{"none", "HS256"}
			return i.Token(i.Claims("gantry"))
		}, nil, "signs with none, HS256"},
		{"keys are not there", answering(keysPath, status(404)), nil, "the keys of"},
		{"keys fail", answering(keysPath, status(500)), nil, "the keys of"},
		{"keys are slow", answering(keysPath, slow), nil, "the keys of"},
		{"keys are endless", answering(keysPath, endless), nil, "the keys of"},
		{"keys are no JSON", answering(keysPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), nil, "the keys of"},
		{"empty set of keys", func(i *issuertest.Issuer) string { i.Keys = nil; return i.Token(i.Claims("gantry")) }, nil, "not signed with a key"},
		{"the key was replaced", func(i *issuertest.Issuer) string {
			other, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			i.Keys = []map[string]any{issuertest.RSAKey(issuertest.KeyRSA, &other.PublicKey)}
			return i.Token(i.Claims("gantry"))
		}, nil, "not signed with a key"},
		{"ES256 with a point that is not on the curve", func(i *issuertest.Issuer) string {
			i.Keys[1]["y"] = i.Keys[1]["x"]
			return i.Sign(map[string]any{"alg": "ES256", "kid": issuertest.KeyEC}, i.Claims("gantry"))
		}, nil, "the keys of"},
		{"a secret among the keys", func(i *issuertest.Issuer) string {
			i.Keys = append(i.Keys, map[string]any{"kty": "oct", "kid": "secret", "alg": "HS256", "k": "AAAA"})
			i.Discovery["id_token_signing_alg_values_supported"] = []string{"RS256", "HS256"}
			return i.Sign(map[string]any{"alg": "HS256", "kid": "secret"}, i.Claims("gantry"))
		}, nil, "a shared secret"},
	}
}

// TestBadTokens: no token of the corpus counts, each is told why, and no answer has a part of
// the token, or is long.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	corpus := append(append(append(badHeaders(), badClaims()...), badTexts()...), badIssuers()...)
	if len(corpus) < 60 {
		t.Fatalf("the corpus has %d tokens", len(corpus))
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now() // and no time passes, however long the tests take
	clock := func() time.Time { return began }
	for _, test := range corpus {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			issuer := issuertest.StartWith(t, key)
			issuer.Now = clock
			token := test.make(issuer)
			trusted := identity.Issuer{URL: issuer.URL, Audience: "gantry"}
			if test.trusted != nil {
				test.trusted(&trusted)
			}
			// Only what hangs needs a short time; what answers has all the time that it needs.
			timeout := time.Minute
			if strings.HasSuffix(test.name, "slow") {
				timeout = 5 * time.Second
			}
			verifier, err := oidc.New(trusted, oidc.Options{Timeout: timeout, Now: clock})
			if err != nil {
				t.Fatal(err)
			}
			got, err := verifier.Verify(t.Context(), object.Sensitive(token))
			if err == nil || got.Verified {
				t.Fatalf("it counts, as %+v", got)
			}
			said := err.Error()
			if !strings.Contains(said, test.want) {
				t.Errorf("it is said that %s; expected: %s", said, test.want)
			}
			if len(said) > 600 || strings.ContainsAny(said, "\n\x1b\u202e\u200b") {
				t.Errorf("what is said cannot be shown: %q", said)
			}
			for _, part := range strings.FieldsFunc(token, func(r rune) bool { return strings.ContainsRune(". \n\"", r) }) {
				if len(part) > 15 && strings.Contains(said, part) {
					t.Errorf("what is said has a part of the token: %s", said)
				}
			}
		})
	}
}

// TestIssuersThatAreNotTaken: over http anybody in between could be the issuer.
func TestIssuersThatAreNotTaken(t *testing.T) {
	for _, url := range []string{"http://login.example.com", "login.example.com", "", "ftp://login.example.com", "https://user:password@login.example.com"} {
		if _, err := oidc.New(identity.Issuer{URL: url, Audience: "gantry"}, oidc.Options{}); err == nil || strings.Contains(err.Error(), "password@") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := oidc.New(identity.Issuer{URL: "https://login.example.com", Audience: "gantry", CAData: "none"}, oidc.Options{}); err == nil {
		t.Error("a CA that is none is taken")
	}
}
