package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

// leeway is how far the clocks of the issuer and of this machine may differ.
const leeway = time.Minute

// Verify returns who has a token, once the issuer's keys and the configuration say that it
// counts. Its errors say why it does not, and never hold the token.
func (i *Issuer) Verify(ctx context.Context, token object.Sensitive) (identity.Identity, error) {
	read, err := Read(token)
	if err != nil {
		return identity.Identity{}, err
	}
	return i.verify(ctx, token, read)
}

func (i *Issuer) verify(ctx context.Context, token object.Sensitive, read *Unverified) (identity.Identity, error) {
	if read.Issuer != i.trusted.URL {
		return identity.Identity{}, fmt.Errorf("the token is issued by %s, and not by %s", quoted(read.Issuer), i.trusted.URL)
	}
	// What needs no network first: a token that is over is no reason to ask anybody.
	if err := i.checkClaims(read); err != nil {
		return identity.Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, i.client)
	provider, described, err := i.discover(ctx)
	if err != nil {
		return identity.Identity{}, err
	}
	accepted := described.accepted()
	if !slices.Contains(accepted, read.algorithm) {
		return identity.Identity{}, fmt.Errorf("the token is signed with %s, and %s signs with %s", read.algorithm, i.trusted.URL, plain(strings.Join(described.Algorithms, ", ")))
	}
	verifier := provider.VerifierContext(ctx, &oidc.Config{
		ClientID: i.trusted.Audience, SupportedSigningAlgs: accepted,
		SkipExpiryCheck: true, // which checkClaims has done
	})
	if _, err := verifier.Verify(ctx, token.Reveal()); err != nil {
		return identity.Identity{}, i.refused(ctx, err)
	}
	return i.identity(read)
}

// refused says why a token's signature does not count. Keys that could not be read are told
// apart from keys that it was not made with.
func (i *Issuer) refused(ctx context.Context, err error) error {
	text := err.Error()
	if ctx.Err() != nil || strings.Contains(text, "fetching keys") {
		_, text, _ = strings.Cut(text, "fetching keys ")
		return fmt.Errorf("the keys of %s cannot be read: %s", i.trusted.URL, plain(strings.TrimPrefix(text, "oidc: ")))
	}
	if !strings.HasPrefix(text, "failed to verify signature") {
		return fmt.Errorf("the token is not taken: %s", plain(strings.TrimPrefix(text, "oidc: ")))
	}
	return fmt.Errorf("the token is not signed with a key that %s publishes", i.trusted.URL)
}

// checkClaims refuses tokens that are over, for others, or of those who do not count.
func (i *Issuer) checkClaims(read *Unverified) error {
	if !slices.Contains(read.Audience, i.trusted.Audience) {
		return fmt.Errorf("the token is made for %s, and not for %q: have it made for that, or correct \"audience\"", quoted(strings.Join(read.Audience, ", ")), i.trusted.Audience)
	}
	azp, given := read.claims["azp"]
	party, isText := azp.(string)
	switch {
	case given && !isText:
		return errors.New("the token's \"azp\" is no text")
	case given && party != i.trusted.Audience && party != i.trusted.Client():
		return fmt.Errorf("the token was made for another program (\"azp\" is %s)", quoted(party))
	case !given && len(read.Audience) > 1:
		return fmt.Errorf("the token is made for several (%s), and does not say which of them asked for it (\"azp\")", quoted(strings.Join(read.Audience, ", ")))
	}
	if err := i.checkTimes(read.claims); err != nil {
		return err
	}
	for _, name := range sortedKeys(i.trusted.RequiredClaims) {
		if found, ok := lookup(read.claims, name); !ok || asText(found) != i.trusted.RequiredClaims[name] {
			return fmt.Errorf("the token's claim %q is not %q, as required_claims demands", name, i.trusted.RequiredClaims[name])
		}
	}
	return nil
}

func (i *Issuer) checkTimes(claims map[string]any) error {
	now := i.options.Now()
	ends, ok, err := timeOf(claims, "exp")
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("the token does not say when it ends (\"exp\")")
	case !now.Before(ends.Add(leeway)):
		return fmt.Errorf("the token has ended at %s: get a new one", ends.UTC().Format(time.RFC3339))
	}
	for _, name := range []string{"nbf", "iat"} {
		begins, ok, err := timeOf(claims, name)
		if err != nil {
			return err
		}
		if ok && now.Add(leeway).Before(begins) {
			return fmt.Errorf("the token begins to count at %s (%q), and here it is %s: perhaps the clock of this machine is wrong", begins.UTC().Format(time.RFC3339), name, now.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// maxSeconds is the year 9999: later times do not fit everywhere.
const maxSeconds = 253402300799

// timeOf returns a claim in seconds since 1970; false where it is not there.
func timeOf(claims map[string]any, name string) (time.Time, bool, error) {
	value, ok := claims[name]
	if !ok {
		return time.Time{}, false, nil
	}
	var seconds float64
	switch v := value.(type) {
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	default:
		return time.Time{}, false, fmt.Errorf("the token's %q is no time in seconds", name)
	}
	if !(seconds > 0 && seconds <= maxSeconds) {
		return time.Time{}, false, fmt.Errorf("the token's %q is no time in seconds", name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

func asText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(encoded)
}
