package claimant_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/identity/claimant"
	"github.com/gantrycd/gantry/providers/identity/issuertest"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

// clusters review tokens; they take all that they are asked about.
type clusters struct{ asked []string }

func (c *clusters) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	return &cluster{of: c, name: name}, nil
}

func (c *clusters) Read(context.Context, *target.Secret) (object.Sensitive, error) { return "", nil }

type cluster struct {
	providers.Cluster
	of   *clusters
	name string
}

func (c *cluster) Create(_ context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	c.of.asked = append(c.of.asked, c.name)
	spec := r.Object["spec"].(map[string]any)
	return providers.ApplyResult{Object: object.Object{"status": map[string]any{
		"authenticated": true, "audiences": spec["audiences"], "user": map[string]any{"username": "system:serviceaccount:ci:deployer"},
	}}}, nil
}

// key makes an SSH key: its file, and how it is listed.
func key(t *testing.T) (file string, listed identity.Key) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	wire, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, identity.Key{PublicKey: string(ssh.MarshalAuthorizedKey(wire)), Name: "bob"}
}

// TestIdentify: who is asked about what, and that one proof that fails is not made up for by
// another.
func TestIdentify(t *testing.T) {
	t.Parallel()
	issuer, other := issuertest.Start(t), issuertest.Start(t)
	issuer.Handlers["/job"] = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"value":"`+issuer.Token(issuer.Claims(r.FormValue("audience")))+`"}`)
	}
	file, listed := key(t)
	trust := identity.Trust{
		Issuers:  []identity.Issuer{{URL: issuer.URL, Audience: "other"}, {URL: issuer.URL, Audience: "gantry"}},
		Clusters: []identity.Cluster{{Name: "cluster.a", Audience: "other"}, {Name: "cluster.b", Audience: "gantry"}},
		Keys:     []identity.Key{listed},
	}
	account := func(audience string) object.Sensitive {
		claims := other.Claims(audience)
		claims["sub"] = "system:serviceaccount:ci:deployer"
		return object.Sensitive(other.Token(claims))
	}
	for name, test := range map[string]struct {
		with    claimant.Claimant
		trust   *identity.Trust
		who     string // empty is nobody
		why     string
		claimed bool
		asked   string // clusters
	}{
		"nothing":                       {with: claimant.Claimant{}, trust: &trust, why: "nobody is logged in and no token is given: log in with"},
		"nobody is trusted":             {with: claimant.Claimant{KeyFile: file}, trust: &identity.Trust{}, why: "trusts nobody", claimed: true},
		"a token":                       {with: claimant.Claimant{Token: object.Sensitive(issuer.Token(issuer.Claims("gantry")))}, trust: &trust, who: "alice", claimed: true},
		"for another program":           {with: claimant.Claimant{Token: object.Sensitive(issuer.Token(issuer.Claims("third")))}, trust: &trust, why: "made for \"third\"", claimed: true},
		"of an issuer that nobody has":  {with: claimant.Claimant{Token: object.Sensitive(other.Token(other.Claims("gantry")))}, trust: &trust, why: "does not trust", claimed: true},
		"a bad token and a good key":    {with: claimant.Claimant{Token: "opaque", KeyFile: file}, trust: &trust, why: "no JSON web token", claimed: true},
		"a service account":             {with: claimant.Claimant{Token: account("gantry")}, trust: &trust, who: "system:serviceaccount:ci:deployer", claimed: true, asked: "cluster.b"},
		"an account for something else": {with: claimant.Claimant{Token: account("https://kubernetes.default.svc")}, trust: &trust, why: "cluster.b takes those for \"gantry\"", claimed: true},
		"a key":                         {with: claimant.Claimant{KeyFile: file}, trust: &trust, who: "bob", claimed: true},
		"a key that is not listed":      {with: claimant.Claimant{KeyFile: file}, trust: &identity.Trust{Issuers: trust.Issuers}, why: "is not listed", claimed: true},
		"a CI job":                      {with: claimant.Claimant{Actions: oidc.Actions{URL: issuer.URL + "/job"}}, trust: &trust, who: "alice", claimed: true},
		"a CI job that gets no token":   {with: claimant.Claimant{Actions: oidc.Actions{URL: issuer.URL + "/nothing"}}, trust: &trust, why: "answers 404", claimed: true},
	} {
		t.Run(name, func(t *testing.T) {
			reviewers := &clusters{}
			test.with.Clusters, test.with.Read = reviewers, reviewers
			got, claimed := test.with.Identify(t.Context(), test.trust)
			if claimed != test.claimed || got.Verified != (test.who != "") || got.Name != test.who || !strings.Contains(got.Unverified, test.why) {
				t.Errorf("%+v, claimed: %v", got, claimed)
			}
			if asked := strings.Join(reviewers.asked, " "); asked != test.asked {
				t.Errorf("asked: %q", asked)
			}
		})
	}
}

// TestLogins: a login is renewed before it ends, also by another command meanwhile, and is
// over when the issuer says so.
func TestLogins(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	trust := identity.Trust{Issuers: []identity.Issuer{{URL: issuer.URL, Audience: "gantry"}}}
	store := oidc.Store{Dir: t.TempDir()}
	client, err := oidc.New(trust.Issuers[0], oidc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	login, _, err := client.Device(t.Context(), func(string, string) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Save(&trust.Issuers[0], login); err != nil {
		t.Fatal(err)
	}
	with := claimant.Claimant{Logins: store}
	asked := issuer.Asked("/token")
	if got, _ := with.Identify(t.Context(), &trust); !got.Verified || issuer.Asked("/token") != asked {
		t.Errorf("%+v", got)
	}
	ending := *login
	ending.Expires = time.Now().Add(time.Minute)
	if err := store.Save(&trust.Issuers[0], &ending); err != nil {
		t.Fatal(err)
	}
	if got, _ := with.Identify(t.Context(), &trust); !got.Verified || issuer.Asked("/token") != asked+1 {
		t.Errorf("it is not renewed: %+v", got)
	}
	renewed, err := store.Load(&trust.Issuers[0])
	if err != nil || !renewed.Expires.After(time.Now().Add(10*time.Minute)) {
		t.Fatalf("%v: not kept", err)
	}
	// What is kept is over, and its refresh token was used by another: who has it logs in again.
	ending.Expires = time.Now().Add(-time.Hour)
	if err := store.Save(&trust.Issuers[0], &ending); err != nil {
		t.Fatal(err)
	}
	if got, claimed := with.Identify(t.Context(), &trust); got.Verified || !claimed || !strings.Contains(got.Unverified, "log in again") {
		t.Errorf("%+v", got)
	}
	// Another command renewed it while this one asked.
	issuer.Handlers["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		if err := store.Save(&trust.Issuers[0], &oidc.Login{Issuer: issuer.URL, Client: "gantry", Token: object.Sensitive(issuer.Token(issuer.Claims("gantry"))), Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Error(err)
		}
		http.Error(w, "{}", http.StatusBadRequest)
	}
	ending.Token += "x" // tokens of one second are alike
	if err := store.Save(&trust.Issuers[0], &ending); err != nil {
		t.Fatal(err)
	}
	if got, _ := with.Identify(t.Context(), &trust); !got.Verified {
		t.Errorf("%+v", got)
	}
}
