// Package pgtest gives tests a PostgreSQL server of their own: the system's programs on
// the loopback address, with its data in a directory that goes with the test.
//
// The server is a real one, with its usual settings of durability, and can be killed and
// started again. Where there is no PostgreSQL, the test is skipped with the reason
// "no PostgreSQL". It is for tests alone.
package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Variable names the environment variable with the directory of PostgreSQL's programs.
// Without it they are looked for in PATH, and where Debian's packages have them.
const Variable = "GANTRY_POSTGRES"

const (
	user     = "gantry"
	password = "pass word/@:%"
	encoded  = "pass%20word%2F%40%3A%25"
)

// Password is the password of the server's user as it is, for tests that look for it
// where it must not be.
func (s *Server) Password() string { return password }

// URL returns the connection string of a database that the server has from the start.
func (s *Server) URL() string {
	return "postgres://" + user + ":" + encoded + "@" + s.Address() + "/postgres?sslmode=disable"
}

// programs returns the directory of initdb and postgres; "" where there is none.
func programs(t testing.TB) string {
	t.Helper()
	has := func(dir string) bool {
		for _, name := range []string{"initdb", "postgres"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
				return false
			}
		}
		return true
	}
	if dir := os.Getenv(Variable); dir != "" {
		if !has(dir) {
			t.Fatalf("$%s is %s, which has no initdb and postgres", Variable, dir)
		}
		return dir
	}
	if found, err := exec.LookPath("initdb"); err == nil {
		if found, err = filepath.EvalSymlinks(found); err == nil && has(filepath.Dir(found)) {
			return filepath.Dir(found)
		}
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is a good one
	slices.Sort(versions)
	for _, dir := range slices.Backward(versions) {
		if has(dir) {
			return dir
		}
	}
	return ""
}
