package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const deletePolicy = "    argocd.argoproj.io/hook-delete-policy: "

// TestSweepingHooksHasItsOwnTime: hooks are deleted before the record is closed, so that the
// next apply finishes that where this one is killed, and their deletion is not cut off with
// the time that writing a record may take.
func TestSweepingHooksHasItsOwnTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), hookConfigMap("hook", deletePolicy+"HookSucceeded\n"))
	var (
		mu      sync.Mutex
		swept   bool
		left    time.Duration
		history []state.Entry
	)
	s.tap(taps{
		delete: func(_ context.Context, r providers.DeleteRequest, on func() error) error {
			if r.Name == "hook" {
				record, _, err := s.Records.Get(t.Context(), addr.Application("web"))
				mu.Lock()
				defer mu.Unlock()
				if swept = true; err == nil && record != nil {
					history = record.History
				}
			}
			return on()
		},
		get: func(ctx context.Context, name string) {
			mu.Lock()
			defer mu.Unlock()
			if deadline, ok := ctx.Deadline(); ok && swept && name == "hook" {
				left = time.Until(deadline)
			}
		},
	})
	s.MustApply(t, engine.PlanOptions{})
	if !swept {
		t.Fatal("the hook was not deleted")
	}
	if len(history) != 0 {
		t.Errorf("when the hook was deleted the history was %+v", history)
	}
	if left < time.Minute {
		t.Errorf("%s are left for the hook to go", left)
	}
	s.wantHooks(t)
}

// wantHooks fails the test unless web's record has exactly these hooks, and the
// cluster has them too.
func (s *stage) wantHooks(t *testing.T, names ...string) {
	t.Helper()
	record, _, err := s.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || record == nil {
		t.Fatalf("record %v: %v", record, err)
	}
	var have []string
	for _, owned := range record.Objects {
		if !owned.Hook {
			continue
		}
		have = append(have, owned.ID.Name)
		r := configMaps
		if owned.ID.Kind == "Job" {
			r = jobs
		}
		s.get(t, r, owned.ID.Name)
	}
	slices.Sort(names)
	slices.Sort(have)
	if !slices.Equal(have, names) {
		t.Errorf("the record has the hooks %q, want %q", have, names)
	}
}

// job is a Job that succeeds, or with more in its spec does not.
func job(metadata, more string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata:\n" + metadata + "spec:\n" + more + "  template:\n    spec:\n" +
		"      restartPolicy: Never\n      containers:\n      - name: main\n        image: registry.example.com/migrate:1\n"
}

const (
	neverEnds = "  suspend: true\n"
	fails     = "  activeDeadlineSeconds: 0\n"
)

// TestLeftoversOfGeneratedHooksAreForgotten: a hook with a generated name leaves an
// object at every run. Those that are gone leave the record, the others stay in it
// and go with the application.
func TestLeftoversOfGeneratedHooksAreForgotten(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hook := job("  generateName: migrate-\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n", "")
	names := func() []string {
		t.Helper()
		made, err := s.cluster.List(t.Context(), jobs, s.namespace, providers.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, o := range made {
			out = append(out, o.Name())
		}
		return out
	}
	for i := range 3 {
		s.application(t, "web", createNamespace, configMap("a", fmt.Sprintf("a=%d", i)), hook)
		s.MustApply(t, engine.PlanOptions{})
	}
	three := names()
	if len(three) != 3 {
		t.Fatalf("want three jobs, have %q", three)
	}
	s.wantHooks(t, three...)
	for _, name := range three[:2] { // as a TTL controller would
		if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: jobs, Namespace: s.namespace, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{})) // it is no change worth an apply
	s.application(t, "web", createNamespace, configMap("a", "a=4"), hook)
	s.MustApply(t, engine.PlanOptions{})
	two := names()
	if len(two) != 2 || !slices.Contains(two, three[2]) {
		t.Fatalf("want %s and a new job, have %q", three[2], two)
	}
	s.wantHooks(t, two...)
	// One that the application no longer has is forgotten when it is gone, too.
	s.application(t, "web", createNamespace, configMap("a", "a=5"))
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: jobs, Namespace: s.namespace, Name: two[0]}); err != nil {
		t.Fatal(err)
	}
	s.MustApply(t, engine.PlanOptions{})
	s.wantHooks(t, two[1])
	s.MustApply(t, engine.PlanOptions{Destroy: true})
	if left := names(); len(left) != 0 {
		t.Errorf("the jobs %q outlive their application", left)
	}
}

