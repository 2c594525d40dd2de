package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
)

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var lines []string
	for i := range 20000 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := Tail(path, 2), []string{"line 19998", "line 19999"}; !slices.Equal(got, want) {
		t.Errorf("the tail is %q, want %q", got, want)
	}
	if got := Tail(path+"-missing", 2); got != nil {
		t.Errorf("the tail of a missing file is %q", got)
	}
	if err := os.WriteFile(path, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := Tail(path, 5), []string{"one"}; !slices.Equal(got, want) {
		t.Errorf("the tail of a short file is %q, want %q", got, want)
	}
}

// TestProgramsFindTheirFiles checks that every file that a server is told of is
// written, that nothing listens anywhere but on the loopback address, and that the
// kubeconfigs can be read.
func TestProgramsFindTheirFiles(t *testing.T) {
	h, err := home.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := h.Dir("test")
	net := network{apiserver: 1001, etcd: 1002, etcdPeer: 1003}
	if err := writeFiles(dir, net.server(), time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []program{etcdProgram(net), apiserverProgram(net), controllerManagerProgram(), schedulerProgram(), kwokProgram()} {
		for _, arg := range p.args {
			name, value, _ := strings.Cut(arg, "=")
			if strings.HasPrefix(value, "pki/") || strings.HasPrefix(value, "config/") {
				if _, err := os.Stat(dir.Path(value)); err != nil {
					t.Errorf("%s %s: %v", p.name, arg, err)
				}
			}
			if strings.Contains(name, "listen") || strings.Contains(name, "bind-address") {
				if !strings.Contains(value, "127.0.0.1") {
					t.Errorf("%s listens on %s", p.name, value)
				}
			}
		}
	}
	for _, path := range []string{dir.Kubeconfig(), dir.Path("config", "scheduler.kubeconfig"), dir.Path("config", "kwok.kubeconfig")} {
		config, err := clientcmd.LoadFromFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.CurrentContext; got != "gantry-test" {
			t.Errorf("the current context of %s is %q", path, got)
		}
		if cluster := config.Clusters["gantry-test"]; cluster == nil || cluster.Server != "https://127.0.0.1:1001" || cluster.InsecureSkipTLSVerify {
			t.Errorf("the cluster of %s is %v", path, cluster)
		}
	}
}

func TestEnvironmentKeepsSettingsOut(t *testing.T) {
	t.Setenv("ETCD_NAME", "other")
	t.Setenv("KUBECONFIG", "/elsewhere")
	t.Setenv("TZ", "UTC")
	h, err := home.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := h.Dir("test")
	env := environment(dir)
	for _, e := range env {
		if strings.HasPrefix(e, "ETCD_") || strings.HasPrefix(e, "KUBE") {
			t.Errorf("the servers see %s", e)
		}
	}
	for _, want := range []string{"HOME=" + dir.Path(), "TMPDIR=" + dir.Path("tmp"), "TZ=UTC"} {
		if !slices.Contains(env, want) {
			t.Errorf("the servers do not see %s", want)
		}
	}
}
