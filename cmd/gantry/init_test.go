package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/lockfile"
)

// Ctrl-C while init fetches leaves the lock file, and the directory, as they were.
func TestInitInterrupted(t *testing.T) {
	asked := make(chan struct{}, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done() // never answers
	}))
	defer server.Close()
	home := t.TempDir()
	dir := filepath.Join(home, "estate")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
cluster "main" {
  context = "main"
}
application "web" {
  source {
    url      = "%s/web.git"
    revision = "^1.0"
    path     = "web"
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, server.URL)
	lock := "# ours\n\nmodule \"https://git.example.com/x.git\" \"^1.0\" {\n  revision = \"1111111111111111111111111111111111111111\"\n}\n"
	for name, text := range map[string]string{"main.gantry.hcl": config, lockfile.Name: lock} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	command := exec.Command(program(t), "init")
	command.Dir, command.Stdout, command.Stderr = dir, &out, &out
	command.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GANTRY_CACHE=" + filepath.Join(home, "cache")}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Error("the repository is not asked")
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() != 130 {
		t.Errorf("ended with %v", err)
	}
	if !bytes.Contains(out.Bytes(), []byte("nterrupted")) {
		t.Errorf("printed:\n%s", out.String())
	}
	if now, err := os.ReadFile(filepath.Join(dir, lockfile.Name)); err != nil || string(now) != lock {
		t.Errorf("the lock file is %q, %v", now, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
