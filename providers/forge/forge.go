// Package forge opens repositories, and owners of some, at forges: GitHub, GitLab, Gitea,
// Forgejo, Bitbucket Cloud and Data Center. It names the clients that there are, each of which is a package below
// it, and does nothing itself. What joins providers to a program imports it.
package forge

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/bitbucket"
	"github.com/gantrycd/gantry/providers/forge/bitbucketdc"
	"github.com/gantrycd/gantry/providers/forge/gitea"
	"github.com/gantrycd/gantry/providers/forge/github"
	"github.com/gantrycd/gantry/providers/forge/gitlab"
	"github.com/gantrycd/gantry/providers/forge/shape"
	"github.com/gantrycd/gantry/providers/web"
)

// Account is a forge, and who asks it.
type Account = shape.Account

// App is an app of a forge, that asks in place of a token.
type App = shape.App

// Types are the types of forges.
func Types() []string {
	return []string{"github", "gitlab", "gitea", "forgejo", "bitbucket", "bitbucket_data_center"}
}

// Open returns the repository "owner/name" of a forge of some type. Nothing is asked of it yet.
func Open(kind string, account Account, repository string) (providers.Forge, error) {
	switch kind {
	case "github":
		return github.New(account, repository)
	case "gitlab":
		return gitlab.New(account, repository)
	case "gitea", "forgejo":
		return gitea.New(account, repository)
	case "bitbucket":
		return bitbucket.New(account, repository)
	case "bitbucket_data_center":
		return bitbucketdc.New(account, repository)
	}
	return nil, unknown(kind)
}

// OpenOwner returns an owner of repositories at a forge of some type. Nothing is asked of it
// yet.
func OpenOwner(kind string, account Account, name string) (providers.ForgeOwner, error) {
	if _, _, err := shape.SplitRepository(name + "/x"); err != nil {
		return nil, fmt.Errorf("%q is no name of an organization, group, workspace or person: %w", name, providers.ErrInvalid)
	}
	switch kind {
	case "github":
		return github.NewOwner(account, name)
	case "gitlab":
		return gitlab.NewOwner(account, name)
	case "gitea", "forgejo":
		return gitea.NewOwner(account, name)
	case "bitbucket":
		return bitbucket.NewOwner(account, name)
	case "bitbucket_data_center":
		return bitbucketdc.NewOwner(account, name)
	}
	return nil, unknown(kind)
}

func unknown(kind string) error {
	return fmt.Errorf("there is no type of forge %q; there are %s: %w", kind, strings.Join(Types(), ", "), providers.ErrUnsupported)
}

// Forges opens what is at forges, through a proxy.
type Forges struct{ Proxy web.Proxy }

var _ providers.Forges = Forges{}

func (f Forges) account(place providers.ForgePlace) Account {
	return Account{URL: place.URL, Token: place.Token, App: place.App, Username: place.Username, CAData: place.CAData, Proxy: f.Proxy}
}

// Repository implements providers.Forges.
func (f Forges) Repository(place providers.ForgePlace) (providers.Forge, error) {
	return Open(place.Type, f.account(place), place.Name)
}

// Owner implements providers.Forges.
func (f Forges) Owner(place providers.ForgePlace) (providers.ForgeOwner, error) {
	return OpenOwner(place.Type, f.account(place), place.Name)
}
