package story_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

var update = flag.Bool("update", false, "write the goldens")

var (
	began      = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	deployment = object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"}
	settings   = object.ID{Kind: "ConfigMap", Namespace: "web", Name: "settings"}
)

// planned is a plan of some applications, each with the two objects.
func planned(names ...string) *plan.Plan {
	out := &plan.Plan{ID: "0b7e"}
	for _, name := range names {
		out.Applications = append(out.Applications, plan.Application{
			Address: addr.Application(name), Cluster: "main",
			Changes: []plan.Change{{ID: settings, Action: plan.Create}, {ID: deployment, Action: plan.Update}},
		})
	}
	return out
}

// teller tells events at given seconds.
type teller struct{ *story.Story }

func (t teller) at(second int, kind engine.EventKind, app string, object *object.ID, change ...func(*engine.Event)) {
	e := engine.Event{Kind: kind, At: began.Add(time.Duration(second) * time.Second), Application: addr.Application(app), Object: object}
	for _, c := range change {
		c(&e)
	}
	t.Add(e)
}

func says(message, cause string) func(*engine.Event) {
	return func(e *engine.Event) { e.Message, e.Cause = message, cause }
}

func in(phase plan.Phase, wave int) func(*engine.Event) {
	return func(e *engine.Event) { e.Phase, e.Wave = phase, wave }
}

// partly is the story of an apply of which one application succeeds, one fails, one is
// left out, and one is not come to; with what the engine says at its end.
func partly() (teller, story.About) {
	p := planned("a", "b", "c", "d")
	t := teller{story.New(p, began)}
	for i, app := range []string{"a", "b"} {
		t.at(i, engine.EventStarted, app, nil)
		t.at(i, engine.EventPhase, app, nil, in(plan.PhaseSync, 0))
		t.at(i, engine.EventWriting, app, &settings, in(plan.PhaseSync, 0))
		t.at(i+1, engine.EventWritten, app, &settings, in(plan.PhaseSync, 0))
		t.at(i+1, engine.EventPhase, app, nil, in(plan.PhaseSync, 1))
		t.at(i+1, engine.EventWriting, app, &deployment, in(plan.PhaseSync, 1))
	}
	t.at(3, engine.EventWritten, "a", &deployment)
	t.at(4, engine.EventHealthy, "a", &deployment)
	t.at(4, engine.EventWarning, "a", &deployment, says("spec.x is deprecated", ""))
	t.at(5, engine.EventFinished, "a", nil)
	t.at(6, engine.EventFailed, "b", &settings, says("of the first try", ""))
	t.at(6, engine.EventRetrying, "b", nil, says("no", ""), func(e *engine.Event) { e.Attempt, e.Total = 1, 2 })
	t.at(7, engine.EventWaiting, "b", &deployment, says("0 of 1 ready", `Pod web/web-1: cannot pull @everyone|image`))
	t.at(60, engine.EventFailed, "b", &deployment, says("Deployment.apps web/web: is not healthy: 0 of 1 ready", ""))
	t.at(61, engine.EventFailed, "b", nil, says("it failed", ""))
	t.at(61, engine.EventSkipped, "c", nil, says("it follows application.b, which did not succeed", ""))
	result := &engine.Result{
		Applications: []engine.Outcome{
			{Address: addr.Application("a"), Outcome: engine.OutcomeSucceeded, Done: plan.Counts{plan.Create: 1, plan.Update: 1}, Elapsed: engine.Seconds(5 * time.Second)},
			{Address: addr.Application("b"), Outcome: engine.OutcomeFailed, Message: "it failed", Done: plan.Counts{plan.Create: 1}, Elapsed: engine.Seconds(time.Minute)},
			{Address: addr.Application("c"), Outcome: engine.OutcomeSkipped, Message: "it follows application.b, which did not succeed"},
		},
		Slowest: &engine.Chain{Links: []engine.ChainLink{
			{Address: addr.Application("a"), Elapsed: engine.Seconds(5 * time.Second)}, {Address: addr.Application("b"), Elapsed: engine.Seconds(time.Minute)},
		}},
	}
	return t, story.About{
		ToolVersion: "1.0.0", Command: "gantry apply", By: "alice@laptop", Plan: p, Result: result,
		Problems: []story.Problem{{Severity: "warning", Summary: "State is still held", Detail: "it ends by itself"}},
		Finished: began.Add(62 * time.Second), Next: "gantry apply",
	}
}

