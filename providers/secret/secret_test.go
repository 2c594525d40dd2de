package secret_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/providers/secret"
)

const value = "hunter2"

func address(kind string) addr.Address {
	return addr.Address{Kind: "secret", Type: kind, Name: "s"}
}

// clusters are clusters in memory by name, which take one token.
type clusters struct {
	byName map[string]providers.Cluster
	token  object.Sensitive

	mu   sync.Mutex
	seen []target.Credentials
}

func (c *clusters) Connect(name string, _ target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, credentials)
	if c.token != "" && credentials.Token != c.token {
		return nil, providers.ErrUnauthorized
	}
	return c.byName[name], nil
}

func cluster(t *testing.T, data map[string]any) providers.Cluster {
	t.Helper()
	c := memory.New(memory.Options{Name: "c", Resource: func(gvk object.GVK) providers.Resource {
		return providers.Resource{GVK: gvk, Plural: "secrets", Namespaced: true}
	}})
	err := c.Put(context.Background(), object.Object{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "git", "namespace": "gantry"}, "data": data,
	}, "kubectl")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reader(t *testing.T, with providers.Clusters) (*secret.Reader, string) {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"TOKEN": value, "EMPTY": ""}
	return secret.New(secret.Options{
		Dir: dir, Home: filepath.Join(dir, "home"), Clusters: with, Environ: append(os.Environ(), "TOKEN="+value),
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}), dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(value + "\n"))
	in := &clusters{byName: map[string]providers.Cluster{"c": cluster(t, map[string]any{"token": encoded})}}
	r, dir := reader(t, in)
	write(t, filepath.Join(dir, "token"), value+"\r\n", 0o600)
	write(t, filepath.Join(dir, "home", "token"), value, 0o600)
	write(t, filepath.Join(dir, "print.sh"), "#!/bin/sh\nprintf '%s\\n' \"$PREFIX$TOKEN$1\"\necho oops >&2\n", 0o700)
	for name, s := range map[string]target.Secret{
		"a file":             {File: &target.FileSecret{Path: "token"}},
		"a file at home":     {File: &target.FileSecret{Path: "~/token"}},
		"a file anywhere":    {File: &target.FileSecret{Path: filepath.Join(dir, "token")}},
		"the environment":    {Environment: &target.EnvironmentSecret{Variable: "TOKEN"}},
		"a command":          {Command: &target.CommandSecret{Command: "sh", Args: []string{"-c", "echo " + value}}},
		"a command beside":   {Command: &target.CommandSecret{Command: "./print.sh"}},
		"a command with env": {Command: &target.CommandSecret{Command: "./print.sh", Args: []string{"r2"}, Env: map[string]string{"PREFIX": "hunte", "TOKEN": ""}}},
		"a cluster":          {Kubernetes: &target.KubernetesSecret{Cluster: "c", Namespace: "gantry", Name: "git", Key: "token"}},
	} {
		s.Address = addr.Address{Kind: "secret", Type: "x", Name: name}
		if got, err := r.Read(context.Background(), &s); err != nil || got.Reveal() != value {
			t.Errorf("%s: got %q, %v", name, got.Reveal(), err)
		}
	}
}

