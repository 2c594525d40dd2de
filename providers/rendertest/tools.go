package rendertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Helm builds Helm's own command, of the version that the renderer links, and
// returns its path.
func Helm(t testing.TB) string {
	return tool(t, "helmcli", "helm.sh/helm/v4/cmd/helm", "helm")
}

// Kustomize builds Kustomize's own command, of the version that the renderer
// links, and returns its path.
func Kustomize(t testing.TB) string {
	return tool(t, "kustomizecli", "sigs.k8s.io/kustomize/kustomize/v5", "kustomize")
}

// tool builds a command from a module of this folder, once per go.sum: the
// binary is kept in the cache.
func tool(t testing.TB, module, command, name string) string {
	t.Helper()
	folder := filepath.Join(ownFolder(t), module)
	hash := sha256.New()
	for _, file := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(data)
	}
	hash.Write([]byte(runtime.Version()))
	dir := filepath.Join(cacheFolder(t), "tools", hex.EncodeToString(hash.Sum(nil))[:16])
	binary := filepath.Join(dir, name)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	built := filepath.Join(temporary, name)
	t.Logf("building %s, once; this can take minutes", command)
	build := exec.Command("nice", "go", "build", "-C", folder, "-o", built, command)
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	var output bytes.Buffer
	build.Stdout, build.Stderr = &output, &output
	if err := build.Run(); err != nil {
		t.Fatalf("building %s: %v\n%s", command, err, output.String())
	}
	if err := os.Rename(built, binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

func cacheFolder(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("GANTRY_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "gantry")
}

func ownFolder(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("no caller")
	}
	return filepath.Dir(file)
}

// Run runs a command of Helm or Kustomize and returns what it prints; it sees no
// configuration of the machine's user.
func Run(t testing.TB, binary string, args ...string) ([]byte, error) {
	t.Helper()
	home := t.TempDir()
	command := exec.Command(binary, args...)
	command.Env = []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_DATA_HOME=" + home,
		"PATH=" + home, "KUBECONFIG=" + filepath.Join(home, "none"),
	}
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	err := command.Run()
	if err != nil {
		return problems.Bytes(), err
	}
	return output.Bytes(), nil
}
