package kubernetes

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// kubeconfigOf writes a kubeconfig of a few contexts that all lead to server.
func kubeconfigOf(t *testing.T, path, server string) {
	t.Helper()
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: staging
clusters:
- {name: c, cluster: {server: %q}}
users:
- {name: u, user: {token: s3cret-token}}
contexts:
- {name: staging, context: {cluster: c, user: u}}
- {name: production, context: {cluster: c, user: u}}
`, server)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestKubeconfig(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	kubeconfigOf(t, filepath.Join(home, ".kube", "config"), "https://home.example.com")
	kubeconfigOf(t, filepath.Join(dir, "module", "clusters", "kubeconfig"), "https://module.example.com")
	kubeconfigOf(t, filepath.Join(dir, "env"), "https://env.example.com:6443/prefix")
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("users: [{name: u, user: {token: s3cret-token}"), 0o600); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct {
		connection target.Connection
		env        map[string]string
		server     string
		is         error
		says       []string
	}{
		"the usual one":            {env: map[string]string{"HOME": home}, server: "https://home.example.com"},
		"a context":                {env: map[string]string{"HOME": home}, connection: target.Connection{Context: "production"}, server: "https://home.example.com"},
		"KUBECONFIG before home":   {env: map[string]string{"HOME": home, "KUBECONFIG": filepath.Join(dir, "missing") + ":" + filepath.Join(dir, "env")}, server: "https://env.example.com:6443/prefix"},
		"relative to the module":   {connection: target.Connection{Kubeconfig: "clusters/kubeconfig"}, server: "https://module.example.com"},
		"below home":               {env: map[string]string{"HOME": home}, connection: target.Connection{Kubeconfig: "~/.kube/config"}, server: "https://home.example.com"},
		"absolute":                 {connection: target.Connection{Kubeconfig: filepath.Join(dir, "env")}, server: "https://env.example.com:6443/prefix"},
		"no file of that name":     {connection: target.Connection{Kubeconfig: "no/such"}, is: providers.ErrNotFound, says: []string{filepath.Join(dir, "module", "no", "such"), "there is no such file"}},
		"no usual one":             {env: map[string]string{"HOME": dir}, is: providers.ErrNotFound, says: []string{filepath.Join(dir, ".kube", "config"), "KUBECONFIG"}},
		"a directory":              {connection: target.Connection{Kubeconfig: "clusters"}, says: []string{"directory"}},
		"an unknown context":       {env: map[string]string{"HOME": home}, connection: target.Connection{Context: "prod"}, is: providers.ErrNotFound, says: []string{`context "prod"`, "its contexts are production, staging"}},
		"an empty kubeconfig":      {connection: target.Connection{Kubeconfig: empty}, is: providers.ErrNotFound, says: []string{"no current context", "it has no contexts"}},
		"a broken kubeconfig":      {connection: target.Connection{Kubeconfig: broken}, says: []string{broken}},
		"a proxy of another world": {env: map[string]string{"HOME": home}, connection: target.Connection{ProxyURL: "ftp://p:s3cret-token@proxy.example.com"}, says: []string{"ftp", "http, https or socks5"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clusters := New(Options{BaseDir: filepath.Join(dir, "module"), Getenv: env(test.env)})
			connected, err := clusters.Connect("staging", test.connection, target.Credentials{})
			if len(test.says) > 0 {
				if err == nil {
					t.Fatal("no error")
				}
				for _, want := range append(test.says, `cluster "staging"`) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error holds a credential: %v", err)
				}
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("error %v is not %v", err, test.is)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := connected.(*cluster).server; got != test.server {
				t.Errorf("server %q, want %q", got, test.server)
			}
		})
	}
}

func TestConnectionsThatCannotBe(t *testing.T) {
	certificate := target.Credentials{ClientCert: "cert"}
	tests := map[string]struct {
		connection  target.Connection
		credentials target.Credentials
		says        string
	}{
		"no scheme":                    {connection: target.Connection{Server: "prod.example.com:6443"}, says: "expected https://host:port"},
		"no host":                      {connection: target.Connection{Server: "https://"}, says: "expected https://host:port"},
		"no URL":                       {connection: target.Connection{Server: "https://u:s3cret\x00@h"}, says: "no URL"},
		"a password in the address":    {connection: target.Connection{Server: "https://u:s3cret@prod.example.com"}, says: "holds no credentials"},
		"a query":                      {connection: target.Connection{Server: "https://prod.example.com?x=1"}, says: "no query"},
		"a token in clear":             {connection: target.Connection{Server: "http://prod.example.com"}, credentials: target.Credentials{Token: "s3cret"}, says: "use https"},
		"a CA that is none":            {connection: target.Connection{Server: "https://prod.example.com", CAData: "s3cret"}, says: "CA certificate"},
		"a CA, and insecure":           {connection: target.Connection{Server: "https://prod.example.com", CAData: "x", Insecure: true}, says: "exclude each other"},
		"a certificate without key":    {connection: target.Connection{Server: "https://prod.example.com"}, credentials: certificate, says: "needs its key"},
		"a key that is none":           {connection: target.Connection{Server: "https://prod.example.com"}, credentials: target.Credentials{ClientCert: "cert", ClientKey: "s3cret"}, says: "PEM"},
		"a user without password":      {connection: target.Connection{Server: "https://prod.example.com"}, credentials: target.Credentials{Username: "u"}, says: "needs its password"},
		"two credentials":              {connection: target.Connection{Server: "https://prod.example.com", Exec: &target.Exec{Command: "c"}}, credentials: target.Credentials{Token: "s3cret"}, says: "a token and a credential program"},
		"a program without command":    {connection: target.Connection{Server: "https://prod.example.com", Exec: &target.Exec{}}, says: "no command"},
		"a program of another time":    {connection: target.Connection{Server: "https://prod.example.com", Exec: &target.Exec{Command: "c", APIVersion: "v0"}}, says: "v0"},
		"credentials and a kubeconfig": {connection: target.Connection{Context: "staging"}, credentials: target.Credentials{Token: "s3cret"}, says: "given by its server"},
		"a program and a kubeconfig":   {connection: target.Connection{Exec: &target.Exec{Command: "c"}}, says: "given by its server"},
		"not in a cluster":             {connection: target.Connection{InCluster: true}, says: "does not run in a pod"},
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Getenv: env(nil)}).Connect("prod", test.connection, test.credentials)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want one that says %q", err, test.says)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds a credential: %v", err)
			}
		})
	}
}

// namespaceServer answers every request with the namespace kube-system, and
// notes the headers.
func namespaceServer(t *testing.T, secure bool) (server *httptest.Server, headers *http.Header) {
	t.Helper()
	headers = &http.Header{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*headers = r.Header.Clone()
		writeJSON(w, http.StatusOK, map[string]any{"kind": "Namespace", "metadata": map[string]any{"name": "kube-system", "uid": "u"}})
	})
	if secure {
		server = httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server = httptest.NewServer(handler)
	}
	t.Cleanup(server.Close)
	return server, headers
}

func caOf(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

var namespaces = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}

func TestCredentialsAreSent(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "bin", "token")
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$PREFIX-$1\"}}"
`
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		connection  target.Connection
		credentials target.Credentials
		header      string
		want        string
	}{
		"token":        {credentials: target.Credentials{Token: "t0ken"}, header: "Authorization", want: "Bearer t0ken"},
		"password":     {credentials: target.Credentials{Username: "u", Password: "p"}, header: "Authorization", want: "Basic dTpw"},
		"program":      {connection: target.Connection{Exec: &target.Exec{Command: "./bin/token", Args: []string{"x"}, Env: map[string]string{"PREFIX": "exec"}}}, header: "Authorization", want: "Bearer exec-x"},
		"impersonated": {connection: target.Connection{Impersonate: "deployer"}, credentials: target.Credentials{Token: "t"}, header: "Impersonate-User", want: "deployer"},
		"user agent":   {header: "User-Agent", want: "gantry/1.2.3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, headers := namespaceServer(t, true)
			test.connection.Server, test.connection.CAData = server.URL, caOf(server)
			connected, err := New(Options{Version: "1.2.3", BaseDir: dir}).Connect("prod", test.connection, test.credentials)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := connected.Get(t.Context(), namespaces, "", "kube-system"); err != nil {
				t.Fatal(err)
			}
			if got := headers.Get(test.header); got != test.want {
				t.Errorf("%s is %q, want %q", test.header, got, test.want)
			}
		})
	}
}

