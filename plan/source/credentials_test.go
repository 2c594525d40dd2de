package source_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan/source"
)

func TestPrefixMatches(t *testing.T) {
	tests := []struct {
		prefix, url string
		want        bool
	}{
		{"https://github.com/myorg/", "https://github.com/myorg/config", true},
		{"https://github.com/myorg", "https://github.com/myorg/config.git", true},
		{"https://github.com/myorg/", "https://github.com/myorg", true},
		{"https://GitHub.com/myorg/", "https://github.COM:443/myorg/a/b", true},
		{"https://github.com/", "https://github.com/any/thing", true},
		{"https://github.com", "https://github.com/any/thing", true},
		{"https://github.com/myorg/config", "https://github.com/myorg/config.git", true},
		{"https://github.com/myorg/config.git", "https://github.com/myorg/config", true},
		{"https://github.com/myorg/", "https://github.com//myorg//config", true},
		{"https://github.com/my%20org/", "https://github.com/my%20org/config", true},
		{"git@github.com:myorg/", "git@github.com:myorg/config.git", true},
		{"git@github.com:", "git@github.com:myorg/config.git", true},
		{"git@github.com:myorg/", "ssh://git@github.com/myorg/config", true},
		{"ssh://github.com/myorg/", "git@github.com:myorg/config", true},
		{"ssh://git@github.com:22/myorg/", "git@github.com:myorg/config", true},
		{"oci://registry.example.com/charts", "oci://registry.example.com/charts/web", true},
		{"http://git.example.com:8080/", "http://git.example.com:8080/x", true},

		{"https://github.com/myorg/", "https://github.com/myorgevil/config", false},
		{"https://github.com/myorg", "https://github.com/myorg.git/config", false},
		{"https://github.com/myorg/", "https://github.com/other/myorg/config", false},
		{"https://github.com/myorg/", "https://github.com/MyOrg/config", false},
		{"https://github.com/myorg/", "http://github.com/myorg/config", false},
		{"https://github.com/myorg/", "https://github.com:8443/myorg/config", false},
		{"https://github.com/myorg/", "https://github.com.evil.example/myorg/config", false},
		{"https://github.com/", "https://evilgithub.com/myorg", false},
		{"https://github.com/myorg/", "https://github.com/myorg/../evil/config", false},
		{"https://github.com/myorg/", "https://github.com/myorg/%2e%2e/evil/config", false},
		{"https://github.com/myorg/", "https://github.com/myorg%2Fconfig", false},
		{"https://github.com/myorg/", "https://github.com/myorg%5C..%5Cevil/config", false},
		{"https://github.com/myorg/", "https://github.com@evil.example/myorg/config", false},
		{"https://github.com/myorg/", "git@github.com:myorg/config", false},
		{"git@github.com:myorg/", "other@github.com:myorg/config", false},
		{"git@github.com:myorg/", "git@github.com:myorgevil/config", false},
		{"ssh://git@github.com:2222/myorg/", "git@github.com:myorg/config", false},
		{"oci://registry.example.com/charts", "https://registry.example.com/charts/web", false},
		{"https://github.com/myorg/", "./myorg", false},
		{"https://github.com/myorg/", "file:///myorg/config", false},
		{"https://github.com/myorg/", "", false},
		{"https://github.com/myorg/", "https://user:password@github.com/myorg/config", false},
	}
	for _, test := range tests {
		prefix, err := source.ParsePrefix(test.prefix)
		if err != nil {
			t.Errorf("%s: %v", test.prefix, err)
			continue
		}
		if got := prefix.Matches(test.url); got != test.want {
			t.Errorf("%s matches %s: %v, want %v", test.prefix, test.url, got, test.want)
		}
	}
}

func TestParsePrefixRefuses(t *testing.T) {
	for _, text := range []string{
		"", "myorg", "./charts", "/srv/git", "file:///srv/git", "ftp://example.com/", "https://", "https:///x", "https://user:password@example.com/",
		"https://example.com/a/../b", "https://example.com/?x=1", "https://example.com/#x", "https://example.com/%zz", "git@:x", "mailto:a@example.com",
	} {
		if prefix, err := source.ParsePrefix(text); err == nil {
			t.Errorf("%q is read as %s", text, prefix)
		}
	}
}

