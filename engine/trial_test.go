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

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// heard notes what is sent, in order, and answers in a server's place where it is told to.
type heard struct {
	mu     sync.Mutex
	sent   []string // "DRYRUN ConfigMap/a", "APPLY ConfigMap/a"
	answer func(sent string) (providers.ApplyResult, error, bool)
}

type heardCluster struct {
	providers.Cluster
	heard *heard
}

func (c heardCluster) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	verb := "APPLY"
	if r.DryRun {
		verb = "DRYRUN"
	}
	sent := fmt.Sprintf("%s %s/%s", verb, r.Object.Kind(), r.Object.Name())
	c.heard.mu.Lock()
	c.heard.sent = append(c.heard.sent, sent)
	answer := c.heard.answer
	c.heard.mu.Unlock()
	if answer != nil {
		if result, err, instead := answer(sent); instead {
			return result, err
		}
	}
	return c.Cluster.Apply(ctx, r)
}

// hear puts a heard before the clusters of a bench.
func hear(b *enginetest.Bench) *heard {
	h := &heard{}
	inner, each := b.Wrap, enginetest.Each(func(c providers.Cluster) providers.Cluster { return heardCluster{c, h} })
	b.Wrap = func(all providers.Clusters) providers.Clusters {
		if inner != nil {
			all = inner(all)
		}
		return each(all)
	}
	return h
}

// take returns what was sent since it was last asked, sorted where it is of one verb.
func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sent
	h.sent = nil
	for i := 0; i < len(out); {
		verb, _, _ := strings.Cut(out[i], " ")
		end := i + 1
		for end < len(out) && strings.HasPrefix(out[end], verb+" ") {
			end++
		}
		slices.Sort(out[i:end])
		i = end
	}
	return out
}

func (h *heard) says(answer func(sent string) (providers.ApplyResult, error, bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func withLabel(document, label string) string {
	return strings.Replace(document, "metadata:\n", "metadata:\n  labels:\n    "+label+"\n", 1)
}

func waved(document string, wave int) string {
	return strings.Replace(document, "metadata:\n", fmt.Sprintf("metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: %q\n", fmt.Sprint(wave)), 1)
}

// deny has the server deny what carries a label, by a ValidatingAdmissionPolicy, and
// returns what takes that back.
func (s *stage) deny(t *testing.T, kinds providers.Resource, key string) (allow func()) {
	t.Helper()
	policies := providers.Resource{GVK: object.GVK{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicy"}, Plural: "validatingadmissionpolicies"}
	bindings := policies
	bindings.GVK.Kind, bindings.Plural = "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
	name := "deny-" + key
	put := func(resource providers.Resource, spec map[string]any) {
		o := object.Object{"apiVersion": resource.GVK.APIVersion(), "kind": resource.GVK.Kind, "metadata": map[string]any{"name": name}, "spec": spec}
		s.edit(t, resource, o, "test")
	}
	put(policies, map[string]any{
		"failurePolicy": "Fail",
		"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
			"apiGroups": []any{kinds.GVK.Group}, "apiVersions": []any{"*"}, "operations": []any{"CREATE"}, "resources": []any{kinds.Plural},
		}}},
		"validations": []any{map[string]any{
			"expression":        fmt.Sprintf("!(has(object.metadata.labels) && %q in object.metadata.labels)", key),
			"messageExpression": `"no room for " + object.metadata.name`,
		}},
	})
	put(bindings, map[string]any{"policyName": name, "validationActions": []any{"Deny"}})
	gone := func(ctx context.Context) {
		for _, resource := range []providers.Resource{bindings, policies} {
			if err := s.cluster.Delete(ctx, providers.DeleteRequest{Resource: resource, Name: name}); err != nil && !errors.Is(err, providers.ErrNotFound) {
				t.Error(err)
			}
		}
	}
	t.Cleanup(func() { gone(context.Background()) })
	probe := func() error {
		o := s.configMap("probe", nil)
		o.Metadata()["namespace"], o.Metadata()["labels"] = "default", map[string]any{key: "true"}
		if kinds.GVK.Kind != "ConfigMap" {
			return nil
		}
		_, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: configMaps, Object: o, Manager: "test", DryRun: true})
		return err
	}
	eventually(t, "the policy is in force", func() bool { return errors.Is(probe(), providers.ErrInvalid) })
	return func() {
		gone(t.Context())
		eventually(t, "the policy is gone", func() bool { return probe() == nil })
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited a minute until " + what)
		}
	}
}

