// Package giteatest starts a real Gitea for tests: a forge with repositories and pull
// requests, and an OpenID Connect issuer that people log in to. Only tests import it.
package giteatest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Server is a running Gitea without repositories. It ends with the test.
type Server struct {
	URL    string // without a slash at its end
	Issuer string // as in the claim iss of its tokens, which has one
	Admin  User
}

// User is somebody who has an account.
type User struct {
	Name, Password string
	Token          string // of the API, for everything
}

// Start starts a server with an administrator. The test is skipped where it cannot be built
// for want of bash or a C compiler.
func Start(t testing.TB) *Server {
	t.Helper()
	binary := binary(t)
	dir := t.TempDir()
	address := freeAddress(t)
	s := &Server{URL: "http://" + address, Issuer: "http://" + address + "/", Admin: User{Name: "root-of-tests", Password: rand.Text()}}
	config := filepath.Join(dir, "app.ini")
	if err := os.WriteFile(config, []byte(settings(t, dir, filepath.Join(filepath.Dir(binary), "static"), address)), 0o600); err != nil {
		t.Fatal(err)
	}
	// It demands a theme, and its own are made with Node.js.
	themes := filepath.Join(dir, "custom", "public", "assets", "css")
	if err := errors.Join(os.MkdirAll(themes, 0o700), os.WriteFile(filepath.Join(themes, "theme-gitea-auto.css"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		made := exec.Command(binary, append(args, "--config", config, "--work-path", dir)...)
		made.Dir = dir
		made.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
		return made
	}
	for _, args := range [][]string{
		{"migrate"},
		{"admin", "user", "create", "--admin", "--username", s.Admin.Name, "--password", s.Admin.Password, "--email", "root@example.com", "--must-change-password=false"},
	} {
		if out, err := command(args...).CombinedOutput(); err != nil {
			t.Fatalf("gitea %s: %v\n%s", strings.Join(args[:1], " "), err, out)
		}
	}
	said := &bytes.Buffer{}
	process := command("web")
	process.Stdout, process.Stderr = said, said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // which reports the kill
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Gitea said:\n%s", said)
		}
	})
	if err := s.wait(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	s.Admin.Token = s.token(t, s.Admin)
	return s
}

// startTimeout is how long the server may take to answer.
const startTimeout = 2 * time.Minute

// wait waits until the server answers.
func (s *Server) wait(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/healthz", http.NoBody)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gitea does not answer: %w", ctx.Err())
		case <-ended:
			return errors.New("gitea has ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settings is its app.ini: nothing of it leaves the machine, or the folder.
func settings(t testing.TB, dir, static, address string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`APP_NAME = Gitea of the tests
RUN_MODE = prod
RUN_USER = %s
WORK_PATH = %s
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
HTTP_ADDR = %s
HTTP_PORT = %s
ROOT_URL = http://%s/
STATIC_ROOT_PATH = %s
APP_DATA_PATH = %[2]s/data
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = false

[database]
DB_TYPE = sqlite3
PATH = %[2]s/data/gitea.db
SQLITE_JOURNAL_MODE = WAL

[git.config]
core.fsync = none

[repository]
ROOT = %[2]s/repositories

[security]
INSTALL_LOCK = true
SECRET_KEY = %s
INTERNAL_TOKEN = %s
PASSWORD_HASH_ALGO = pbkdf2$1000$50

[oauth2]
JWT_SECRET = %s

[service]
DISABLE_REGISTRATION = true

[session]
PROVIDER = memory

[log]
MODE = console
LEVEL = warn

[mailer]
ENABLED = false

[picture]
DISABLE_GRAVATAR = true

[cron]
ENABLED = false

[actions]
ENABLED = false

[webhook]
ALLOWED_HOST_LIST = loopback
`, who.Username, dir, host, port, address, static, rand.Text()+rand.Text(), rand.Text()+rand.Text(), strings.ToLower(rand.Text() + rand.Text())[:43])
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// binary returns the path of the server's program, which is built once for a machine.
func binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("GANTRY_GITEA_BINARY"); path != "" {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "server", "build.sh")
	for _, program := range []string{"bash", "gcc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s to build Gitea with", program)
		}
	}
	command := exec.CommandContext(t.Context(), "bash", script)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("Gitea cannot be built: %v\n%s", err, said.String())
	}
	return strings.TrimSpace(string(out))
}
