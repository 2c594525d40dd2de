package guard

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
)

// scp is a repository in scp's form: user@host:path.
var scp = regexp.MustCompile(`^([^/:@]+@)?[^/:@]+:`)

// usual are the ports that a URL of a scheme has where it names none.
var usual = map[string]string{"https": ":443", "http": ":80", "ssh": ":22", "git": ":9418", "oci": ":443"}

// normalize makes the ways to write one repository's URL, or a pattern of them, the same:
// lower-case, without .git, a user and the usual port, git@host:path for
// ssh://git@host/path.
func normalize(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	scheme, rest, isURL := strings.Cut(text, "://")
	switch {
	case isURL:
	case scp.MatchString(text):
		scheme, rest = "ssh", strings.Replace(text, ":", "/", 1)
	default:
		return strings.TrimSuffix(text, ".git")
	}
	host, path, hasPath := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:] // how to log in says nothing of the repository
	}
	out := strings.TrimSuffix(host, usual[scheme])
	if hasPath {
		out += "/" + strings.TrimSuffix(path, ".git")
	}
	if scheme != "ssh" {
		out = scheme + "://" + out
	}
	return out
}

// canonical is normalize for a URL that is judged: whatever else a server takes for the
// same repository comes to the same text, and what may lead it elsewhere is an error.
func canonical(text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "", errors.New("it holds a space, a backslash or a control character")
	}
	if strings.ContainsAny(text, "?#") {
		return "", errors.New("it has a query or a fragment")
	}
	decoded, err := url.PathUnescape(text)
	switch {
	case err != nil:
		return "", errors.New("it holds a % that encodes nothing")
	case strings.ContainsAny(decoded, "\x00\\%") || strings.Count(decoded, "/") != strings.Count(text, "/"):
		return "", errors.New("it holds an encoded character that servers read differently")
	}
	scheme, rest, isURL := strings.Cut(decoded, "://")
	if !isURL {
		rest = decoded
	}
	segments := strings.Split(rest, "/")
	kept := segments[:1:1]
	for _, segment := range segments[1:] {
		switch segment {
		case "":
			continue
		case ".", "..":
			return "", fmt.Errorf("its path holds %q", segment)
		}
		kept = append(kept, segment)
	}
	if isURL && scheme != "file" {
		kept[0] = strings.TrimSuffix(kept[0], ".")
	}
	out := strings.Join(kept, "/")
	if isURL {
		out = scheme + "://" + out
	}
	return normalize(out), nil
}

// compileRepositories compiles patterns of repositories' URLs. Each stays as it was
// written for who reads of it.
func compileRepositories(list []string) (patterns, error) {
	normal := make([]string, len(list))
	if list == nil {
		normal = nil
	}
	for i, text := range list {
		body, deny := strings.CutPrefix(text, "!")
		if normal[i] = normalize(body); deny {
			normal[i] = "!" + normal[i]
		}
	}
	out, err := compile(normal, '/')
	for i := range out.list {
		out.list[i].text = list[i]
	}
	return out, err
}

// shown is a URL for people: without credentials.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil || u.Scheme == "" {
		return strconv.Quote(text)
	}
	if _, secret := u.User.Password(); secret || u.Scheme != "ssh" {
		u.User = nil
	}
	return strconv.Quote(u.String())
}

// quoted lists patterns for people.
func quoted(list []string) string {
	if len(list) == 0 {
		return "empty"
	}
	parts := make([]string, len(list))
	for i, text := range list {
		parts[i] = shown(text)
	}
	return strings.Join(parts, ", ")
}

// destinations lists destinations for people.
func destinations(list []plan.Destination) string {
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = fmt.Sprintf("clusters [%s] with namespaces [%s]", anyOf(d.Clusters), anyOf(d.Namespaces))
	}
	return strings.Join(parts, "; ")
}

func anyOf(list []string) string {
	if list == nil {
		return "any"
	}
	return quoted(list)
}
