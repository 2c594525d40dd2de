// Package s3test starts a real S3 server for tests: versitygw, which keeps buckets as
// directories of this machine. Only tests import it.
package s3test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state/s3"
)

// What logs in to the servers that are started here, and their bucket.
const (
	AccessKey = "gantry-tests"
	SecretKey = object.Sensitive("secret-of-the-tests")
	Bucket    = "gantry-tests"
)

// Server is a running server, with an empty bucket. It ends with the test.
type Server struct {
	address string
	binary  string
	dir     string

	mu      sync.Mutex
	process *exec.Cmd // nil while it is down
	said    *bytes.Buffer
}

// Start starts a server. The test is skipped where it cannot be built.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{binary: binary(t), dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(s.dir, "buckets", Bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	return s
}

// Endpoint returns the URL of the server.
func (s *Server) Endpoint() string { return "http://" + s.address }

// Options returns how the server is reached, with a prefix of its own for each name.
func (s *Server) Options(prefix string) s3.Options {
	return s3.Options{
		Bucket: Bucket, Prefix: prefix, Region: "us-east-1", Endpoint: s.Endpoint(), PathStyle: true,
		AccessKey: AccessKey, SecretKey: SecretKey,
	}
}

// Kill ends the server at once, as SIGKILL does.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Kill()
	_ = s.process.Wait() // which reports the kill
	s.process = nil
	return err
}

// startTimeout is how long the server may take to answer.
const startTimeout = time.Minute

// Restart starts the server where it is down, on the same data and address, and waits
// until it answers.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	s.said = &bytes.Buffer{}
	process := exec.Command(s.binary, "--access", AccessKey, "--secret", SecretKey.Reveal(), "--port", s.address, "--keep-alive", "--quiet", "posix", filepath.Join(s.dir, "buckets"))
	process.Dir, process.Stdout, process.Stderr = s.dir, s.said, s.said
	process.Env = []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	if err := process.Start(); err != nil {
		return err
	}
	s.process = process
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint()+"/", http.NoBody)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			return answer.Body.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the S3 server does not answer: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// binary returns the path of the server's program, which is built once for a machine.
func binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("GANTRY_VERSITYGW_BINARY"); path != "" {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "versitygw", "build.sh")
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash to build the S3 server with")
	}
	command := exec.CommandContext(t.Context(), bash, script)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("the S3 server cannot be built: %v\n%s", err, said.String())
	}
	return strings.TrimSpace(string(out))
}
