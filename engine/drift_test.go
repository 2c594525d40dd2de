package engine_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
)

// moving is a source that moves on: publish makes it say something else.
type moving struct {
	block   string // the source block
	publish func(t *testing.T, version, colour string)
}

func settingsOf(colour string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  colour: " + colour + "\n"
}

func movingBranch(t *testing.T) *moving {
	content := t.TempDir()
	write := func(colour string) {
		if err := os.WriteFile(filepath.Join(content, "all.yaml"), []byte(settingsOf(colour)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("blue")
	url := enginetest.Repository(t, content)
	return &moving{
		block: fmt.Sprintf("url = %q\n revision = \"main\"\n path = \".\"", url),
		publish: func(t *testing.T, version, colour string) {
			t.Helper()
			write(colour)
			bare := strings.TrimPrefix(url, "file://")
			enginetest.Git(t, content, "--git-dir", bare, "--work-tree", content, "add", "--force", "--all")
			enginetest.Git(t, content, "--git-dir", bare, "--work-tree", content, "commit", "--quiet", "--message", version)
		},
	}
}

// movingChart is a Helm repository of the chart web, of which any 1.x is wanted.
func movingChart(t *testing.T) *moving {
	var mu sync.Mutex
	archives := map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/index.yaml" {
			_, _ = w.Write(archives[r.URL.Path])
			return
		}
		_, _ = fmt.Fprint(w, "apiVersion: v1\nentries:\n  web:\n")
		for path := range archives {
			version := strings.TrimSuffix(strings.TrimPrefix(path, "/web-"), ".tgz")
			_, _ = fmt.Fprintf(w, "  - {apiVersion: v2, name: web, version: %s, urls: [web-%s.tgz]}\n", version, version)
		}
	}))
	t.Cleanup(server.Close)
	m := &moving{block: fmt.Sprintf("url = %q\n chart = \"web\"\n revision = \"^1.0\"", server.URL)}
	m.publish = func(t *testing.T, version, colour string) {
		t.Helper()
		var out bytes.Buffer
		zipped := gzip.NewWriter(&out)
		w := tar.NewWriter(zipped)
		for name, text := range map[string]string{
			"web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: " + version + "\n",
			"web/templates/all.yaml": settingsOf(colour),
		} {
			err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := zipped.Close(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		archives["/web-"+version+".tgz"] = out.Bytes()
	}
	m.publish(t, "1.0.0", "blue")
	return m
}

// TestDriftReadsSourcesAsTheyWereApplied: a branch and a range of versions have moved on
// since; what someone changed in the cluster is the only drift, and is told by what was
// applied.
func TestDriftReadsSourcesAsTheyWereApplied(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T) *moving{"a branch": movingBranch, "a range of versions": movingChart} {
		t.Run(name, func(t *testing.T) {
			m := begin(t)
			b, cluster := inMemory(t)
			b.Write(t, map[string]string{"web.gantry.hcl": `
application "web" {
  source {
    ` + m.block + `
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`})
			b.MustApply(t, engine.PlanOptions{})
			m.publish(t, "1.1.0", "green")
			drift := func() []string {
				e := b.Engine()
				config, diags := b.Config(t, e)
				enginetest.Check(t, diags)
				found, diags := e.Drift(t.Context(), config, nil, nil)
				enginetest.Check(t, diags)
				var out []string
				for _, app := range found.Applications {
					for _, o := range app.Objects {
						for _, f := range o.Fields {
							out = append(out, fmt.Sprintf("%s %s %v %v", o.How, f.Path, f.Before, f.After))
						}
					}
				}
				return out
			}
			if found := drift(); len(found) > 0 {
				t.Errorf("a source that moved on is drift: %q", found)
			}
			have := liveWeb(t, cluster)
			have["data"] = map[string]any{"colour": "red"}
			delete(have.Metadata(), "managedFields")
			if err := cluster.Put(t.Context(), have, "kubectl-edit"); err != nil {
				t.Fatal(err)
			}
			if found, want := drift(), []string{"changed data.colour red blue"}; !slices.Equal(found, want) {
				t.Errorf("drift is %q, want %q", found, want)
			}
			p := b.MustPlan(t, engine.PlanOptions{})
			change := enginetest.Change(p, addr.Application("web"), "ConfigMap web/web")
			if change == nil || len(change.Fields) != 1 || change.Fields[0].After != "green" {
				t.Errorf("planned %+v, want the new version", change)
			}
		})
	}
}
