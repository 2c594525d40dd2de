// Package claimant finds out who runs a command: it takes what they have to prove it with, a
// token, a login, an SSH key, to whoever the configuration trusts to vouch for it.
//
// It decides nothing about rights and prints nothing. cmd imports it.
package claimant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/identity/oidc"
	"github.com/gantrycd/gantry/providers/identity/ssh"
	"github.com/gantrycd/gantry/providers/identity/tokenreview"
)

// Claimant is what whoever runs the command has to prove who they are. The zero value has
// nothing. What comes first is taken, and nothing else then: a token that does not count is
// not made up for by another proof.
type Claimant struct {
	Token         object.Sensitive // of OIDC, or of a service account
	KeyFile       string           // the file of an SSH private key
	KeyPassphrase object.Sensitive
	Actions       oidc.Actions // where a CI job gets its token
	Logins        oidc.Store   // of "gantry login"; an empty Dir is none
	AgentSocket   string       // of an SSH agent

	OIDC     oidc.Options
	Clusters providers.Clusters
	// Read gives the values of secrets that clusters are reached with.
	Read providers.Secrets
}

// Identify returns who runs the command. Where nobody vouches for them, it is unverified and
// says why; that is no error, for roles have rights for it. claimed tells that they had
// something to prove it with.
func (c *Claimant) Identify(ctx context.Context, trust *identity.Trust) (who identity.Identity, claimed bool) {
	if trust.IsZero() {
		return identity.Identity{Unverified: "the configuration trusts nobody to vouch for anybody: there is no gantry { identity }"}, c.Token != "" || c.KeyFile != ""
	}
	found, err := c.identify(ctx, trust)
	if err != nil {
		var nothing *nothingGiven
		return identity.Identity{Unverified: err.Error()}, !errors.As(err, &nothing)
	}
	return found, true
}

// nothingGiven means that nothing was given to prove it with.
type nothingGiven struct{ trust *identity.Trust }

func (n *nothingGiven) Error() string {
	what := "nobody is logged in and no token is given"
	switch {
	case len(n.trust.Issuers) > 0:
	case len(n.trust.Clusters) > 0:
		what = "no token is given"
	default:
		what = "no SSH key is given that is listed"
	}
	return what + ": " + ways(n.trust)
}

func (c *Claimant) identify(ctx context.Context, trust *identity.Trust) (identity.Identity, error) {
	switch {
	case c.Token != "":
		return c.withToken(ctx, trust, c.Token)
	case c.KeyFile != "":
		return ssh.WithFile(trust.Keys, c.KeyFile, c.KeyPassphrase)
	}
	if c.Actions.URL != "" && len(trust.Issuers) > 0 {
		return c.withJob(ctx, trust)
	}
	found, err := c.withLogin(ctx, trust)
	if found != nil || err != nil {
		return deref(found), err
	}
	if c.AgentSocket != "" && len(trust.Keys) > 0 {
		found, err := ssh.WithAgent(ctx, trust.Keys, c.AgentSocket)
		if !errors.Is(err, ssh.ErrNone) {
			return found, err
		}
	}
	return identity.Identity{}, &nothingGiven{trust}
}

// ways says what there is to be known by.
func ways(trust *identity.Trust) string {
	var ways []string
	if len(trust.Issuers) > 0 {
		ways = append(ways, "log in with \"gantry login\"")
	}
	if len(trust.Issuers)+len(trust.Clusters) > 0 {
		ways = append(ways, "give a token in GANTRY_IDENTITY_TOKEN")
	}
	if len(trust.Keys) > 0 {
		ways = append(ways, "name the file of a listed key with --identity-ssh-key, or put the key into the SSH agent")
	}
	return strings.Join(ways, ", or ")
}

// withToken takes a token to whom it says that it is from.
func (c *Claimant) withToken(ctx context.Context, trust *identity.Trust, token object.Sensitive) (identity.Identity, error) {
	read, err := oidc.Read(token)
	if err != nil {
		return identity.Identity{}, err
	}
	// Of two blocks about an issuer, the one that the token is made for.
	var chosen *identity.Issuer
	for i := range trust.Issuers {
		if one := &trust.Issuers[i]; one.URL == read.Issuer && (chosen == nil || slices.Contains(read.Audience, one.Audience) && !slices.Contains(read.Audience, chosen.Audience)) {
			chosen = one
		}
	}
	if chosen != nil {
		issuer, err := oidc.New(*chosen, c.OIDC)
		if err != nil {
			return identity.Identity{}, err
		}
		return issuer.Verify(ctx, token)
	}
	if !strings.HasPrefix(read.Subject, tokenreview.Prefix) || len(trust.Clusters) == 0 {
		return identity.Identity{}, fmt.Errorf("the token is issued by %q, whom gantry { identity } does not trust", shorten(read.Issuer))
	}
	return c.withServiceAccount(ctx, trust, read, token)
}

