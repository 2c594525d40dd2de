// Package gittest serves git repositories over http for tests, with git's own
// backend.
//
// Tests of sources and of the command line import it; nothing else does.
package gittest

import (
	"crypto/subtle"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Handler serves the repositories below a directory; where password is not empty,
// to who logs in with it.
func Handler(t testing.TB, root, user, password string) http.Handler {
	t.Helper()
	command := exec.Command("git", "--exec-path")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "GIT_CONFIG_NOSYSTEM=1"}
	programs, err := command.Output()
	if err != nil {
		t.Fatalf("git --exec-path: %v", err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root,
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
		Stderr: io.Discard,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		givenUser, givenPassword, _ := r.BasicAuth()
		if password != "" && subtle.ConstantTimeCompare([]byte(givenUser+"\x00"+givenPassword), []byte(user+"\x00"+password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			// A server may well repeat what it was given: no message may pass it on.
			http.Error(w, "who are you, "+givenUser+" with "+givenPassword+"?", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})
}