func TestReports(t *testing.T) {
	told, about := partly()
	report := told.Report(about)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"partly.md":   func(b *bytes.Buffer) error { return story.Markdown(b, report, 0) },
		"partly.json": func(b *bytes.Buffer) error { return story.JSON(b, report) },
		"partly.xml":  func(b *bytes.Buffer) error { return story.JUnit(b, report) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(got.Bytes()) {
			t.Errorf("%s is no JSON", name)
		}
		if strings.HasSuffix(name, ".xml") {
			var document struct{}
			if err := xml.Unmarshal(got.Bytes(), &document); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestHooksOfFailure: hooks for when an application fails count once they are run.
func TestHooksOfFailure(t *testing.T) {
	p := planned("a")
	alert := object.ID{Group: "batch", Kind: "Job", Namespace: "web", Name: "alert"}
	p.Applications[0].Changes = append(p.Applications[0].Changes, plan.Change{ID: alert, Action: plan.Run, Phase: plan.PhaseSyncFail, Hook: &plan.Hook{}})
	told := teller{story.New(p, began)}
	told.at(0, engine.EventStarted, "a", nil)
	a := told.Applications()[0]
	if a.Total != 2 {
		t.Errorf("%d changes are expected where nothing fails, want 2", a.Total)
	}
	told.at(1, engine.EventWritten, "a", &alert, in(plan.PhaseSyncFail, 0))
	if a.Total != 3 || a.Changed() != 1 {
		t.Errorf("%d of %d changes, want 1 of 3", a.Changed(), a.Total)
	}
}

// TestOutcomes: what an apply came to, by its applications, its errors and who stopped it.
func TestOutcomes(t *testing.T) {
	p := planned("a", "b")
	outcome := func(a, b string, done int) *engine.Result {
		return &engine.Result{Applications: []engine.Outcome{
			{Address: addr.Application("a"), Outcome: a, Done: plan.Counts{plan.Create: done}}, {Address: addr.Application("b"), Outcome: b},
		}}
	}
	wrong := []story.Problem{{Severity: "error", Summary: "State cannot be written"}}
	for i, c := range []struct {
		about story.About
		want  story.Outcome
		next  bool
	}{
		{story.About{Result: outcome("succeeded", "succeeded", 1)}, story.Succeeded, false},
		{story.About{Result: outcome("succeeded", "succeeded", 1), Problems: wrong}, story.Partial, true},
		{story.About{Result: outcome("succeeded", "failed", 1)}, story.Partial, true},
		{story.About{Result: outcome("failed", "skipped", 1)}, story.Partial, true},
		{story.About{Result: outcome("failed", "skipped", 0)}, story.Nothing, true},
		{story.About{Result: outcome("cancelled", "skipped", 1), Interrupted: true}, story.Cancelled, true},
		{story.About{Problems: wrong}, story.Nothing, true},
	} {
		c.about.Plan, c.about.Next, c.about.Finished = p, "gantry apply", began
		r := story.New(p, began).Report(c.about)
		if r.Outcome != c.want || (r.Next != "") != c.next {
			t.Errorf("%d: %s, next %q; expected %s", i, r.Outcome, r.Next, c.want)
		}
		if c.about.Result == nil && r.Applications[0].Outcome != story.NotBegun {
			t.Errorf("%d: an application that nobody came to is %s", i, r.Applications[0].Outcome)
		}
	}
}

// TestBudget: however little room there is, a report is within it as long as its first
// lines are, and says how much it leaves out.
func TestBudget(t *testing.T) {
	var names []string
	for i := range 3000 {
		names = append(names, fmt.Sprintf("app-%04d", i))
	}
	p := planned(names...)
	s := teller{story.New(p, began)}
	result := &engine.Result{}
	for i, name := range names {
		s.at(i, engine.EventStarted, name, nil)
		s.at(i, engine.EventFailed, name, &deployment, says(strings.Repeat("long ", 1000), "cause"))
		s.at(i, engine.EventFailed, name, nil, says("failed", ""))
		result.Applications = append(result.Applications, engine.Outcome{Address: addr.Application(name), Outcome: engine.OutcomeFailed})
	}
	report := s.Report(story.About{Plan: p, Result: result, Finished: began})
	for _, budget := range []int{1000, 5000, 60000, 1 << 20} {
		var got bytes.Buffer
		if err := story.Markdown(&got, report, budget); err != nil {
			t.Fatal(err)
		}
		if got.Len() > budget {
			t.Errorf("%d bytes with a budget of %d", got.Len(), budget)
		}
		if budget >= 5000 && !strings.Contains(got.String(), " applications not shown") {
			t.Errorf("with %d bytes nothing says what is left out:\n%.600s", budget, got.String())
		}
	}
	if err := story.Markdown(full{}, report, 0); !errors.Is(err, errFull) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errFull = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestWaits: what is shown of an application that waits is what has a cause, then what
// has waited longest, and what holds the application before all.
func TestWaits(t *testing.T) {
	s := teller{story.New(planned("a", "b"), began)}
	a := s.Applications()[0]
	if a.FirstWait() != nil {
		t.Error("something is waited for before anything was told")
	}
	s.at(0, engine.EventHeld, "a", nil, says("waits for application.b", ""))
	s.at(5, engine.EventHeld, "a", nil, says("waits for application.b", ""))
	if w := a.FirstWait(); w == nil || !w.Since.Equal(began) {
		t.Errorf("held since %+v", w)
	}
	if first := s.Pending()[0]; first != a {
		t.Errorf("%s is first", first.Address)
	}
	s.at(6, engine.EventStarted, "a", nil)
	s.at(7, engine.EventWaiting, "a", &settings, says("old", ""))
	s.at(8, engine.EventWaiting, "a", &deployment, says("new", ""))
	if w := a.FirstWait(); w == nil || w.Message != "old" {
		t.Errorf("first is %+v", w)
	}
	s.at(9, engine.EventWaiting, "a", &deployment, says("new", "cause"), func(e *engine.Event) { e.Since = began })
	if w := a.FirstWait(); w == nil || w.Cause != "cause" || !w.Since.Equal(began) {
		t.Errorf("first is %+v", w)
	}
	if a.Waiting() != 2 {
		t.Errorf("%d are waited for", a.Waiting())
	}
	s.at(10, engine.EventHealthy, "a", &deployment)
	s.at(10, engine.EventDeleted, "a", &settings)
	if a.Waiting() != 0 || a.Changed() != 1 {
		t.Errorf("%d are waited for, %d changed", a.Waiting(), a.Changed())
	}
	s.at(11, engine.EventFinished, "a", nil)
	if changed, total, states := s.Progress(); changed != 1 || total != 4 || states[story.Done] != 1 || states[story.Pending] != 1 {
		t.Errorf("%d of %d, %v", changed, total, states)
	}
	s.at(12, engine.EventStarted, "unknown", nil) // of no application of the plan
	if len(s.Running()) != 0 || len(s.Ended(story.Done)) != 1 {
		t.Error("an application that is not planned counts")
	}
}