// withServiceAccount has clusters review a token, until one takes it. None sees a token that
// is made for something else.
func (c *Claimant) withServiceAccount(ctx context.Context, trust *identity.Trust, read *oidc.Unverified, token object.Sensitive) (identity.Identity, error) {
	var failures []error
	for _, one := range trust.Clusters {
		if !slices.Contains(read.Audience, one.Audience) {
			failures = append(failures, fmt.Errorf("the token is made for %q, and %s takes those for %q", shorten(strings.Join(read.Audience, ", ")), one.Name, one.Audience))
			continue
		}
		found, err := c.review(ctx, one, token)
		if err == nil {
			return found, nil
		}
		failures = append(failures, err)
	}
	return identity.Identity{}, joined(failures)
}

func (c *Claimant) review(ctx context.Context, one identity.Cluster, token object.Sensitive) (identity.Identity, error) {
	credentials, err := one.Credentials.Resolve(ctx, c.Read.Read)
	if err != nil {
		return identity.Identity{}, fmt.Errorf("%s could not be asked who has the token: %w", one.Name, err)
	}
	cluster, err := c.Clusters.Connect(one.Name, one.Connection, credentials)
	if err != nil {
		return identity.Identity{}, fmt.Errorf("%s could not be asked who has the token: %w", one.Name, err)
	}
	return tokenreview.Verify(ctx, cluster, one, token)
}

// withJob gets a token of the CI job for each issuer until one is of that issuer.
func (c *Claimant) withJob(ctx context.Context, trust *identity.Trust) (identity.Identity, error) {
	var failures []error
	for _, one := range trust.Issuers {
		token, err := c.Actions.Request(ctx, one.Audience, c.OIDC)
		if err != nil {
			return identity.Identity{}, err
		}
		found, err := c.withToken(ctx, &identity.Trust{Issuers: []identity.Issuer{one}}, token)
		if err == nil {
			return found, nil
		}
		failures = append(failures, err)
	}
	return identity.Identity{}, joined(failures)
}

// renewBefore is how long before its end a token is renewed.
const renewBefore = 2 * time.Minute

// withLogin uses what "gantry login" kept; nil where nobody has logged in.
func (c *Claimant) withLogin(ctx context.Context, trust *identity.Trust) (*identity.Identity, error) {
	if c.Logins.Dir == "" {
		return nil, nil
	}
	for i := range trust.Issuers {
		trusted := &trust.Issuers[i]
		login, err := c.Logins.Load(trusted)
		if err != nil {
			return nil, err
		}
		if login == nil {
			continue
		}
		found, err := c.resume(ctx, trusted, login)
		return &found, err
	}
	return nil, nil
}

// resume verifies a login, once it is renewed where that is due.
func (c *Claimant) resume(ctx context.Context, trusted *identity.Issuer, login *oidc.Login) (identity.Identity, error) {
	issuer, err := oidc.New(*trusted, c.OIDC)
	if err != nil {
		return identity.Identity{}, err
	}
	now := time.Now
	if c.OIDC.Now != nil {
		now = c.OIDC.Now
	}
	if now().Add(renewBefore).Before(login.Expires) {
		return issuer.Verify(ctx, login.Token)
	}
	renewed, found, err := issuer.Renew(ctx, login)
	if err != nil {
		// Another command may have renewed it meanwhile, and what was kept here counts no more.
		if other, loadErr := c.Logins.Load(trusted); loadErr == nil && other != nil && other.Token != login.Token {
			return issuer.Verify(ctx, other.Token)
		}
		if now().Before(login.Expires) {
			return issuer.Verify(ctx, login.Token)
		}
		return identity.Identity{}, err
	}
	return found, c.Logins.Save(trusted, renewed)
}

func deref(found *identity.Identity) identity.Identity {
	if found == nil {
		return identity.Identity{}
	}
	return *found
}

func joined(failures []error) error {
	texts := make([]string, len(failures))
	for i, err := range failures {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// shorten bounds what somebody else wrote.
func shorten(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
