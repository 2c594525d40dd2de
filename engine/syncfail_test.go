package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// hookJob is a Job that is a hook of some phases.
func hookJob(name, phases, more, spec string) string {
	return job("  name: "+name+"\n  annotations:\n    argocd.argoproj.io/hook: "+phases+"\n"+more, spec)
}

// told collects what is told of objects that are written or deleted, in its order.
type told struct {
	mu   sync.Mutex
	list []string
}

func (o *told) event(e engine.Event) {
	if e.Object == nil || e.Kind != engine.EventWritten && e.Kind != engine.EventDeleted {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, string(e.Kind)+" "+e.Object.Kind+"/"+e.Object.Name)
}

func (o *told) want(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.list, want) {
		t.Errorf("what was done is\n  %s\nwant\n  %s", strings.Join(o.list, "\n  "), strings.Join(want, "\n  "))
	}
	o.list = nil
}

// inOrder fails the test unless what was written came in the order of the plan's phases
// and waves, and of the kinds within them.
func (o *told) inOrder(t *testing.T, p *plan.Plan) {
	t.Helper()
	turns := map[string][]int{} // by what is told: which turns of its application it has
	turn, writes := 0, 0
	for i := range p.Steps {
		s := &p.Steps[i]
		switch c := &p.Applications[s.Application].Changes[s.Change]; s.Kind {
		case plan.StepWait:
			turn++
		case plan.StepWrite:
			what := "written " + c.ID.Kind + "/" + c.ID.Name
			turns[what] = append(turns[what], turn)
			writes++
		case plan.StepDelete, plan.StepRecord:
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) != writes {
		t.Errorf("%d objects were written, and the plan has %d", len(o.list), writes)
	}
	last := 0
	for _, what := range o.list {
		if len(turns[what]) == 0 { // a name that was made of generateName
			what, _, _ = strings.Cut(what, "/")
			what += "/"
		}
		if len(turns[what]) == 0 {
			t.Errorf("%s is written more often than planned", what)
			continue
		}
		now := turns[what][0]
		turns[what] = turns[what][1:]
		if now < last && len(p.Applications) == 1 {
			t.Errorf("%s came out of its turn:\n  %s", what, strings.Join(o.list, "\n  "))
		}
		last = max(last, now)
	}
}

// absent reports whether an object is not there.
func (s *stage) absent(t *testing.T, r providers.Resource, name string) bool {
	t.Helper()
	_, err := s.cluster.Get(t.Context(), r, s.namespace, name)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

// TestSyncFailHooks: they run when something of the application has failed, after what
// ran with it, change nothing of how it ends, and do not run when it succeeds or is
// cancelled.
func TestSyncFailHooks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var done told
	s.Events = done.event
	sync := func(more string) {
		s.application(t, "web", createNamespace, configMap("a", "a="+fmt.Sprint(len(more))),
			hookJob("pre", "PreSync", "", more), hookJob("sorry", "SyncFail", "", ""), hookJob("worse", "SyncFail", "    argocd.argoproj.io/sync-wave: \"1\"\n", fails))
	}
	sync("")
	s.MustApply(t, engine.PlanOptions{})
	if !s.absent(t, jobs, "sorry") {
		t.Error("it has run though nothing failed")
	}
	done.want(t, "written Namespace/"+s.namespace, "written Job/pre", "written ConfigMap/a")

	sync(fails)
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "Job.batch "+s.namespace+"/pre", "worse")
	done.want(t, "written Job/pre", "written Job/sorry", "written Job/worse")
	s.get(t, jobs, "sorry")

	sync(neverEnds)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Events = func(e engine.Event) {
		done.event(e)
		if e.Kind == engine.EventWritten && e.Object.Name == "pre" {
			cancel()
		}
	}
	_, diags = s.Apply(ctx, t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "cancelled")
	done.want(t, "written Job/pre")
}