// TestNothingOfAWaveIsSentWhereSomethingIsRefused has a policy of the server deny two of
// the objects of a wave that the plan could only predict: nothing of the wave is written,
// and nothing of the next is asked about. Once the server takes them, the same plan is
// resumed.
func TestNothingOfAWaveIsSentWhereSomethingIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key := fmt.Sprintf("denied-%s", s.namespace[:min(len(s.namespace), 30)])
	key = strings.TrimRight(key, "-")
	allow := s.deny(t, configMaps, key)
	s.application(t, "web", createNamespace,
		configMap("a", "x=1"), withLabel(configMap("b", "x=1"), key+": \"true\""), configMap("c", "x=1"), withLabel(configMap("d", "x=1"), key+": \"true\""),
		"apiVersion: v1\nkind: Secret\nmetadata:\n  name: first\nstringData:\n  password: hunter22\n",
		waved(configMap("later", "x=1"), 1))
	h := hear(s.Bench)
	p := s.MustPlan(t, engine.PlanOptions{})
	if c := s.change(p, "web", "ConfigMap", "b"); !c.Predicted || c.Validation != plan.SchemaOnly {
		t.Fatalf("it is not predicted: %+v", c)
	}
	var failed []string
	var mu sync.Mutex
	s.Events = func(e engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == engine.EventFailed && e.Object != nil {
			failed = append(failed, e.Object.Name+": "+e.Message)
		}
	}
	h.take()
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "asked by a dry run just before Sync wave 0 was to be sent, the server does not take 2 objects, and nothing more of that wave was sent",
		"ConfigMap "+s.namespace+"/b: ", "no room for b", "ConfigMap "+s.namespace+"/d: ", "no room for d", "(1 of 7 changes were made)")
	asked := []string{"APPLY Namespace/" + s.namespace, "DRYRUN ConfigMap/a", "DRYRUN ConfigMap/b", "DRYRUN ConfigMap/c", "DRYRUN ConfigMap/d", "DRYRUN Secret/first"}
	if diff := cmp.Diff(asked, h.take()); diff != "" {
		t.Errorf("what was sent (-want +got):\n%s", diff)
	}
	slices.Sort(failed)
	if len(failed) != 2 || !strings.Contains(failed[0], "no room for b") || !strings.Contains(failed[1], "no room for d") {
		t.Errorf("told as failed: %q", failed)
	}
	if have, err := s.cluster.List(t.Context(), secrets, s.namespace, providers.ListOptions{}); err != nil || len(have) != 0 {
		t.Errorf("there is %v, %v", have, err)
	}
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "a"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a: %v", err)
	}

	allow()
	_, diags = s.Engine().Apply(t.Context(), p, engine.ApplyOptions{Resume: true, By: state.Holder{Who: "test"}})
	enginetest.Check(t, diags)
	sent := h.take()
	// That the namespace is as this plan made it is asked when the plan is checked.
	want := slices.Concat(asked[1:5], []string{"DRYRUN Namespace/" + s.namespace}, asked[5:], []string{"APPLY ConfigMap/a", "APPLY ConfigMap/b", "APPLY ConfigMap/c", "APPLY ConfigMap/d", "APPLY Secret/first", "DRYRUN ConfigMap/later", "APPLY ConfigMap/later"})
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("what was sent when it was resumed (-want +got):\n%s", diff)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestWhatReplacesIsAskedAboutOnceItCanBe has the server deny what is made anew, once what
// was there is deleted: it is said that that is gone.
func TestWhatReplacesIsAskedAboutOnceItCanBe(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", replaceToo, immutableConfigMap("1"))
	s.MustApply(t, engine.PlanOptions{})
	h := hear(s.Bench)
	s.application(t, "web", replaceToo, immutableConfigMap("2"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "web", "ConfigMap", "fixed"), plan.Replace)
	h.take()
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		return providers.ApplyResult{}, &providers.InvalidError{Message: "the quota is used up"}, sent == "DRYRUN ConfigMap/fixed"
	})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "ConfigMap "+s.namespace+"/fixed: it is gone: it was deleted to be made anew, and that failed: the quota is used up")
	if diff := cmp.Diff([]string{"DRYRUN ConfigMap/fixed"}, h.take()); diff != "" {
		t.Error(diff)
	}
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "fixed"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
	h.says(nil)
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if diff := cmp.Diff([]string{"DRYRUN ConfigMap/fixed", "APPLY ConfigMap/fixed"}, h.take()); diff != "" {
		t.Errorf("what was sent when it was resumed (-want +got):\n%s", diff)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

const widget = "apiVersion: example.com/v1\nkind: %s\nmetadata:\n  name: %s\nspec:\n  size: %d\n"

// TestCustomResourcesAreAskedAboutOnceTheirDefinitionIsThere has the server refuse a custom
// resource whose definition is in the same wave: by then what does not need it is written,
// and none of the custom resources is.
func TestCustomResourcesAreAskedAboutOnceTheirDefinitionIsThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	kind := "Widget" + strings.Map(func(r rune) rune {
		if r == '-' {
			return -1
		}
		return r
	}, s.namespace[:min(len(s.namespace), 20)])
	plural := strings.ToLower(kind) + "s"
	definition := fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %s.example.com
spec:
  group: example.com
  scope: Namespaced
  names: { plural: %[1]s, singular: %s, kind: %s }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer } } } } }
