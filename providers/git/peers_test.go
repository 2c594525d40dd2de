package git

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/gittest"
	"github.com/gantrycd/gantry/providers/sourcetest"
)

// upstreamRepository is a bare repository that the git program made, and what
// serves it.
type upstreamRepository struct {
	root  string // holds web.git
	work  string
	cache string

	location source.Location
	options  Options
}

const (
	testUser     = "deployer"
	testPassword = "correct-horse"
)

func newRepository(t testing.TB) *upstreamRepository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("the git program, which makes the repositories of these tests, is not installed")
	}
	u := &upstreamRepository{root: t.TempDir(), work: t.TempDir(), cache: t.TempDir()}
	u.location = source.Location{Type: source.Git, URL: "file://" + u.path()}
	run(t, u.root, "init", "-q", "--bare", "-b", "main", "web.git")
	return u
}

func (u *upstreamRepository) path() string { return filepath.Join(u.root, "web.git") }

// git runs the git program in the repository.
func (u *upstreamRepository) git(t testing.TB, args ...string) string {
	t.Helper()
	return run(t, u.work, append([]string{"--git-dir", u.path(), "--work-tree", u.work}, args...)...)
}

func (u *upstreamRepository) Publish(t *testing.T, files sourcetest.Files) {
	t.Helper()
	u.commit(t, files, "publish")
}

