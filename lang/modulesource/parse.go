package modulesource

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/Masterminds/semver/v3"

	"github.com/gantrycd/gantry/plan/source"
)

// ErrCredentials says that an address holds a password or token, or may. The
// address must not be shown, nor the line that it is in.
var ErrCredentials = errors.New("its URL holds credentials, which would be shown and kept in the lock file: declare credentials for it instead")

// doubtful is an error about an address that may hold a password or token.
type doubtful struct{ error }

// Is makes it an ErrCredentials.
func (doubtful) Is(target error) bool { return target == ErrCredentials }

// scpLike is git's short form of ssh URLs: user@host:path.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9_.-]+@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[^\s]+$`)

// password is what user:password@host begins with.
var password = regexp.MustCompile(`^[^/@]*:[^/@]*@`)

// digest is the digest of an OCI manifest.
var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// tag is what the distribution specification allows as a tag.
var tag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

func isDigest(revision string) bool { return strings.HasPrefix(revision, "sha256:") }

// Parse understands the arguments source and version of a module block; version
// is empty where there is none. local says that source is the path of a directory
// beside the module that has the block, cleaned, in Subdir. Its errors are
// sentences' ends ("it …"), and hold no credentials.
func Parse(text, version string) (parsed Source, local bool, err error) {
	switch {
	case text == "":
		return Source{}, false, errors.New(`it is empty: write the path of a directory, such as "./network", or the URL of a git repository or of an OCI artifact`)
	case strings.ContainsFunc(text, unicode.IsControl):
		return Source{}, false, errors.New("it holds control characters, such as the end of a line")
	case isPath(text):
		parsed, err = parsePath(text, version)
		return parsed, true, err
	case strings.HasPrefix(text, "oci://"):
		parsed, err = parseOCI(text, version)
	default:
		parsed, err = parseGit(text, version)
	}
	if err != nil {
		return Source{}, false, err
	}
	return parsed, false, checkVersion(version)
}

func isPath(text string) bool {
	return text == "." || text == ".." || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../")
}

func parsePath(text, version string) (Source, error) {
	switch {
	case version != "":
		return Source{}, errors.New("it is a path, which has no versions: remove the argument version")
	case strings.Contains(text, "\\"):
		return Source{}, errors.New(`the parts of a path are separated by "/"`)
	}
	return Source{Subdir: path.Clean(text)}, nil
}

// parseGit understands the address of a git repository.
func parseGit(text, version string) (Source, error) {
	rest, said := strings.CutPrefix(text, "git::")
	address, query, _ := strings.Cut(rest, "?")
	if strings.Contains(address, "#") {
		return Source{}, errors.New(`it has a "#": the revision is said with "?ref=" and its name`)
	}
	ref, err := parseQuery(query)
	if err != nil {
		return Source{}, err
	}
	if ref != "" && version != "" {
		return Source{}, fmt.Errorf("it says ref=%s, and the argument version says %q: there can be one of them", ref, version)
	}
	address, subdir, err := splitSubdir(address)
	if err != nil {
		return Source{}, err
	}
	switch {
	case strings.Contains(address, "://"):
		err = checkGitURL(address)
	case password.MatchString(address):
		err = ErrCredentials
	case scpLike.MatchString(address):
	default:
		address, err = shorthand(address, said)
	}
	if err != nil {
		return Source{}, err
	}
	return Source{Location: source.Location{Type: source.Git, URL: address, Revision: ref}, Subdir: subdir, Version: version}, nil
}

// checkGitURL refuses a URL that is none of a git repository, or that holds
// credentials.
func checkGitURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil && strings.Contains(text, "@"):
		return ErrCredentials
	case err != nil:
		return errors.New(`it cannot be read as a URL such as "https://git.example.com/org/modules.git"`)
	}
	if _, hasPassword := u.User.Password(); hasPassword || u.User != nil && u.Scheme != "ssh" {
		return ErrCredentials
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git":
		if u.Host == "" || strings.Trim(u.Path, "/") == "" {
			return errors.New("its URL needs a host and the path of a repository")
		}
	case "file":
		if u.Host != "" && u.Host != "localhost" || !path.IsAbs(u.Path) {
			return errors.New("a file URL has an absolute path: file:///path/to/repository")
		}
	default:
		return fmt.Errorf(`it has the scheme %q: a git repository is read with https, http, ssh, git or file, and an artifact of a registry with oci`, u.Scheme)
	}
	return nil
}

// shorthand understands github.com/org/repo, and otherwise says what was meant.
func shorthand(address string, said bool) (string, error) {
	parts := strings.Split(strings.Trim(address, "/"), "/")
	switch {
	case parts[0] == "github.com" && len(parts) == 3 && !said:
		return "https://" + strings.Join(parts, "/"), nil
	case parts[0] == "github.com" && len(parts) > 3 && !said:
		return "", fmt.Errorf("a directory in a repository comes after \"//\": %s//%s", strings.Join(parts[:3], "/"), strings.Join(parts[3:], "/"))
	case said:
		return "", errors.New(`after "git::" it needs a URL such as "https://git.example.com/org/modules.git", or user@host:path`)
	case path.IsAbs(address):
		return "", fmt.Errorf("an absolute path is not the same on another machine: write a path from here, such as \"./network\", or for a repository file://%s", address)
	case strings.Contains(parts[0], ".") && len(parts) > 1:
		return "", fmt.Errorf("it has no scheme: for a git repository write https://%s, for a directory ./%s", address, address)
	}
	return "", fmt.Errorf("a path begins with \"./\" or \"../\"; did you mean \"./%s\"?", address)
}