`, plural, strings.ToLower(kind), kind)
	s.application(t, "web", createNamespace, definition, configMap("settings", "x=1"), fmt.Sprintf(widget, kind, "a", 1), fmt.Sprintf(widget, kind, "b", 2))
	h := hear(s.Bench)
	p := s.MustPlan(t, engine.PlanOptions{})
	t.Cleanup(func() {
		crds := providers.Resource{GVK: object.GVK{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, Plural: "customresourcedefinitions"}
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: crds, Name: plural + ".example.com"})
	})
	h.take()
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		return providers.ApplyResult{}, &providers.InvalidError{Message: "too large"}, sent == "DRYRUN "+kind+"/b"
	})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "does not take an object, and nothing more of that wave was sent: "+kind+".example.com "+s.namespace+"/b: too large")
	sent := h.take()
	if slices.Contains(sent, "APPLY "+kind+"/a") || !slices.Contains(sent, "APPLY ConfigMap/settings") || !slices.Contains(sent, "DRYRUN "+kind+"/a") {
		t.Errorf("sent %q", sent)
	}
	h.says(nil)
	_, diags = s.Engine().Apply(t.Context(), p, engine.ApplyOptions{Resume: true})
	enginetest.Check(t, diags)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// predicted is an application in memory that makes its namespace, with three objects in it.
func predicted(t *testing.T, more string) (*enginetest.Bench, *memory.Cluster, *heard, *plan.Plan) {
	t.Helper()
	b, cluster := inMemory(t)
	b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  source {
    objects = [for name in ["a", "b", "c"] : { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
  sync {
    create_namespace = true
    %s
  }
}
`, more)})
	h := hear(b)
	p := b.MustPlan(t, engine.PlanOptions{})
	if c := enginetest.Change(p, addr.Application("web"), "ConfigMap web/b"); !c.Predicted {
		t.Fatal("it is not predicted")
	}
	h.take()
	return b, cluster, h, p
}

// eventsOf collects what is told of objects.
func eventsOf(b *enginetest.Bench, kind engine.EventKind) func() []string {
	var mu sync.Mutex
	var out []string
	b.Events = func(e engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == kind {
			name := ""
			if e.Object != nil {
				name = e.Object.Name
			}
			out = append(out, name+": "+e.Message)
		}
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(out)
		return out
	}
}

var askedWave = []string{"APPLY Namespace/web", "DRYRUN ConfigMap/a", "DRYRUN ConfigMap/b", "DRYRUN ConfigMap/c"}

