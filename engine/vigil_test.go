package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// watchable is a cluster of which only what waiting needs is there: objects, and who
// watches them.
type watchable struct {
	providers.Cluster

	mu       sync.Mutex
	objects  map[object.ID]object.Object
	watches  []func(o object.Object, deleted bool)
	asked    map[string]int // by verb and kind
	noWatch  error
	noObject error
}

func newWatchable(objects ...object.Object) *watchable {
	c := &watchable{objects: map[object.ID]object.Object{}, asked: map[string]int{}}
	for _, o := range objects {
		c.objects[o.ID()] = o
	}
	return c
}

func (c *watchable) List(_ context.Context, r providers.Resource, namespace string, _ providers.ListOptions) ([]object.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked["LIST "+r.GVK.Kind]++
	var out []object.Object
	for id, o := range c.objects {
		if id.GroupKind() == r.GVK.GroupKind() && id.Namespace == namespace {
			out = append(out, o)
		}
	}
	return out, nil
}

func (c *watchable) Get(_ context.Context, r providers.Resource, namespace, name string) (object.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked["GET "+r.GVK.Kind]++
	o, ok := c.objects[object.ID{Group: r.GVK.Group, Kind: r.GVK.Kind, Namespace: namespace, Name: name}]
	if !ok {
		return nil, providers.ErrNotFound
	}
	return o, c.noObject
}

func (c *watchable) Watch(ctx context.Context, r providers.Resource, namespace string, options providers.WatchOptions, changed func(object.Object, bool) bool) error {
	if c.noWatch != nil {
		return c.noWatch
	}
	all, _ := c.List(ctx, r, namespace, providers.ListOptions{})
	c.mu.Lock()
	c.asked["LIST "+r.GVK.Kind]--
	c.asked["WATCH "+r.GVK.Kind+" "+namespace]++
	c.watches = append(c.watches, func(o object.Object, deleted bool) {
		if o.ID().GroupKind() == r.GVK.GroupKind() && o.Namespace() == namespace {
			changed(o, deleted)
		}
	})
	c.mu.Unlock()
	for _, o := range all {
		changed(o, false)
	}
	options.Listed()
	<-ctx.Done()
	return ctx.Err()
}

// put changes an object, or deletes it.
func (c *watchable) put(o object.Object, deleted bool) {
	c.mu.Lock()
	c.objects[o.ID()] = o
	if deleted {
		delete(c.objects, o.ID())
	}
	watches := c.watches
	c.mu.Unlock()
	for _, tell := range watches {
		tell(o, deleted)
	}
}

// waiter is an application that waits, and what it told: the time since the beginning, the
// kind of event, the message and the cause.
type waiter struct {
	*progress
	mu   sync.Mutex
	told []string
}

func newWaiter(t *testing.T, c *watchable, settings plan.Settings) *waiter {
	t.Helper()
	w := &waiter{}
	began := time.Now()
	e := New(Options{Events: func(event Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, strings.TrimSuffix(fmt.Sprintf("%s %s %s: %s | %s", event.At.Sub(began), event.Kind, event.Object.Name, event.Message, event.Cause), " | "))
	}})
	assessor, err := health.NewAssessor(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &applying{engine: e, watchers: newWatchers(time.Now), health: assessor}
	w.progress = &progress{applying: a, app: &plan.Application{Settings: settings}, session: &session{name: "main", cluster: c}}
	return w
}

func (w *waiter) events() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// deployment is one with some of its Pods available, and its change.
func deployment(namespace, name string, version, available int64) (object.Object, *plan.Change) {
	o := object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": namespace, "uid": name, "resourceVersion": fmt.Sprint(version), "generation": int64(1)},
		"spec":     map[string]any{"replicas": int64(2)},
		"status": map[string]any{
			"observedGeneration": int64(1), "replicas": int64(2), "updatedReplicas": int64(2), "availableReplicas": available,
		},
	}
	return o, &plan.Change{ID: o.ID(), Version: "v1", Plural: "deployments", Namespaced: true, Action: plan.Create}
}

// warning is an Event about an object.
func warning(about object.Object, name, reason, message string) object.Object {
	return object.Object{
		"apiVersion": "v1", "kind": "Event", "metadata": map[string]any{"name": name, "namespace": about.Namespace()},
		"involvedObject": map[string]any{"uid": about.UID()}, "type": "Warning", "reason": reason, "message": message,
		"lastTimestamp": time.Now().UTC().Format(time.RFC3339),
	}
}

