package lang_test

import (
	"context"
	"io/fs"
	"strings"
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

// Where credentials are broken, what they may be for is read with no others, and has
// not vanished.
func TestNoOtherCredentials(t *testing.T) {
	const rest = `
cluster "prod" { context = "prod" }
credentials "org" {
  url_prefix = "https://git.example.com/"
  auth { token = "org" }
}
repository "team" { url = "https://git.example.com/team/y.git" }
repository "own" {
  url = "https://git.example.com/team/z.git"
  auth { token = "own" }
}
application "team" {
  source { url = "https://git.example.com/team/x.git" }
  destination { cluster = cluster.prod }
}
application "by-repository" {
  source { path = "x" }
  source { repository = repository.team }
  destination { cluster = cluster.prod }
}
application "own" {
  source { repository = repository.own }
  destination { cluster = cluster.prod }
}
application "other" {
  source { url = "https://git.example.com/other/x.git" }
  destination { cluster = cluster.prod }
}
application "local" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}
`
	const team = "application.by-repository application.team"
	for name, test := range map[string]struct{ text, broken string }{
		"typo": {`credentials "team" { 
  url_prefix = "https://git.example.com/team/"
  auth { tokn = "x" }
}`, team},
		"name": {`credentials "the team" { 
  url_prefix = "https://git.example.com/team/"
  auth { token = "x" }
}`, team},
		"unknown prefix": {`credentials "team" { 
  url_prefix = "https://git.example.com/${local.nope}/"
  auth { token = "x" }
}`, "application.by-repository application.other application.team"},
		"no prefix": {`credentials "team" { 
  auth { token = "x" }
}`, "application.by-repository application.other application.team"},
		"an instance": {`credentials "teams" {
  for_each   = { team = "x", more = "y" }
  url_prefix = "https://git.example.com/${each.key}/"
  auth { token = each.key == "more" ? "x" : tostring(["y"]) }
}`, team},
		"instances": {`credentials "teams" {
  for_each   = toset([local.nope])
  url_prefix = "https://git.example.com/${each.key}/"
  auth { token = "x" }
}`, "application.by-repository application.other application.team"},
		"duplicate": {`credentials "team" { 
  url_prefix = "https://git.example.com/team/"
  auth { token = "x" }
}
credentials "too" { 
  url_prefix = "https://git.example.com/team"
  auth { token = "y" }
}`, team},
		"elsewhere": {`credentials "team" { 
  url_prefix = "https://elsewhere.example.com/"
  auth { tokn = "x" }
}`, ""},
		"no instances": {`credentials "team" { 
  for_each   = {}
  url_prefix = "https://git.example.com/${each.key}/"
  auth { token = local.nope }
}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, diags := evaluateWith(t, files(map[string]string{"main.gantry.hcl": test.text + rest}), lang.VarArgs{}, fakeReader{repositoryTree()})
			var broken []string
			for _, b := range config.Broken {
				broken = append(broken, b.Address.String())
			}
			if got := strings.Join(broken, " "); got != test.broken || len(config.Applications) != 5-len(broken) || !diags.HasErrors() {
				t.Errorf("broken are %s, want %s; there are %d others, %v", got, test.broken, len(config.Applications), diags)
			}
			if own := find(t, config, "application.own"); tokenOf(own.Sources[0].Auth) != "own" {
				t.Error("its own token is not used")
			}
			module, _ := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"main.gantry.hcl": test.text + rest})})
			config, _ = module.Evaluate(t.Context(), lang.EvalOptions{})
			if len(config.Broken) > 0 || len(config.Deferred) > 0 || len(config.Applications) != 5 {
				t.Errorf("where nothing is read: %v are broken", config.Broken)
			}
			config, _ = module.Evaluate(t.Context(), lang.EvalOptions{Reader: fakeReader{repositoryTree()}, Partial: true})
			if len(config.Deferred) != len(broken) || len(config.Broken) > 0 || len(config.Applications) != 5-len(broken) {
				t.Errorf("without values: %v are deferred", config.Deferred)
			}
		})
	}
}
