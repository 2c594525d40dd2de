package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
)

// inWave puts a manifest into a wave.
func inWave(wave int, document string) string {
	return strings.Replace(document, "metadata:\n", fmt.Sprintf("metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: \"%d\"\n", wave), 1)
}

// meanwhile has something done once, before the object of a name is written.
func (s *stage) meanwhile(name string, do func()) {
	done := false
	s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if r.Object.Name() == name && !done {
			done = true
			do()
		}
		return on()
	}})
}

// TestConflictDuringAnApply: someone takes a field over after the apply has begun, between
// the reading of an object and its writing. What he wrote stays, the error names him, and
// the plan after it has the object again.
func TestConflictDuringAnApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, inWave(0, configMap("first", "a=1")), inWave(1, configMap("second", "a=1")))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, inWave(0, configMap("first", "a=2")), inWave(1, configMap("second", "a=2")), inWave(2, configMap("third", "a=2")))
	s.meanwhile("second", func() {
		s.edit(t, configMaps, s.configMap("second", map[string]any{"a": "theirs"}), "someone")
	})
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "second", `conflict: .data.a is owned by "someone"`)
	s.Wrap = nil
	s.wantData(t, "first", "a", "2")
	s.wantData(t, "second", "a", "theirs")
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "third"); err == nil {
		t.Error("what comes after it is there")
	}
	p, _ := s.Plan(t, engine.PlanOptions{})
	if c := s.change(p, "web", "ConfigMap", "second"); c == nil || len(c.Fields) == 0 {
		t.Errorf("the next plan has of it %+v", c)
	}
}

// TestQuotaDuringAnApply: there is room for two of three objects. They are there, the error
// has the server's words, and once there is room the next plan does the rest.
func TestQuotaDuringAnApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	quota := func(most string) {
		s.edit(t, quotas, object.Object{
			"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "few", "namespace": s.namespace},
			"spec": map[string]any{"hard": map[string]any{"count/secrets": most}},
		}, "someone")
	}
	quota("2")
	secret := func(name string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " + name + "\nstringData:\n  a: b\n"
	}
	s.application(t, "web", "", inWave(0, secret("one")), inWave(1, secret("two")), inWave(2, secret("three")), inWave(3, configMap("after", "a=b")))
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "three", "exceeded quota: few")
	quota("3")
	p := s.MustPlan(t, engine.PlanOptions{})
	if n := p.Counts().Changes(); n != 2 || s.change(p, "web", "Secret", "three") == nil || s.change(p, "web", "ConfigMap", "after") == nil {
		t.Errorf("the next plan has %v", p.Counts())
	}
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestCredentialsRenewedDuringAnApply: the token of a file, or of a program, expires while
// objects are written. The new one is read, and nothing fails.
func TestCredentialsRenewedDuringAnApply(t *testing.T) {
	t.Parallel()
	token := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, user := range map[string]func(path string) faultproxy.User{
		"a file": func(path string) faultproxy.User { return faultproxy.User{TokenFile: path} },
		"a program": func(path string) faultproxy.User {
			return faultproxy.User{Exec: []string{"/bin/sh", "-c", `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$0")"`, path}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "token")
			token(t, path, "old")
			s := newFaulty(t, user(path))
			s.proxy.Accept("old")
			s.application(t, "web", createNamespace, inWave(0, configMap("first", "a=b")), inWave(1, configMap("second", "a=b")), inWave(2, configMap("third", "a=b")))
			p := s.MustPlan(t, engine.PlanOptions{})
			s.meanwhile("second", func() {
				token(t, path, "new")
				s.proxy.Accept("new")
			})
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			for _, name := range []string{"first", "second", "third"} {
				s.wantData(t, name, "a", "b")
			}
			if n := s.sent("second"); n < 2 {
				t.Errorf("second was sent %d times: the old token was still good", n)
			}
		})
	}
}
