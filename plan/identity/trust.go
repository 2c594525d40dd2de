package identity

import (
	"slices"

	"github.com/gantrycd/gantry/plan/target"
)

// Trust says who may vouch for who runs a command, as a configuration has it. The zero value
// trusts nobody. It is in no plan: a plan never says whom to believe.
type Trust struct {
	Issuers  []Issuer
	Clusters []Cluster
	Keys     []Key
}

// IsZero reports whether nobody is trusted.
func (t *Trust) IsZero() bool {
	return t == nil || len(t.Issuers)+len(t.Clusters)+len(t.Keys) == 0
}

// Issuer is an OpenID Connect issuer, of a CI system or for people.
type Issuer struct {
	URL      string // as in its tokens, letter by letter
	Audience string // what its tokens must be made for
	// ClientID is that of "gantry login"; empty is Audience.
	ClientID string
	// Scopes are asked for by "gantry login"; nil are the usual ones, of those it has.
	Scopes []string
	// NameClaim and GroupsClaim are names of claims, or paths in them with dots; empty are
	// the usual ones.
	NameClaim, GroupsClaim string
	// RequiredClaims are values that claims must have, by name or path.
	RequiredClaims map[string]string
	CAData         string // PEM; empty means the system's roots
}

// Client returns what "gantry login" is at the issuer.
func (i *Issuer) Client() string {
	if i.ClientID != "" {
		return i.ClientID
	}
	return i.Audience
}

// Cluster vouches for the service accounts of its own, by TokenReview.
type Cluster struct {
	Name        string // "cluster.production": the issuer of the identities
	Connection  target.Connection
	Credentials target.Credentials
	Audience    string // what tokens must be made for
}

// Key is an SSH key, whose holder is known.
type Key struct {
	PublicKey string // as in authorized_keys
	Name      string
	Groups    []string
}

// Usual is what groups of an identity are to be: sorted, and none twice.
func Usual(groups []string) []string {
	out := slices.Clone(groups)
	slices.Sort(out)
	return slices.Compact(out)
}
