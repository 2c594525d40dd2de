package github_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sensitive "github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/github"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

func appKey(t *testing.T) (*rsa.PrivateKey, sensitive.Sensitive) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key, sensitive.Sensitive(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// serveApp adds the routes that an app gets its token with, and lets it in as what it is. made
// counts the tokens, which count for lasts.
func serveApp(t *testing.T, key *rsa.PrivateKey, lasts time.Duration) (s *forgetest.Server, made *atomic.Int32) {
	made = &atomic.Int32{}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /api/v3/repos/example/repository/installation", func(w http.ResponseWriter, _ *http.Request) {
		forgetest.Answer(w, http.StatusOK, object{"id": 4711, "app_id": 1234})
	})
	routes.HandleFunc("POST /api/v3/app/installations/{id}/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Repositories []string }
		forgetest.Read(r, &in)
		if r.PathValue("id") != "4711" || !slices.Equal(in.Repositories, []string{"repository"}) {
			forgetest.NotFound(w)
			return
		}
		made.Add(1)
		forgetest.Answer(w, http.StatusCreated, object{"token": forgetest.Token, "expires_at": time.Now().Add(lasts).UTC().Format(time.RFC3339), "permissions": object{}})
	})
	inner := serve(t, true, true)
	s = forgetest.Serve(t, func(r *http.Request) bool {
		if _, pattern := routes.Handler(r); pattern != "" {
			return isOfApp(t, &key.PublicKey, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
		return r.Header.Get("Authorization") == "Bearer "+forgetest.Token
	})
	s.Memory = inner.Memory
	s.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := routes.Handler(r); pattern != "" {
			routes.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
	return s, made
}

// isOfApp reports whether a text is a login of the app: signed with its key, and for not more
// than ten minutes.
func isOfApp(t *testing.T, key *rsa.PublicKey, text string) bool {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return false
	}
	decode := func(part string) []byte {
		out, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Error(err)
		}
		return out
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decode(parts[2])) != nil {
		return false
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	if err := errors.Join(json.Unmarshal(decode(parts[0]), &header), json.Unmarshal(decode(parts[1]), &claims)); err != nil {
		t.Error(err)
	}
	now := time.Now().Unix()
	return header.Alg == "RS256" && header.Typ == "JWT" && claims.Iss == "1234" && claims.Iat < now && claims.Exp > now && claims.Exp <= now+600
}

// An app makes its token with its private key, once for as long as that counts, and does with
// it all that a token does.
func TestApp(t *testing.T) {
	key, text := appKey(t)
	account := func(s *forgetest.Server) shape.Account {
		return shape.Account{URL: s.URL, App: &shape.App{ID: "1234", Key: text}}
	}
	forgetest.Check(t, func(t *testing.T) (providers.Forge, forgetest.Site) {
		s, _ := serveApp(t, key, time.Hour)
		f, err := github.New(account(s), "example/repository")
		if err != nil {
			t.Fatal(err)
		}
		return f, s.Memory
	}, "pull", "pulls of a commit", "comment", "check")
	for lasts, want := range map[time.Duration]int32{time.Hour: 1, 4 * time.Minute: 3} {
		s, made := serveApp(t, key, lasts)
		f, err := github.New(account(s), "example/repository")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := f.OpenPulls(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if made.Load() != want {
			t.Errorf("tokens that last %s: %d were made", lasts, made.Load())
		}
	}
}

// What is wrong with an app is told, and nothing of its key.
func TestAppThatIsNotLetIn(t *testing.T) {
	key, text := appKey(t)
	_, other := appKey(t)
	s, _ := serveApp(t, key, time.Hour)
	for name, c := range map[string]struct {
		app  shape.App
		says string
	}{
		"no id":                {shape.App{Key: text}, "has no id"},
		"no PEM":               {shape.App{ID: "1234", Key: "hunter2"}, "not in PEM"},
		"no key":               {shape.App{ID: "1234", Key: "-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----\n"}, "no RSA key"},
		"another key":          {shape.App{ID: "1234", Key: other}, "where the app is installed"},
		"another app":          {shape.App{ID: "99", Key: text}, "where the app is installed"},
		"another installation": {shape.App{ID: "1234", Installation: "1", Key: text}, "the token of the app"},
	} {
		f, err := github.New(shape.Account{URL: s.URL, App: &c.app}, "example/repository")
		if err == nil {
			_, err = f.OpenPulls(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The repositories of an organization and of a person are told with a token for all that the
// app is installed for there.
func TestAppOfAnOwner(t *testing.T) {
	key, text := appKey(t)
	for kind, name := range map[string]string{"orgs": "example", "users": "somebody"} {
		s := forgetest.Serve(t, func(r *http.Request) bool {
			login := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			if strings.HasSuffix(r.URL.Path, "/repos") {
				return login == forgetest.Token
			}
			return isOfApp(t, &key.PublicKey, login)
		})
		s.HandleFunc("GET /api/v3/"+kind+"/"+name+"/installation", func(w http.ResponseWriter, _ *http.Request) {
			forgetest.Answer(w, http.StatusOK, object{"id": 4711})
		})
		s.HandleFunc("POST /api/v3/app/installations/4711/access_tokens", func(w http.ResponseWriter, r *http.Request) {
			in := map[string]any{}
			if forgetest.Read(r, &in); len(in) > 0 {
				t.Errorf("the token is asked for %v alone", in)
			}
			forgetest.Answer(w, http.StatusCreated, object{"token": forgetest.Token, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
		})
		s.HandleFunc("GET /api/v3/"+kind+"/"+name+"/repos", func(w http.ResponseWriter, _ *http.Request) {
			forgetest.Answer(w, http.StatusOK, []object{{"id": 1, "full_name": name + "/web", "default_branch": "main"}})
		})
		s.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { forgetest.NotFound(w) })
		owner, err := github.NewOwner(shape.Account{URL: s.URL, App: &shape.App{ID: "1234", Key: text}}, name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := owner.Repositories(t.Context())
		if err != nil || len(found) != 1 || found[0].Name != name+"/web" {
			t.Errorf("%s: %+v %v", kind, found, err)
		}
	}
}
