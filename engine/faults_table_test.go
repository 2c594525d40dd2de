package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/providers/kubernetes/faultproxy"
	"github.com/gantrycd/gantry/state"
)

// faulty is a stage whose engine reaches the API server through a proxy that misbehaves
// as it is told; the stage's own cluster is reached past it.
type faulty struct {
	*stage
	proxy *faultproxy.Proxy
}

func newFaulty(t *testing.T, user faultproxy.User) *faulty {
	t.Helper()
	s := &faulty{stage: newStage(t), proxy: faultproxy.Start(t, clustertest.Shared(t).Kubeconfig)}
	s.Write(t, map[string]string{"cluster.gantry.hcl": fmt.Sprintf("cluster \"local\" {\n  kubeconfig = %q\n}\n", s.proxy.Kubeconfig(t, user))})
	s.Adapt = func(o *engine.Options) { o.RequestTimeout, o.Patience = time.Second, 10*time.Second }
	return s
}

// edition writes the application as it is first (1), or changed in every way (2): two
// objects are made, one is changed, one goes, one stays as it is.
func (s *faulty) edition(t *testing.T, n int) {
	t.Helper()
	documents := []string{configMap("kept", fmt.Sprint("a=", n)), configMap("same", "a=b")}
	if n == 1 {
		documents = append(documents, configMap("old", "a=b"))
	} else {
		documents = append(documents, configMap("new-1", "a=b"), configMap("new-2", "a=b"))
	}
	s.application(t, "web", createNamespace, documents...)
}

// sent counts the writes that the proxy was asked for of an object, dry runs apart.
func (s *faulty) sent(name string) int {
	return len(s.proxy.Requests(faultproxy.Rule{Name: name, Path: "/" + s.namespace + "/"}))
}

