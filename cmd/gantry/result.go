package main

import (
	"fmt"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/view"
)

// showResult tells what an apply did.
func (c *cli) showResult(result *engine.Result, took time.Duration) error {
	c.events.result(result)
	if c.json {
		return c.writeJSON(result)
	}
	if len(result.Applications) == 0 {
		if _, err := fmt.Fprintln(c.out, "Nothing to do."); err != nil {
			return err
		}
		return c.showOutputs(result.Outputs)
	}
	done := plan.Counts{}
	ended := map[string]int{}
	for _, outcome := range result.Applications {
		ended[outcome.Outcome]++
		for action, n := range outcome.Done {
			done[action] += n
		}
	}
	text := fmt.Sprintf("\nApplied %s in %s", count(ended[engine.OutcomeSucceeded], "application"), duration(took))
	for _, other := range []struct{ outcome, says string }{
		{engine.OutcomeFailed, "failed"}, {engine.OutcomeCancelled, "cancelled"}, {engine.OutcomeSkipped, "left out"},
	} {
		if n := ended[other.outcome]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, other.says)
		}
	}
	colour := green
	if ended[engine.OutcomeSucceeded] < len(result.Applications) {
		colour = red
	}
	if _, err := fmt.Fprintln(c.out, paint(c.colour(c.out), colour, text+": "+doneText(done)+".")); err != nil {
		return err
	}
	return c.showOutputs(result.Outputs)
}

// showOutputs tells the outputs that others can read now.
func (c *cli) showOutputs(outputs []published.Output) error {
	if len(outputs) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(c.out, "\nOutputs:"); err != nil {
		return err
	}
	return view.Outputs(c.out, outputs)
}

// doneText says what was done: "3 created, 1 pruned".
func doneText(done plan.Counts) string {
	text := ""
	for _, action := range plan.Actions() {
		if n := done[action]; n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", n, past(action))
		}
	}
	if text == "" {
		return "nothing was changed"
	}
	return text
}
