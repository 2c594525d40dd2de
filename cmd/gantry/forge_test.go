package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan/object"
)

// Where pull requests are is what the block says, and what that leaves out is the job's.
func TestForgePlace(t *testing.T) {
	github := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "example/deploy", "GITHUB_API_URL": "https://api.github.com", "GITHUB_TOKEN": "of-github"}
	with := func(base map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for name, value := range base {
			out[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	secret := func(text string) govern.Credential { return govern.Credential{Value: object.Sensitive(text)} }
	for _, test := range []struct {
		name  string
		env   map[string]string
		block *govern.Forge
		want  string // type, URL, repository, token
		err   string
	}{
		{name: "nothing", err: "nothing says where pull requests are"},
		{name: "GitHub", env: github, want: "github https://api.github.com example/deploy of-github"},
		{name: "GitHub without a token", env: with(github, "GITHUB_TOKEN", ""), err: "GANTRY_FORGE_TOKEN or GITHUB_TOKEN"},
		{name: "another token", env: with(github, "GANTRY_FORGE_TOKEN", "of-gantry"), want: "github https://api.github.com example/deploy of-gantry"},
		{name: "Gitea says that it is GitHub, too", env: with(github, "GITEA_ACTIONS", "true", "GITHUB_SERVER_URL", "https://git.example.com"), want: "gitea https://git.example.com example/deploy of-github"},
		{name: "Forgejo", env: with(github, "FORGEJO_ACTIONS", "true", "GITEA_ACTIONS", "true", "GITHUB_SERVER_URL", "https://git.example.com", "FORGEJO_TOKEN", "of-forgejo"), want: "forgejo https://git.example.com example/deploy of-forgejo"},
		{name: "GitLab", env: map[string]string{"GITLAB_CI": "true", "CI_PROJECT_PATH": "example/a/deploy", "CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_JOB_TOKEN": "of-job"}, want: "gitlab https://gitlab.example.com/api/v4 example/a/deploy of-job (job)"},
		{name: "GitLab with a token", env: map[string]string{"GITLAB_CI": "true", "CI_PROJECT_PATH": "example/deploy", "CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_JOB_TOKEN": "of-job", "GITLAB_TOKEN": "of-project"}, want: "gitlab https://gitlab.example.com/api/v4 example/deploy of-project"},
		{name: "Bitbucket", env: map[string]string{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_REPO_FULL_NAME": "example/deploy", "BITBUCKET_TOKEN": "of-bitbucket"}, want: "bitbucket  example/deploy of-bitbucket"},
		{name: "a block alone", block: &govern.Forge{Type: "github", Repository: "example/web", Token: secret("of-block")}, want: "github  example/web of-block"},
		{name: "a block without a token", block: &govern.Forge{Type: "github", Repository: "example/web"}, err: "set GANTRY_FORGE_TOKEN, or token in the block"},
		{name: "a block without a repository", block: &govern.Forge{Type: "github", Token: secret("of-block")}, err: "set repository in the block forge"},
		{name: "a block without a URL", block: &govern.Forge{Type: "gitea", Repository: "example/web", Token: secret("of-block")}, err: "set url in the block forge"},
		{name: "a block and its job", env: github, block: &govern.Forge{Type: "github", Repository: "example/web"}, want: "github https://api.github.com example/web of-github"},
		{name: "a block's token before others", env: with(github, "GANTRY_FORGE_TOKEN", "of-gantry"), block: &govern.Forge{Type: "github", Token: secret("of-block")}, want: "github https://api.github.com example/deploy of-block"},
		{name: "an app before all tokens", env: with(github, "GANTRY_FORGE_TOKEN", "of-gantry"), block: &govern.Forge{Type: "github", App: &govern.ForgeApp{ID: "1234", Installation: "7", Key: secret("of-app")}}, want: "github https://api.github.com example/deploy  app 1234 7 of-app"},
		{name: "Bitbucket Data Center", env: map[string]string{"GANTRY_FORGE_TOKEN": "of-gantry"}, block: &govern.Forge{Type: "bitbucket_data_center", URL: "https://git.example.com", Repository: "OPS/deploy"}, want: "bitbucket_data_center https://git.example.com OPS/deploy of-gantry"},
		{name: "Bitbucket Data Center without a URL", env: map[string]string{"GANTRY_FORGE_TOKEN": "of-gantry"}, block: &govern.Forge{Type: "bitbucket_data_center", Repository: "OPS/deploy"}, err: "set url in the block forge"},
		// A configuration in a pull request may name any host.
		{name: "a job's token goes to no other host", env: github, block: &govern.Forge{Type: "github", URL: "https://evil.example.com", Repository: "example/web"}, err: "there is no token"},
		{name: "nor to another forge", env: github, block: &govern.Forge{Type: "gitea", URL: "https://api.github.com", Repository: "example/web"}, err: "there is no token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &cli{out: io.Discard, err: io.Discard, cacheDir: t.TempDir(), getenv: func(name string) string { return test.env[name] }}
			config := &lang.Config{}
			config.Settings.Forge = test.block
			at, err := c.forgePlace(t.Context(), config)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "of-") {
					t.Errorf("the error is %v", err)
				}
				return
			}
			got := strings.Join([]string{at.kind, at.account.URL, at.repository, at.account.Token.Reveal()}, " ")
			if at.account.Job {
				got += " (job)"
			}
			if app := at.account.App; app != nil {
				got += strings.Join([]string{" app", app.ID, app.Installation, app.Key.Reveal()}, " ")
			}
			if err != nil || got != test.want {
				t.Errorf("%q, %v", got, err)
			}
			_, err = c.forge(t.Context(), config)
			if at.account.App == nil && err != nil || at.account.App != nil && (err == nil || !strings.Contains(err.Error(), "not in PEM") || strings.Contains(err.Error(), "of-app")) {
				t.Error(err)
			}
		})
	}
	var failed *failedError
	if _, err := (&cli{getenv: func(string) string { return "" }}).forge(t.Context(), nil); !errors.As(err, &failed) || failed.summary != "Forge is not known" {
		t.Error(err)
	}
}
