package remoteplan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/memory"
)

const (
	commit     = "1111111111111111111111111111111111111111"
	another    = "2222222222222222222222222222222222222222"
	onMain     = "3333333333333333333333333333333333333333"
	repository = "https://git.example.com/example/deploy.git"
)

// site is a forge with pull request #1 at commit, #2 of a fork, #3 closed.
func site() *forgetest.Forge {
	forge := forgetest.New()
	forge.Commit("main", onMain)
	for _, pull := range []providers.PullRequest{
		{Title: "one", Head: commit, Branch: "one", Base: "main"},
		{Title: "fork", Head: another, Branch: "two", Base: "main", Fork: true, HeadRepository: "mallory/deploy"},
		{Title: "closed", Head: another, Branch: "three", Base: "main"},
	} {
		forge.SetPull(pull)
	}
	forge.Close(3)
	return forge
}

// planned is what the planners here come to.
func planned() *remoteplan.Outcome {
	return &remoteplan.Outcome{Plan: []byte("a plan"), Diagnostics: []json.RawMessage{json.RawMessage(`{"severity":"warning"}`)}, Notes: []string{"Recorded."}}
}

// planner is one that plans at once.
func planner(store state.Store, name string, forge providers.Forge) *remoteplan.Planner {
	return &remoteplan.Planner{
		Store: store, Name: name, Holder: state.Holder{Who: name}, Repositories: []string{"git@git.example.com:example/deploy.git"},
		Verify: func(ctx context.Context, r remoteplan.Request) (*remoteplan.Task, error) {
			return remoteplan.Verify(ctx, forge, "main", r)
		},
		Plan: func(context.Context, *remoteplan.Task, func(string)) (*remoteplan.Outcome, error) {
			return planned(), nil
		},
	}
}

// serve runs a planner until the test ends, or the function that it returns is called.
func serve(t *testing.T, p *remoteplan.Planner) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := p.Serve(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func request(t *testing.T, pull int64, of string) remoteplan.Request {
	t.Helper()
	id, err := remoteplan.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return remoteplan.Request{ID: id, Repository: repository, Commit: of, Pull: pull, By: "ci"}
}

// answered is what becomes of a request.
type answered struct {
	answer *remoteplan.Answer
	err    error
	told   []string
}

// ask asks in a goroutine.
func ask(ctx context.Context, store state.Store, r remoteplan.Request) <-chan answered {
	out := make(chan answered, 1)
	go func() {
		var told []string
		answer, err := remoteplan.Ask(ctx, remoteplan.Asking{Store: store, Wait: 10 * time.Minute, Tell: func(text string) { told = append(told, text) }}, r)
		out <- answered{answer, err, told}
	}()
	return out
}

func must(t *testing.T, got answered, want remoteplan.State, why string) {
	t.Helper()
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.answer.State != want || !strings.Contains(got.answer.Why, why) {
		t.Fatalf("%s: %s, not %s: %s", got.answer.State, got.answer.Why, want, why)
	}
}

// keys are all of a store.
func keys(t *testing.T, store state.Store, prefix string) []string {
	t.Helper()
	out, err := store.List(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARequestIsPlannedAndComesBack(t *testing.T) {
	for name, store := range map[string]state.Store{"memory": memory.New(), "local": local.New(filepath.Join(t.TempDir(), "state"))} {
		t.Run(name, func(t *testing.T) {
			p := planner(store, "planner", site())
			p.Plan = func(_ context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
				if task.Of == nil || task.Of.Number != 1 || task.Commit != commit {
					t.Errorf("task %+v", task)
				}
				stage("planning")
				return planned(), nil
			}
			stop := serve(t, p)
			r := request(t, 1, commit)
			got := <-ask(t.Context(), store, r)
			must(t, got, remoteplan.Planned, "")
			if diff := cmp.Diff(*planned(), got.answer.Outcome); diff != "" {
				t.Error(diff)
			}
			if found := keys(t, store, "remote/requests"); len(found) != 0 {
				t.Errorf("left: %q", found)
			}
			stop()
			for _, key := range keys(t, store, "") {
				if !strings.HasPrefix(key, remoteplan.Prefix+"/") {
					t.Errorf("%s is written outside of %s/", key, remoteplan.Prefix)
				}
			}
		})
	}
}

func TestWhatIsNotPlanned(t *testing.T) {
	for name, c := range map[string]struct {
		pull   int64
		commit string
		want   remoteplan.State
		why    string
	}{
		"a commit that is not the head":            {1, another, remoteplan.Superseded, "#1 is at 11111111 now, and 22222222 was asked for"},
		"a fork":                                   {2, another, remoteplan.Refused, "comes from a fork"},
		"what is closed":                           {3, another, remoteplan.Refused, "is not open"},
		"a pull request that is not there":         {9, commit, remoteplan.Refused, "no pull request #9"},
		"a commit of nothing":                      {0, "4444444444444444444444444444444444444444", remoteplan.Refused, "nothing else is planned"},
		"a fork's head without its number":         {0, another, remoteplan.Refused, "comes from a fork"},
		"the head of one, without its number":      {0, commit, remoteplan.Planned, ""},
		"a commit that the protected branch has":   {0, onMain, remoteplan.Planned, ""},
		"the protected branch's as a pull request": {1, onMain, remoteplan.Superseded, "is at 11111111 now"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				p := planner(store, "planner", site())
				var plans atomic.Int32
				plan := p.Plan
				p.Plan = func(ctx context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
					plans.Add(1)
					return plan(ctx, task, stage)
				}
				serve(t, p)
				must(t, <-ask(t.Context(), store, request(t, c.pull, c.commit)), c.want, c.why)
				if got, want := plans.Load() > 0, c.want == remoteplan.Planned; got != want {
					t.Errorf("planned: %t", got)
				}
			})
		})
	}
}

func TestTheForgeCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := planner(store, "planner", site())
		p.Verify = func(context.Context, remoteplan.Request) (*remoteplan.Task, error) {
			return nil, errors.New("the forge is down")
		}
		serve(t, p)
		must(t, <-ask(t.Context(), store, request(t, 1, commit)), remoteplan.Failed, "the forge is down")
	})
}

func TestNoPlannerIsToldSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		began := time.Now()
		got := <-ask(t.Context(), store, request(t, 1, commit))
		var none *remoteplan.NoPlannerError
		if !errors.As(got.err, &none) || !strings.Contains(got.err.Error(), "gantry bootstrap planner") {
			t.Fatalf("%v", got.err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("after %s", took)
		}
		if left := keys(t, store, "remote"); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	})
}

// TestThePlannerThatWasThereLast is named where none is any more, with when it was seen.
func TestThePlannerThatWasThereLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		began := time.Now().UTC().Format(time.RFC3339)
		stop := serve(t, planner(store, "planner-1", site()))
		synctest.Wait() // it has said that it is there
		stop()
		time.Sleep(10 * time.Minute)
		got := <-ask(t.Context(), store, request(t, 1, commit))
		var none *remoteplan.NoPlannerError
		if !errors.As(got.err, &none) || none.Last != "planner-1" || !strings.Contains(got.err.Error(), "the last one was planner-1, at "+began) {
			t.Errorf("%v", got.err)
		}
	})
}

func TestPlannersOfSomethingElseLeaveItAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		elsewhere := planner(store, "other", site())
		elsewhere.Repositories = []string{"https://git.example.com/example/other"}
		serve(t, elsewhere)
		below := planner(store, "below", site())
		below.Path = "clusters/production"
		serve(t, below)
		got := <-ask(t.Context(), store, request(t, 1, commit))
		var none *remoteplan.NoPlannerError
		if !errors.As(got.err, &none) || len(none.Others) != 2 || !strings.Contains(got.err.Error(), "clusters/production") {
			t.Fatalf("%v", got.err)
		}
		r := request(t, 1, commit)
		r.Path = "clusters/production"
		must(t, <-ask(t.Context(), store, r), remoteplan.Planned, "")
	})
}

// stuck is a planner that works until its context ends, and says that it began.
func stuck(p *remoteplan.Planner) (began chan string, ended chan error) {
	began, ended = make(chan string, 10), make(chan error, 10)
	p.Plan = func(ctx context.Context, task *remoteplan.Task, _ func(string)) (*remoteplan.Outcome, error) {
		began <- task.Commit
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	}
	return began, ended
}

func TestWhoIsInterruptedWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := planner(store, "planner", site())
		began, ended := stuck(p)
		serve(t, p)
		ctx, interrupt := context.WithCancel(t.Context())
		waiting := ask(ctx, store, request(t, 1, commit))
		<-began
		interrupt()
		if got := <-waiting; !errors.Is(got.err, context.Canceled) {
			t.Errorf("%v", got.err)
		}
		if cause := <-ended; !strings.Contains(cause.Error(), "withdrawn") {
			t.Errorf("the work ended for %v", cause)
		}
		synctest.Wait()
		if left := append(keys(t, store, "remote/requests"), append(keys(t, store, "remote/answers"), keys(t, store, "remote/locks")...)...); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	})
}

func TestNotInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := planner(store, "planner", site())
		_, ended := stuck(p)
		serve(t, p)
		got := <-ask(t.Context(), store, request(t, 1, commit))
		var late *remoteplan.TimeoutError
		if !errors.As(got.err, &late) || !strings.Contains(got.err.Error(), "taken up by planner") {
			t.Errorf("%v", got.err)
		}
		if why := <-ended; why == nil { // it is withdrawn then
			t.Error("the planner has not been told to stop")
		}
	})
}

func TestANewerRequestTakesThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, forge := memory.New(), site()
		p := planner(store, "planner", forge)
		began, _ := stuck(p)
		hang := p.Plan
		p.Plan = func(ctx context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
			if task.Commit == commit {
				return hang(ctx, task, stage)
			}
			return planned(), nil
		}
		serve(t, p)
		first := ask(t.Context(), store, request(t, 1, commit))
		<-began
		// One that the forge knows nothing of ends nothing.
		time.Sleep(time.Second)
		bogus := ask(t.Context(), store, request(t, 1, another))
		time.Sleep(20 * time.Second)
		select {
		case got := <-first:
			t.Fatalf("ended: %+v %v", got.answer, got.err)
		default:
		}
		forge.Push(1, another)
		second := ask(t.Context(), store, request(t, 1, another))
		must(t, <-first, remoteplan.Superseded, "a newer request for #1 has taken its place, of 22222222")
		must(t, <-bogus, remoteplan.Superseded, "a newer request")
		must(t, <-second, remoteplan.Planned, "")
	})
}

// TestAPlannerThatDies is of one that is gone without a word: another goes on once its lease
// has ended, and never before.
func TestAPlannerThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		cut := &severed{Store: store}
		dying := planner(cut, "first", site())
		began, _ := stuck(dying)
		stop := serve(t, dying)
		waiting := ask(t.Context(), store, request(t, 1, commit))
		<-began
		other := planner(store, "second", site())
		var at atomic.Int64
		plan := other.Plan
		other.Plan = func(ctx context.Context, task *remoteplan.Task, stage func(string)) (*remoteplan.Outcome, error) {
			at.Store(time.Now().UnixNano())
			time.Sleep(5 * time.Second)
			return plan(ctx, task, stage)
		}
		serve(t, other)
		time.Sleep(time.Minute)
		if at.Load() != 0 {
			t.Fatal("two were at work on it at once")
		}
		died := time.Now()
		cut.gone.Store(true)
		got := <-waiting
		must(t, got, remoteplan.Planned, "")
		if got.answer.Tries != 2 || got.answer.Planner != "second" {
			t.Errorf("%+v", got.answer)
		}
		if since := time.Unix(0, at.Load()).Sub(died); since < 10*time.Second || since > 2*time.Minute {
			t.Errorf("taken up after %s", since)
		}
		if told := strings.Join(got.told, "\n"); !strings.Contains(told, "for the second time") {
			t.Errorf("told: %s", told)
		}
		stop()
	})
}

// severed is a store that a planner no longer reaches.
type severed struct {
	state.Store
	gone atomic.Bool
}

var errSevered = errors.New("connection refused")

func (s *severed) Get(ctx context.Context, key string) ([]byte, string, error) {
	if s.gone.Load() {
		return nil, "", errSevered
	}
	return s.Store.Get(ctx, key)
}

func (s *severed) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if s.gone.Load() {
		return "", errSevered
	}
	return s.Store.Put(ctx, key, value, version)
}

func (s *severed) List(ctx context.Context, prefix string) ([]string, error) {
	if s.gone.Load() {
		return nil, errSevered
	}
	return s.Store.List(ctx, prefix)
}

func (s *severed) Delete(ctx context.Context, key, version string) error {
	if s.gone.Load() {
		return errSevered
	}
	return s.Store.Delete(ctx, key, version)
}

func TestNoRequestIsBegunForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		waiting := ask(ctx, store, request(t, 1, commit))
		for i := range 3 {
			cut := &severed{Store: store}
			dying := planner(cut, fmt.Sprint("planner-", i), site())
			began, _ := stuck(dying)
			stop := serve(t, dying)
			<-began
			cut.gone.Store(true)
			stop()
		}
		serve(t, planner(store, "last", site()))
		must(t, <-waiting, remoteplan.Failed, "begun 3 times")
	})
}

// TestAPlannerThatIsToldToEnd hands its request on, which is no failure.
func TestAPlannerThatIsToldToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		waiting := ask(t.Context(), store, request(t, 1, commit))
		for i := range 5 {
			p := planner(store, fmt.Sprint("planner-", i), site())
			began, _ := stuck(p)
			stop := serve(t, p)
			<-began
			stop()
		}
		serve(t, planner(store, "last", site()))
		got := <-waiting
		must(t, got, remoteplan.Planned, "")
		if got.answer.Tries != 1 {
			t.Errorf("%d tries", got.answer.Tries)
		}
	})
}

func TestTwoPlannersNeverDoTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, forge := memory.New(), site()
		var plans sync.Map
		for i := range 3 {
			p := planner(store, fmt.Sprint("planner-", i), forge)
			p.Plan = func(_ context.Context, task *remoteplan.Task, _ func(string)) (*remoteplan.Outcome, error) {
				n, _ := plans.LoadOrStore(task.ID, new(atomic.Int32))
				n.(*atomic.Int32).Add(1)
				time.Sleep(7 * time.Second)
				return planned(), nil
			}
			serve(t, p)
		}
		var waiting []<-chan answered
		for range 8 {
			waiting = append(waiting, ask(t.Context(), store, request(t, 0, onMain)))
		}
		for _, one := range waiting {
			must(t, <-one, remoteplan.Planned, "")
		}
		total := 0
		plans.Range(func(id, n any) bool {
			total++
			if got := n.(*atomic.Int32).Load(); got != 1 {
				t.Errorf("%s was planned %d times", id, got)
			}
			return true
		})
		if total != 8 {
			t.Errorf("%d were planned", total)
		}
	})
}

func TestGarbage(t *testing.T) {
	valid := func(change func(map[string]any)) []byte {
		m := map[string]any{"formatVersion": 1, "id": "00000000-0000-4000-8000-000000000001", "repository": repository, "commit": commit, "pull": 1, "by": "ci", "at": "2000-01-01T00:00:00Z"}
		change(m)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct {
		value []byte
		why   string
	}{
		"nothing":              {nil, "not what gantry writes"},
		"no JSON":              {[]byte("\x1b]0;x\a{"), "not what gantry writes"},
		"oversized":            {[]byte(`{"by":"` + strings.Repeat("x", 1<<20) + `"}`), "16384 are the most"},
		"a member of its own":  {valid(func(m map[string]any) { m["args"] = []string{"--destroy"} }), `unknown field "args"`},
		"two":                  {append(valid(func(map[string]any) {}), '{', '}'), "something behind it"},
		"another's ID":         {valid(func(m map[string]any) { m["id"] = "00000000-0000-4000-8000-000000000002" }), "not that of its key"},
		"a branch as commit":   {valid(func(m map[string]any) { m["commit"] = "main" }), "not one in full"},
		"an option as commit":  {valid(func(m map[string]any) { m["commit"] = "--upload-pack=touch /tmp/x;aaaaaaaaaaaa" }), "not one in full"},
		"a negative number":    {valid(func(m map[string]any) { m["pull"] = -1 }), "number -1"},
		"a newer format":       {valid(func(m map[string]any) { m["formatVersion"] = 2 }), "have both sides use the same gantry"},
		"of a time not yet":    {valid(func(m map[string]any) { m["at"] = "2000-01-01T00:30:00Z" }), "is not yet"},
		"of long ago":          {valid(func(m map[string]any) { m["at"] = "1999-12-31T22:59:00Z" }), "ask again"},
		"a text that is long":  {valid(func(m map[string]any) { m["by"] = strings.Repeat("x", 600) }), "too long"},
		"a number as a string": {valid(func(m map[string]any) { m["pull"] = "1; rm" }), "not what gantry writes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				const id = "00000000-0000-4000-8000-000000000001"
				if _, err := store.Put(t.Context(), "remote/requests/"+id, c.value, ""); err != nil {
					t.Fatal(err)
				}
				for _, key := range []string{"remote/requests/x", "remote/requests/" + id + "/below", "remote/answers/y", "remote/planners/z"} {
					if _, err := store.Put(t.Context(), key, []byte("{"), ""); err != nil {
						t.Fatal(err)
					}
				}
				p := planner(store, "planner", site())
				p.Plan = func(context.Context, *remoteplan.Task, func(string)) (*remoteplan.Outcome, error) {
					t.Error("it is planned")
					return planned(), nil
				}
				if _, err := p.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
				text, _, err := store.Get(t.Context(), "remote/answers/"+id)
				if err != nil {
					t.Fatal(err)
				}
				var answer remoteplan.Answer
				if err := json.Unmarshal(text, &answer); err != nil {
					t.Fatal(err)
				}
				if answer.State != remoteplan.Refused || !strings.Contains(answer.Why, c.why) {
					t.Errorf("%s: %s", answer.State, answer.Why)
				}
				for _, key := range keys(t, store, "remote") {
					if key != "remote/answers/"+id && key != "remote/planners/planner" && key != "remote/requests/"+id {
						t.Errorf("left: %s", key)
					}
				}
			})
		})
	}
}

