package cause_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// lister serves objects, and counts what it is asked for.
type lister struct {
	objects []object.Object

	mu    sync.Mutex
	asked map[string]int
	fail  map[string]error // by kind
	hold  chan struct{}    // where set, lists wait for it or for their context
}

func (l *lister) List(ctx context.Context, r providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	l.mu.Lock()
	l.asked[strings.TrimSpace(r.GVK.Kind+" "+options.FieldSelector)]++
	err, hold := l.fail[r.GVK.Kind], l.hold
	l.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if options.AtMost == 0 {
		return nil, fmt.Errorf("%s are listed without a bound", r.GVK.Kind)
	}
	var out []object.Object
	for _, o := range l.objects {
		kind, _ := o.Get("involvedObject", "uid")
		about, _ := kind.(string)
		switch {
		case o.Kind() != r.GVK.Kind, o.Namespace() != namespace && o.Kind() != "Event",
			options.FieldSelector == "type=Warning" && o["type"] != "Warning",
			strings.HasPrefix(options.FieldSelector, "involvedObject.kind=") && !strings.HasPrefix(about, "PersistentVolumeClaim/"):
			continue
		}
		out = append(out, o)
	}
	return out, nil
}

func listing(t *testing.T, file string) (object.Object, *lister) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	objects := documents(t, text)
	return objects[0], &lister{objects: objects, asked: map[string]int{}, fail: map[string]error{}}
}

// TestOneListForAll has 200 look at the same time, and again soon after: each kind is
// listed once until it is no longer fresh.
func TestOneListForAll(t *testing.T) {
	o, l := listing(t, "webhook.yaml")
	now := at
	f := cause.NewFinder(l, func() time.Time { return now })
	for range 2 {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if found, ok := f.Find(t.Context(), o, began); !ok || found.Reason != "FailedCreate" {
					t.Errorf("found %+v", found)
				}
			})
		}
		all.Wait()
		now = now.Add(2 * time.Second)
	}
	want := map[string]int{"Pod": 1, "ReplicaSet": 1, "Event type=Warning": 1}
	if fmt.Sprint(l.asked) != fmt.Sprint(want) {
		t.Errorf("asked for %v, want %v", l.asked, want)
	}
	now = now.Add(5 * time.Second)
	f.Find(t.Context(), o, began)
	if l.asked["Pod"] != 2 {
		t.Errorf("Pods were listed %d times, want once more when they are old", l.asked["Pod"])
	}
}

// TestForbiddenListsAreLeftOut: what nobody may read is not asked for again and again, and
// the rest tells what it can.
func TestForbiddenListsAreLeftOut(t *testing.T) {
	o, l := listing(t, "image-missing.yaml")
	l.fail["Event"] = fmt.Errorf("%w: events", providers.ErrForbidden)
	now := at
	f := cause.NewFinder(l, func() time.Time { return now })
	for range 5 {
		if found, ok := f.Find(t.Context(), o, began); !ok || found.Reason != "ErrImagePull" {
			t.Errorf("found %+v", found)
		}
		now = now.Add(10 * time.Second)
	}
	if l.asked["Event type=Warning"] != 1 || l.asked["Pod"] != 5 {
		t.Errorf("asked for %v, want Events once and Pods each time", l.asked)
	}
	l.fail["Pod"], l.fail["ReplicaSet"] = providers.ErrTooMany, providers.ErrUnreachable
	now = now.Add(10 * time.Second)
	if found, ok := f.Find(t.Context(), o, began); ok {
		t.Errorf("found %+v in nothing", found)
	}
}

// TestClaimsAreReadWherePodsWaitForThem: claims and their Events are two more lists, for
// those who need them.
func TestClaimsAreReadWherePodsWaitForThem(t *testing.T) {
	o, l := listing(t, "claim-pending.yaml")
	found, ok := cause.NewFinder(l, func() time.Time { return at }).Find(t.Context(), o, began)
	if !ok || found.Reason != "FailedBinding" || found.Object.Name != "data-db-0" {
		t.Errorf("found %+v", found)
	}
	if l.asked["PersistentVolumeClaim"] != 1 || l.asked["Event involvedObject.kind=PersistentVolumeClaim"] != 1 {
		t.Errorf("asked for %v", l.asked)
	}
}

// TestWhoGivesUpTakesNobodyAlong: the one whose turn it is to read is cancelled, and those
// who wait for it read themselves.
func TestWhoGivesUpTakesNobodyAlong(t *testing.T) {
	o, l := listing(t, "image-missing.yaml")
	l.hold = make(chan struct{})
	f := cause.NewFinder(l, func() time.Time { return at })
	first, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if found, ok := f.Find(first, o, began); ok {
			t.Errorf("found %+v in what was not read", found)
		}
	})
	for l.count() < 3 {
		time.Sleep(time.Millisecond)
	}
	all.Go(func() {
		if _, ok := f.Find(t.Context(), o, began); !ok {
			t.Error("the second found nothing")
		}
	})
	cancel()
	for l.count() < 6 {
		time.Sleep(time.Millisecond)
	}
	close(l.hold)
	all.Wait()
}

func (l *lister) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, asked := range l.asked {
		n += asked
	}
	return n
}