// What is wrong is said; nothing of the value is, and it does not look as if
// what the secret opens were not there.
func TestReadFails(t *testing.T) {
	in := &clusters{byName: map[string]providers.Cluster{"c": cluster(t, map[string]any{"token": "%" + value, "user": "eA=="})}}
	r, dir := reader(t, in)
	write(t, filepath.Join(dir, "empty"), "\n", 0o600)
	write(t, filepath.Join(dir, "large"), strings.Repeat("hunter2", 1<<18), 0o600)
	write(t, filepath.Join(dir, "plain"), value, 0o600)
	for name, test := range map[string]struct {
		secret target.Secret
		want   string
	}{
		"no file":            {target.Secret{File: &target.FileSecret{Path: "nothing"}}, "there is no file " + filepath.Join(dir, "nothing")},
		"a directory":        {target.Secret{File: &target.FileSecret{Path: "."}}, "is not a file"},
		"an empty file":      {target.Secret{File: &target.FileSecret{Path: "empty"}}, "it is empty"},
		"a large file":       {target.Secret{File: &target.FileSecret{Path: "large"}}, "longer than 1048576 bytes"},
		"no variable":        {target.Secret{Environment: &target.EnvironmentSecret{Variable: "NOTHING"}}, "the environment has no variable NOTHING"},
		"an empty variable":  {target.Secret{Environment: &target.EnvironmentSecret{Variable: "EMPTY"}}, "it is empty"},
		"no program":         {target.Secret{Command: &target.CommandSecret{Command: "gantry-has-no-such-program"}}, "there is no program gantry-has-no-such-program"},
		"no program beside":  {target.Secret{Command: &target.CommandSecret{Command: "./nothing"}}, "there is no program ./nothing"},
		"what cannot be run": {target.Secret{Command: &target.CommandSecret{Command: "./plain"}}, "cannot be run"},
		"a program that fails": {
			target.Secret{Command: &target.CommandSecret{Command: "sh", Args: []string{"-c", "echo hunter2; echo hunter2 >&2; exit 3"}}},
			"sh failed: exit status 3; what it wrote is not shown, as it may hold secrets",
		},
		"a program that prints too much": {target.Secret{Command: &target.CommandSecret{Command: "sh", Args: []string{"-c", "yes hunter2 | head -c 2000000"}}}, "longer than 1048576 bytes"},
		"a program that says nothing":    {target.Secret{Command: &target.CommandSecret{Command: "true"}}, "it is empty"},
		"a program that does not end": {
			target.Secret{Command: &target.CommandSecret{Command: "sleep", Args: []string{"60"}, Timeout: 50 * time.Millisecond}}, "sleep has not ended within 50ms",
		},
		"no Secret":        {target.Secret{Kubernetes: &target.KubernetesSecret{Cluster: "c", Namespace: "gantry", Name: "other", Key: "token"}}, `cluster "c" has no Secret other in namespace gantry`},
		"no key":           {target.Secret{Kubernetes: &target.KubernetesSecret{Cluster: "c", Namespace: "gantry", Name: "git", Key: "pass"}}, `has no key "pass"; it has token, user`},
		"what is no value": {target.Secret{Kubernetes: &target.KubernetesSecret{Cluster: "c", Namespace: "gantry", Name: "git", Key: "token"}}, "not base64"},
		"nothing":          {target.Secret{}, "not said where"},
	} {
		t.Run(name, func(t *testing.T) {
			test.secret.Address = addr.Address{Kind: "secret", Type: "x", Name: strings.ReplaceAll(name, " ", "_")}
			got, err := r.Read(context.Background(), &test.secret)
			if err == nil || got != "" || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), test.secret.Address.String()+" cannot be read: ") {
				t.Fatalf("got %q, %v; want %q", got.Reveal(), err, test.want)
			}
			if strings.Contains(err.Error(), value) || errors.Is(err, providers.ErrNotFound) {
				t.Errorf("the error says too much: %v", err)
			}
		})
	}
}

// A secret is read once, however many ask for it at once.
func TestReadOnce(t *testing.T) {
	r, dir := reader(t, &clusters{})
	s := &target.Secret{Address: address("command"), Command: &target.CommandSecret{Command: "sh", Args: []string{"-c", "echo run >> runs; echo " + value}}}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got, err := r.Read(context.Background(), s); err != nil || got.Reveal() != value {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
		})
	}
	wait.Wait()
	if runs, err := os.ReadFile(filepath.Join(dir, "runs")); err != nil || string(runs) != "run\n" {
		t.Errorf("it was run as %q, %v", runs, err)
	}
}

