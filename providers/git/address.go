package git

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// address is where a repository is. It holds no password, and is comparable.
type address struct {
	scheme string // "https", "http", "ssh", "git" or "file"
	user   string // of ssh and http(s)
	host   string
	port   int    // 0 is the scheme's own
	path   string // as the server is told it, escaped for http(s); a clean absolute path for "file"
	// name is what messages call the repository: without userinfo.
	name string
}

// scpLike is "[user@]host:path", as ssh and git understand it.
var scpLike = regexp.MustCompile(`^(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:.]+\]|[^@/:\s\[\]]+):(.+)$`)

// parseAddress reads a repository's URL.
func parseAddress(raw string) (address, error) {
	switch {
	case raw == "":
		return address{}, fmt.Errorf("a git location needs a URL")
	case strings.ContainsAny(raw, "\x00\n\r"):
		return address{}, fmt.Errorf("a git URL cannot hold line ends or NUL")
	case strings.Contains(raw, "://"):
		return parseURL(raw)
	case filepath.IsAbs(raw):
		return localAddress(raw), nil
	}
	if m := scpLike.FindStringSubmatch(raw); m != nil {
		return address{scheme: "ssh", user: m[1], host: strings.Trim(m[2], "[]"), path: m[3], name: m[2] + ":" + m[3]}, nil
	}
	return address{}, fmt.Errorf("%q is no URL of a git repository: use https://…, ssh://…, git://…, file:///…, user@host:path or an absolute path", web.RedactText(raw))
}

func parseURL(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, fmt.Errorf("%q is not a valid URL", web.RedactText(raw))
	}
	if err := web.CheckURL(u); err != nil {
		return address{}, err
	}
	a := address{scheme: u.Scheme, user: u.User.Username(), host: u.Hostname(), path: u.Path, name: web.Redact(u)}
	if u.Port() != "" {
		if a.port, err = strconv.Atoi(u.Port()); err != nil || a.port < 1 || a.port > 65535 {
			return address{}, fmt.Errorf("%s: %q is not a port", a.name, u.Port())
		}
	}
	switch u.Scheme {
	case "file":
		if (a.host != "" && a.host != "localhost") || !filepath.IsAbs(a.path) {
			return address{}, fmt.Errorf("%q is not a file URL of this machine: write file:///path", a.name)
		}
		return localAddress(a.path), nil
	case "https", "http", "ssh", "git":
		if a.host == "" || strings.Trim(a.path, "/") == "" {
			return address{}, fmt.Errorf("%q is no URL of a git repository: it needs a host and a path", a.name)
		}
		if u.RawQuery != "" || u.Fragment != "" {
			return address{}, fmt.Errorf("%s: the URL of a git repository has no query or fragment; give a revision as the source's revision", a.name)
		}
		switch {
		case u.Scheme == "http" || u.Scheme == "https":
			a.path = u.EscapedPath()
		case strings.HasPrefix(a.path, "/~"):
			a.path = a.path[1:] // ssh://host/~user/repository
		}
		return a, nil
	default:
		return address{}, fmt.Errorf("%w: scheme %q of %s: use https, http, ssh, git or file", providers.ErrUnsupported, u.Scheme, a.name)
	}
}

func localAddress(at string) address {
	clean := filepath.Clean(at)
	return address{scheme: "file", path: clean, name: clean}
}

// hostPort is what is dialled.
func (a address) hostPort(standard int) string {
	port := a.port
	if port == 0 {
		port = standard
	}
	return net.JoinHostPort(a.host, strconv.Itoa(port))
}

// origin is the scheme, host and port of an http(s) repository.
func (a address) origin() *url.URL {
	host := a.bracketed()
	if a.port != 0 {
		host += ":" + strconv.Itoa(a.port)
	}
	return &url.URL{Scheme: a.scheme, Host: host}
}

// bracketed is the host as it is written in a URL.
func (a address) bracketed() string {
	if strings.Contains(a.host, ":") {
		return "[" + a.host + "]"
	}
	return a.host
}

// directory names the mirror in the cache: readable, and unique by its digest.
func (a address) directory() string {
	identity := strings.Join([]string{a.scheme, strings.ToLower(a.host), strconv.Itoa(a.port), strings.TrimRight(a.path, "/")}, "\x00")
	if a.scheme == "ssh" {
		identity += "\x00" + a.user // whose home a relative path starts in
	}
	sum := sha256.Sum256([]byte(identity))
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.TrimSuffix(path.Base(a.path), ".git"))
	return readable[:min(len(readable), 40)] + "-" + hex.EncodeToString(sum[:10])
}