// TestFaultsOfTheServer has every kind of failure meet every kind of write, on the real
// API server, and tells how many requests it took. Where the apply succeeds in spite of
// it, nothing is left to do; where it fails, the next plan shows what is left, and applying
// that converges.
func TestFaultsOfTheServer(t *testing.T) {
	t.Parallel()
	denied := "admission webhook \"policy.example.com\" denied the request: not today"
	tests := []struct {
		name  string
		rules []faultproxy.Rule
		// fails is what the error says; empty for an apply that succeeds.
		fails []string
		left  int // changes of the next plan, where it fails
		// most is how many requests there may be for any one object: where nothing was done,
		// the faults there are, and one more.
		most int
	}{
		{name: "429 with Retry-After", most: 4, rules: []faultproxy.Rule{{Times: 3, Fault: faultproxy.Busy(429, 1)}}},
		{name: "503 with Retry-After", most: 4, rules: []faultproxy.Rule{{Times: 3, Fault: faultproxy.Busy(503, 1)}}},
		{name: "503 of a load balancer", most: 5, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.Page(503)}}},
		{name: "502", most: 5, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.Page(502)}}},
		{name: "504", most: 5, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.Status(504, "Timeout", "request did not complete within the allotted timeout")}}},
		{name: "500", most: 5, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.Status(500, "InternalError", "etcdserver: leader changed")}}},
		{
			name: "500 for ever", rules: []faultproxy.Rule{{Name: "kept", Fault: faultproxy.Status(500, "InternalError", "conversion of the object has panicked")}},
			fails: []string{"Apply failed", "kept", "status 500", "panicked"}, left: 2, most: 4,
		},
		{name: "reset before the server", most: 5, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.Reset()}}},
		{name: "reset of reads", most: 1, rules: []faultproxy.Rule{{Method: http.MethodGet, Times: 4, Fault: faultproxy.Reset()}}},
		{name: "the answer to an apply is lost", most: 2, rules: []faultproxy.Rule{{Method: http.MethodPatch, Times: 3, Fault: faultproxy.Lost()}}},
		{name: "the answer to a deletion is lost", most: 1, rules: []faultproxy.Rule{{Method: http.MethodDelete, Times: 1, Fault: faultproxy.Lost()}}},
		{name: "done, and answered with 504", most: 3, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.LostAs(504, "Timeout", "timed out")}}},
		{name: "done, and answered with 500", most: 3, rules: []faultproxy.Rule{{Times: 4, Fault: faultproxy.LostAs(500, "InternalError", "etcdserver: request timed out")}}},
		{name: "no answer", most: 2, rules: []faultproxy.Rule{{Times: 2, Fault: faultproxy.Stall()}}},
		{name: "done, and no answer", most: 1, rules: []faultproxy.Rule{{Name: "new-1", Times: 1, Fault: faultproxy.LostInStall()}, {Name: "kept", Times: 1, Fault: faultproxy.LostInStall()}}},
		{name: "slow", most: 1, rules: []faultproxy.Rule{{Fault: faultproxy.Slow(200 * time.Millisecond)}}},
		{
			name: "admission denies one of them", rules: []faultproxy.Rule{{Name: "new-2", Fault: faultproxy.Status(403, "Forbidden", denied)}},
			fails: []string{"Apply failed", "new-2", "not today"}, left: 2, most: 1,
		},
		{
			name: "the credentials are no longer good", rules: []faultproxy.Rule{{Name: "kept", Fault: faultproxy.Status(401, "Unauthorized", "Unauthorized")}},
			fails: []string{"Apply failed", "kept", "does not accept the credentials"}, left: 2, most: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newFaulty(t, faultproxy.User{})
			s.edition(t, 1)
			s.MustApply(t, engine.PlanOptions{})
			s.edition(t, 2)
			p := s.MustPlan(t, engine.PlanOptions{})
			before := len(s.proxy.Requests(faultproxy.Rule{}))
			s.proxy.Add(test.rules...)
			started := time.Now()
			_, diags := s.Apply(t.Context(), t, p)
			took := time.Since(started)
			s.proxy.Clear()
			writes := s.proxy.Requests(faultproxy.Rule{})[before:]
			faults := len(slices.DeleteFunc(slices.Clone(writes), func(r faultproxy.Request) bool { return !r.Fault }))
			reads := len(slices.DeleteFunc(s.proxy.Requests(faultproxy.Rule{Method: http.MethodGet}), func(r faultproxy.Request) bool { return !r.Fault }))
			t.Logf("%d requests met the fault, %d writes in all for 4 changes, in %s", faults+reads, len(writes), took.Round(10*time.Millisecond))
			if faults+reads == 0 {
				t.Error("nothing met the fault")
			}
			for _, name := range []string{"new-1", "new-2", "kept", "old"} {
				before := 1 // of the first edition
				if strings.HasPrefix(name, "new") {
					before = 0
				}
				if n := s.sent(name) - before; n > test.most {
					t.Errorf("%s was sent %d times, want %d at most", name, n, test.most)
				}
			}
			s.wantLeft(t, diags, test.fails, test.left)
		})
	}
}

// wantLeft expects how an apply ended, what the next plan has, and that it converges.
func (s *faulty) wantLeft(t *testing.T, diags hcl.Diagnostics, fails []string, left int) {
	t.Helper()
	if len(fails) == 0 {
		enginetest.Check(t, diags)
	} else {
		wantError(t, diags, fails...)
	}
	p := s.MustPlan(t, engine.PlanOptions{})
	if have := p.Counts().Changes(); have != left {
		t.Errorf("the next plan has %d changes, want %d: %v", have, left, p.Counts())
	}
	if left > 0 {
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	}
	if _, journal := recordOf(t, s.stage); len(journal) > 0 {
		t.Errorf("the journal is not empty: %+v", journal)
	}
}

