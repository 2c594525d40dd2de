package oidc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/identity/issuertest"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

// TestGoodTokens: what tokens that count come to. Groups are groups, whatever they are called.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	began := time.Now() // and no time passes, however long the tests take
	issuer.Now = func() time.Time { return began }
	for _, test := range []struct {
		name    string
		header  map[string]any
		claims  map[string]any
		trusted func(t *identity.Issuer)
		who     string
		groups  []string
	}{
		{name: "usual", who: "alice", groups: []string{"example:sre", "example:web"}},
		{name: "ES256", header: map[string]any{"alg": "ES256", "kid": issuertest.KeyEC}, who: "alice", groups: []string{"example:sre", "example:web"}},
		{name: "EdDSA", header: map[string]any{"alg": "EdDSA", "kid": issuertest.KeyEd}, who: "alice", groups: []string{"example:sre", "example:web"}},
		{name: "without the ID of a key", header: map[string]any{"alg": "ES256"}, who: "alice", groups: []string{"example:sre", "example:web"}},
		{name: "one group as text", claims: map[string]any{"groups": "example:sre"}, who: "alice", groups: []string{"example:sre"}},
		{name: "text with commas is one group", claims: map[string]any{"groups": "example:sre,admin owner"}, who: "alice", groups: []string{"example:sre,admin owner"}},
		{name: "a group twice", claims: map[string]any{"groups": []string{"b", "a", "b"}}, who: "alice", groups: []string{"a", "b"}},
		{name: "no groups", claims: map[string]any{"groups": nil}, who: "alice"},
		{name: "groups are null", claims: map[string]any{"groups": []any(nil)}, who: "alice"},
		{name: "groups called as roles", claims: map[string]any{"groups": []string{"role:admin", "role.sre", "*", "proj:web:admin"}}, who: "alice", groups: []string{"*", "proj:web:admin", "role.sre", "role:admin"}},
		{name: "claims called as roles", claims: map[string]any{"groups": nil, "role": "admin", "roles": []string{"admin"}}, who: "alice"},
		{
			name: "nested groups", claims: map[string]any{"groups": nil, "realm_access": map[string]any{"roles": []string{"sre"}}},
			trusted: func(t *identity.Issuer) { t.GroupsClaim = "realm_access.roles" }, who: "alice", groups: []string{"sre"},
		},
		{
			name: "a claim with dots in its name", claims: map[string]any{"https://example.com/groups": []string{"sre"}},
			trusted: func(t *identity.Issuer) { t.GroupsClaim = "https://example.com/groups" }, who: "alice", groups: []string{"sre"},
		},
		{
			name: "a path that ends early", claims: map[string]any{"realm_access": "sre"},
			trusted: func(t *identity.Issuer) { t.GroupsClaim = "realm_access.roles" }, who: "alice",
		},
		{name: "groups that look alike stay two", claims: map[string]any{"groups": []string{"sre", "ѕre"}}, who: "alice", groups: []string{"sre", "ѕre"}},
		{name: "name from the e-mail", claims: map[string]any{"preferred_username": nil, "email": "alice@example.com", "email_verified": true, "groups": nil}, who: "alice@example.com"},
		{name: "an unverified e-mail is no name", claims: map[string]any{"preferred_username": nil, "email": "alice@example.com", "email_verified": false, "groups": nil}, who: "user-1"},
		{name: "name from the subject", claims: map[string]any{"preferred_username": nil, "groups": nil}, who: "user-1"},
		{name: "several audiences, asked for by us", claims: map[string]any{"aud": []string{"other", "gantry"}, "azp": "gantry", "groups": nil}, who: "alice"},
		{
			name: "asked for by the client that people log in with", claims: map[string]any{"azp": "gantry-cli", "groups": nil},
			trusted: func(t *identity.Issuer) { t.ClientID = "gantry-cli" }, who: "alice",
		},
		{name: "clocks differ a little", claims: map[string]any{"nbf": time.Now().Add(30 * time.Second).Unix(), "iat": time.Now().Add(30 * time.Second).Unix(), "groups": nil}, who: "alice"},
		{name: "it has just ended", claims: map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix(), "groups": nil}, who: "alice"},
		{
			name: "a job of GitHub Actions", claims: map[string]any{
				"sub": "repo:example/web:ref:refs/heads/main", "preferred_username": nil, "groups": nil,
				"repository": "example/web", "repository_owner": "example", "ref": "refs/heads/main",
			},
			trusted: func(t *identity.Issuer) {
				t.GroupsClaim, t.RequiredClaims = "repository", map[string]string{"repository_owner": "example"}
			},
			who: "repo:example/web:ref:refs/heads/main", groups: []string{"example/web"},
		},
		{
			name: "a job of GitLab", claims: map[string]any{
				"sub": "project_path:example/web:ref_type:branch:ref:main", "preferred_username": nil, "user_login": "alice",
				"groups": nil, "groups_direct": []string{"example", "example/sre"}, "ref_protected": "true",
			},
			trusted: func(t *identity.Issuer) {
				t.NameClaim, t.GroupsClaim, t.RequiredClaims = "user_login", "groups_direct", map[string]string{"ref_protected": "true"}
			},
			who: "alice", groups: []string{"example", "example/sre"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			trusted := identity.Issuer{URL: issuer.URL, Audience: "gantry"}
			if test.trusted != nil {
				test.trusted(&trusted)
			}
			header := test.header
			if header == nil {
				header = map[string]any{"alg": "RS256", "kid": issuertest.KeyRSA}
			}
			claims := changed(issuer, test.claims)
			verifier, err := oidc.New(trusted, oidc.Options{Now: issuer.Now})
			if err != nil {
				t.Fatal(err)
			}
			got, err := verifier.Verify(t.Context(), object.Sensitive(issuer.Sign(header, claims)))
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Identity{Name: test.who, Subject: claims["sub"].(string), Issuer: issuer.URL, Groups: test.groups, Means: identity.OIDC, Verified: true}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheSameSubjectOfTwoIssuers: who is trusted at one issuer is nobody at another.
func TestTheSameSubjectOfTwoIssuers(t *testing.T) {
	t.Parallel()
	one, other := issuertest.Start(t), issuertest.Start(t)
	verifier, err := oidc.New(identity.Issuer{URL: one.URL, Audience: "gantry"}, oidc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), object.Sensitive(other.Token(other.Claims("gantry")))); err == nil || !strings.Contains(err.Error(), "issued by") {
		t.Errorf("%v", err)
	}
	// The other signs what the first would say: its key is not published there.
	if _, err := verifier.Verify(t.Context(), object.Sensitive(other.Token(one.Claims("gantry")))); err == nil || !strings.Contains(err.Error(), "not signed with a key") {
		t.Errorf("%v", err)
	}
	if one.Asked("/keys") == 0 || other.Asked("/keys") != 0 || other.Asked("/.well-known/openid-configuration") != 0 {
		t.Error("an issuer that nobody trusts was asked")
	}
}

// TestATokenThatIsOverAsksNobody: what can be told here is.
func TestATokenThatIsOverAsksNobody(t *testing.T) {
	t.Parallel()
	issuer := issuertest.Start(t)
	later := func() time.Time { return time.Now().Add(2 * time.Hour) }
	verifier, err := oidc.New(identity.Issuer{URL: issuer.URL, Audience: "gantry"}, oidc.Options{Now: later})
	if err != nil {
		t.Fatal(err)
	}
	token := object.Sensitive(issuer.Token(issuer.Claims("gantry")))
	if _, err := verifier.Verify(t.Context(), token); err == nil || !strings.Contains(err.Error(), "has ended at") {
		t.Errorf("%v", err)
	}
	if n := issuer.Asked("/.well-known/openid-configuration"); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}
