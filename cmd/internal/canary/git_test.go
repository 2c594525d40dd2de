package canary

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gantrycd/gantry/providers/git/gittest"
)

// gitServer serves a repository over https to "deployer" with any of the secrets. Whoever
// it refuses, it repeats the login to.
type gitServer struct {
	url, certificate string
}

func serveGit(t *testing.T) *gitServer {
	t.Helper()
	root := t.TempDir()
	work, bare := filepath.Join(root, "work"), filepath.Join(root, "deploy.git")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-git}\n"
	if err := os.WriteFile(filepath.Join(work, "a.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", "main"},
		{"add", "--all"},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "one"},
		{"clone", "--quiet", "--bare", work, bare},
	} {
		command := exec.CommandContext(t.Context(), "git", args...)
		command.Dir = work
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "GIT_CONFIG_NOSYSTEM=1"}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	by := map[string]http.Handler{}
	for n := 1; n <= 2; n++ {
		by[secretOf(n)] = gittest.Handler(t, root, "deployer", secretOf(n))
	}
	nobody := gittest.Handler(t, root, "deployer", "another")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if handler := by[password]; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		nobody.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return &gitServer{url: server.URL, certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))}
}

// application is one of a repository of the server, with a login.
func (s *gitServer) application(name, repository, login string) string {
	return fmt.Sprintf("repository %q {\n  url            = %q\n  ca_certificate = %q\n  auth {\n%s  }\n}\n", name, s.url+"/"+repository+".git", s.certificate, login) +
		application(name, fmt.Sprintf("  source {\n    repository = repository.%s\n  }\n", name))
}