// TestHooksForTheEnd: what is to run before and after an application is deleted is kept
// when it is applied, sealed where it is secret, and runs around the deletions, for an
// application that is destroyed or gone from the configuration.
func TestHooksForTheEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var done told
	s.Events = done.event
	const secret = "do-not-tell-anyone"
	last := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: token\n  annotations:\n    argocd.argoproj.io/hook: PreDelete\n    argocd.argoproj.io/sync-wave: \"-1\"\nstringData:\n  token: " + secret + "\n"
	app := func(pre string) {
		s.application(t, "web", "", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+s.namespace+"\n", configMap("a", "a=b"),
			last, hookJob("first", "PreDelete", "", pre), hookJob("bye", "PostDelete", "", ""))
	}
	app(fails)
	p := s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "Job.batch", "bye"), plan.Remember)
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	done.want(t, "written Namespace/"+s.namespace, "written ConfigMap/a")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	s.mustNotHold(t, secret)

	_, diags = s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{Destroy: true}))
	wantError(t, diags, "Apply failed", "Job.batch "+s.namespace+"/first")
	done.want(t, "written Secret/token", "written Job/first")
	s.wantData(t, "a", "a", "b")

	app("") // the hook is mended
	p = s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "Job.batch", "first"), plan.Remember)
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.Write(t, map[string]string{"web.gantry.hcl": ""}) // and the application goes
	p = s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "Job.batch", "first"), plan.Run)
	done.list = nil
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	done.want(t, "written Secret/token", "written Job/first", "deleted ConfigMap/a", "written Job/bye", "deleted Namespace/"+s.namespace)
	if record, _, err := s.Records.Get(t.Context(), addr.Application("web")); err != nil || record != nil {
		t.Errorf("the record is left: %v (%v)", record, err)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// mustNotHold fails the test where the state has a text in clear.
func (s *stage) mustNotHold(t *testing.T, text string) {
	t.Helper()
	store := s.Records.Store()
	keys, err := store.List(t.Context(), "")
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	for _, key := range keys {
		value, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(value, []byte(text)) {
			t.Errorf("%s has %q in clear", key, text)
		}
	}
}

// TestHooksThatAreForgotten: a hook for the end that the application no longer has is
// not run at its end.
func TestHooksThatAreForgotten(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), hookJob("first", "PreDelete", "", fails))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	p := s.MustApply(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "Job.batch", "first"), plan.Forget)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	s.MustApply(t, engine.PlanOptions{Destroy: true})
	s.wantGone(t, "a")
}

// TestConfirmedDeletions: an application that deletes what must be confirmed is left
// out until it is, and nothing of it is sent.
func TestConfirmedDeletions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	confirm := func(option string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: careful\n  annotations:\n    gantry.dev/sync-options: " + option + "=confirm\n"
	}
	s.application(t, "web", createNamespace, configMap("a", "a=1"), confirm("Prune"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=2"))
	p := s.MustPlan(t, engine.PlanOptions{})
	careful := s.change(p, "web", "ConfigMap", "careful")
	if wantAction(t, careful, plan.Prune); !careful.Confirm {
		t.Fatal("the plan does not say that it needs to be confirmed")
	}
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Application left out", "needs to be confirmed", "--confirm 'ConfigMap "+s.namespace+"/careful'")
	s.wantData(t, "a", "a", "1")
	apply := func(p *plan.Plan, confirmed engine.Confirmed) {
		t.Helper()
		_, diags := s.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, Confirmed: confirmed})
		enginetest.Check(t, diags)
	}
	apply(p, engine.Confirmed{Objects: []object.ID{careful.ID}})
	s.wantData(t, "a", "a", "2")
	s.wantGone(t, "careful")

	s.application(t, "web", createNamespace, confirm("Delete"))
	s.MustApply(t, engine.PlanOptions{})
	p = s.MustPlan(t, engine.PlanOptions{Destroy: true})
	if c := s.change(p, "web", "ConfigMap", "careful"); c == nil || !c.Confirm {
		t.Fatalf("the end of the application does not ask: %+v", c)
	}
	apply(p, engine.Confirmed{All: true})
	s.wantGone(t, "careful")
}

