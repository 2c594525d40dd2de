package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// firstDelete puts a tap in front of the cluster that is given the first deletion of
// an object of that name, and returns all deletions of it.
func (s *stage) firstDelete(name string, with func(on func() error) error) func() []providers.DeleteRequest {
	var (
		mu  sync.Mutex
		all []providers.DeleteRequest
	)
	s.tap(taps{delete: func(_ context.Context, r providers.DeleteRequest, on func() error) error {
		if r.Name != name {
			return on()
		}
		mu.Lock()
		all = append(all, r)
		first := len(all) == 1
		mu.Unlock()
		if first {
			return with(on)
		}
		return on()
	}})
	return func() []providers.DeleteRequest {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func (s *stage) annotate(t *testing.T, name, key, value string) {
	t.Helper()
	o := s.configMap(name, nil)
	delete(o, "data")
	if err := o.Set(map[string]any{key: value}, "metadata", "annotations"); err != nil {
		t.Fatal(err)
	}
	s.edit(t, configMaps, o, "someone")
}

// again makes an object of the same name in the place of one, by somebody else.
func (s *stage) again(t *testing.T, name string) object.Object {
	t.Helper()
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: s.namespace, Name: name}); err != nil {
		t.Fatal(err)
	}
	s.edit(t, configMaps, s.configMap(name, map[string]any{"precious": "1"}), "someone")
	return s.get(t, configMaps, name)
}

func (s *stage) wantGone(t *testing.T, name string) {
	t.Helper()
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, name); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%s is still there: %v", name, err)
	}
}

// pruning has an application that no longer wants the ConfigMap "old", and a plan
// which says so.
func pruning(t *testing.T) (*stage, *plan.Plan) {
	t.Helper()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("kept", "a=b"), configMap("old", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("kept", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "ConfigMap", "old"), plan.Prune)
	return s, p
}

// TestDeletionsNameWhatWasRead: every deletion is of the object, in the version, that
// was just read.
func TestDeletionsNameWhatWasRead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hook := hookConfigMap("hook", "") // deleted before it runs again
	swept := hookConfigMap("swept", deletePolicy+"HookSucceeded\n")
	s.application(t, "web", replaceToo, configMap("old", "a=b"), immutableConfigMap("1"), hook, swept)
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", replaceToo, immutableConfigMap("2"), hook, swept)
	var (
		mu   sync.Mutex
		seen = map[string]bool{}
	)
	s.tap(taps{delete: func(_ context.Context, r providers.DeleteRequest, on func() error) error {
		have, err := s.cluster.Get(t.Context(), configMaps, s.namespace, r.Name)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if r.UID == "" || r.UID != have.UID() || r.ResourceVersion == "" || r.ResourceVersion != have.ResourceVersion() {
			t.Errorf("the deletion of %s is of %s at %q, it is %s at %q", r.Name, r.UID, r.ResourceVersion, have.UID(), have.ResourceVersion())
		}
		mu.Lock()
		defer mu.Unlock()
		seen[r.Name] = true
		return on()
	}})
	s.MustApply(t, engine.PlanOptions{})
	for _, name := range []string{"old", "fixed", "hook", "swept"} {
		if !seen[name] {
			t.Errorf("%s was not deleted", name)
		}
	}
}

// TestDeletionsFollowWhatMovedOn has an object change between its reading and its
// deletion.
func TestDeletionsFollowWhatMovedOn(t *testing.T) {
	t.Parallel()
	t.Run("in what does not matter", func(t *testing.T) {
		s, p := pruning(t)
		sent := s.firstDelete("old", func(on func() error) error {
			s.annotate(t, "old", "example.com/seen", "1")
			return on()
		})
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		s.wantGone(t, "old")
		if all := sent(); len(all) != 2 || all[0].UID != all[1].UID || all[0].ResourceVersion == all[1].ResourceVersion {
			t.Errorf("want a second deletion in a newer version, have %+v", all)
		}
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	})
	t.Run("to be kept", func(t *testing.T) {
		s, p := pruning(t)
		s.firstDelete("old", func(on func() error) error {
			s.annotate(t, "old", "argocd.argoproj.io/sync-options", "Prune=false")
			return on()
		})
		_, diags := s.Apply(t.Context(), t, p)
		wantError(t, diags, "application.web", "ConfigMap "+s.namespace+"/old", "it is kept", "Plan again")
		s.get(t, configMaps, "old")
		wantAction(t, s.change(s.MustPlan(t, engine.PlanOptions{}), "web", "ConfigMap", "old"), plan.Orphan)
	})
	t.Run("to be kept, before the apply", func(t *testing.T) {
		s, p := pruning(t)
		s.annotate(t, "old", "argocd.argoproj.io/sync-options", "Prune=false")
		_, diags := s.Apply(t.Context(), t, p)
		wantError(t, diags, "Application left out", "ConfigMap "+s.namespace+"/old", "it is kept")
		s.get(t, configMaps, "old")
	})
	t.Run("into another", func(t *testing.T) {
		s, p := pruning(t)
		var other object.Object
		s.firstDelete("old", func(on func() error) error {
			other = s.again(t, "old")
			return on()
		})
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags) // what was to go is gone
		s.wantKept(t, configMaps, other)
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	})
	t.Run("where it is replaced", func(t *testing.T) {
		for _, moved := range []string{"in a touched field", "into another"} {
			t.Run(moved, func(t *testing.T) {
				s := newStage(t)
				s.application(t, "web", replaceToo, immutableConfigMap("1"))
				s.MustApply(t, engine.PlanOptions{})
				s.application(t, "web", replaceToo, immutableConfigMap("2")+"  b: x\n")
				p := s.MustPlan(t, engine.PlanOptions{})
				wantAction(t, s.change(p, "web", "ConfigMap", "fixed"), plan.Replace)
				var other object.Object
				s.firstDelete("fixed", func(on func() error) error {
					other = s.again(t, "fixed")
					return on()
				})
				want := "another object has its name"
				if moved == "in a touched field" {
					want = "which the plan did not find"
					s.firstDelete("fixed", func(on func() error) error {
						// Only metadata of an immutable ConfigMap can change: our mark is such a field.
						other = s.get(t, configMaps, "fixed")
						s.annotate(t, "fixed", "gantry.dev/tracking-id", "changed")
						return on()
					})
				}
				_, diags := s.Apply(t.Context(), t, p)
				wantError(t, diags, "application.web", "ConfigMap "+s.namespace+"/fixed", want)
				s.wantKept(t, configMaps, other)
			})
		}
	})
}

// TestDeletionsSurviveABlip has the server out of reach once, before or after it did
// what it was asked.
func TestDeletionsSurviveABlip(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		blip := func(on func() error) error {
			if answered {
				if err := on(); err != nil {
					return err
				}
			}
			return fmt.Errorf("%w: the connection was reset", providers.ErrUnreachable)
		}
		t.Run(fmt.Sprintf("pruning, done %v", answered), func(t *testing.T) {
			s, p := pruning(t)
			sent := s.firstDelete("old", blip)
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			s.wantGone(t, "old")
			if n := len(sent()); (n == 1) != answered {
				t.Errorf("%d deletions were sent", n)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
		t.Run(fmt.Sprintf("replacing, done %v", answered), func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", replaceToo, immutableConfigMap("before"))
			s.MustApply(t, engine.PlanOptions{})
			s.application(t, "web", replaceToo, immutableConfigMap("after"))
			s.firstDelete("fixed", blip)
			s.MustApply(t, engine.PlanOptions{})
			s.wantData(t, "fixed", "a", "after")
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}