// TestWaitingIsTold follows one object: what it says of itself at once, the cause after
// three seconds, that nothing changes every minute, and why it was in vain.
func TestWaitingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := deployment("web", "api", 10, 0)
		cluster := newWatchable(o, warning(o, "e", "NotHappy", "the reason to look for"))
		w := newWaiter(t, cluster, plan.Settings{HealthTimeout: 4 * time.Minute})
		time.AfterFunc(150*time.Second, func() {
			next, _ := deployment("web", "api", 11, 1)
			cluster.put(next, false)
		})
		_, err := w.untilHealthy(t.Context(), c, o)
		w.applying.watchers.close()
		progress := func(n int) string {
			return fmt.Sprintf("Waiting for rollout to finish: %d of 2 updated replicas are available", n)
		}
		const why = "NotHappy: the reason to look for"
		want := []string{
			"0s waiting api: " + progress(0) + "",
			"3s waiting api: " + progress(0) + " | " + why,
			"1m0s waiting api: " + progress(0) + "; no progress for 1m | " + why,
			"2m0s waiting api: " + progress(0) + "; no progress for 2m | " + why,
			"2m30s waiting api: " + progress(1) + " | " + why,
			"3m30s waiting api: " + progress(1) + "; no progress for 1m | " + why,
			"4m0s failed api: Deployment.apps web/api: is not healthy after 4m (health_timeout in the application's sync block): " + progress(1) + " | " + why,
		}
		if diff := cmp.Diff(want, w.events()); diff != "" {
			t.Error(diff)
		}
		text := "Deployment.apps web/api: is not healthy after 4m (health_timeout in the application's sync block): " + progress(1) + "; " + why + ", for 3m57s"
		if !errors.Is(err, errUnhealthy) || err.Error() != text {
			t.Errorf("error %v, want %s", err, text)
		}
	})
}

// TestOneWatchForAll waits for 500 objects of a kind in two namespaces: there are two
// watches, and whoever looks for causes reads each list once for all of a namespace.
func TestOneWatchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newWatchable()
		var results []object.Object
		var changes []*plan.Change
		for i := range 500 {
			o, c := deployment([]string{"one", "two"}[i%2], fmt.Sprintf("d%d", i), 10, 0)
			cluster.objects[o.ID()] = o
			results, changes = append(results, o), append(changes, c)
		}
		w := newWaiter(t, cluster, plan.Settings{})
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() {
				if _, err := w.untilHealthy(t.Context(), changes[i], results[i]); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(30 * time.Second)
		for i := range results {
			o, _ := deployment(changes[i].ID.Namespace, changes[i].ID.Name, 11, 2)
			cluster.put(o, false)
		}
		all.Wait()
		w.applying.watchers.close()
		for _, namespace := range []string{"one", "two"} {
			if n := cluster.asked["WATCH Deployment "+namespace]; n != 1 {
				t.Errorf("%d watches of %s, want one", n, namespace)
			}
		}
		// Looks are at 3s, 8s, 15s and 26s.
		for _, kind := range []string{"Pod", "ReplicaSet", "Event"} {
			if n := cluster.asked["LIST "+kind]; n == 0 || n > 8 {
				t.Errorf("%d lists of %ss, want at most four of each namespace", n, kind)
			}
		}
		if n := cluster.asked["GET Deployment"]; n != 0 {
			t.Errorf("%d Deployments were read one by one", n)
		}
	})
}

// TestTimesAreOfKinds: the first timeout that names a kind counts, then the application's,
// then the default, and each says where it is set.
func TestTimesAreOfKinds(t *testing.T) {
	t.Parallel()
	job, deploy := object.GroupKind{Group: "batch", Kind: "Job"}, object.GroupKind{Group: "apps", Kind: "Deployment"}
	database := object.GroupKind{Group: "databases.example.com", Kind: "Postgres"}
	settings := plan.Settings{
		HealthTimeout: time.Minute,
		Timeouts: []plan.KindTimeout{
			{Kind: "Job", Timeout: time.Hour}, {Kind: "batch/*", Timeout: 2 * time.Hour}, {Kind: "*.example.com/*", Timeout: 90 * time.Second},
		},
	}
	tests := []struct {
		settings plan.Settings
		kind     object.GroupKind
		want     string
	}{
		{settings, job, `after 1h (the timeout of kinds "Job" in the application's sync block)`},
		{settings, object.GroupKind{Group: "batch", Kind: "CronJob"}, `after 2h (the timeout of kinds "batch/*" in the application's sync block)`},
		{settings, database, `after 1m30s (the timeout of kinds "*.example.com/*" in the application's sync block)`},
		{settings, deploy, `after 1m (health_timeout in the application's sync block)`},
		{plan.Settings{}, deploy, `after 10m (the default; health_timeout in the application's sync block sets another)`},
		{plan.Settings{Timeouts: []plan.KindTimeout{{Kind: "[", Timeout: time.Second}}}, deploy, `after 10m (the default; health_timeout in the application's sync block sets another)`},
	}
	for _, test := range tests {
		w := newWaiter(t, newWatchable(), test.settings)
		if got := w.limitOf(test.kind).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.kind, got, test.want)
		}
	}
}