// TestPruneLast: what is pruned goes when the sync is healthy and before PostSync hooks; with
// prune_last = false in its wave, but for objects that say PruneLast.
func TestPruneLast(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var done told
	s.Events = done.event
	annotated := func(name, key, value string) string {
		return strings.Replace(configMap(name, "a=b"), "metadata:\n", "metadata:\n  annotations:\n    argocd.argoproj.io/"+key+": "+value+"\n", 1)
	}
	more := func(version, sync string, objects ...string) {
		s.application(t, "web", "sync {\n create_namespace = true\n"+sync+"}", append(objects, configMap("a", "a="+version),
			strings.Replace(annotated("b", "sync-wave", `"1"`), `"b"`, `"`+version+`"`, 1), annotated("post", "hook", "PostSync"))...)
		done.list = nil
		s.MustApply(t, engine.PlanOptions{})
	}
	old := []string{configMap("old", "a=b"), annotated("late", "sync-options", "PruneLast=true\n    argocd.argoproj.io/sync-wave: \"1\"")}
	more("1", "", old...)
	more("2", "")
	done.want(t, "written ConfigMap/a", "written ConfigMap/b", "deleted ConfigMap/late", "deleted ConfigMap/old", "written ConfigMap/post")
	more("3", "", old...)
	more("4", "prune_last = false\n")
	// Of the waves 0 and 1 that are asked for, the one of old becomes 1.
	done.want(t, "written ConfigMap/a", "deleted ConfigMap/old", "written ConfigMap/b", "deleted ConfigMap/late", "written ConfigMap/post")
}

// TestHooksRunWhenTheyChange: a hook that is another than when it last succeeded is a
// sync, and so is one that failed; one that is the same is none.
func TestHooksRunWhenTheyChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var done told
	s.Events = done.event
	app := func(data, spec string) {
		s.application(t, "web", createNamespace, configMap("a", "a=b"), strings.Replace(configMap("pre", data), "metadata:\n", "metadata:\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n", 1),
			hookJob("post", "PostSync", deletePolicy+"BeforeHookCreation,HookSucceeded\n", spec))
	}
	app("a=1", fails)
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "post")
	done.list = nil
	app("a=1", "") // it failed, and so is run until it does not
	s.MustApply(t, engine.PlanOptions{})
	done.want(t, "written ConfigMap/pre", "written Job/post")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	app("a=2", "")
	s.MustApply(t, engine.PlanOptions{})
	done.want(t, "written ConfigMap/pre", "written Job/post")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestHooksAreNotRunTwice interrupts an apply while a hook runs, or when the answer to
// its creation is lost: the same plan waits for the run that there is, whatever its name.
func TestHooksAreNotRunTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		meta string
		lost bool
	}{
		{"named", "  name: migrate\n", false},
		{"named, answer lost", "  name: migrate\n", true},
		{"generated", "  generateName: migrate-\n", false},
		{"generated, answer lost", "  generateName: migrate-\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.application(t, "web", "sync {\n create_namespace = true\n health_timeout = \"30s\"\n}", configMap("a", "a=b"),
				job(test.meta+"  annotations:\n    argocd.argoproj.io/hook: PreSync\n", neverEnds))
			list := func() []object.Object {
				t.Helper()
				all, err := s.cluster.List(t.Context(), jobs, s.namespace, providers.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return all
			}
			p := s.MustPlan(t, engine.PlanOptions{})
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			if test.lost { // nothing that is sent after it arrives either
				var mu sync.Mutex
				dead := false
				s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
					mu.Lock()
					defer mu.Unlock()
					if !dead && r.Resource.GVK.Kind == "Job" {
						_, _ = on()
						dead = true
						kill()
					}
					if dead {
						return providers.ApplyResult{}, fmt.Errorf("%w: the connection was cut", providers.ErrUnreachable)
					}
					return on()
				}})
			} else {
				s.Events = func(e engine.Event) {
					if e.Kind == engine.EventWaiting && e.Object.Kind == "Job" {
						kill()
					}
				}
			}
			_, diags := s.Apply(ctx, t, p)
			if !diags.HasErrors() {
				t.Fatal("it was not interrupted")
			}
			s.Wrap, s.Events = nil, nil
			first := list()
			if len(first) != 1 || !strings.HasPrefix(first[0].Name(), "migrate") {
				t.Fatalf("%d jobs are there, want one", len(first))
			}
			s.Events = func(e engine.Event) {
				if e.Kind == engine.EventWaiting && e.Object.Kind == "Job" { // it goes on, and ends
					running := s.fields(jobs, first[0].Name(), nil)
					_ = running.Set(false, "spec", "suspend")
					s.edit(t, jobs, running, "someone")
				}
			}
			_, diags = s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			if after := list(); len(after) != 1 || after[0].UID() != first[0].UID() {
				t.Errorf("the hook was run again: %d jobs", len(after))
			}
			s.wantData(t, "a", "a", "b")
		})
	}
}
