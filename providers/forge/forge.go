// Package forge opens repositories at forges: GitHub, GitLab, Gitea, Forgejo, Bitbucket. It
// names the clients that there are, each of which is a package below it, and does nothing
// itself. What joins providers to a program imports it.
package forge

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/bitbucket"
	"github.com/gantrycd/gantry/providers/forge/gitea"
	"github.com/gantrycd/gantry/providers/forge/github"
	"github.com/gantrycd/gantry/providers/forge/gitlab"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Account is a forge, and who asks it.
type Account = shape.Account

// Types are the types of forges.
func Types() []string { return []string{"github", "gitlab", "gitea", "forgejo", "bitbucket"} }

// Open returns the repository "owner/name" of a forge of some type. Nothing is asked of it yet.
func Open(kind string, account Account, repository string) (providers.Forge, error) {
	switch kind {
	case "github":
		return github.New(account, repository)
	case "gitlab":
		return gitlab.New(account, repository)
	case "bitbucket":
		return bitbucket.New(account, repository)
	case "gitea", "forgejo":
		return gitea.New(account, repository)
	}
	return nil, fmt.Errorf("there is no type of forge %q; there are %s: %w", kind, strings.Join(Types(), ", "), providers.ErrUnsupported)
}
