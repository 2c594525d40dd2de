package remoteplan_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	statehttp "github.com/gantrycd/gantry/state/http"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/s3"
	"github.com/gantrycd/gantry/state/s3/s3test"
)

// opener opens the same place again, as another process does.
type opener func(t *testing.T) state.Store

// places are real places of requests, by name. Kubernetes is that of the command line's tests.
func places() map[string]func(t *testing.T) opener {
	return map[string]func(t *testing.T) opener{
		"files": func(t *testing.T) opener {
			dir := t.TempDir()
			return func(*testing.T) state.Store { return local.New(dir) }
		},
		"PostgreSQL": func(t *testing.T) opener {
			options := postgres.Options{URL: object.Sensitive(pgtest.Start(t).URL()), Schema: "requests"}
			return func(t *testing.T) state.Store {
				store, err := postgres.New(context.WithoutCancel(t.Context()), options)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = store.Close() })
				return store
			}
		},
		"S3": func(t *testing.T) opener {
			server := s3test.Start(t)
			return func(t *testing.T) state.Store {
				store, err := s3.New(t.Context(), server.Options("requests"))
				if err != nil {
					t.Fatal(err)
				}
				return store
			}
		},
		"HTTP": func(t *testing.T) opener {
			server := gitlabtest.Start(t)
			return func(t *testing.T) state.Store {
				store, err := statehttp.New(statehttp.Options{Address: server.Address("requests"), Username: gitlabtest.Username, Password: gitlabtest.Password})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = store.Close() })
				return store
			}
		},
	}
}

// TestRealBackends is of CI and planners that meet in each real backend, each with a
// connection of its own: what is planned once and comes back, who is interrupted, and who dies.
func TestRealBackends(t *testing.T) {
	t.Parallel()
	for name, begin := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := begin(t)
			t.Run("each request is planned once", func(t *testing.T) { eachOnce(t, open) })
			t.Run("who is interrupted withdraws", func(t *testing.T) { interruptedOn(t, open) })
			t.Run("a planner dies in the middle", func(t *testing.T) { diesOn(t, open) })
		})
	}
}

// eachOnce has two planners carry out what several ask for at the same time.
func eachOnce(t *testing.T, open opener) {
	const asked = 4
	file := make([]byte, 1<<20)
	_, _ = rand.Read(file) // which never fails
	var mu sync.Mutex
	plans := map[string]int{}
	for i := range 2 {
		p := planner(open(t), fmt.Sprint("planner-", i), site())
		p.Plan = func(_ context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
			mu.Lock()
			plans[task.ID]++
			mu.Unlock()
			stage("planning")
			return &remoteplan.Outcome{Plan: file, Notes: []string{task.ID}}, nil
		}
		serve(t, p)
	}
	var waiting []<-chan answered
	var ids []string
	for range asked {
		r := request(t, 0, onMain)
		ids, waiting = append(ids, r.ID), append(waiting, ask(t.Context(), open(t), r))
	}
	for i, one := range waiting {
		got := <-one
		must(t, got, remoteplan.Planned, "")
		if diff := cmp.Diff(remoteplan.Outcome{Plan: file, Notes: []string{ids[i]}}, got.answer.Outcome); diff != "" {
			t.Errorf("the answer is not what was planned (%d bytes)", len(diff))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if plans[id] != 1 {
			t.Errorf("%s was planned %d times", id, plans[id])
		}
	}
	if left := keys(t, open(t), "remote/requests"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// interruptedOn interrupts who asks while the planner is at work.
func interruptedOn(t *testing.T, open opener) {
	p := planner(open(t), "interrupted", site())
	began, ended := stuck(p)
	serve(t, p)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r := request(t, 1, commit)
	waiting := ask(ctx, open(t), r)
	<-began
	interrupt()
	if got := <-waiting; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%v", got.err)
	}
	if cause := <-ended; !strings.Contains(cause.Error(), "withdrawn") {
		t.Errorf("the work ended for %v", cause)
	}
	store := open(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		left := append(keys(t, store, "remote/requests"), keys(t, store, "remote/locks")...)
		for _, key := range keys(t, store, "remote/answers") {
			if strings.HasSuffix(key, r.ID) {
				left = append(left, key)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %q", left)
		}
	}
}

// diesOn takes the backend away from a planner that is at work, as the end of its machine does:
// another one goes on once the lease has ended.
func diesOn(t *testing.T, open opener) {
	cut := &severed{Store: open(t)}
	dying := planner(cut, "dying", site())
	dying.Lease.Duration = 4 * time.Second
	began, ended := stuck(dying)
	stop := serve(t, dying)
	waiting := ask(t.Context(), open(t), request(t, 1, commit))
	<-began
	cut.gone.Store(true)
	serve(t, planner(open(t), "heir", site()))
	got := <-waiting
	must(t, got, remoteplan.Planned, "")
	if got.answer.Planner != "heir" || got.answer.Tries != 2 {
		t.Errorf("planned by %s, with %d tries", got.answer.Planner, got.answer.Tries)
	}
	if err := <-ended; err == nil { // who lost the lease stops by itself
		t.Error("who lost the lease does not say so")
	}
	stop()
}
