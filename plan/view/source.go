package view

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
)

// describePin says in a line what an application's source was when it was read.
func describePin(pin source.Pin) string {
	switch pin.Type {
	case source.Git:
		return strings.Join(nonEmpty("git", withoutLogin(pin.URL), pin.Path, "@", revision(pin)), " ") + signers(pin)
	case source.Helm:
		return strings.Join(nonEmpty("chart", pin.Chart, revision(pin), "from", withoutLogin(pin.URL)), " ")
	case source.OCI:
		return strings.Join(nonEmpty(withoutLogin(pin.URL), pin.Path, revision(pin)), " ")
	case source.Directory:
		return "directory " + directory(pin)
	case source.Inline:
		return "objects written in the configuration"
	case source.Plugin, source.Forge, source.Resource, source.Remote:
	}
	return strings.Join(nonEmpty(string(pin.Type), withoutLogin(pin.URL), pin.Path, revision(pin)), " ")
}

// signers says who vouches for a source: ", signed by release@example.com (SHA256:…)".
func signers(pin source.Pin) string {
	var out []string
	for _, s := range pin.Signatures {
		who := s.Key
		if s.Name != "" {
			who = s.Name + " (" + s.Key + ")"
		}
		if s.Of != "commit" {
			who += " as " + s.Of
		}
		if s.Strict {
			who += ", with its history"
		}
		if !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ", signed by " + strings.Join(out, " and ")
}

// directory is where a directory's files are, as seen from the configuration: "./app".
func directory(pin source.Pin) string {
	at := path.Join(pin.URL, pin.Path)
	if path.IsAbs(at) || at == "." || at == ".." || strings.HasPrefix(at, "../") {
		return at
	}
	return "./" + at
}

// moved says what an application's source was when it was last applied, where it
// has moved since: "was main (81d04c7)".
func moved(a *plan.Application, pin source.Pin) string {
	was := prior(a, pin)
	if was == nil {
		return ""
	}
	if was.Revision == pin.Revision && was.Resolved != "" {
		return "was " + short(was.Resolved)
	}
	return "was " + revision(*was)
}

// prior returns what a source was, or nil where it is new or has not moved.
func prior(a *plan.Application, pin source.Pin) *source.Pin {
	same := func(was source.Pin) bool {
		return was.Type == pin.Type && was.URL == pin.URL && was.Chart == pin.Chart && was.Path == pin.Path
	}
	i := slices.IndexFunc(a.Prior, same)
	if i < 0 || revision(a.Prior[i]) == "" || a.Prior[i].Resolved == pin.Resolved && a.Prior[i].Digest == pin.Digest {
		return nil
	}
	return &a.Prior[i]
}

// revision says what was asked for and what it came to: "main (3f9c2ab)".
func revision(pin source.Pin) string {
	resolved := short(pin.Resolved)
	if resolved == "" {
		resolved = short(pin.Digest)
	}
	switch {
	case pin.Revision == "" || pin.Revision == pin.Resolved:
		return resolved
	case resolved == "":
		return pin.Revision
	}
	return pin.Revision + " (" + resolved + ")"
}

// short shortens commits and digests to what people compare.
func short(revision string) string {
	const enough = 7
	hash := strings.TrimPrefix(revision, "sha256:")
	if len(hash) < 40 || strings.Trim(hash, "0123456789abcdef") != "" {
		return revision
	}
	return revision[:len(revision)-len(hash)+enough]
}

// withoutLogin returns a URL without a user and a password written into it.
func withoutLogin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	if _, secret := u.User.Password(); !secret {
		return text
	}
	u.User = url.User(u.User.Username())
	return u.String()
}

func nonEmpty(words ...string) []string {
	var out []string
	for _, word := range words {
		if word != "" {
			out = append(out, word)
		}
	}
	if n := len(out); n > 0 && out[n-1] == "@" {
		out = out[:n-1]
	}
	return out
}
