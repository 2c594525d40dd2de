package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// estateRepository is what stands for the repository of the estate.
var estateRepository = map[string]string{
	"apps/payments-service/base/kustomization.yaml": "resources: [deployment.yaml]\n",
	"apps/payments-service/base/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: payments
spec:
  selector:
    matchLabels: {app: payments}
  template:
    metadata:
      labels: {app: payments}
    spec:
      containers:
        - {name: payments, image: payments}
`,
	"apps/payments-service/overlays/production/kustomization.yaml": "resources: [../../base]\n",
	"apps/payments-service/overlays/staging/kustomization.yaml":    "resources: [../../base]\nnameSuffix: -staging\n",
	"apps/payments-service/overlays/legacy/kustomization.yaml":     "resources: [nowhere.yaml]\n",
	"ingress/prod.yaml": "controller: {class: nginx}\n",
}

// estateChart is what stands for the chart that the estate uses.
var estateChart = map[string]string{
	"ingress-nginx/Chart.yaml":  "apiVersion: v2\nname: ingress-nginx\nversion: 4.11.3\n",
	"ingress-nginx/values.yaml": "controller: {replicaCount: 1, class: none}\n",
	"ingress-nginx/templates/controller.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-controller
data:
  replicas: {{ .Values.controller.replicaCount | quote }}
  class: {{ .Values.controller.class }}
`,
}

// TestEstate validates the estate as it stands, and plans and applies it with local
// clusters and repositories in place of those that it names.
func TestEstate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "estate")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(examplesFolder, "estate"))); err != nil {
		t.Fatal(err)
	}
	kubeconfig := defaultCluster(t)
	key, public := sshKey(t)
	gantry := func(want int, args ...string) string {
		t.Helper()
		return runGantry(t, kubeconfig, want, append([]string{"-C", dir, "--identity-ssh-key", key}, args...)...)
	}
	gantry(exitDone, "fmt", "--check", "--recursive", dir)
	gantry(exitDone, "validate")

	replaceAll(t, dir, map[string]string{
		"https://github.com/myorg/k8s-config":                            "file://" + estateGit(t, key),
		"https://kubernetes.github.io/ingress-nginx":                     estateCharts(t),
		`context = "management" # or, in a pod of it, in_cluster = true`: `context = "gantry-default"`,
	})
	replaceServer(t, filepath.Join(dir, "clusters.gantry.hcl"))

	// The signer of the repository.
	if err := os.WriteFile(filepath.Join(dir, "release-signers.pub"), []byte(public+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Someone of the group that has the rights, for whom the configuration itself vouches.
	replaceAll(t, dir, map[string]string{
		`"rollback", "hold", "action/*"]`: `"rollback", "hold", "override", "action/*"]`,
		"  identity { # who may":          fmt.Sprintf("  identity {\n    ssh {\n      name   = \"alice\"\n      key    = %q\n      groups = [\"myorg:sre-team\"]\n    }\n    # who may", public),
	})

	gantry(exitDone, "init")
	planned := gantry(exitChanges, "plan", "--detailed-exitcode")
	for _, want := range []string{
		`application.payments["prod_eu/apps/payments-service/overlays/production"]`,
		`application.payments["prod_eu/apps/payments-service/overlays/staging"]`,
		"application.payments_service", "application.ingress", "application.banner",
		`module.platform["prod_eu"].application.namespaces`, `module.platform["prod_eu"].application.collector`,
		"payments:v2.4.1",
	} {
		if !strings.Contains(planned, want) {
			t.Errorf("the plan lacks %s:\n%s", want, planned)
		}
	}
	if strings.Contains(planned, "legacy") {
		t.Errorf("the plan has what the generator excludes:\n%s", planned)
	}
	// Whatever the sync window says, and without the approvals that its protection asks for.
	gantry(exitUnapproved, "apply", "--auto-approve", "--manual")
	gantry(exitDone, "apply", "--auto-approve", "--manual", "--override-approval", "--reason", "the first apply")
	gantry(exitDone, "plan", "--detailed-exitcode")
}

// sshKey makes a key: the file of the private one, and the public one as a line.
func sshKey(t *testing.T) (file, public string) {
	t.Helper()
	key, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	known, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(known)))
}

// estateGit makes a git repository with the main branch that the estate tracks, signed with
// an SSH key as it demands.
func estateGit(t *testing.T, key string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "config")
	writeTree(t, dir, estateRepository)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key, "commit", "-q", "-S", "-m", "config"}} {
		command := exec.Command("git", append([]string{"-C", dir}, args...)...)
		command.Env = os.Environ()
		for name, value := range gitEnvironment() {
			command.Env = append(command.Env, name+"="+value)
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// estateCharts serves a Helm repository with the chart and returns its URL.
func estateCharts(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "apiVersion: v1\nentries:\n  ingress-nginx:\n    - {name: ingress-nginx, version: 4.11.3, urls: [chart.tgz]}\n")
	})
	mux.HandleFunc("/chart.tgz", func(w http.ResponseWriter, _ *http.Request) {
		packed := gzip.NewWriter(w)
		archive := tar.NewWriter(packed)
		for _, name := range slices.Sorted(maps.Keys(estateChart)) {
			content := estateChart[name]
			if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
				t.Error(err)
			}
			if _, err := archive.Write([]byte(content)); err != nil {
				t.Error(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
		if err := packed.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func writeTree(t *testing.T, dir string, tree map[string]string) {
	t.Helper()
	for name, content := range tree {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replaceAll replaces texts in the files of a configuration, each of which must be
// there.
func replaceAll(t *testing.T, dir string, replacements map[string]string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.gantry.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	for old, replacement := range replacements {
		found := false
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(src), old)
			if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(src), old, replacement)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if !found {
			t.Errorf("the estate has no %q", old)
		}
	}
}

// replaceServer makes a cluster with a server and a way to log in one of the
// kubeconfig.
func replaceServer(t *testing.T, name string) {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(src), "  server = ")
	_, after, closed := strings.Cut(rest, "\n  }\n")
	if !ok || !closed {
		t.Fatalf("%s has no cluster with a server and an auth block", name)
	}
	if err := os.WriteFile(name, []byte(before+"  context = \"gantry-default\"\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
