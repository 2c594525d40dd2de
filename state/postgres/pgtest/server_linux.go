package pgtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a PostgreSQL server. It ends with its test.
type Server struct {
	programs string
	dir      string
	port     int
	as       *syscall.Credential // nil is the user of the tests
	running  *exec.Cmd           // nil while it is down
	log      *os.File
}

// Start makes a new server and waits until it answers.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{programs: programs(t)}
	if s.programs == "" {
		t.Skipf("no PostgreSQL: install it, or name the directory of its programs in $%s", Variable)
	}
	var err error
	// Not t.TempDir: what is above that may not be entered by another user.
	if s.dir, err = os.MkdirTemp("", "gantry-postgres-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill(t)
		if err := os.RemoveAll(s.dir); err != nil {
			t.Error(err)
		}
	})
	if s.as, err = unprivileged(); err != nil {
		t.Fatalf("PostgreSQL does not run as root: %v", err)
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.as != nil {
		for _, path := range []string{s.dir, secret} {
			if err := os.Chown(path, int(s.as.Uid), int(s.as.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.log.Close() })
	initialize := s.command("initdb", "--pgdata", s.data(), "--username", user, "--pwfile", secret,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if err := initialize.Run(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, s.logged())
	}
	s.Restart(t)
	return s
}

// Address returns where the server listens, which stays as it is.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Kill ends all processes of the server at once, as a loss of power does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.running == nil {
		return
	}
	pid := s.running.Process.Pid
	children := childrenOf(pid)
	if err := s.running.Process.Kill(); err != nil {
		t.Error(err)
	}
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended by itself
	}
	_ = s.running.Wait() // that it was killed is no news
	s.running = nil
}

// Restart kills the server if it runs, starts it again, and waits until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill(t)
	deadline := time.Now().Add(time.Minute)
	for s.running == nil {
		s.start(t)
		for s.running != nil && !s.answers() {
			if time.Now().After(deadline) {
				t.Fatalf("PostgreSQL does not start\n%s", s.logged())
			}
			if ended(s.running.Process.Pid) {
				// A process of before still has the memory, or another program the port.
				_ = s.running.Wait()
				s.running = nil
			}
			time.Sleep(5 * time.Millisecond)
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not start\n%s", s.logged())
		}
	}
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	if s.port == 0 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.port = free.Addr().(*net.TCPAddr).Port
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
	}
	running := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	s.running = running
}

// answers reports whether the server gets as far as asking who is there.
func (s *Server) answers() bool {
	connection, err := net.DialTimeout("tcp", s.Address(), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	hello := append([]byte{0, 3, 0, 0}, "user\x00"+user+"\x00database\x00postgres\x00\x00"...)
	if _, err := connection.Write(append([]byte{0, 0, 0, byte(len(hello) + 4)}, hello...)); err != nil {
		return false
	}
	first := make([]byte, 1)
	_, err = connection.Read(first)
	return err == nil && first[0] == 'R' // authentication is asked for; E is an error
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) logged() []byte {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.programs, program), args...)
	command.Dir = s.dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	command.Stdout, command.Stderr = s.log, s.log
	// It ends with the process of the tests, however that ends.
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL}
	return command
}

// unprivileged returns whom to run as where the tests run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	found, err := osuser.Lookup("postgres")
	if err != nil {
		if found, err = osuser.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", found.Username, err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", found.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// childrenOf returns the processes that a process started.
func childrenOf(pid int) []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var children []int
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			children = append(children, child)
		}
	}
	return children
}

// ended reports whether a process that was started here has ended, and waits to be noticed.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(rest, []byte("Z"))
}
