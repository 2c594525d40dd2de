package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan/identity"
)

func newWhoami(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show who runs commands here, and who vouches for that",
		Long: `Shows who you are to the configuration: the name, the subject and the groups that roles look
at, and who vouches for them. What gantry { identity } trusts is asked, as any command asks it.

Where nobody vouches for you, it says why, and roles give you no more than the default role's
rights.`,
		Example: `  gantry whoami
  gantry whoami --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			read, err := c.loadTrust(cmd.Context())
			if err != nil {
				return err
			}
			asking, err := c.claimant()
			if err != nil {
				return err
			}
			found, _ := asking.Identify(cmd.Context(), &read.config.Settings.Identity)
			return c.showIdentity(&found)
		},
	}
}

// shownIdentity is an identity for programs: whether it is verified is always said.
type shownIdentity struct {
	Verified   bool           `json:"verified"`
	Unverified string         `json:"unverified,omitempty"`
	Name       string         `json:"name,omitempty"`
	Subject    string         `json:"subject,omitempty"`
	Issuer     string         `json:"issuer,omitempty"`
	Means      identity.Means `json:"means,omitempty"`
	Groups     []string       `json:"groups"`
}

func (c *cli) showIdentity(found *identity.Identity) error {
	if c.json {
		shown := shownIdentity{
			Verified: found.Verified, Unverified: found.Unverified, Name: found.Name, Subject: found.Subject,
			Issuer: found.Issuer, Means: found.Means, Groups: found.Groups,
		}
		if shown.Groups == nil {
			shown.Groups = []string{}
		}
		return c.writeJSON(shown)
	}
	if !found.Verified {
		_, err := fmt.Fprintf(c.out, "Nobody vouches for who you are: %s.\n", printable(found.Unverified))
		return err
	}
	groups := "none"
	if len(found.Groups) > 0 {
		groups = strings.Join(found.Groups, ", ")
	}
	_, err := fmt.Fprintf(c.out, "%s\n  verified by  %s, %s\n  subject      %s\n  groups       %s\n",
		printable(found.Name), printable(found.Issuer), meansInWords(found.Means), printable(found.Subject), printable(groups))
	return err
}

// meansInWords says how it was found out who somebody is.
func meansInWords(means identity.Means) string {
	switch means {
	case identity.OIDC:
		return "by OpenID Connect"
	case identity.Kubernetes:
		return "by reviewing a service account's token"
	case identity.SSH:
		return "by a signature with a key of the configuration"
	case identity.Nobody, identity.Forge:
	}
	return "by nobody"
}
