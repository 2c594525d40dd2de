package bootstrap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// api speaks to an API server as somebody: with a client certificate, or a token.
type api struct {
	t      testing.TB
	client *http.Client
	server string
	token  string
	ca     []byte
}

// admin is whom a kubeconfig's only user is.
func admin(t testing.TB, kubeconfig string) *api {
	t.Helper()
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	cluster, user := config.Clusters[0].Cluster, config.Users[0].User
	pair, err := tls.X509KeyPair(user.Certificate, user.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &api{t: t, client: client(cluster.Authority, pair), server: cluster.Server, ca: cluster.Authority}
}

func client(authority []byte, pairs ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: pairs, MinVersion: tls.VersionTLS12}}}
}

// send sends one request and returns the status of the answer with its text.
func (a *api) send(ctx context.Context, method, path, contentType string, body any, headers ...string) (int, string) {
	a.t.Helper()
	text, raw := body.(string)
	if !raw && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		text = string(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, strings.NewReader(text))
	if err != nil {
		a.t.Fatal(err)
	}
	if contentType == "" {
		contentType = "application/json"
	}
	request.Header.Set("Content-Type", contentType)
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// must sends a request that must succeed.
func (a *api) must(method, path string, body any) []byte {
	a.t.Helper()
	status, text := a.send(a.t.Context(), method, path, "", body)
	if status >= 300 {
		a.t.Fatalf("%s %s: %d: %s", method, path, status, text)
	}
	return []byte(text)
}

// as is a service account, by a token of its own.
func (a *api) as(namespace, name string) *api {
	a.t.Helper()
	var made struct{ Status struct{ Token string } }
	text := a.must(http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+name+"/token", map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{},
	})
	if err := json.Unmarshal(text, &made); err != nil || made.Status.Token == "" {
		a.t.Fatalf("no token: %v", err)
	}
	return &api{t: a.t, client: client(a.ca), server: a.server, token: made.Status.Token, ca: a.ca}
}

// kubeconfig writes one for the identity.
func (a *api) kubeconfig() string {
	a.t.Helper()
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "it",
		"clusters": []any{map[string]any{"name": "it", "cluster": map[string]any{"server": a.server, "certificate-authority-data": a.ca}}},
		"users":    []any{map[string]any{"name": "it", "user": map[string]any{"token": a.token}}},
		"contexts": []any{map[string]any{"name": "it", "context": map[string]any{"cluster": "it", "user": "it"}}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	path := filepath.Join(a.t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// everything is the resourceVersion of each object of the cluster, but for what its own
// parts write all the time: their leases, and what they tell as events.
func (a *api) everything() map[string]string {
	a.t.Helper()
	out := map[string]string{}
	versions := map[string]string{"v1": "/api/v1"}
	var groups struct {
		Groups []struct {
			PreferredVersion struct{ GroupVersion string }
		}
	}
	decode(a.t, a.must(http.MethodGet, "/apis", nil), &groups)
	for _, g := range groups.Groups {
		versions[g.PreferredVersion.GroupVersion] = "/apis/" + g.PreferredVersion.GroupVersion
	}
	for version, path := range versions {
		var list struct {
			Resources []struct {
				Name  string
				Verbs []string
			}
		}
		decode(a.t, a.must(http.MethodGet, path, nil), &list)
		for _, r := range list.Resources {
			if strings.Contains(r.Name, "/") || !strings.Contains(fmt.Sprint(r.Verbs), "list") || r.Name == "events" || r.Name == "componentstatuses" {
				continue
			}
			var found struct {
				Items []struct {
					Metadata struct{ Namespace, Name, ResourceVersion string }
				}
			}
			decode(a.t, a.must(http.MethodGet, path+"/"+r.Name, nil), &found)
			for _, item := range found.Items {
				m := item.Metadata
				if r.Name == "leases" && (m.Namespace == "kube-system" || m.Namespace == "kube-node-lease") {
					continue
				}
				out[version+" "+r.Name+" "+m.Namespace+"/"+m.Name] = m.ResourceVersion
			}
		}
	}
	return out
}

func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