func TestProgramThatFails(t *testing.T) {
	server, _ := namespaceServer(t, true)
	for command, says := range map[string]string{"false": "exit code 1", "gantry-no-such-program": "not found"} {
		connection := target.Connection{Server: server.URL, CAData: caOf(server), Exec: &target.Exec{Command: command}}
		connected, err := New(Options{}).Connect("prod", connection, target.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = connected.Get(t.Context(), namespaces, "", "kube-system")
		if !errors.Is(err, providers.ErrUnauthorized) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want an ErrUnauthorized that says %q", command, err, says)
		}
	}
}

// TestProgramIsAskedAgain has a token expire between two requests.
func TestProgramIsAskedAgain(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "token")
	text := `#!/bin/sh
n=$(cat ` + dir + `/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > ` + dir + `/n
echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"token-$n\"}}"
`
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			status(w, 401, "Unauthorized", "Unauthorized", nil)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"kind": "Namespace"})
	}))
	t.Cleanup(server.Close)
	connection := target.Connection{Server: server.URL, CAData: caOf(server), Exec: &target.Exec{Command: script}}
	connected, err := New(Options{}).Connect("prod", connection, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connected.Get(t.Context(), namespaces, "", "kube-system"); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	server, _ := namespaceServer(t, true)
	tests := map[string]struct {
		connection target.Connection
		says       string // empty where it works
	}{
		"its CA":             {connection: target.Connection{CAData: caOf(server)}},
		"insecure":           {connection: target.Connection{Insecure: true}},
		"its other name":     {connection: target.Connection{CAData: caOf(server), TLSServerName: "example.com"}},
		"the system's roots": {connection: target.Connection{}, says: "certificate signed by unknown authority"},
		"a wrong name":       {connection: target.Connection{CAData: caOf(server), TLSServerName: "prod.test"}, says: "prod.test"},
		"another CA":         {connection: target.Connection{CAData: otherCA}, says: "the CA certificate of the connection is not the one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.connection.Server = server.URL
			connected, err := New(Options{}).Connect("prod", test.connection, target.Credentials{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = connected.Get(t.Context(), namespaces, "", "kube-system")
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (!errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), test.says)):
				t.Errorf("error %v, want an ErrUnreachable that says %q", err, test.says)
			}
		})
	}
	t.Run("no TLS at that port", func(t *testing.T) {
		plain, _ := namespaceServer(t, false)
		connected, err := New(Options{}).Connect("prod", target.Connection{Server: strings.Replace(plain.URL, "http://", "https://", 1)}, target.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = connected.Get(t.Context(), namespaces, "", "kube-system")
		if !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
			t.Errorf("error %v", err)
		}
	})
}

func TestProxy(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		writeJSON(w, http.StatusOK, map[string]any{"kind": "Namespace"})
	}))
	t.Cleanup(proxy.Close)
	connected, err := New(Options{}).Connect("prod", target.Connection{Server: "http://prod.example.com", ProxyURL: proxy.URL}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connected.Get(t.Context(), namespaces, "", "kube-system"); err != nil {
		t.Fatal(err)
	}
	if want := "http://prod.example.com/api/v1/namespaces/kube-system"; asked != want {
		t.Errorf("the proxy was asked for %q, want %q", asked, want)
	}
}

func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewTLSServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	connected, err := New(Options{}).Connect("prod", target.Connection{Server: server.URL, CAData: caOf(server)}, target.Credentials{Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connected.Get(t.Context(), namespaces, "", "kube-system"); err == nil || !strings.Contains(err.Error(), "redirect") {
		t.Errorf("error %v", err)
	}
}