// TestRetryAfterHoldsBackTheWholeCluster: nothing is sent to a server before the time
// that it has asked for is over, whichever request it told.
func TestRetryAfterHoldsBackTheWholeCluster(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faultproxy.User{})
	s.Adapt = nil // a request that was held back has its whole time still
	var documents []string
	for i := range 60 {
		documents = append(documents, configMap(fmt.Sprint("c-", i), "a=b"))
	}
	s.namespaced(t) // one that the plan makes may not be known to the server at once: that is asked again
	s.application(t, "web", "", documents...)
	p := s.MustPlan(t, engine.PlanOptions{})
	s.proxy.Add(faultproxy.Rule{Path: "/configmaps/", Skip: 10, Times: 1, Fault: faultproxy.Busy(429, 1)})
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	var told time.Time
	early := 0
	writes := s.proxy.Requests(faultproxy.Rule{Path: "/configmaps/"})
	for _, r := range writes {
		if !told.IsZero() && r.At.Sub(told) < time.Second {
			early++
		}
		if r.Fault {
			told = r.At
		}
	}
	t.Logf("%d writes for %d changes; %d came before the time was over", len(writes), len(documents), early)
	const inFlight = 15 // beside the one that was told: the server's own to turn away
	if told.IsZero() || early > inFlight || len(writes) != len(documents)+1 {
		t.Errorf("%d writes came early of %d, told at %v", early, len(writes), told)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestRestartsOfTheServer takes the server away again and again while many objects are
// applied: nothing fails, nothing is lost, and it takes little more than the absences.
func TestRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	objects, every, away, slow := 60, 2*time.Second, 700*time.Millisecond, 600*time.Millisecond
	if soak() {
		objects, every, away, slow = 1000, 5*time.Second, 2*time.Second, time.Second
	}
	s := newFaulty(t, faultproxy.User{})
	s.Adapt = nil
	var documents []string
	for i := range objects {
		documents = append(documents, configMap(fmt.Sprint("c-", i), "a=b"))
	}
	s.application(t, "web", createNamespace, documents...)
	p := s.MustPlan(t, engine.PlanOptions{})
	// So slow that the apply lasts over several absences.
	s.proxy.Add(faultproxy.Rule{Path: "/configmaps/", Fault: faultproxy.Slow(slow)})
	stop := s.proxy.Restarts(t, every, away)
	if !soak() { // a few absences tell as much as many, on a slow machine too
		defer time.AfterFunc(8*time.Second, func() { stop() }).Stop()
	}
	started := time.Now()
	result, diags := s.Apply(t.Context(), t, p)
	took, times := time.Since(started), stop()
	s.proxy.Clear()
	enginetest.Check(t, diags)
	t.Logf("%d objects in %s over %d restarts: %d writes", objects, took.Round(time.Millisecond), times, len(s.proxy.Requests(faultproxy.Rule{Path: "/configmaps/"})))
	if times < 2 {
		t.Errorf("there were %d restarts: the case tests nothing", times)
	}
	if done := result.Applications[0].Done[plan.Create]; done != objects+1 {
		t.Errorf("%d were created, want %d", done, objects+1)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestOneClusterOfManyIsABlackHole: of many clusters, one takes requests and answers none,
// from the start or from its first write on. The others are done as soon as without it,
// and its own application says why it is not.
func TestOneClusterOfManyIsABlackHole(t *testing.T) {
	t.Parallel()
	const clusters = 20
	for name, hole := range map[string]struct {
		faultproxy.Rule
		ends string
	}{
		"from the start":       {faultproxy.Rule{Reads: true, Fault: faultproxy.Stall()}, engine.OutcomeSkipped},
		"from its first write": {faultproxy.Rule{Path: "/configmaps/", Fault: faultproxy.Stall()}, engine.OutcomeCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			direct := clustertest.Shared(t).Kubeconfig
			proxy := faultproxy.Start(t, direct)
			files := map[string]string{}
			for i := range clusters {
				kubeconfig := direct
				if i == 7 {
					kubeconfig = proxy.Kubeconfig(t, faultproxy.User{})
				}
				files[fmt.Sprintf("c%d.gantry.hcl", i)] = fmt.Sprintf("cluster \"c%[1]d\" {\n  kubeconfig = %[2]q\n}\n"+
					"application \"a%[1]d\" {\n  source {\n    path = \"./a%[1]d\"\n  }\n  destination {\n    cluster = cluster.c%[1]d\n    namespace = %[3]q\n  }\n}\n", i, kubeconfig, s.namespace)
				files[fmt.Sprintf("a%d/all.yaml", i)] = configMap(fmt.Sprint("one-", i), "a=b") + "\n---\n" + configMap(fmt.Sprint("two-", i), "a=b")
			}
			s.Write(t, files)
			s.namespaced(t)
			p := s.MustPlan(t, engine.PlanOptions{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var others atomic.Int64
			before := len(proxy.Requests(hole.Rule))
			s.Events = func(event engine.Event) {
				// Once the others are done the apply is interrupted: the one is still waited for.
				if event.Kind == engine.EventFinished && others.Add(1) == clusters-1 {
					go func() {
						for len(proxy.Requests(hole.Rule)) == before && ctx.Err() == nil {
							time.Sleep(10 * time.Millisecond)
						}
						cancel()
					}()
				}
			}
			giveUp := make(chan struct{})
			defer context.AfterFunc(ctx, func() { close(giveUp) })()
			proxy.Add(hole.Rule)
			started := time.Now()
			result, diags := s.Engine().Apply(ctx, p, engine.ApplyOptions{By: state.Holder{Who: "test"}, GiveUp: giveUp})
			s.Events = nil
			t.Logf("%d of %d were done after %s", others.Load(), clusters, time.Since(started).Round(time.Millisecond))
			wantError(t, diags, "application.a7")
			for _, outcome := range result.Applications {
				want := engine.OutcomeSucceeded
				if outcome.Address.Name == "a7" {
					want = hole.ends
				}
				if outcome.Outcome != want {
					t.Errorf("%s: %s: %s, want %s", outcome.Address, outcome.Outcome, outcome.Message, want)
				}
			}
			proxy.Clear()
			p = s.MustPlan(t, engine.PlanOptions{})
			if n := p.Counts().Changes(); n != 2 {
				t.Errorf("the next plan has %d changes, want the 2 of the one", n)
			}
			_, diags = s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
		})
	}
}

// TestPlanWithABlackHole: a cluster that takes requests and answers none costs a plan its
// own applications, and the time that a first answer may take.
func TestPlanWithABlackHole(t *testing.T) {
	t.Parallel()
	if !soak() {
		t.Skip("part of make soak: it waits for the time-out of a first answer")
	}
	s := newStage(t)
	proxy := faultproxy.Start(t, clustertest.Shared(t).Kubeconfig)
	proxy.Add(faultproxy.Rule{Reads: true, Fault: faultproxy.Stall()})
	s.application(t, "web", createNamespace, configMap("one", "a=b"))
	s.Write(t, map[string]string{"hole.gantry.hcl": fmt.Sprintf("cluster \"hole\" {\n  kubeconfig = %q\n}\n"+
		"application \"lost\" {\n  source {\n    path = \"./web\"\n  }\n  destination {\n    cluster = cluster.hole\n    namespace = \"default\"\n  }\n}\n", proxy.Kubeconfig(t, faultproxy.User{}))})
	started := time.Now()
	p, diags := s.Plan(t, engine.PlanOptions{})
	took := time.Since(started)
	wantError(t, diags, `cluster "hole"`, "no answer within 15s")
	if took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if p == nil || p.Counts()[plan.Create] != 2 {
		t.Errorf("the other application is not planned: %v", p)
	}
}

// TestCustomResourceOfAKindThatIsServedLate: after a definition is there, the server may
// not know its kind for a while.
func TestKindsThatAreServedLate(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faultproxy.User{})
	group := strings.ReplaceAll(s.namespace, "_", "-") + ".example.com"
	s.application(t, "web", createNamespace, definition(group, "Widget", "widgets"),
		"apiVersion: "+group+"/v1\nkind: Widget\nmetadata:\n  name: one\nspec:\n  a: b\n")
	t.Cleanup(func() {
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: definitions, Name: "widgets." + group})
	})
	p := s.MustPlan(t, engine.PlanOptions{})
	lateUntil := time.Now().Add(3 * time.Second)
	s.proxy.Add(faultproxy.Rule{Path: "/" + group + "/", Reads: true, Fault: func(p *faultproxy.Proxy, w http.ResponseWriter, r *http.Request) {
		if time.Now().Before(lateUntil) {
			http.Error(w, "404 page not found", http.StatusNotFound)
			return
		}
		p.Forward(w, r)
	}})
	started := time.Now()
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	t.Logf("done after %s", time.Since(started).Round(time.Millisecond))
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// definition is a definition of a namespaced kind whose spec may be anything.
func definition(group, kind, plural string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[3]s.%[1]s
spec:
  group: %[1]s
  scope: Namespaced
  names:
    kind: %[2]s
    plural: %[3]s
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-preserve-unknown-fields: true
`, group, kind, plural)
}

// soak reports whether tests may take long.
func soak() bool { return os.Getenv("GANTRY_SOAK") != "" }
