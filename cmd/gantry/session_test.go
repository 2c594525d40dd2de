package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// session is a shell that keeps its directory and variables between commands.
type session struct {
	t     *testing.T
	in    io.WriteCloser
	lines *bufio.Reader
}

// sentinel ends what a command prints.
const sentinel = "=== the command has ended with "

func newSession(t *testing.T, dir string, env []string) *session {
	t.Helper()
	shell := exec.Command("bash", "--noprofile", "--norc")
	shell.Dir, shell.Env = dir, env
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stderr = shell.Stdout
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if err := shell.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &session{t: t, in: in, lines: bufio.NewReader(out)}
}

// run runs a command that must succeed and returns what it prints, errors too.
func (s *session) run(command string) string {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null\nprintf '\\n%s%%d\\n' $?\n", command, sentinel); err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: the shell ended: %v\n%s", command, err, out.String())
		}
		if code, ended := strings.CutPrefix(line, sentinel); ended {
			if strings.TrimSpace(code) != "0" {
				s.t.Errorf("%s: ended with %s\n%s", command, strings.TrimSpace(code), out.String())
			}
			return strings.TrimSuffix(out.String(), "\n")
		}
		out.WriteString(line)
	}
}

// directory returns where the session is.
func (s *session) directory() string {
	s.t.Helper()
	return strings.TrimSpace(s.run("pwd"))
}
