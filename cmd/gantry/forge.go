package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge"
	httpweb "github.com/gantrycd/gantry/providers/web"
)

// This file says where pull requests are, and opens that.

// envForgeToken is a token for the forge, whichever it is.
const envForgeToken = "GANTRY_FORGE_TOKEN"

// forgePlace is a repository at a forge, and who asks.
type forgePlace struct {
	kind       string // of forge.Types
	repository string // owner/name
	account    forge.Account
	from       string // what says so, for messages
	tokens     string // where a token would be looked for, for messages
}

// forge opens the repository that the pull requests of a configuration are in: the one of its
// forge block, and what that leaves out as the CI system's environment has it. config may be
// nil. Nothing is asked of the forge yet.
func (c *cli) forge(ctx context.Context, config *lang.Config) (providers.Forge, error) {
	if config != nil && config.Settings.Forge != nil && config.Settings.Forge.Type == govern.NoForge {
		return c.withoutForge(config)
	}
	at, err := c.forgePlace(ctx, config)
	if err != nil {
		return nil, failure("Forge is not known", err)
	}
	opened, err := forge.Open(at.kind, at.account, at.repository)
	if err != nil {
		return nil, failure("Forge cannot be used", fmt.Errorf("the forge of %s: %w", at.from, err))
	}
	return opened, nil
}

// forgePlace finds out where pull requests are, with what logs in.
func (c *cli) forgePlace(ctx context.Context, config *lang.Config) (forgePlace, error) {
	job, inJob := c.forgeOfJob()
	var said *govern.Forge
	if config != nil {
		said = config.Settings.Forge
	}
	at := job
	switch {
	case said != nil && said.Type == govern.NoForge:
		return forgePlace{}, errors.New("the block forge says that there is none, so that there are no pull requests to write to")
	case said == nil && !inJob:
		return forgePlace{}, errors.New("nothing says where pull requests are; add a block forge to the block gantry, or run in a job of GitHub, GitLab, Gitea, Forgejo or Bitbucket")
	case said != nil:
		var err error
		if at, err = c.forgeOfBlock(ctx, said, job); err != nil {
			return forgePlace{}, err
		}
	}
	at.account.Proxy = http.ProxyFromEnvironment
	if token := c.getenv(envForgeToken); token != "" && (said == nil || said.Token.IsZero() && said.App == nil) {
		at.account.Token, at.account.Job = object.Sensitive(token), false
	}
	switch {
	case at.repository == "":
		return forgePlace{}, fmt.Errorf("%s does not say which repository pull requests are in; set repository in the block forge, such as \"example/deploy\"", at.from)
	case at.account.URL == "" && govern.ForgeNeedsURL(at.kind):
		return forgePlace{}, fmt.Errorf("%s does not say where the forge is; set url in the block forge, such as \"https://git.example.com\"", at.from)
	case at.account.Token == "" && at.account.App == nil:
		return forgePlace{}, fmt.Errorf("there is no token for the forge of %s; set %s%s", at.from, envForgeToken, at.tokens)
	}
	return at, nil
}

// forgeOfBlock is a forge block, with what it leaves out as the job has it, where the job is
// one of the same forge. A token that a CI system gave a job goes to its own forge only,
// whatever a configuration says.
func (c *cli) forgeOfBlock(ctx context.Context, said *govern.Forge, job forgePlace) (forgePlace, error) {
	at := forgePlace{
		kind: said.Type, repository: said.Repository, from: "the block forge", tokens: ", or token in the block",
		account: forge.Account{URL: said.URL, Username: said.Username, CAData: said.CAData},
	}
	if job.kind == said.Type && (said.URL == "" || sameHost(said.URL, job.account.URL)) {
		if at.repository == "" {
			at.repository = job.repository
		}
		at.account.URL, at.account.Token, at.account.Job = job.account.URL, job.account.Token, job.account.Job
		if at.account.Username == "" {
			at.account.Username = job.account.Username
		}
	}
	if said.Token.IsZero() && said.App == nil {
		return at, nil
	}
	dir, err := c.directory()
	if err != nil {
		return forgePlace{}, err
	}
	cache, err := c.cache()
	if err != nil {
		return forgePlace{}, err
	}
	read := c.secrets(dir, c.clusters(dir, cache)).Read
	if said.App != nil {
		key, err := said.App.Key.Resolve(ctx, read)
		if err != nil {
			return forgePlace{}, fmt.Errorf("the private key of the app of the block forge: %w", err)
		}
		at.account.Token, at.account.Job = "", false
		at.account.App = &forge.App{ID: said.App.ID, Installation: said.App.Installation, Key: key}
		return at, nil
	}
	token, err := said.Token.Resolve(ctx, read)
	if err != nil {
		return forgePlace{}, fmt.Errorf("the token of the block forge: %w", err)
	}
	at.account.Token, at.account.Job = token, false
	return at, nil
}

// sameHost reports whether two URLs are of one host, and reached in the same way.
func sameHost(a, b string) bool {
	one, err := url.Parse(a)
	if err != nil {
		return false
	}
	other, err := url.Parse(b)
	if err != nil {
		return false
	}
	// The API of GitHub has a host of its own.
	one.Host, other.Host = strings.TrimPrefix(one.Host, "api."), strings.TrimPrefix(other.Host, "api.")
	return httpweb.SameOrigin(one, other)
}

// forgeOfJob is the forge whose CI system runs this. Gitea's and Forgejo's say that they are
// GitHub's, too.
func (c *cli) forgeOfJob() (forgePlace, bool) {
	first := func(names ...string) object.Sensitive {
		for _, name := range names {
			if value := c.getenv(name); value != "" {
				return object.Sensitive(value)
			}
		}
		return ""
	}
	is := func(name string) bool { return c.getenv(name) == "true" }
	at := forgePlace{from: "the job"}
	switch {
	case is("FORGEJO_ACTIONS"), is("GITEA_ACTIONS"):
		at.kind, at.tokens = "gitea", " or GITEA_TOKEN"
		if is("FORGEJO_ACTIONS") {
			at.kind, at.tokens = "forgejo", " or FORGEJO_TOKEN"
		}
		at.repository, at.account.URL = c.getenv("GITHUB_REPOSITORY"), c.getenv("GITHUB_SERVER_URL")
		at.account.Token = first("FORGEJO_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN")
	case is("GITHUB_ACTIONS"):
		at.kind, at.repository, at.account.URL = "github", c.getenv("GITHUB_REPOSITORY"), c.getenv("GITHUB_API_URL")
		at.account.Token, at.tokens = first("GITHUB_TOKEN", "GH_TOKEN"), " or GITHUB_TOKEN, which a workflow does not pass on by itself"
	case is("GITLAB_CI"):
		at.kind, at.repository, at.account.URL = "gitlab", c.getenv("CI_PROJECT_PATH"), c.getenv("CI_API_V4_URL")
		at.account.Token, at.tokens = first("GITLAB_TOKEN"), " or GITLAB_TOKEN"
		if at.account.Token == "" {
			at.account.Token, at.account.Job = first("CI_JOB_TOKEN"), true
		}
	case c.getenv("BITBUCKET_BUILD_NUMBER") != "":
		at.kind, at.repository = "bitbucket", c.getenv("BITBUCKET_REPO_FULL_NAME")
		at.account.Token, at.tokens = first("BITBUCKET_TOKEN"), " or BITBUCKET_TOKEN"
		at.account.Username = c.getenv("BITBUCKET_USERNAME")
	default:
		return forgePlace{}, false
	}
	return at, true
}
