package sourcelock_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/git/gittest"
	"github.com/gantrycd/gantry/providers/helmrepo"
	"github.com/gantrycd/gantry/providers/ociregistry"
	"github.com/gantrycd/gantry/providers/ociregistry/registrytest"
)

func TestContract(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *peer{
		"git on disk":    func(t *testing.T) *peer { return gitPeer(t, false) },
		"git over https": func(t *testing.T) *peer { return gitPeer(t, true) },
		"oci":            ociPeer, "helm": helmPeer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract(t, start(t))
		})
	}
}

// gitPeer is a repository that the git program makes, with tags v1.0.0 and so on.
func gitPeer(t *testing.T, https bool) *peer {
	root := t.TempDir()
	work, cache := filepath.Join(root, "web"), t.TempDir()
	run := func(args ...string) {
		t.Helper()
		command := exec.Command("git", args...)
		command.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + root, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=Gantry", "GIT_AUTHOR_EMAIL=gantry@example.com", "GIT_COMMITTER_NAME=Gantry", "GIT_COMMITTER_EMAIL=gantry@example.com",
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("init", "--quiet", "--initial-branch", "main", work)
	p := &peer{kind: lockfile.Repository, location: source.Location{Type: source.Git, URL: "file://" + work, Revision: "^1.0"}}
	if https {
		server := httptest.NewUnstartedServer(gittest.Handler(t, root, "deployer", "correct-horse"))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		p.location.URL = server.URL + "/web/.git"
		p.location.Auth = &source.Auth{Username: "deployer", Password: "correct-horse", Insecure: true}
	}
	p.publish = func(t *testing.T, version, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(work, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		run("-C", work, "add", "--all")
		run("-C", work, "commit", "--quiet", "--message", version)
		run("-C", work, "tag", "--force", "--annotate", "--message", version, "v"+version)
	}
	p.open = func(t *testing.T) sourcelock.Opener {
		s := git.New(git.Options{CacheDir: cache})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s.Open
	}
	return p
}

func ociPeer(t *testing.T) *peer {
	server := registrytest.New(t, false)
	p := &peer{kind: lockfile.Repository, location: server.Location("web")}
	p.location.Revision = "^1.0"
	cache := t.TempDir()
	p.publish = func(t *testing.T, version, content string) {
		t.Helper()
		server.Publish(t, "web", version, map[string]string{file: content})
	}
	p.open = func(*testing.T) sourcelock.Opener { return ociregistry.New(ociregistry.Options{CacheDir: cache}).Open }
	return p
}

// helmPeer is a Helm repository: an index, and archives of the chart web.
func helmPeer(t *testing.T) *peer {
	var mu sync.Mutex
	archives := map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/index.yaml" {
			_, _ = w.Write(archives[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/web-"), ".tgz")])
			return
		}
		var versions []string
		for version := range archives {
			versions = append(versions, version)
		}
		slices.Sort(versions)
		_, _ = fmt.Fprint(w, "apiVersion: v1\nentries:\n  web:\n")
		for _, version := range versions {
			_, _ = fmt.Fprintf(w, "  - name: web\n    version: %s\n    urls: [web-%s.tgz]\n", version, version)
		}
	}))
	t.Cleanup(server.Close)
	return &peer{
		kind:     lockfile.Chart,
		location: source.Location{Type: source.Helm, URL: server.URL, Chart: "web", Revision: "^1.0"},
		publish: func(t *testing.T, version, content string) {
			t.Helper()
			packed := chart(t, map[string]string{"web/Chart.yaml": "name: web\nversion: " + version + "\n", "web/" + file: content})
			mu.Lock()
			defer mu.Unlock()
			archives[version] = packed
		},
		open: func(*testing.T) sourcelock.Opener { return helmrepo.New(helmrepo.Options{}).Open },
	}
}

func chart(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for name, content := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
