package oidc_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/forge/giteatest"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

// TestGitea: people log in at a real issuer, a Gitea, whose tokens say in which teams they are.
func TestGitea(t *testing.T) {
	t.Parallel()
	gitea := giteatest.Start(t)
	alice := gitea.User(t, "alice")
	gitea.Team(t, "example", "sre", alice)
	client := gitea.Application(t, "gantry", "http://127.0.0.1/callback")
	trusted := identity.Issuer{URL: gitea.Issuer, Audience: client}
	issuer, err := oidc.New(trusted, oidc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	browser := gitea.Browser(t, alice)
	login, who, err := issuer.Browser(t.Context(), func(address string) {
		if page := gitea.Agree(t, browser, address); !strings.Contains(page, "go back to the terminal") {
			t.Errorf("the browser ends at:\n%s", page)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !who.Verified || who.Name != "alice" || who.Issuer != gitea.Issuer || !slices.Equal(who.Groups, []string{"example", "example:sre"}) {
		t.Errorf("logged in as %+v", who)
	}
	if again, err := issuer.Verify(t.Context(), login.Token); err != nil || again.Subject != who.Subject {
		t.Errorf("%v: %+v", err, again)
	}
	renewed, who, err := issuer.Renew(t.Context(), login)
	if err != nil || !who.Verified || renewed.Token == "" {
		t.Fatalf("%v: %+v", err, who)
	}

	// What the issuer signed, changed.
	parts := strings.Split(login.Token.Reveal(), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	renamed := bytes.ReplaceAll(claims, []byte(`"alice"`), []byte(`"admin"`))
	if bytes.Equal(renamed, claims) {
		t.Errorf("the token does not name alice: %s", claims)
	}
	for name, text := range map[string]string{
		"another name":     parts[0] + "." + base64.RawURLEncoding.EncodeToString(renamed) + "." + parts[2],
		"no signature":     parts[0] + "." + parts[1] + ".",
		"the access token": alice.Token,
	} {
		if who, err := issuer.Verify(t.Context(), object.Sensitive(text)); err == nil || who.Verified {
			t.Errorf("%s counts", name)
		}
	}
	other, err := oidc.New(identity.Issuer{URL: gitea.Issuer, Audience: "gantry"}, oidc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Verify(t.Context(), login.Token); err == nil || !strings.Contains(err.Error(), "made for") {
		t.Errorf("a token for another program: %v", err)
	}
	if _, _, err := issuer.Device(t.Context(), func(string, string) {}); err == nil || !strings.Contains(err.Error(), "does not offer") {
		t.Errorf("%v", err)
	}
}
