package modulesource

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/source"
)

const someDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestParse(t *testing.T) {
	git := func(url, revision, subdir, version string) Source {
		return Source{Location: source.Location{Type: source.Git, URL: url, Revision: revision}, Subdir: subdir, Version: version}
	}
	oci := func(url, revision, subdir, version string) Source {
		return Source{Location: source.Location{Type: source.OCI, URL: url, Revision: revision}, Subdir: subdir, Version: version}
	}
	for _, test := range []struct {
		text, version string
		want          Source
	}{
		{"git::https://git.example.com/org/repo.git//sub?ref=v1", "", git("https://git.example.com/org/repo.git", "v1", "sub", "")},
		{"git::ssh://git@git.example.com/org/repo//sub?ref=main", "", git("ssh://git@git.example.com/org/repo", "main", "sub", "")},
		{"git::git@git.example.com:org/repo.git", "", git("git@git.example.com:org/repo.git", "", "", "")},
		{"https://git.example.com/org/repo.git//a/b?ref=feature%2Fx", "", git("https://git.example.com/org/repo.git", "feature/x", "a/b", "")},
		{"https://git.example.com/org/repo?ref=feature/x", "", git("https://git.example.com/org/repo", "feature/x", "", "")},
		{"https://git.example.com:8443/org/repo.git", "^1.2", git("https://git.example.com:8443/org/repo.git", "", "", "^1.2")},
		{"git@git.example.com:org/repo.git//sub?ref=v1", "", git("git@git.example.com:org/repo.git", "v1", "sub", "")},
		{"github.com/org/repo//sub?ref=v1", "", git("https://github.com/org/repo", "v1", "sub", "")},
		{"github.com/org/repo", "1.2.3", git("https://github.com/org/repo", "", "", "1.2.3")},
		{"file:///srv/git/repo.git//sub/./x/", "", git("file:///srv/git/repo.git", "", "sub/x", "")},
		{"git::file:///srv/git/repo.git", "", git("file:///srv/git/repo.git", "", "", "")},
		{"https://git.example.com/org/repo.git//", "", git("https://git.example.com/org/repo.git", "", "", "")},
		{"oci://registry.example.com/org/module:1.2.0//sub", "", oci("oci://registry.example.com/org/module", "1.2.0", "sub", "")},
		{"oci://registry.example.com:5000/module", ">= 1.2, < 2", oci("oci://registry.example.com:5000/module", "", "", ">= 1.2, < 2")},
		{"oci://registry.example.com/module@" + someDigest, "", oci("oci://registry.example.com/module", someDigest, "", "")},
		{"oci://registry.example.com/module:1.0.0+build.5", "", oci("oci://registry.example.com/module", "1.0.0+build.5", "", "")},
	} {
		got, local, err := Parse(test.text, test.version)
		if err != nil || local {
			t.Errorf("%s: %v, %v", test.text, local, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
	}
	for text, want := range map[string]string{"./network": "network", "../a//b/": "../a/b", ".": ".", "..": "..", "./../x": "../x"} {
		if got, local, err := Parse(text, ""); err != nil || !local || got.Subdir != want {
			t.Errorf("%s: %+v, %v, %v", text, got, local, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, version, want string }{
		{"", "", "it is empty"},
		{"network", "", `did you mean "./network"?`},
		{"modules/network", "", `did you mean "./modules/network"?`},
		{"/srv/modules", "", "file:///srv/modules"},
		{"git.example.com/org/repo", "", "write https://git.example.com/org/repo"},
		{"github.com/org/repo/sub", "", "github.com/org/repo//sub"},
		{"git::github.com/org/repo", "", `after "git::" it needs a URL`},
		{"./x", "1.2", "a path, which has no versions"},
		{`.\x`, "", "did you mean"},
		{`./a\b`, "", `separated by "/"`},
		{"https://git.example.com/org/repo.git?ref=v1", "1.2", "it says ref=v1, and the argument version says \"1.2\""},
		{"https://git.example.com/org/repo.git?ref=", "", "the ref is empty"},
		{"https://git.example.com/org/repo.git?ref=a&ref=b", "", "more than once"},
		{"https://git.example.com/org/repo.git?depth=1", "", `it says "depth"`},
		{"https://git.example.com/org/repo.git?ref=-x", "", "begins with \"-\""},
		{"https://git.example.com/org/repo.git?ref=a%0Ab", "", "the ref holds control characters"},
		{"https://git.example.com/org/repo.git?ref=%zz", "", "cannot be read"},
		{"https://git.example.com/org/repo.git#main", "", `it has a "#"`},
		{"https://git.example.com/org/repo.git//../x", "", "leads out of the repository"},
		{"https://git.example.com/org/repo.git//a/../../x", "", "leads out of the repository"},
		{"https://git.example.com", "", "needs a host and the path"},
		{"https://user:horse@git.example.com/x", "", "holds credentials"},
		{"https://horse@git.example.com/x", "", "holds credentials"},
		{"ssh://git:horse@git.example.com/x", "", "holds credentials"},
		{"https://user:horse%zz@git.example.com/x", "", "holds credentials"},
		{"https://git.example.com/x%zz", "", "cannot be read as a URL"},
		{"user:horse@git.example.com:org/repo", "", "holds credentials"},
		{"https://git.example.com/x?token=horse", "", `it says "token" after "?"`},
		{"s3://bucket/horse", "", `it has the scheme "s3"`},
		{"file://relative/x", "", "a file URL has an absolute path"},
		{"https://git.example.com/org/repo.git\nx", "", "control characters"},
		{"oci://registry.example.com", "", "needs the host of a registry and the name"},
		{"oci://user:horse@registry.example.com/x", "", "holds credentials"},
		{"oci://registry.example.com/x:", "", "the tag after \":\" is empty"},
		{"oci://registry.example.com/x:a b", "", "is no tag"},
		{"oci://registry.example.com/x@sha256:12", "", "is no digest"},
		{"oci://registry.example.com/x:1@" + someDigest, "", "a tag and a digest"},
		{"oci://registry.example.com/x:1.0", "^1", "it says 1.0, and the argument version says"},
		{"oci://registry.example.com/x?ref=1", "", `has no "?"`},
		{"oci://registry.example.com/x//../y", "", "leads out"},
		{"https://git.example.com/x", "~> 1.2", `the operator "~>"`},
		{"https://git.example.com/x", "newest", "is no constraint"},
	} {
		got, _, err := Parse(test.text, test.version)
		switch {
		case err == nil:
			t.Errorf("%q: taken as %+v", test.text, got)
		case !strings.Contains(err.Error(), test.want):
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		case strings.Contains(test.text, "horse") && !strings.HasPrefix(test.text, "s3:") && !errors.Is(err, ErrCredentials):
			t.Errorf("%q: it is not said that it must not be shown: %v", test.text, err)
		case strings.Contains(err.Error(), "horse"):
			t.Errorf("%q: the error holds the password: %v", test.text, err)
		}
	}
}

func TestRequested(t *testing.T) {
	for version, want := range map[string]string{"": "", "1.2.3": "=1.2.3", "v1.2.3": "=v1.2.3", "1.2": "=1.2", "^1.2": "^1.2", "1.2.*": "1.2.*", ">= 1, < 2": ">= 1, < 2"} {
		s, _, err := Parse("https://git.example.com/x", version)
		if err != nil || s.Requested().Revision != want {
			t.Errorf("%q: %q, %v", version, s.Requested().Revision, err)
		}
	}
	s, _, err := Parse("https://git.example.com/x?ref=main", "")
	if err != nil || s.Requested().Revision != "main" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRelative(t *testing.T) {
	s, _, err := Parse("https://git.example.com/x//modules/a", "")
	if err != nil {
		t.Fatal(err)
	}
	for local, want := range map[string]string{"../b": "modules/b", "./c": "modules/a/c", "../..": ""} {
		if got, err := s.Relative(local); err != nil || got.Subdir != want || got.Location != s.Location {
			t.Errorf("%s: %+v, %v", local, got, err)
		}
	}
	if got, err := s.Relative("../../../x"); err == nil {
		t.Errorf("out of the repository: %+v", got)
	}
}

// What is understood is written as it is understood, nothing leads out of a
// repository, and no password is in what is kept.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"./a", "git::https://git.example.com/org/repo.git//sub?ref=v1", "git@git.example.com:org/repo.git//sub",
		"github.com/org/repo//sub?ref=v1", "oci://registry.example.com/org/module:1.2.0//sub", "oci://r.example.com/x@" + someDigest,
		"https://u:p@git.example.com/x", "file:///a//b", "https://git.example.com/x?ref=a%20b",
	} {
		f.Add(text, "")
	}
	f.Add("https://git.example.com/x", "^1.2")
	f.Fuzz(func(t *testing.T, text, version string) {
		parsed, local, err := Parse(text, version)
		if err != nil || local {
			return
		}
		if parsed.Subdir != "" && (strings.HasPrefix(parsed.Subdir, "/") || parsed.Subdir == ".." || strings.HasPrefix(parsed.Subdir, "../") || strings.Contains(parsed.Subdir, "/../")) {
			t.Errorf("%q: the directory is %q", text, parsed.Subdir)
		}
		if parsed.Location.Revision != "" && parsed.Version != "" {
			t.Errorf("%q: both a revision and a version", text)
		}
		if strings.ContainsAny(parsed.Location.Revision, "&+#%") {
			return // String is for people: it does not escape
		}
		again, _, err := Parse(parsed.String(), version)
		if err != nil {
			t.Fatalf("%q, written as %q: %v", text, parsed, err)
		}
		if diff := cmp.Diff(parsed, again); diff != "" {
			t.Errorf("%q, written as %q:\n%s", text, parsed, diff)
		}
	})
}
