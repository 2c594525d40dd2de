package git

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// with returns a location with another Auth.
func with(location source.Location, change func(*source.Auth)) source.Location {
	auth := *location.Auth
	change(&auth)
	location.Auth = &auth
	return location
}

func TestHTTPLogin(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	u.http(t, true, true)
	right := u.location
	openAt(t, u.newSource(t), right, "")
	openAt(t, u.newSource(t), with(right, func(a *source.Auth) { a.Insecure, a.CAData = true, "" }), "")
	openAt(t, u.newSource(t), with(right, func(a *source.Auth) { a.Password, a.Token = "", testPassword }), "")
	named := with(right, func(a *source.Auth) { a.Username = "" })
	named.URL = strings.Replace(right.URL, "https://", "https://"+testUser+"@", 1)
	openAt(t, u.newSource(t), named, "")

	for name, test := range map[string]struct {
		change func(*source.Auth)
		want   error
	}{
		"wrong password":  {func(a *source.Auth) { a.Password = "wrong-" + testPassword }, providers.ErrUnauthorized},
		"wrong user":      {func(a *source.Auth) { a.Username = "someone" }, providers.ErrUnauthorized},
		"nothing":         {func(a *source.Auth) { a.Username, a.Password = "", "" }, providers.ErrUnauthorized},
		"unknown CA":      {func(a *source.Auth) { a.CAData = "" }, providers.ErrUnreachable},
		"broken CA":       {func(a *source.Auth) { a.CAData = "not PEM" }, nil},
		"key without":     {func(a *source.Auth) { a.ClientKey = "x" }, nil},
		"broken key pair": {func(a *source.Auth) { a.ClientKey, a.ClientCert = testPassword, testPassword }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := openError(t, u.newSource(t), with(right, test.change), "")
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	// The mirror is there by now: wrong credentials still do not pass.
	if err := openError(t, u.newSource(t), with(right, func(a *source.Auth) { a.Password = "x" }), "main"); !errors.Is(err, providers.ErrUnauthorized) {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	u := newRepository(t)
	s := u.newSource(t)
	for url, want := range map[string]string{
		"":                                       "needs a URL",
		"relative/path":                          "no URL of a git repository",
		"ftp://example.com/x":                    "unsupported",
		"https://example.com":                    "needs a host and a path",
		"https:///x":                             "needs a host and a path",
		"https://example.com/x?ref=main":         "no query",
		"https://example.com:99999/x":            "not a port",
		"file://elsewhere/x":                     "not a file URL of this machine",
		"https://u:" + testPassword + "@h.test/": "holds a password",
		"https://u:" + testPassword + "%zz@h/x":  "not a valid URL",
		"ssh://u:" + testPassword + "@h.test/x":  "holds a password",
		"https://h/x\n" + testPassword:           "line ends",
	} {
		err := openError(t, s, source.Location{Type: source.Git, URL: url}, "")
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]address{
		"https://example.com/a/b.git":        {scheme: "https", host: "example.com", path: "/a/b.git", name: "https://example.com/a/b.git"},
		"http://[::1]:8080/a b":              {scheme: "http", host: "::1", port: 8080, path: "/a%20b", name: "http://[::1]:8080/a%20b"},
		"https://bot@example.com/a":          {scheme: "https", user: "bot", host: "example.com", path: "/a", name: "https://example.com/a"},
		"ssh://git@example.com:2222/a/b.git": {scheme: "ssh", user: "git", host: "example.com", port: 2222, path: "/a/b.git", name: "ssh://example.com:2222/a/b.git"},
		"ssh://example.com/~me/b":            {scheme: "ssh", host: "example.com", path: "~me/b", name: "ssh://example.com/~me/b"},
		"git@example.com:a/b.git":            {scheme: "ssh", user: "git", host: "example.com", path: "a/b.git", name: "example.com:a/b.git"},
		"example.com:/srv/b.git":             {scheme: "ssh", host: "example.com", path: "/srv/b.git", name: "example.com:/srv/b.git"},
		"git@[::1]:b":                        {scheme: "ssh", user: "git", host: "::1", path: "b", name: "[::1]:b"},
		"git://example.com/b":                {scheme: "git", host: "example.com", path: "/b", name: "git://example.com/b"},
		"file:///srv/b.git/":                 {scheme: "file", path: "/srv/b.git", name: "/srv/b.git"},
		"/srv/x/../b.git":                    {scheme: "file", path: "/srv/b.git", name: "/srv/b.git"},
	} {
		got, err := parseAddress(raw)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", raw, got, err)
		}
	}
	a, _ := parseAddress("https://Example.com/a/web.git")
	b, _ := parseAddress("https://example.com/a/web.git/")
	c, _ := parseAddress("https://example.com/b/web.git")
	if a.directory() != b.directory() || a.directory() == c.directory() || !strings.HasPrefix(a.directory(), "web-") {
		t.Error(a.directory(), b.directory(), c.directory())
	}
}

func TestSSHLogin(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	u.sshServer(t)
	right := u.location
	host := strings.Split(strings.Split(right.URL, "@")[1], "/")[0]
	other, otherPrivate := keyPair(t)

	openAt(t, u.newSource(t), right, "")
	byPassword := with(right, func(a *source.Auth) { a.SSHKey, a.Username, a.Password = "", testUser, testPassword })
	byPassword.URL = strings.Replace(right.URL, "git@", "", 1)
	openAt(t, u.newSource(t), byPassword, "")

	for name, test := range map[string]struct {
		change func(*source.Auth)
		want   error
		words  string
	}{
		"wrong key":      {func(a *source.Auth) { a.SSHKey = otherPrivate }, providers.ErrUnauthorized, "refused the key"},
		"broken key":     {func(a *source.Auth) { a.SSHKey = testPassword }, nil, "not a private key"},
		"wrong password": {func(a *source.Auth) { a.SSHKey, a.Password = "", "x"+testPassword }, providers.ErrUnauthorized, "refused"},
		"nothing":        {func(a *source.Auth) { a.SSHKey = "" }, providers.ErrUnauthorized, "no ssh agent runs"},
		"other host key": {func(a *source.Auth) { a.KnownHosts = knownhosts.Line([]string{host}, other.PublicKey()) }, providers.ErrUnreachable, "another key than known_hosts says"},
		"unknown host": {func(a *source.Auth) {
			a.KnownHosts = knownhosts.Line([]string{"elsewhere.test"}, other.PublicKey())
		}, providers.ErrUnreachable, "not in known_hosts"},
		"broken known hosts": {func(a *source.Auth) { a.KnownHosts = "what is this" }, nil, "not lines of a known_hosts file"},
		"no known hosts":     {func(a *source.Auth) { a.KnownHosts = "" }, providers.ErrUnreachable, "no known_hosts file"},
	} {
		t.Run(name, func(t *testing.T) {
			err := openError(t, u.newSource(t), with(right, test.change), "")
			if (test.want != nil && !errors.Is(err, test.want)) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %v, %q", err, test.want, test.words)
			}
		})
	}
	leftovers, _ := filepath.Glob(filepath.Join(u.cache, "known-hosts-*"))
	if len(leftovers) > 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}

func TestSSHAgentAndUsersKnownHosts(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	u.sshServer(t)
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(u.location.Auth.KnownHosts+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := ssh.ParseRawPrivateKey([]byte(u.location.Auth.SSHKey.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, connection); _ = connection.Close() }()
		}
	}()
	u.options = Options{KnownHosts: []string{filepath.Join(t.TempDir(), "none"), known}, SSHAuthSock: socket}
	u.location.Auth = nil
	openAt(t, u.newSource(t), u.location, "")
	u.options.SSHAuthSock = filepath.Join(t.TempDir(), "gone")
	if err := openError(t, u.newSource(t), u.location, ""); !errors.Is(err, providers.ErrUnauthorized) || !strings.Contains(err.Error(), "agent does not answer") {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	_ = listener.Close()
	silent := serve(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 500 no\r\n\r\n")) })
	hangsUp := serve(t, func(net.Conn) {})
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>please log in</html>")
	}))
	t.Cleanup(page.Close)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}))
	t.Cleanup(busy.Close)
	signer, private := keyPair(t)
	u := newRepository(t)
	for name, location := range map[string]source.Location{
		"http refused":  {URL: "http://" + closed + "/x"},
		"git refused":   {URL: "git://" + closed + "/x"},
		"ssh refused":   {URL: "ssh://git@" + closed + "/x", Auth: &source.Auth{SSHKey: private, KnownHosts: knownhosts.Line([]string{closed}, signer.PublicKey())}},
		"ssh no ssh":    {URL: "ssh://git@" + hangsUp + "/x", Auth: &source.Auth{SSHKey: private, KnownHosts: knownhosts.Line([]string{hangsUp}, signer.PublicKey())}},
		"no host":       {URL: "http://none.invalid/x"},
		"git no git":    {URL: "git://" + silent + "/x"},
		"git hangs up":  {URL: "git://" + hangsUp + "/x"},
		"http hangs up": {URL: "http://" + hangsUp + "/x"},
		"no TLS":        {URL: "https://" + strings.TrimPrefix(page.URL, "http://") + "/x"},
		"a page":        {URL: page.URL + "/x"},
		"busy":          {URL: busy.URL + "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			location.Type = source.Git
			if err := openError(t, u.newSource(t), location, ""); !errors.Is(err, providers.ErrUnreachable) || len(err.Error()) > 500 {
				t.Error(err)
			}
		})
	}
}

