package lang_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// tokenReader notes with which token each URL was read.
type tokenReader struct {
	fakeReader
	tokens map[string]string
}

func (r tokenReader) Read(ctx context.Context, location source.Location) (fs.FS, source.Pin, error) {
	r.tokens[location.URL] = tokenOf(location.Auth)
	return r.fakeReader.Read(ctx, location)
}

// tokenOf is a token, or the address of the secret that it is in.
func tokenOf(auth *source.Auth) string {
	switch {
	case auth == nil:
		return "none"
	case auth.Secrets.Token != nil:
		return auth.Secrets.Token.Address.String()
	}
	return auth.Token.Reveal()
}

// Credentials are those of the longest prefix, for all that names a URL below it and
// says nothing itself.
func TestCredentials(t *testing.T) {
	text := `
secret "environment" "team" { variable = "TOKEN" }
credentials "host" {
  url_prefix = "https://git.example.com"
  auth { token = "host" }
}
credentials "team" {
  url_prefix = "https://git.example.com/team/"
  auth { token = secret.environment.team }
}
repository "team" { url = "https://git.example.com/team/config" }
repository "own" {
  url = "https://git.example.com/team/own"
  auth { token = "own" }
}
repository "elsewhere" { url = "https://elsewhere.example.com/team/config" }
cluster "prod" { context = "prod" }
generator "git" "apps" {
  repository = repository.team
  directories { path = "apps/*" }
}
generator "git" "other" {
  url = "https://git.example.com/teams/config"
  directories { path = "apps/*" }
}
profile "common" {
  source { url = "https://git.example.com/team/common" }
}
application "web" {
  profiles = [profile.common]
  source { repository = repository.team }
  source { repository = repository.own }
  source { repository = repository.elsewhere }
  source { url = "https://git.example.com/teams/config" }
  source {
    url   = "https://git.example.com/team/charts"
    chart = "web"
  }
  source { path = "team" }
  destination { cluster = cluster.prod }
}
`
	reader := tokenReader{fakeReader{repositoryTree()}, map[string]string{}}
	config, diags := evaluateWith(t, files(map[string]string{"main.gantry.hcl": text}), lang.VarArgs{}, reader)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	const team = "secret.environment.team"
	want := map[string]string{"https://git.example.com/team/config": team, "https://git.example.com/teams/config": "host"}
	if diff := cmp.Diff(want, reader.tokens); diff != "" {
		t.Error("generators:", diff)
	}
	var got []string
	for _, s := range find(t, config, "application.web").Sources {
		got = append(got, tokenOf(s.Auth))
	}
	if diff := cmp.Diff([]string{team, team, "own", "none", "host", team, "none"}, got); diff != "" {
		t.Error("sources:", diff)
	}
	got = nil
	for _, repository := range config.Repositories {
		got = append(got, repository.Name+" "+tokenOf(repository.Location.Auth))
	}
	if diff := cmp.Diff([]string{"elsewhere none", "own own", "team " + team}, got); diff != "" {
		t.Error("repositories:", diff)
	}
	if len(config.Credentials) != 2 || len(config.Secrets) != 1 {
		t.Errorf("kept are %v and %v", config.Credentials, config.Secrets)
	}
}

// Where credentials are broken, nothing is read without them.
func TestBrokenCredentials(t *testing.T) {
	text := `
credentials "bad" {
  url_prefix = "https://git.example.com"
  auth { tokn = "x" }
}
generator "git" "apps" {
  url = "https://git.example.com/config"
  directories { path = "apps/*" }
}
`
	reader := tokenReader{fakeReader{repositoryTree()}, map[string]string{}}
	_, diags := evaluateWith(t, files(map[string]string{"main.gantry.hcl": text}), lang.VarArgs{}, reader)
	if len(diags.Errs()) != 1 || len(reader.tokens) > 0 {
		t.Errorf("got %v, read %v", diags, reader.tokens)
	}
}
