package clustertest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

func TestShared(t *testing.T) {
	first := clustertest.Shared(t)
	if got := serverVersion(t, first.Kubeconfig); got != "v1.37.2" {
		t.Errorf("the shared cluster is of version %q, want v1.37.2", got)
	}
	if second := clustertest.Shared(t); second != first {
		t.Errorf("a second call gives %v, the first gave %v", second, first)
	}
}

func TestOwnEndsWithItsTest(t *testing.T) {
	var own clustertest.Cluster
	t.Run("inner", func(t *testing.T) {
		own = clustertest.Own(t, clustertest.ControlPlaneOnly())
		if got := serverVersion(t, own.Kubeconfig); got != "v1.37.2" {
			t.Errorf("the cluster is of version %q, want v1.37.2", got)
		}
		if names := listed(t); !strings.Contains(names, own.Name) {
			t.Errorf("gantry-cluster lists %s, want %s among them", names, own.Name)
		}
	})
	if _, err := os.Stat(own.Kubeconfig); !os.IsNotExist(err) {
		t.Errorf("the kubeconfig is still there after the test: %v", err)
	}
	if names := listed(t); strings.Contains(names, own.Name) {
		t.Errorf("the cluster is still listed after its test: %s", names)
	}
}

func listed(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(clustertest.Binary(t), "list", "--json").Output()
	if err != nil {
		t.Fatalf("list the clusters: %v", err)
	}
	return string(out)
}

// serverVersion asks the API server, with the kubeconfig's client certificate, and
// trusting the kubeconfig's authority alone.
func serverVersion(t *testing.T, kubeconfig string) string {
	t.Helper()
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(data(t, text, "client-certificate-data"), data(t, text, "client-key-data"))
	if err != nil {
		t.Fatalf("the client certificate in %s: %v", kubeconfig, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data(t, text, "certificate-authority-data"))
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, string(field(t, text, "server"))+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.NewDecoder(response.Body).Decode(&version); err != nil {
		t.Fatal(err)
	}
	return version.GitVersion
}

func data(t *testing.T, text []byte, name string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(string(field(t, text, name)))
	if err != nil {
		t.Fatalf("%s of the kubeconfig: %v", name, err)
	}
	return decoded
}

func field(t *testing.T, text []byte, name string) []byte {
	t.Helper()
	found := regexp.MustCompile(`(?m)^\s*` + name + `: (\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("the kubeconfig has no %s", name)
	}
	return found[1]
}