// TestWarningsOfWhatIsNotSentAreKept tells what the server warns of, once: where nothing is
// sent it says so no more.
func TestWarningsOfWhatIsNotSentAreKept(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{true, false} {
		t.Run(fmt.Sprintf("refused %v", refused), func(t *testing.T) {
			b, _, h, p := predicted(t, "")
			warnings := eventsOf(b, engine.EventWarning)
			h.says(func(sent string) (providers.ApplyResult, error, bool) {
				switch {
				case strings.HasSuffix(sent, "ConfigMap/a"):
					return providers.ApplyResult{Warnings: []string{"a is deprecated"}, Object: object.Object{
						"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a", "namespace": "web", "uid": "1"},
					}}, nil, true
				case refused && sent == "DRYRUN ConfigMap/b":
					return providers.ApplyResult{}, &providers.InvalidError{Message: "no"}, true
				}
				return providers.ApplyResult{}, nil, false
			})
			_, diags := b.Apply(t.Context(), t, p)
			if diags.HasErrors() != refused {
				t.Error(diags)
			}
			if diff := cmp.Diff([]string{"a: a is deprecated"}, warnings()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWhatCannotBeAskedAboutIsSent has an admission webhook that does not take dry runs.
func TestWhatCannotBeAskedAboutIsSent(t *testing.T) {
	t.Parallel()
	b, cluster, h, p := predicted(t, "")
	warnings := eventsOf(b, engine.EventWarning)
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		return providers.ApplyResult{}, fmt.Errorf("%w: admission webhook \"x\" does not support dry run", providers.ErrNoDryRun), sent == "DRYRUN ConfigMap/b"
	})
	_, diags := b.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if diff := cmp.Diff([]string{"b: it is sent without having been asked about: no dry run: admission webhook \"x\" does not support dry run"}, warnings()); diff != "" {
		t.Error(diff)
	}
	if _, err := cluster.Get(t.Context(), memoryConfigMaps, "web", "b"); err != nil {
		t.Error(err)
	}
}

// TestAWaveIsAskedAboutAgain has the server fail over one of the dry runs: the wave is
// tried again as its application says, all of it is asked about again, and then sent.
func TestAWaveIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	b, _, h, p := predicted(t, "retry {\n limit = 1\n backoff = \"10ms\"\n}")
	retried := eventsOf(b, engine.EventRetrying)
	failures := 1
	var mu sync.Mutex
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		mu.Lock()
		defer mu.Unlock()
		if sent != "DRYRUN ConfigMap/b" || failures == 0 {
			return providers.ApplyResult{}, nil, false
		}
		failures--
		return providers.ApplyResult{}, errors.New("the webhook has no endpoints"), true
	})
	_, diags := b.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	want := append(slices.Clone(askedWave), "DRYRUN ConfigMap/a", "DRYRUN ConfigMap/b", "DRYRUN ConfigMap/c")
	slices.Sort(want[1:])
	want = append(want, "APPLY ConfigMap/a", "APPLY ConfigMap/b", "APPLY ConfigMap/c")
	if diff := cmp.Diff(want, h.take()); diff != "" {
		t.Error(diff)
	}
	if got := retried(); len(got) != 1 || !strings.Contains(got[0], "the webhook has no endpoints") {
		t.Errorf("retried: %q", got)
	}
	expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))
}

// TestWhatIsMadeMeanwhileStopsItsWave has someone else make one of the objects after the
// plan was made, and before the wave is asked about.
func TestWhatIsMadeMeanwhileStopsItsWave(t *testing.T) {
	t.Parallel()
	b, cluster, h, p := predicted(t, "")
	var once sync.Once
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		if sent == "DRYRUN ConfigMap/b" {
			once.Do(func() {
				theirs := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "b", "namespace": "web"}, "data": map[string]any{"x": "theirs"}}
				if err := cluster.Put(t.Context(), theirs, "someone"); err != nil {
					t.Error(err)
				}
			})
		}
		return providers.ApplyResult{}, nil, false
	})
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "nothing more of that wave was sent", "ConfigMap web/b was to be created, and exists by now")
	if diff := cmp.Diff(askedWave, h.take()); diff != "" {
		t.Error(diff)
	}
}

// TestWhatTakesNoDryRunIsPredicted plans a creation and a change of objects over which a
// webhook watches that does not take dry runs, and applies both.
func TestWhatTakesNoDryRunIsPredicted(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	web := func(value string, names string) {
		b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  source {
    objects = [for name in %s : { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name }, data = { x = %q } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, names, value)})
	}
	web("1", `["a"]`)
	b.MustApply(t, engine.PlanOptions{})
	h := hear(b)
	h.says(func(sent string) (providers.ApplyResult, error, bool) {
		return providers.ApplyResult{}, fmt.Errorf("%w: admission webhook \"x\" does not support dry run", providers.ErrNoDryRun), strings.HasPrefix(sent, "DRYRUN ")
	})
	web("2", `["a", "b"]`)
	p := b.MustPlan(t, engine.PlanOptions{})
	for name, action := range map[string]plan.Action{"a": plan.Update, "b": plan.Create} {
		c := enginetest.Change(p, addr.Application("web"), "ConfigMap web/"+name)
		wantAction(t, c, action)
		if !c.Predicted || c.Reason != "a webhook of the server that must be asked takes no dry run" {
			t.Errorf("%s: predicted %v, %q", name, c.Predicted, c.Reason)
		}
	}
	if c := enginetest.Change(p, addr.Application("web"), "ConfigMap web/a"); len(c.Fields) != 1 || c.Fields[0].Path != "data.x" {
		t.Errorf("the change is of %+v", c.Fields)
	}
	h.take()
	_, diags := b.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if diff := cmp.Diff([]string{"DRYRUN ConfigMap/a", "DRYRUN ConfigMap/b", "APPLY ConfigMap/a", "APPLY ConfigMap/b"}, h.take()); diff != "" {
		t.Error(diff)
	}
	h.says(nil)
	expectNothing(t, b.MustPlan(t, engine.PlanOptions{}))
}