// TestAnAnswerThatIsNone is of who writes answers without being a planner: it is told.
func TestAnAnswerThatIsNone(t *testing.T) {
	for name, value := range map[string]string{
		"no JSON": "x", "of another": `{"formatVersion":1,"id":"y","state":"planned"}`, "unknown": `{"formatVersion":1,"id":"%s","state":"fine"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, r := memory.New(), request(t, 1, commit)
				if _, err := store.Put(t.Context(), "remote/answers/"+r.ID, []byte(strings.ReplaceAll(value, "%s", r.ID)), ""); err != nil {
					t.Fatal(err)
				}
				if got := <-ask(t.Context(), store, r); got.err == nil || !strings.Contains(got.err.Error(), "not what a planner") {
					t.Errorf("%+v %v", got.answer, got.err)
				}
			})
		})
	}
}

func TestADeadBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &severed{Store: memory.New()}
		serve(t, planner(cut, "planner", site()))
		cut.gone.Store(true)
		if got := <-ask(t.Context(), cut, request(t, 1, commit)); !errors.Is(got.err, errSevered) {
			t.Errorf("%v", got.err)
		}
		// It comes back: the planner has not ended.
		cut.gone.Store(false)
		must(t, <-ask(t.Context(), cut, request(t, 1, commit)), remoteplan.Planned, "")

		// It goes while someone waits: for a while that is borne, then told.
		p := planner(cut, "slow", site())
		began, _ := stuck(p)
		p.Path = "slow"
		serve(t, p)
		r := request(t, 1, commit)
		r.Path = "slow"
		waiting := ask(t.Context(), cut, r)
		<-began
		cut.gone.Store(true)
		if got := <-waiting; !errors.Is(got.err, errSevered) || !strings.Contains(got.err.Error(), "cannot be followed") {
			t.Errorf("%v", got.err)
		}
	})
}

func TestOldThingsArePruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		stop := serve(t, planner(store, "gone", site()))
		must(t, <-ask(t.Context(), store, request(t, 1, commit)), remoteplan.Planned, "")
		stop()
		p := planner(store, "planner", site())
		serve(t, p)
		abandoned := request(t, 1, commit)
		abandoned.Path, abandoned.FormatVersion, abandoned.At = "nobody", 1, time.Now()
		text, err := json.Marshal(abandoned)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), "remote/requests/"+abandoned.ID, text, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if diff := cmp.Diff([]string{"remote/planners/planner"}, keys(t, store, "remote")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPlanThatIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := planner(store, "planner", site())
		p.Plan = func(context.Context, *remoteplan.Task, func(string)) (*remoteplan.Outcome, error) {
			return &remoteplan.Outcome{Plan: make([]byte, 65<<20)}, nil
		}
		serve(t, p)
		must(t, <-ask(t.Context(), store, request(t, 1, commit)), remoteplan.Failed, "65 MiB")
	})
}

func TestClean(t *testing.T) {
	if got, want := remoteplan.Clean("a\x1b]0;x\ab\u202ec\xff", 100), "a]0;xbc\uFFFD"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := remoteplan.Clean(strings.Repeat("ä", 10), 5), "ää…"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
