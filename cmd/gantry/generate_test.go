package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The real program asks a service, with a token that it reads from where the
// configuration says, and shows it nowhere.
func TestGenerateAsksPlugins(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") != "Bearer hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"output": {"parameters": [{"branch": "fix-1", "number": 7}]}}`)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	configuration := `
secret "environment" "previews" {
  variable = "PREVIEWS_TOKEN"
}

generator "plugin" "previews" {
  url   = "` + server.URL + `"
  token = secret.environment.previews
  input = { label = "preview" }
  key   = "branch"
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.gantry.hcl"), []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(token string) (string, string, error) {
		var stdout, stderr strings.Builder
		command := exec.CommandContext(t.Context(), program(t), "-C", dir, "generate", "generator.plugin.previews")
		command.Env = append(os.Environ(), "PREVIEWS_TOKEN="+token, "NO_COLOR=1", "HTTP_PROXY=", "http_proxy=", "GANTRY_CACHE="+t.TempDir())
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		return stdout.String(), stderr.String(), err
	}
	out, stderr, err := run("hunter2")
	if want := "generator.plugin.previews gives 1 item:\n\n\"fix-1\"\n  branch = \"fix-1\"\n  number = 7\n"; err != nil || out != want {
		t.Errorf("got %q, %v, %s", out, err, stderr)
	}
	want := `POST /api/v1/getparams.execute Bearer hunter2 {"applicationSetName":"previews","input":{"parameters":{"label":"preview"}}}`
	if len(asked) != 1 || asked[0] != want {
		t.Errorf("it was asked %q", asked)
	}
	out, stderr, err = run("wrong-token")
	if err == nil || out != "" || !strings.Contains(stderr, "Cannot ask plugin") || !strings.Contains(stderr, "wrong credentials") || len(asked) != 2 {
		t.Errorf("got %q, %q, %v, asked %d times", out, stderr, err, len(asked))
	}
	if strings.Contains(stderr, "wrong-token") || strings.Contains(stderr, "hunter2") {
		t.Errorf("the token is shown: %s", stderr)
	}
}
