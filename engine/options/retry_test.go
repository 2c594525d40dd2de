package options_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

const retry = "retry {\n limit = 2\n backoff = \"100ms\"\n}"

// retries returns the attempts that failed and were followed by another.
func (s *stage) retries() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Kind == engine.EventRetrying {
			out = append(out, fmt.Sprintf("%d of %d in %s", e.Attempt, e.Total, time.Duration(e.Elapsed)))
		}
	}
	return out
}

// failing makes the first n writes of an object fail.
func (s *stage) failing(request string, n int, err error) {
	s.before = func(r string) error {
		if r != request || n == 0 {
			return nil
		}
		n--
		return err
	}
}

func TestRetry(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", retry, configMap("a", "x=1"), configMap("b", "x=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failing("APPLY ConfigMap/b", 2, errors.New("the webhook has no endpoints"))
	result, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if diff := cmp.Diff([]string{"1 of 3 in 100ms", "2 of 3 in 200ms"}, s.retries()); diff != "" {
		t.Error(diff)
	}
	// What is done is not done again.
	if sent := fmt.Sprint(s.writes()); strings.Count(sent, "ConfigMap/a") != 1 || strings.Count(sent, "ConfigMap/b") != 3 {
		t.Errorf("sent %s", sent)
	}
	if done := result.Applications[0].Done[plan.Create]; done != 3 { // the namespace, too
		t.Errorf("%d were created", done)
	}
	s.nothing(t)
}