// commit makes files the whole content of the branch main, and returns the commit.
func (u *upstreamRepository) commit(t testing.TB, files sourcetest.Files, message string) string {
	t.Helper()
	entries, err := os.ReadDir(u.work)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(u.work, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range files {
		at := filepath.Join(u.work, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil && file.Link != "" {
			err = os.Symlink(file.Link, at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(file.Content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	u.git(t, "-c", "core.autocrlf=false", "add", "-A", "-f")
	u.git(t, "commit", "-q", "--allow-empty", "-m", message)
	return u.git(t, "rev-parse", "HEAD")
}

func (u *upstreamRepository) newSource(t testing.TB) *Source {
	t.Helper()
	options := u.options
	options.CacheDir = u.cache
	s := New(options)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (u *upstreamRepository) Source(t *testing.T) providers.Source { return u.newSource(t) }

func (u *upstreamRepository) Location() source.Location { return u.location }

func (u *upstreamRepository) Missing() source.Location {
	missing := u.location
	missing.URL = strings.Replace(missing.URL, "web.git", "none.git", 1)
	return missing
}

// run runs git with no configuration but the test's.
func run(t testing.TB, directory string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = directory
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + directory, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Gantry", "GIT_AUTHOR_EMAIL=gantry@example.com", "GIT_COMMITTER_NAME=Gantry", "GIT_COMMITTER_EMAIL=gantry@example.com",
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// daemon serves the repository by git daemon.
func (u *upstreamRepository) daemon(t *testing.T) {
	t.Helper()
	address := serve(t, func(connection net.Conn) {
		command := exec.Command("git", "daemon", "--inetd", "--export-all", "--informative-errors", "--base-path="+u.root)
		command.Stdin, command.Stdout = connection, connection
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + u.root, "GIT_CONFIG_NOSYSTEM=1"}
		// A client that goes away makes the daemon fail: not ours to judge.
		_ = command.Run()
	})
	u.location.URL = "git://" + address + "/web.git"
}

// serve accepts connections until the test ends.
func serve(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	group.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[connection] = true
			mu.Unlock()
			group.Go(func() {
				handle(connection)
				_ = connection.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for connection := range open {
			_ = connection.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return listener.Addr().String()
}

// webServer is git's own http backend.
type webServer struct {
	*httptest.Server
	requests atomic.Int64
	received atomic.Int64 // bytes answered
	// intercept answers requests instead of git where it returns true.
	intercept atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// http serves the repository over http, or https with TLS; with a login when
// auth is set.
func (u *upstreamRepository) http(t *testing.T, tls, auth bool) *webServer {
	t.Helper()
	password := ""
	if auth {
		password = testPassword
	}
	backend := gittest.Handler(t, u.root, testUser, password)
	server := &webServer{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.requests.Add(1)
		if intercept := server.intercept.Load(); intercept != nil && (*intercept)(w, r) {
			return
		}
		backend.ServeHTTP(&countingWriter{w, &server.received}, r)
	})
	if tls {
		server.Server = httptest.NewTLSServer(handler)
	} else {
		server.Server = httptest.NewServer(handler)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	t.Cleanup(server.Close)
	u.location.URL = server.URL + "/web.git"
	u.location.Auth = &source.Auth{}
	if tls {
		u.location.Auth.CAData = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	}
	if auth {
		u.location.Auth.Username, u.location.Auth.Password = testUser, testPassword
	}
	return server
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// keyPair makes an ssh key.
func keyPair(t testing.TB) (ssh.Signer, object.Sensitive) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, object.Sensitive(pem.EncodeToMemory(block))
}

// sshServer serves the repository over ssh, for one key and one password.
func (u *upstreamRepository) sshServer(t *testing.T) {
	t.Helper()
	host, _ := keyPair(t)
	user, private := keyPair(t)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if meta.User() != "git" || !bytes.Equal(key.Marshal(), user.PublicKey().Marshal()) {
				return nil, errors.New("another key")
			}
			return nil, nil
		},
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if meta.User() != testUser || string(password) != testPassword {
				return nil, errors.New("another password")
			}
			return nil, nil
		},
	}
	config.AddHostKey(host)
	address := serve(t, func(connection net.Conn) { u.serveSSH(connection, config) })
	u.location.URL = "ssh://git@" + address + u.path()
	u.location.Auth = &source.Auth{SSHKey: private, KnownHosts: knownhosts.Line([]string{address}, host.PublicKey())}
}

func (u *upstreamRepository) serveSSH(connection net.Conn, config *ssh.ServerConfig) {
	server, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range requests {
			var payload struct{ Command string }
			ok := request.Type == "exec" && ssh.Unmarshal(request.Payload, &payload) == nil && strings.HasPrefix(payload.Command, "git-upload-pack '")
			_ = request.Reply(ok, nil)
			if !ok {
				continue
			}
			u.execute(channel, payload.Command)
			break
		}
		_ = channel.Close()
	}
}

func (u *upstreamRepository) execute(channel ssh.Channel, line string) {
	command := exec.Command("sh", "-c", line)
	command.Dir = u.root
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + u.root, "GIT_CONFIG_NOSYSTEM=1"}
	command.Stdout, command.Stderr = channel, channel.Stderr()
	in, err := command.StdinPipe()
	if err != nil {
		return
	}
	go func() { _, _ = io.Copy(in, channel); _ = in.Close() }()
	status := struct{ Code uint32 }{}
	if err := command.Run(); err != nil {
		status.Code = 128
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
}

// text is files from pairs of names and contents.
func text(pairs ...string) sourcetest.Files {
	files := sourcetest.Files{}
	for i := 0; i+1 < len(pairs); i += 2 {
		files[pairs[i]] = sourcetest.File{Content: pairs[i+1]}
	}
	return files
}

func openAt(t *testing.T, s *Source, location source.Location, revision string) *providers.Snapshot {
	t.Helper()
	location.Revision = revision
	snapshot, err := s.Open(t.Context(), location)
	if err != nil {
		t.Fatalf("revision %q: %v", revision, err)
	}
	return snapshot
}

func openError(t *testing.T, s *Source, location source.Location, revision string) error {
	t.Helper()
	location.Revision = revision
	_, err := s.Open(t.Context(), location)
	if err == nil {
		t.Fatalf("revision %q: no error", revision)
	}
	if strings.Contains(fmt.Sprintf("%+v", err), testPassword) {
		t.Errorf("the error holds the password: %v", err)
	}
	return err
}
