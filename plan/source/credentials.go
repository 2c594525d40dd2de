package source

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Credentials are how to log in to every repository below a prefix.
type Credentials struct {
	Prefix Prefix // of all repositories, where they are Unknown and it is not known either
	Auth   *Auth
	// Unknown says that there are such credentials, and that what they are cannot be
	// told: nothing is read in another way in their place.
	Unknown bool
}

// Authorize returns a location with how to log in to it: its own way where it has
// one, else that of the credentials with the longest prefix, nil where there are
// none. How far its own Auth trusts the server stays. It is an error where those
// credentials are not known.
func Authorize(location Location, all []Credentials) (*Auth, error) {
	if location.Auth.LogsIn() {
		return location.Auth, nil
	}
	var best *Credentials
	for i := range all {
		c := &all[i]
		if c.Unknown && c.Prefix.host == "" && isRemote(location.URL) {
			return nil, errors.New("how to log in to it cannot be told: it may be what some credentials are for that cannot be told themselves")
		}
		if c.Prefix.Matches(location.URL) && (best == nil || c.Prefix.longer(best.Prefix) || c.Unknown && !best.Prefix.longer(c.Prefix)) {
			best = c
		}
	}
	if best != nil && best.Unknown {
		return nil, fmt.Errorf("how to log in to it cannot be told: the credentials for %s cannot be told", best.Prefix)
	}
	switch {
	case best == nil:
		return location.Auth, nil
	case location.Auth == nil:
		return best.Auth, nil
	}
	auth := *best.Auth
	if location.Auth.CAData != "" {
		auth.CAData = location.Auth.CAData
	}
	if location.Auth.KnownHosts != "" {
		auth.KnownHosts = location.Auth.KnownHosts
	}
	auth.Insecure = auth.Insecure || location.Auth.Insecure
	return &auth, nil
}

// Prefix is the beginning of the URLs of repositories: a scheme, a host and the
// first names of a path. It is comparable as text by String.
type Prefix struct {
	scheme, user, host, port string
	segments                 []string
}

// ParsePrefix reads a prefix: an https, http, ssh, git or oci URL, or user@host:path
// as git writes it. A slash at its end makes no difference.
func ParsePrefix(text string) (Prefix, error) {
	p, ok := parseAddress(text)
	switch {
	case !ok:
		return Prefix{}, errors.New("it must be the beginning of the URLs of repositories, such as \"https://git.example.com/team/\", \"git@git.example.com:team/\" or \"oci://registry.example.com/charts/\"")
	case p.host == "":
		return Prefix{}, errors.New("it names no host")
	}
	return p, nil
}

// Matches reports whether a URL is below the prefix: of the same scheme, host and
// port, and with a path that begins with the same names, whole. A prefix that names
// no user is for all.
func (p Prefix) Matches(text string) bool {
	a, ok := parseAddress(text)
	if !ok || a.scheme != p.scheme || a.host != p.host || a.port != p.port || p.user != "" && a.user != p.user || len(a.segments) < len(p.segments) {
		return false
	}
	last := len(p.segments) - 1
	for i, segment := range p.segments {
		have := a.segments[i]
		if i == last && i == len(a.segments)-1 { // the repository itself, by either of its names
			have, segment = strings.TrimSuffix(have, ".git"), strings.TrimSuffix(segment, ".git")
		}
		if have != segment {
			return false
		}
	}
	return true
}

// String renders the prefix in one way, however it was written.
func (p Prefix) String() string {
	u := url.URL{Scheme: p.scheme, Host: p.host + ":" + p.port, Path: "/" + strings.Join(p.segments, "/")}
	if p.user != "" {
		u.User = url.User(p.user)
	}
	return strings.TrimSuffix(u.String(), ".git")
}

// longer reports whether the prefix says more than another.
func (p Prefix) longer(than Prefix) bool {
	if len(p.segments) != len(than.segments) {
		return len(p.segments) > len(than.segments)
	}
	return p.user != "" && than.user == ""
}

// scpAddress is git's short form of ssh URLs.
var scpAddress = regexp.MustCompile(`^([A-Za-z0-9_.-]+)@([A-Za-z0-9.-]+):(.*)$`)

// parseAddress takes a URL apart. It is false for what is no URL of a server, and
// for one whose path leads somewhere else than it says.
func parseAddress(text string) (Prefix, bool) {
	if scp := scpAddress.FindStringSubmatch(text); scp != nil && !strings.Contains(text, "://") {
		segments, ok := segmentsOf(scp[3])
		return Prefix{scheme: "ssh", user: scp[1], host: strings.ToLower(scp[2]), port: "22", segments: segments}, ok
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return Prefix{}, false
	}
	if _, hasPassword := u.User.Password(); hasPassword {
		return Prefix{}, false
	}
	ports := map[string]string{"https": "443", "http": "80", "ssh": "22", "git": "9418", "oci": "443"}
	port, known := ports[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	segments, ok := segmentsOf(u.EscapedPath())
	return Prefix{scheme: u.Scheme, user: u.User.Username(), host: strings.ToLower(u.Hostname()), port: port, segments: segments}, ok && known
}

// isRemote reports whether a URL is that of a server.
func isRemote(text string) bool {
	a, ok := parseAddress(text)
	return ok && a.host != ""
}

// segmentsOf returns the names of a path. It is false where one of them is an up or
// a stay, which servers resolve.
func segmentsOf(path string) ([]string, bool) {
	var out []string
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		plain, err := url.PathUnescape(segment)
		if err != nil || slices.Contains([]string{".", ".."}, plain) || strings.ContainsAny(plain, "/\\") {
			return nil, false
		}
		out = append(out, plain)
	}
	return out, true
}
