// Package identity is the vocabulary of who runs a command: an Identity, and the Trust of a
// configuration that says who may vouch for one.
//
// It verifies nothing, asks nobody and holds no secret: that is for the packages below
// providers/identity. What an identity may do is decided elsewhere. Everyone may import it.
package identity

import "fmt"

// Means is how it was found out who runs a command.
type Means string

// The means. Nobody is the zero value: nobody vouches for who runs the command.
const (
	Nobody     Means = ""
	OIDC       Means = "oidc"
	Kubernetes Means = "kubernetes"
	SSH        Means = "ssh"
	// Forge is of who reviews a pull request: nobody runs a command so.
	Forge Means = "forge"
)

// Identity is who runs a command. The zero value is somebody unknown, for whom nobody
// vouches. Nothing in it is a secret.
//
// Groups are names that the issuer gave, or the configuration for a key: they are never
// roles, whatever they are called. Only where Verified is set may anything but Unverified be
// relied on; Name and the like are empty otherwise, or what was claimed, for people to read.
type Identity struct {
	Name    string   `json:"name,omitempty"`    // for people: "alice", "repo:example/web:ref:refs/heads/main"
	Subject string   `json:"subject,omitempty"` // unique with its issuer, and never given to another
	Issuer  string   `json:"issuer,omitempty"`  // the OIDC issuer, the address of the cluster, "ssh"
	Groups  []string `json:"groups,omitempty"`  // sorted, without duplicates
	Means   Means    `json:"means,omitempty"`
	// Verified tells that the issuer, whom the configuration trusts, has vouched for it.
	Verified bool `json:"verified,omitempty"`
	// Unverified is why not, in a sentence without a full stop; empty where Verified.
	Unverified string `json:"unverified,omitempty"`
}

// String names the identity for people.
func (i *Identity) String() string {
	switch {
	case i == nil || !i.Verified && i.Name == "":
		return "somebody unverified"
	case !i.Verified:
		return fmt.Sprintf("%q (not verified)", i.Name)
	case i.Means == OIDC, i.Means == Kubernetes:
		return fmt.Sprintf("%s (%s)", i.Name, i.Issuer)
	default:
		return fmt.Sprintf("%s (%s)", i.Name, i.Means)
	}
}