// Who asks and gives up gets their own reason, and the next one reads.
func TestReadCancelled(t *testing.T) {
	r, _ := reader(t, &clusters{})
	s := &target.Secret{Address: address("command"), Command: &target.CommandSecret{Command: "sh", Args: []string{"-c", "sleep 0.2; echo " + value}}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if got, err := r.Read(context.Background(), s); err != nil || got.Reveal() != value {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
}

// A cluster whose token is in another cluster, whose token is in the environment.
func TestClusters(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(value))
	in := &clusters{token: value, byName: map[string]providers.Cluster{
		"management": cluster(t, map[string]any{"token": encoded}), "prod": cluster(t, map[string]any{"user": "eA=="}),
	}}
	r, _ := reader(t, in)
	management := target.Credentials{Secrets: target.Secrets{Token: &target.Secret{Address: address("environment"), Environment: &target.EnvironmentSecret{Variable: "TOKEN"}}}}
	prod := target.Credentials{Secrets: target.Secrets{Token: &target.Secret{
		Address: address("kubernetes"), Kubernetes: &target.KubernetesSecret{Cluster: "management", Credentials: management, Namespace: "gantry", Name: "git", Key: "token"},
	}}}
	connected, err := secret.Clusters(in, r).Connect("prod", target.Connection{Server: "https://prod.example.com"}, prod)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.seen) > 0 {
		t.Error("it was connected to before it was asked for anything")
	}
	connected.Refresh()
	if len(connected.Requests()) > 0 {
		t.Error("a cluster that was never reached has answered")
	}
	ctx := context.Background()
	if info, err := connected.Info(ctx); err != nil || info.UID == "" {
		t.Fatal(info, err)
	}
	if _, err := connected.Get(ctx, providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Secret"}, Namespaced: true}, "gantry", "git"); err != nil {
		t.Error(err)
	}
	if len(in.seen) != 2 {
		t.Errorf("connected %d times, want once to each", len(in.seen))
	}
	for _, credentials := range in.seen {
		if credentials.Secrets != (target.Secrets{}) || credentials.Token.Reveal() != value {
			t.Errorf("connected with %+v", credentials)
		}
	}
	// Without secrets nothing is in between.
	if plain, err := secret.Clusters(in, r).Connect("prod", target.Connection{}, target.Credentials{Token: value}); err != nil || plain != in.byName["prod"] {
		t.Error(plain, err)
	}
}

// A secret that is not there must not make objects look as if they were not.
func TestClusterWithoutSecret(t *testing.T) {
	in := &clusters{byName: map[string]providers.Cluster{"prod": cluster(t, nil)}}
	r, _ := reader(t, in)
	credentials := target.Credentials{Secrets: target.Secrets{Token: &target.Secret{Address: address("environment"), Environment: &target.EnvironmentSecret{Variable: "NOTHING"}}}}
	connected, err := secret.Clusters(in, r).Connect("prod", target.Connection{}, credentials)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connected.Get(context.Background(), providers.Resource{}, "gantry", "git")
	if err == nil || errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), "secret.environment.s cannot be read") {
		t.Errorf("got %v", err)
	}
	if err := connected.Delete(context.Background(), providers.DeleteRequest{}); err == nil || errors.Is(err, providers.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// opened is a source that keeps what it was opened with.
type opened struct{ auth *source.Auth }

func (o *opened) Open(_ context.Context, location source.Location) (*providers.Snapshot, error) {
	o.auth = location.Auth
	return &providers.Snapshot{Pin: source.Pin{Location: location}}, nil
}

func TestSource(t *testing.T) {
	r, _ := reader(t, &clusters{})
	inner := &opened{}
	token := &target.Secret{Address: address("environment"), Environment: &target.EnvironmentSecret{Variable: "TOKEN"}}
	auth := &source.Auth{CAData: "CA", Secrets: target.Secrets{Username: token, Password: token, SSHKey: token, ClientCert: token, ClientKey: token}}
	snapshot, err := secret.Source(inner, r).Open(context.Background(), source.Location{URL: "x", Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	want := source.Auth{CAData: "CA", Username: value, Password: value, SSHKey: value, ClientCert: value, ClientKey: value}
	if *inner.auth != want {
		t.Errorf("opened with %+v", inner.auth)
	}
	if snapshot.Pin.Auth != auth || auth.Password != "" {
		t.Error("the value is kept")
	}
	if _, err := secret.Source(inner, r).Open(context.Background(), source.Location{}); err != nil || inner.auth != nil {
		t.Error(inner.auth, err)
	}
	missing := &target.Secret{Address: address("missing"), Environment: &target.EnvironmentSecret{Variable: "NOTHING"}}
	if _, err := secret.Source(inner, r).Open(context.Background(), source.Location{Auth: &source.Auth{Secrets: target.Secrets{Token: missing}}}); err == nil {
		t.Error("opened without the secret")
	}
}
