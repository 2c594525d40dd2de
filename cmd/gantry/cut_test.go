package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
)

// cutShort is a configuration of one cluster, behind a proxy that misbehaves, whose
// applies do not come to their end.
type cutShort struct {
	*kube
	dir   string
	proxy *faultproxy.Proxy
}

func newCutShort(t *testing.T) *cutShort {
	t.Helper()
	shared := clustertest.Shared(t)
	k, err := newKube(shared.Kubeconfig, fmt.Sprintf("cut-%d-%d", os.Getpid(), scripts.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	shared.As(t, "somebody").Create(object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": k.namespace}})
	c := &cutShort{k, t.TempDir(), faultproxy.Start(t, shared.Kubeconfig)}
	t.Cleanup(func() { _ = k.delete(context.Background(), "Namespace", k.namespace) })
	return c
}

// write writes the configuration: applications, of the objects that %s stands for.
func (c *cutShort) write(t *testing.T, body string, objects ...string) {
	t.Helper()
	text := fmt.Sprintf(`
cluster "main" { kubeconfig = %q }
profile "here" {
  source { objects = [%s] }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
}
%s
`, c.proxy.Kubeconfig(t, faultproxy.User{}), strings.Join(objects, ",\n"), c.namespace, body)
	if err := os.WriteFile(filepath.Join(c.dir, "main.gantry.hcl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *cutShort) gantry(t *testing.T, want int, args ...string) string {
	t.Helper()
	return runGantry(t, "", want, append([]string{"-C", c.dir}, args...)...)
}

// applyUntil begins an apply, of a plan file if there is one, sends it a signal once
// something holds, and returns its exit code, how long it took to end then, and what it
// printed.
func (c *cutShort) applyUntil(t *testing.T, with syscall.Signal, holds func(events string) bool, file ...string) (code int, took time.Duration, printed string) {
	t.Helper()
	events := filepath.Join(t.TempDir(), "events.ndjson")
	var out bytes.Buffer
	command := exec.Command(program(t), append([]string{"-C", c.dir, "apply", "--auto-approve", "--events", events}, file...)...)
	command.Env = append(os.Environ(), "GANTRY_CACHE="+filepath.Join(binaryFolder, "cache"))
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(events)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if holds(string(text)) {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended before it was interrupted: %v\n%s", err, out.String())
		default:
		}
		if time.Now().After(deadline) {
			_ = command.Process.Kill()
			t.Log(<-ended)
			t.Fatalf("it does not get there:\n%s\n%s", out.String(), text)
		}
	}
	at := time.Now()
	if err := command.Process.Signal(with); err != nil {
		t.Fatal(err)
	}
	t.Log(<-ended)
	return command.ProcessState.ExitCode(), time.Since(at), out.String()
}

// left are the changes that the next plan has, by the names of their objects.
func (c *cutShort) left(t *testing.T) map[string]string {
	t.Helper()
	var planned struct {
		Applications []struct {
			Changes []struct {
				Object struct{ Name string }
				Action string
			}
		}
	}
	if err := json.Unmarshal([]byte(c.gantry(t, exitDone, "plan", "--json")), &planned); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, application := range planned.Applications {
		for _, change := range application.Changes {
			if change.Action != "unchanged" {
				out[change.Object.Name] = change.Action
			}
		}
	}
	return out
}

// settings is a ConfigMap in a wave.
func settings(name string, wave int) string {
	return fmt.Sprintf(`{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = %q, annotations = { "argocd.argoproj.io/sync-wave" = "%d" } } }`, name, wave)
}

const neverReady = `{ apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "never" }, spec = {
  selector = { matchLabels = { app = "never" } }
  template = { metadata = { labels = { app = "never" } }, spec = {
    nodeSelector = { "kubernetes.io/os" = "no-such-system" }
    containers   = [{ name = "main", image = "registry.example.com/never:v1" }]
  } }
} }`

const oneWeb = "application \"web\" { profiles = [profile.here] }"

// TestInterruptsOfWhatWaits presses Ctrl-C while the program waits, for whatever it may
// wait for: it ends within ten seconds, with 130, and the state is true: the next plan shows
// just what is left, and --resume does that.
func TestInterruptsOfWhatWaits(t *testing.T) {
	t.Parallel()
	event := func(parts ...string) func(string) bool {
		return func(events string) bool {
			for line := range strings.Lines(events) {
				all := true
				for _, part := range parts {
					all = all && strings.Contains(line, part)
				}
				if all {
					return true
				}
			}
			return false
		}
	}
	tests := []struct {
		name    string
		body    string
		before  []string // objects that are there, one of them held: what has a finalizer
		objects []string
		fault   *faultproxy.Rule
		until   func(events string) bool // nil: something has met the fault
		left    map[string]string
		resumes bool
	}{
		{
			name: "a request without an answer", body: oneWeb, objects: []string{settings("first", 0), settings("second", 1), settings("third", 2)},
			fault: &faultproxy.Rule{Name: "second", Fault: faultproxy.Stall()},
			left:  map[string]string{"second": "create", "third": "create"}, resumes: true,
		},
		{
			name: "health", body: oneWeb, objects: []string{settings("first", 0), neverReady, settings("later", 1)},
			until: event(`"waiting"`, `"never"`),
			left:  map[string]string{"later": "create"},
		},
		{
			name:    "the next try",
			body:    "application \"web\" {\n  profiles = [profile.here]\n  sync {\n    retry {\n      backoff = \"2m\"\n    }\n  }\n}",
			objects: []string{settings("first", 0), settings("second", 1)},
			fault:   &faultproxy.Rule{Name: "second", Fault: faultproxy.Status(500, "InternalError", "not today")},
			until:   event(`"retrying"`),
			left:    map[string]string{"second": "create"}, resumes: true,
		},
		{
			name: "a deletion", body: oneWeb, before: []string{settings("held", 0)}, objects: []string{settings("first", 0)},
			until: event(`"waiting"`, `"held"`),
			left:  map[string]string{"held": "prune"}, resumes: true,
		},
		{
			name: "a step of a rollout that bakes",
			body: `application "web" {
  for_each = toset(["a", "b"])
  profiles = [profile.here]
  source { objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = each.key } }] }
}
rollout "web" {
  applications = application.web
  step {
    match = endswith(app.address, "[\"a\"]")
    bake  = "10m"
  }
  step {}
}`,
			until: event(`"finished"`),
			left:  map[string]string{"b": "create"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCutShort(t)
			const hold, free = `{"metadata":{"finalizers":["example.com/hold"]}}`, `{}`
			if test.before != nil {
				c.write(t, test.body, test.before...)
				c.gantry(t, exitDone, "apply", "--auto-approve")
				if err := c.edit(t.Context(), "somebody", "ConfigMap", "held", hold); err != nil {
					t.Fatal(err)
				}
			}
			c.write(t, test.body, test.objects...)
			until := test.until
			if test.fault != nil {
				c.proxy.Add(*test.fault)
			}
			if until == nil {
				until = func(string) bool { return len(c.proxy.Requests(*test.fault)) > 0 }
			}
			code, took, printed := c.applyUntil(t, syscall.SIGINT, until)
			if code != 130 || took > 10*time.Second || !strings.Contains(printed, "Interrupted: finishing what is in flight") {
				t.Errorf("it ended with %d, %s after the interrupt:\n%s", code, took, printed)
			}
			t.Logf("it ended after %s", took.Round(10*time.Millisecond))
			c.proxy.Clear()
			if left := c.left(t); !maps.Equal(left, test.left) {
				t.Errorf("left is %v, want %v", left, test.left)
			}
			if test.before != nil {
				if err := c.edit(t.Context(), "somebody", "ConfigMap", "held", free); err != nil {
					t.Error(err)
				}
			}
			if test.resumes {
				c.gantry(t, exitDone, "apply", "--resume", "--auto-approve")
				if left := c.left(t); len(left) > 0 {
					t.Errorf("resumed, there is still left %v", left)
				}
			}
		})
	}
}

// TestKilledAppliesAreResumed kills an apply halfway. --resume shows what is left, and does
// that once it may: nothing is sent twice. The values of Secrets are nowhere in what is kept
// for that.
func TestKilledAppliesAreResumed(t *testing.T) {
	t.Parallel()
	for _, saved := range []bool{false, true} {
		t.Run(fmt.Sprintf("saved %t", saved), func(t *testing.T) {
			t.Parallel()
			c := newCutShort(t)
			c.write(t, oneWeb, settings("first", 0), settings("second", 1), settings("third", 2),
				`{ apiVersion = "v1", kind = "Secret", metadata = { name = "login" }, stringData = { password = "pssst" } }`)
			var file []string
			if saved {
				file = []string{filepath.Join(t.TempDir(), "next.gantryplan")}
				c.gantry(t, exitDone, "plan", "--out", file[0])
			}
			resume := append([]string{"apply", "--resume"}, file...)
			stall := faultproxy.Rule{Name: "second", Times: 1, Fault: faultproxy.Stall()}
			c.proxy.Add(stall)
			_, _, printed := c.applyUntil(t, syscall.SIGKILL, func(string) bool { return len(c.proxy.Requests(stall)) > 0 }, file...)
			if strings.Contains(printed, "Interrupted") {
				t.Errorf("it was not killed:\n%s", printed)
			}
			c.kept(t)

			asked := c.gantry(t, exitError, append(resume, "--no-input")...)
			if !strings.Contains(asked, "third") || len(c.proxy.Requests(faultproxy.Rule{Name: "third"})) > 0 {
				t.Errorf("it shows what is left, and does nothing unasked:\n%s", asked)
			}
			c.gantry(t, exitDone, append(resume, "--auto-approve")...)
			for name, want := range map[string]int{"first": 1, "login": 1, "second": 2, "third": 1} { // one of second's had no answer
				if sent := len(c.proxy.Requests(faultproxy.Rule{Name: name, Path: "/" + c.namespace + "/"})); sent != want {
					t.Errorf("%s was sent %d times, want %d", name, sent, want)
				}
			}
			if left := c.left(t); len(left) > 0 {
				t.Errorf("there is still left %v", left)
			}
			again, want := c.gantry(t, exitError, append(resume, "--auto-approve")...), "Nothing to resume"
			if saved {
				want = "a plan is applied once"
			}
			if !strings.Contains(again, want) {
				t.Errorf("there is nothing to resume:\n%s", again)
			}
		})
	}
}

// kept fails the test unless a plan is kept, without a secret in clear.
func (c *cutShort) kept(t *testing.T) {
	t.Helper()
	var texts [][]byte
	found := false
	err := filepath.WalkDir(filepath.Join(c.dir, ".gantry"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		texts = append(texts, text)
		var kept struct{ File []byte }
		if err != nil || !strings.Contains(path, "unfinished") || json.Unmarshal(text, &kept) != nil || kept.File == nil {
			return err
		}
		found = true
		read, err := planfile.Read(bytes.NewReader(kept.File), planfile.ReadOptions{})
		if err != nil {
			return err
		}
		text, err = json.Marshal(read.Plan)
		texts = append(texts, text)
		return err
	})
	if err != nil || !found {
		t.Errorf("a plan is kept: %t, %v", found, err)
	}
	for _, text := range texts {
		if bytes.Contains(text, []byte("pssst")) || bytes.Contains(text, []byte(base64.StdEncoding.EncodeToString([]byte("pssst")))) {
			t.Errorf("a secret is kept in clear: %s", text)
		}
	}
}