// held is a ConfigMap that is being deleted, and that a finalizer holds.
func held(version string) (object.Object, *plan.Change) {
	o := object.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": "held", "namespace": "web", "uid": "u1", "resourceVersion": version,
			"deletionTimestamp": "2026-03-01T10:00:00Z", "finalizers": []any{"example.com/hold"},
		},
	}
	return o, &plan.Change{ID: o.ID(), Version: "v1", Plural: "configmaps", Namespaced: true, Action: plan.Prune, UID: "u1"}
}

// TestDeletionsAreWatched: an object that is being deleted is read when that begins, and for
// what holds it, but not to see whether it is gone.
func TestDeletionsAreWatched(t *testing.T) {
	t.Parallel()
	another, _ := held("30")
	another["metadata"].(map[string]any)["uid"] = "u2"
	tests := map[string]struct {
		after func(c *watchable, o object.Object) // 50 seconds
		watch error
		want  error
		reads int
	}{
		"gone":                      {after: func(c *watchable, o object.Object) { c.put(o, true) }, reads: 6},
		"another has its name":      {after: func(c *watchable, _ object.Object) { c.put(another, false) }, want: errAnother, reads: 6},
		"it may not be watched":     {after: func(c *watchable, o object.Object) { c.put(o, true) }, watch: providers.ErrForbidden, reads: 40},
		"and another, not watched":  {after: func(c *watchable, _ object.Object) { c.put(another, false) }, watch: providers.ErrForbidden, want: errAnother, reads: 40},
		"a watch that comes to end": {after: func(c *watchable, o object.Object) { c.put(o, true) }, watch: providers.ErrUnreachable, reads: 40},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, c := held("10")
				cluster := newWatchable(o)
				cluster.noWatch = test.watch
				w := newWaiter(t, cluster, plan.Settings{})
				began := time.Now()
				time.AfterFunc(50*time.Second, func() { test.after(cluster, o) })
				err := w.untilGone(t.Context(), c, "u1")
				w.applying.watchers.close()
				if !errors.Is(err, test.want) || err != nil && test.want == nil {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if waited := time.Since(began); waited < 50*time.Second || waited > 53*time.Second {
					t.Errorf("it took %s", waited)
				}
				if n := cluster.asked["GET ConfigMap"]; n > test.reads {
					t.Errorf("it was read %d times, want at most %d", n, test.reads)
				}
			})
		})
	}
}

// TestDeletionsSayWhatHolds: an object that does not go has its finalizers told at once, and
// its time is over some day.
func TestDeletionsSayWhatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := held("10")
		w := newWaiter(t, newWatchable(o), plan.Settings{Timeouts: []plan.KindTimeout{{Kind: "ConfigMap", Timeout: 20 * time.Second}}})
		err := w.untilGone(t.Context(), c, "u1")
		w.applying.watchers.close()
		want := []string{
			"0s waiting held: is being deleted | held by finalizers: example.com/hold",
		}
		if diff := cmp.Diff(want, w.events()); diff != "" {
			t.Error(diff)
		}
		const text = `is still there after 20s (the timeout of kinds "ConfigMap" in the application's sync block): is being deleted; held by finalizers: example.com/hold, for 20s`
		if err == nil || err.Error() != text {
			t.Errorf("error %v, want %s", err, text)
		}
	})
}

// TestLateWatchesAreNotBelieved: a watch that has not seen an object yet does not say that
// it is gone.
func TestLateWatchesAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := held("10")
		cluster := newWatchable()
		w := newWaiter(t, cluster, plan.Settings{})
		early := w.applying.watchers.of(w.session, resource(c), "web", true) // it lists before there is anything
		synctest.Wait()
		cluster.objects[o.ID()] = o
		gone := false
		time.AfterFunc(10*time.Second, func() {
			gone = true
			cluster.put(o, false)
			cluster.put(o, true)
		})
		if err := w.untilGone(t.Context(), c, "u1"); err != nil || !gone {
			t.Errorf("gone: %v, error %v", gone, err)
		}
		early.release()
		w.applying.watchers.close()
	})
}