func TestRetryEnds(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", retry, configMap("a", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.writes()
	s.application(t, "web", retry, configMap("a", "x=2"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failing("APPLY ConfigMap/a", 10, errors.New("it does not like it"))
	_, diags := s.Apply(t.Context(), t, p)
	wantDiagnostic(t, diags, "Apply failed", "it does not like it")
	if diff := cmp.Diff([]string{"APPLY ConfigMap/a", "APPLY ConfigMap/a", "APPLY ConfigMap/a"}, s.writes()); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalsAreNotRetried(t *testing.T) {
	s := newStage(t)
	value := 1
	for _, refusal := range []error{
		&providers.InvalidError{Message: "denied by policy"},
		fmt.Errorf("%w: by its role", providers.ErrForbidden),
		&providers.ConflictError{Fields: []providers.FieldConflict{{Manager: `"someone"`, Path: ".data.x"}}},
	} {
		value++
		s.application(t, "web", retry, configMap("a", fmt.Sprintf("x=%d", value)))
		p := s.MustPlan(t, engine.PlanOptions{})
		s.failing("APPLY ConfigMap/a", 10, refusal)
		s.writes()
		_, diags := s.Apply(t.Context(), t, p)
		wantDiagnostic(t, diags, "Apply failed")
		if sent := fmt.Sprint(s.writes()); strings.Count(sent, "ConfigMap/a") != 1 {
			t.Errorf("%v: sent %s", refusal, sent)
		}
	}
	if tried := s.retries(); len(tried) > 0 {
		t.Errorf("tried again: %v", tried)
	}
}

// TestRetryChecksAgain: what the plan relied on must still hold when it is tried again.
func TestRetryChecksAgain(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", retry, configMap("a", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", retry, configMap("a", "x=2"), configMap("new", "x=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.before = func(r string) error {
		switch r {
		case "APPLY ConfigMap/a":
			s.edit(t, s.object("a", map[string]any{"x": "someone's"}), "someone")
		case "APPLY ConfigMap/new":
			s.edit(t, s.object("new", map[string]any{"x": "someone's"}), "someone")
		default:
			return nil
		}
		return errors.New("not now")
	}
	_, diags := s.Apply(t.Context(), t, p)
	if text := fmt.Sprint(diags); !strings.Contains(text, "no longer holds") || !strings.Contains(text, "not now") {
		t.Errorf("it is not said that the plan is stale, or what failed before: %s", text)
	}
	for _, name := range []string{"a", "new"} {
		if x, _ := s.live(t, configMapKind, name).Get("data", "x"); x != "someone's" {
			t.Errorf("%s is written over: %v", name, x)
		}
	}
}

const hookPod = `
apiVersion: v1
kind: Pod
metadata:
  name: check
  annotations: {argocd.argoproj.io/hook: PreSync}
spec:
  restartPolicy: Never
  nodeSelector: {example.com/no-such-node: "true"}
  containers: [{name: main, image: "registry.example.com/check:1"}]
`

// TestFailedHooksRunAgain: the hook fails the first time; with the application it runs
// again, as another object.
func TestFailedHooksRunAgain(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", retry, hookPod, configMap("a", "x=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	pods := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Pod"}, Plural: "pods", Namespaced: true}
	seen := map[string]bool{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for phases := []string{"Failed", "Succeeded"}; len(phases) > 0 && t.Context().Err() == nil; time.Sleep(20 * time.Millisecond) {
			pod, err := s.cluster.Get(t.Context(), pods, s.namespace, "check")
			if err != nil || seen[pod.UID()] {
				continue
			}
			seen[pod.UID()] = true
			status := object.Object{
				"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "check", "namespace": s.namespace},
				"status": map[string]any{"phase": phases[0]},
			}
			if _, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: pods, Object: status, Manager: "kubelet", Merge: true, Subresource: "status"}); err != nil {
				t.Error(err)
			}
			phases = phases[1:]
		}
	}()
	s.applied(t, p)
	<-ended
	if len(seen) != 2 {
		t.Errorf("the hook ran %d times", len(seen))
	}
	if diff := cmp.Diff([]string{"1 of 3 in 100ms"}, s.retries()); diff != "" {
		t.Error(diff)
	}
}

// TestRetryConformance compares the waits with Argo CD's: by way of the importer, which
// reads an Application's retry as Argo CD does, and the configuration that it writes.
func TestRetryConformance(t *testing.T) {
	list := conformance.Cases[struct {
		Backoff     json.RawMessage
		RetryCount  int
		WaitSeconds float64
		Error       string
	}](t, "misc/retry_backoff_cases.jsonl")
	tally := conformance.Count(t, conformance.Retry)
	for _, c := range list {
		rule := map[string]any{"limit": 9}
		if c.Backoff != nil {
			rule["backoff"] = c.Backoff
		}
		settings, diags := imported(t, rule)
		switch {
		case c.Error != "":
			if !diags.HasErrors() {
				tally.Fail("%s is no error: %v", c.Backoff, settings)
				continue
			}
		case diags.HasErrors():
			tally.Fail("%s: %s", c.Backoff, diags)
			continue
		case settings.Wait(c.RetryCount) != time.Duration(c.WaitSeconds*float64(time.Second)):
			tally.Fail("%s, time %d: %s, want %v s", c.Backoff, c.RetryCount, settings.Wait(c.RetryCount), c.WaitSeconds)
			continue
		}
		tally.Agree()
	}
}

// imported is the retry of an Argo CD Application, imported and evaluated.
func imported(t *testing.T, rule map[string]any) (*plan.Retry, hcl.Diagnostics) {
	t.Helper()
	application, err := yaml.Marshal(map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "web", "namespace": "argocd"},
		"spec": map[string]any{
			"source":      map[string]any{"repoURL": "https://example.com/config", "path": "web"},
			"destination": map[string]any{"name": "prod", "namespace": "web"},
			"syncPolicy":  map[string]any{"retry": rule},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range argocd.Import([]argocd.File{{Name: "web.yaml", Data: application}}).Files {
		files[file.Name] = string(file.Data)
	}
	b := enginetest.New(t, files)
	module, diags := lang.Load(b.Dir, lang.LoadOptions{})
	if diags.HasErrors() {
		return nil, diags
	}
	config, diags := module.Evaluate(t.Context(), lang.EvalOptions{})
	if diags.HasErrors() || len(config.Applications) != 1 {
		return nil, diags
	}
	r := config.Applications[0].Sync.Retry
	return &plan.Retry{Limit: r.Limit, Backoff: r.Backoff, Factor: r.Factor, MaxDuration: r.MaxDuration}, diags
}