// TestHooksMayVanishWhenTheyEnd: a Job that is deleted as soon as it ends counts as it
// ended, and one that somebody deletes before has failed.
func TestHooksMayVanishWhenTheyEnd(t *testing.T) {
	t.Parallel()
	hook := func(more string) string {
		return job("  name: hook\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n", more)
	}
	t.Run("by itself", func(t *testing.T) {
		for range 3 {
			s := newStage(t)
			s.application(t, "web", createNamespace, configMap("a", "a=b"), hook("  ttlSecondsAfterFinished: 0\n"))
			s.MustApply(t, engine.PlanOptions{})
			s.wantData(t, "a", "a", "b")
		}
	})
	t.Run("before its end", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "web", createNamespace, configMap("a", "a=b"), hook(neverEnds))
		s.Events = func(event engine.Event) {
			if event.Kind == engine.EventWaiting && event.Object.Kind == "Job" {
				if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: jobs, Namespace: s.namespace, Name: "hook"}); err != nil && !errors.Is(err, providers.ErrNotFound) {
					t.Error(err)
				}
			}
		}
		p := s.MustPlan(t, engine.PlanOptions{})
		_, diags := s.Apply(t.Context(), t, p)
		wantError(t, diags, "Apply failed", "Job.batch "+s.namespace+"/hook", "was deleted before it had ended")
		s.wantGone(t, "a")
	})
}

// TestDeletePoliciesOfHooks has a PreSync hook that succeeds, and after it one that
// succeeds, fails, or does not end in time, with every policy.
func TestDeletePoliciesOfHooks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy, second string
		left           []string // the hooks that are still there
	}{
		{"BeforeHookCreation", "", []string{"first", "second"}},
		{"BeforeHookCreation", fails, []string{"first", "second"}},
		{"HookSucceeded", "", nil},
		{"HookSucceeded", fails, []string{"first", "second"}},
		{"HookFailed", "", []string{"first", "second"}},
		{"HookFailed", fails, []string{"first"}},
		{"HookFailed", neverEnds, []string{"first"}},
		{"HookSucceeded,HookFailed", "", nil},
		{"HookSucceeded,HookFailed", fails, nil},
	} {
		t.Run(test.policy+strings.TrimSpace(test.second), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			meta := func(name, wave string) string {
				return "  name: " + name + "\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n" +
					"    argocd.argoproj.io/sync-wave: \"" + wave + "\"\n" + deletePolicy + test.policy + "\n"
			}
			body := "sync {\n create_namespace = true\n}"
			if test.second == neverEnds {
				body = "sync {\n create_namespace = true\n health_timeout = \"20s\"\n}"
			}
			s.application(t, "web", body, configMap("a", "a=b"), job(meta("first", "1"), ""), job(meta("second", "2"), test.second))
			p := s.MustPlan(t, engine.PlanOptions{})
			_, diags := s.Apply(t.Context(), t, p)
			if test.second != "" {
				wantError(t, diags, "Apply failed", "second")
			} else {
				enginetest.Check(t, diags)
			}
			s.wantHooks(t, test.left...)
			left, err := s.cluster.List(t.Context(), jobs, s.namespace, providers.ListOptions{})
			if err != nil || len(left) != len(test.left) {
				t.Errorf("%d jobs are left, want %q (%v)", len(left), test.left, err)
			}
		})
	}
}
