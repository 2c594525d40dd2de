package main

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
)

// heard is what a command has told of a plan, for who tells it again elsewhere. Nil hears
// nothing.
type heard struct {
	plan     *plan.Plan
	config   *lang.Config
	problems []plan.Problem
}

func (h *heard) ofPlan(p *plan.Plan) {
	if h != nil {
		h.plan = p
	}
}

func (h *heard) ofConfig(config *lang.Config) {
	if h != nil {
		h.config = config
	}
}

// diagnostics keeps what is an error.
func (h *heard) diagnostics(diags hcl.Diagnostics) {
	if h == nil {
		return
	}
	for _, d := range diags {
		if d.Severity != hcl.DiagError || d.Summary == risksSummary {
			continue // the plan has its risks
		}
		problem := plan.Problem{Summary: d.Summary, Detail: d.Detail}
		if _, elsewhere := outside(d); d.Subject != nil && !elsewhere {
			problem.Range = fmt.Sprintf("%s:%d,%d", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		h.problems = append(h.problems, problem)
	}
}

// ended keeps why the command ended, where nothing else tells it. It is false where the
// command did not begin.
func (h *heard) ended(command string, err error) bool {
	var code exitCode
	var usage *usageError
	var failed *failedError
	switch {
	case err == nil, errors.As(err, &code):
	case errors.As(err, &usage):
		return false
	case errors.As(err, &failed):
		h.problems = append(h.problems, plan.Problem{Summary: failed.summary, Detail: sentence(err)})
	default:
		h.problems = append(h.problems, plan.Problem{Summary: command + " failed", Detail: sentence(err)})
	}
	return true
}