func TestAuthorize(t *testing.T) {
	credentials := func(prefix, token string) source.Credentials {
		p, err := source.ParsePrefix(prefix)
		if err != nil {
			t.Fatal(err)
		}
		return source.Credentials{Prefix: p, Auth: &source.Auth{Username: token, Insecure: token == "insecure"}}
	}
	all := []source.Credentials{
		credentials("https://example.com", "host"), credentials("https://example.com/team/config", "repository"), credentials("https://example.com/team", "team"),
		credentials("ssh://git.example.com/", "anyone"), credentials("ssh://git@git.example.com/", "git"), credentials("https://other.example.com/", "insecure"),
	}
	for url, want := range map[string]string{
		"https://example.com/other":           "host",
		"https://example.com/team/web":        "team",
		"https://example.com/team/config":     "repository",
		"https://example.com/team/config.git": "repository",
		"https://example.com/teams/config":    "host",
		"git@git.example.com:x":               "git",
		"me@git.example.com:x":                "anyone",
		"https://nowhere.example.com/":        "",
	} {
		auth, err := source.Authorize(source.Location{URL: url}, all)
		if err != nil {
			t.Error(err)
		}
		if auth == nil {
			auth = &source.Auth{}
		}
		if auth.Username != want {
			t.Errorf("%s has the credentials %q, want %q", url, auth.Username, want)
		}
	}
	own := &source.Auth{Token: "own"}
	if got, err := source.Authorize(source.Location{URL: "https://example.com/x", Auth: own}, all); got != own || err != nil {
		t.Errorf("its own way is not taken: %+v", got)
	}
	trusting := &source.Auth{CAData: "CA", KnownHosts: "hosts"}
	got, err := source.Authorize(source.Location{URL: "https://other.example.com/x", Auth: trusting}, all)
	if err != nil {
		t.Fatal(err)
	}
	if *got != (source.Auth{Username: "insecure", CAData: "CA", KnownHosts: "hosts", Insecure: true}) {
		t.Errorf("got %+v", got)
	}
	if trusting.Username != "" || all[5].Auth.CAData != "" {
		t.Error("what was given is changed")
	}
}

// A prefix matches itself, everything that is put behind a slash, and nothing that
// is put on directly; and String says whether two are the same.
func TestPrefixBoundary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9_~-]{1,8}`)
		text := rapid.SampledFrom([]string{"https://", "http://", "ssh://git@", "oci://"}).Draw(t, "scheme") + name.Draw(t, "host") + ".example.com"
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			text += "/" + name.Draw(t, "segment")
		}
		prefix, err := source.ParsePrefix(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if !prefix.Matches(text) || !prefix.Matches(text+"/") || !prefix.Matches(text+"/"+name.Draw(t, "below")) {
			t.Fatalf("%s does not match what is below it", text)
		}
		if longer := text + name.Draw(t, "more"); prefix.Matches(longer) {
			t.Fatalf("%s matches %s", text, longer)
		}
		again, err := source.ParsePrefix(prefix.String())
		if err != nil || again.String() != prefix.String() {
			t.Fatalf("%s is %s, which is %s: %v", text, prefix, again, err)
		}
	})
}

// Where the credentials for a location are not known, no others take their place.
func TestAuthorizeWithUnknown(t *testing.T) {
	credentials := func(prefix string, unknown bool) source.Credentials {
		parsed, err := source.ParsePrefix(prefix)
		if err != nil {
			t.Fatal(err)
		}
		return source.Credentials{Prefix: parsed, Auth: &source.Auth{Token: "x"}, Unknown: unknown}
	}
	host, deep := credentials("https://git.example.com/", false), credentials("https://git.example.com/team/deep/", false)
	team, all := credentials("https://git.example.com/team", true), source.Credentials{Unknown: true}
	for _, test := range []struct {
		url   string
		all   []source.Credentials
		known bool
	}{
		{"https://git.example.com/team/x.git", []source.Credentials{host, team, deep}, false},
		{"https://git.example.com/other/x.git", []source.Credentials{team, host}, true},
		{"https://git.example.com/team/deep/x.git", []source.Credentials{team, host, deep}, true},
		{"https://git.example.com/team/x.git", []source.Credentials{credentials("https://git.example.com/team", false), team}, false},
		{"https://git.example.com/team/x.git", []source.Credentials{team, credentials("https://git.example.com/team", false)}, false},
		{"https://git.example.com/team/deep/x.git", []source.Credentials{deep, all}, false},
		{"git@git.example.com:x", []source.Credentials{all}, false},
		{"./x", []source.Credentials{all, team}, true},
		{"", []source.Credentials{all}, true},
	} {
		auth, err := source.Authorize(source.Location{URL: test.url}, test.all)
		if (err == nil) != test.known || err != nil && auth != nil {
			t.Errorf("%s: %v, %v", test.url, auth, err)
		}
		own := &source.Auth{Token: "own"}
		if got, err := source.Authorize(source.Location{URL: test.url, Auth: own}, test.all); got != own || err != nil {
			t.Errorf("%s: its own way to log in is not its own: %v", test.url, err)
		}
	}
}