// parseQuery returns the ref that a query says.
func parseQuery(query string) (string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New(`what comes after "?" cannot be read: write "?ref=" and a branch, tag or commit`)
	}
	for name := range values {
		if name != "ref" {
			return "", doubtful{fmt.Errorf("it says %q after \"?\": there is only ref", name)}
		}
	}
	refs, given := values["ref"]
	switch {
	case !given:
		return "", nil
	case len(refs) > 1:
		return "", errors.New("it says ref more than once")
	case refs[0] == "":
		return "", errors.New(`the ref is empty: write a branch, tag or commit, or remove "?ref="`)
	case strings.ContainsFunc(refs[0], unicode.IsControl):
		return "", errors.New("the ref holds control characters")
	case strings.HasPrefix(refs[0], "-"):
		return "", fmt.Errorf("the ref %q begins with \"-\", as no branch, tag or commit does", refs[0])
	}
	return refs[0], nil
}

// splitSubdir takes the directory off an address: what comes after the first
// "//" that is not the scheme's.
func splitSubdir(address string) (string, string, error) {
	start := 0
	if at := strings.Index(address, "://"); at >= 0 {
		start = at + len("://")
		if strings.HasPrefix(address[start:], "/") { // file:///path
			start++
		}
	}
	at := strings.Index(address[start:], "//")
	if at < 0 {
		return address, "", nil
	}
	root, subdir := address[:start+at], address[start+at+len("//"):]
	if strings.Contains(subdir, "\\") {
		return "", "", errors.New(`the parts of a path are separated by "/"`)
	}
	cleaned := path.Clean(strings.Trim(subdir, "/"))
	switch {
	case cleaned == ".":
		cleaned = ""
	case cleaned == "..", strings.HasPrefix(cleaned, "../"):
		return "", "", fmt.Errorf("the directory %q leads out of the repository", subdir)
	}
	return root, cleaned, nil
}

// parseOCI understands oci://host/repository:tag//directory.
func parseOCI(text, version string) (Source, error) {
	if strings.ContainsAny(text, "?#") {
		return Source{}, errors.New(`the address of an artifact has no "?" or "#": its tag comes after ":", its digest after "@"`)
	}
	address, subdir, err := splitSubdir(text)
	if err != nil {
		return Source{}, err
	}
	rest := strings.TrimPrefix(address, "oci://")
	host, name, _ := strings.Cut(rest, "/")
	if strings.Contains(host, "@") {
		return Source{}, ErrCredentials
	}
	name, revision, byDigest := strings.Cut(name, "@")
	if !byDigest {
		name, revision, _ = strings.Cut(name, ":")
	}
	name = strings.Trim(name, "/")
	switch {
	case host == "" || name == "":
		return Source{}, errors.New("it needs the host of a registry and the name of an artifact: oci://registry.example.com/modules/network")
	case byDigest && strings.Contains(name, ":"):
		return Source{}, errors.New("it has a tag and a digest: remove the tag, the digest says all")
	case byDigest && !digest.MatchString(revision):
		return Source{}, fmt.Errorf("%q is no digest: it needs sha256: and 64 hexadecimal digits", revision)
	case !byDigest && revision == "" && strings.Contains(rest[len(host):], ":"):
		return Source{}, errors.New(`the tag after ":" is empty`)
	case !byDigest && revision != "" && !tag.MatchString(strings.ReplaceAll(revision, "+", "_")):
		return Source{}, fmt.Errorf("%q is no tag: it has letters, digits, \"_\", \".\" and \"-\", at most 128", revision)
	case revision != "" && version != "":
		return Source{}, fmt.Errorf("it says %s, and the argument version says %q: there can be one of them", revision, version)
	}
	location := source.Location{Type: source.OCI, URL: "oci://" + host + "/" + name, Revision: revision}
	return Source{Location: location, Subdir: subdir, Version: version}, nil
}

// checkVersion refuses what is no constraint of versions.
func checkVersion(version string) error {
	if version == "" {
		return nil
	}
	if strings.Contains(version, "~>") {
		return fmt.Errorf("the version %q has the operator \"~>\", which tools do not agree about: write \"^1.2\" for every 1.x from 1.2 on, \"~1.2\" for every 1.2.x", version)
	}
	if _, err := semver.NewConstraint(version); err != nil {
		return fmt.Errorf("the version %q is no constraint such as \"1.4.2\", \"^1.4\", \"1.4.*\" or \">= 1.4, < 2\"", version)
	}
	return nil
}

// rangeOf is a constraint as the range of sources: a plain version is one too,
// so that "1.4.2" finds the tag v1.4.2.
func rangeOf(version string) string {
	version = strings.TrimSpace(version)
	if _, err := semver.NewVersion(version); err == nil {
		return "=" + version
	}
	return version
}
