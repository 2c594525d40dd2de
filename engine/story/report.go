package story

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// ReportFormat is the version of a Report's JSON: within it members are only added.
const ReportFormat = 1

// mostSlow is how many of the slowest objects a report names.
const mostSlow = 10

// Report is what came of an apply.
type Report struct {
	Format      int            `json:"format"` // ReportFormat
	ToolVersion string         `json:"toolVersion"`
	Command     string         `json:"command"` // "gantry apply"
	By          string         `json:"by"`      // who applied
	PlanID      string         `json:"planId"`
	StartedAt   time.Time      `json:"startedAt"`
	FinishedAt  time.Time      `json:"finishedAt"`
	Elapsed     engine.Seconds `json:"elapsedSeconds"`
	Outcome     Outcome        `json:"outcome"`
	// Outcomes count applications by how they ended, Done what was done to objects.
	Outcomes     map[string]int      `json:"outcomes"`
	Done         plan.Counts         `json:"done"`
	Applications []ApplicationReport `json:"applications"` // sorted by address
	// Chain is the chain of applications that ended last; nil where there is none.
	Chain *engine.Chain `json:"slowestChain,omitempty"`
	// Slowest are the objects that took longest, from when they were begun until they
	// were healthy, the slowest first.
	Slowest []ObjectTime `json:"slowestObjects"`
	// Problems are the errors and warnings of the apply as a whole.
	Problems []Problem `json:"problems"`
	// Next is the command that goes on with what is left; empty where nothing is.
	Next string `json:"next,omitempty"`
}

// Outcome is how an apply ended.
type Outcome string

// How an apply ends.
const (
	Succeeded Outcome = "succeeded" // every application
	Partial   Outcome = "partial"   // some applications, or some changes of them
	Nothing   Outcome = "failed"    // nothing was changed
	Cancelled Outcome = "cancelled" // someone interrupted it
)

// ApplicationReport is what came of one application.
type ApplicationReport struct {
	Address   addr.Address   `json:"address"`
	Cluster   string         `json:"cluster"`
	Outcome   string         `json:"outcome"` // as engine.Outcome has it; "notBegun" where the apply did not come to it
	Message   string         `json:"message,omitempty"`
	Done      plan.Counts    `json:"done"`
	Planned   int            `json:"planned"` // changes
	StartedAt time.Time      `json:"startedAt,omitzero"`
	Elapsed   engine.Seconds `json:"elapsedSeconds"`
	Attempts  int            `json:"attempts,omitempty"` // tries that failed and were followed by another
	Stages    []Span         `json:"stages,omitempty"`
	Failures  []Note         `json:"failures,omitempty"`
	Warnings  []Note         `json:"warnings,omitempty"`
	// Left are changes that were planned and not made, in the plan's order; those of
	// objects whose name the server gives have none.
	Left []Left `json:"left,omitempty"`
}

// NotBegun is the outcome of an application that the apply did not come to.
const NotBegun = "notBegun"

// Left is a change that was planned and not made.
type Left struct {
	Object object.ID   `json:"object"`
	Action plan.Action `json:"action"`
}

// ObjectTime is how long an object took.
type ObjectTime struct {
	Address addr.Address   `json:"address"`
	Object  object.ID      `json:"object"`
	Elapsed engine.Seconds `json:"elapsedSeconds"`
}

// Problem is an error or a warning of an apply as a whole.
type Problem struct {
	Severity string `json:"severity"` // "error" or "warning"
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
}

// About is what a report says that no event tells.
type About struct {
	ToolVersion, Command, By string
	Plan                     *plan.Plan
	Result                   *engine.Result // nil where the apply was refused
	Problems                 []Problem
	Interrupted              bool
	Finished                 time.Time
	Next                     string // the command to go on with, where something is left
}

// Report is what came of the apply whose events were told.
func (s *Story) Report(about About) *Report {
	out := &Report{
		Format: ReportFormat, ToolVersion: about.ToolVersion, Command: about.Command, By: about.By, PlanID: about.Plan.ID,
		StartedAt: s.Began.UTC(), FinishedAt: about.Finished.UTC(), Elapsed: engine.Seconds(about.Finished.Sub(s.Began)),
		Outcomes: map[string]int{}, Done: plan.Counts{}, Applications: []ApplicationReport{}, Slowest: s.slowest(), Problems: about.Problems,
	}
	if out.Problems == nil {
		out.Problems = []Problem{}
	}
	ended := map[addr.Address]*engine.Outcome{}
	if about.Result != nil {
		out.Chain = about.Result.Slowest
		for i := range about.Result.Applications {
			ended[about.Result.Applications[i].Address] = &about.Result.Applications[i]
		}
	}
	for i := range about.Plan.Applications {
		app := &about.Plan.Applications[i]
		if told := s.apps[app.Address]; told != nil {
			made := told.report(app, ended[app.Address])
			out.Applications = append(out.Applications, made)
			out.Outcomes[made.Outcome]++
			for action, n := range made.Done {
				out.Done[action] += n
			}
		}
	}
	out.Outcome = out.outcome(about.Interrupted)
	if out.Outcome != Succeeded {
		out.Next = about.Next
	}
	return out
}

func (r *Report) outcome(interrupted bool) Outcome {
	wrong := slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Severity == "error" })
	switch {
	case r.Outcomes[engine.OutcomeSucceeded] == len(r.Applications) && !wrong:
		return Succeeded
	case interrupted:
		return Cancelled
	case r.Outcomes[engine.OutcomeSucceeded] > 0 || r.Done.Changes() > 0:
		return Partial
	}
	return Nothing
}

func (a *Application) report(app *plan.Application, ended *engine.Outcome) ApplicationReport {
	out := ApplicationReport{
		Address: app.Address, Cluster: app.Cluster, Outcome: NotBegun, Done: plan.Counts{}, Planned: a.Total,
		StartedAt: a.Started.UTC(), Attempts: a.Attempt, Stages: a.spans, Failures: a.Failures, Warnings: a.Warnings,
	}
	if a.Started.IsZero() {
		out.StartedAt = time.Time{}
	}
	if ended != nil {
		out.Outcome, out.Message, out.Elapsed = ended.Outcome, ended.Message, ended.Elapsed
		if ended.Done != nil {
			out.Done = ended.Done
		}
	}
	if out.Outcome == engine.OutcomeSucceeded {
		return out
	}
	for i := range app.Changes {
		if c := &app.Changes[i]; c.Action.Changes() && c.ID.Name != "" && !a.done[c.ID] {
			out.Left = append(out.Left, Left{c.ID, c.Action})
		}
	}
	return out
}

// slowest lists the objects that took longest.
func (s *Story) slowest() []ObjectTime {
	out := []ObjectTime{}
	for _, a := range s.list {
		for id, t := range a.objects {
			out = append(out, ObjectTime{a.Address, id, engine.Seconds(t.last.Sub(t.began))})
		}
	}
	slices.SortFunc(out, func(a, b ObjectTime) int {
		return cmp.Or(cmp.Compare(b.Elapsed, a.Elapsed), cmp.Compare(a.Address.String(), b.Address.String()), a.Object.Compare(b.Object))
	})
	return out[:min(len(out), mostSlow)]
}

// JSON writes a report for programs.
func JSON(w io.Writer, r *Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	return nil
}