func TestGitProtocolHasNoLogin(t *testing.T) {
	u := newRepository(t)
	u.daemon(t)
	u.location.Auth = &source.Auth{Token: object.Sensitive(testPassword)}
	if err := openError(t, u.newSource(t), u.location, ""); !errors.Is(err, providers.ErrUnsupported) {
		t.Error(err)
	}
}

// Credentials stay with the host they are for.
func TestRedirects(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	server := u.http(t, false, false)
	var asked int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		for _, name := range []string{"Authorization", "Cookie", "Referer"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%s reached another host", name)
			}
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	auth := &source.Auth{Username: testUser, Password: testPassword}
	var target string
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target+r.URL.RequestURI(), http.StatusFound)
	}))
	t.Cleanup(redirecting.Close)
	location := source.Location{Type: source.Git, URL: redirecting.URL + "/web.git", Auth: auth}

	target = elsewhere.URL
	if err := openError(t, u.newSource(t), location, ""); !errors.Is(err, providers.ErrNotFound) || asked == 0 {
		t.Errorf("%v after %d requests", err, asked)
	}
	target = server.URL // a redirect to where the repository is works, as in git
	openAt(t, u.newSource(t), location, "")
}

// A server that accepts and says nothing is given up when the context ends.
func TestSilentServer(t *testing.T) {
	signer, private := keyPair(t)
	quiet := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	u := newRepository(t)
	for _, location := range []source.Location{
		{URL: "git://" + quiet + "/x"},
		{URL: "http://" + quiet + "/x"},
		{URL: "ssh://git@" + quiet + "/x", Auth: &source.Auth{SSHKey: private, KnownHosts: knownhosts.Line([]string{quiet}, signer.PublicKey())}},
	} {
		location.Type = source.Git
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		started := time.Now()
		_, err := u.newSource(t).Open(ctx, location)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > 5*time.Second {
			t.Errorf("%s: %v after %v", location.URL, err, time.Since(started))
		}
	}
}
