package main

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
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
	if c.lively() { // nothing but failures was told
		if err := c.showOutcomes(result.Applications); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(c.out, paint(c.colour(c.out), colour, text+": "+doneText(done)+".")); err != nil {
		return err
	}
	if chain := result.Slowest; chain != nil && len(chain.Links) > 1 {
		if _, err := fmt.Fprintln(c.out, "Slowest chain: "+chain.String()); err != nil {
			return err
		}
	}
	return c.showOutputs(result.Outputs)
}

// mostOutcomes is how many applications are listed at the end of an apply.
const mostOutcomes = 20

// showOutcomes lists what was done to each application that succeeded, where they are
// not too many; diagnostics tell of the others.
func (c *cli) showOutcomes(outcomes []engine.Outcome) error {
	wide := 0
	for _, o := range outcomes {
		wide = max(wide, cells(o.Address.String()))
	}
	if len(outcomes) > mostOutcomes {
		return nil
	}
	for _, o := range outcomes {
		if o.Outcome != engine.OutcomeSucceeded {
			continue
		}
		text := fmt.Sprintf("%s %s  %s in %s", paint(c.colour(c.out), green, "✓"), pad(o.Address.String(), wide), doneText(o.Done), duration(time.Duration(o.Elapsed)))
		if _, err := fmt.Fprintln(c.out, text); err != nil {
			return err
		}
	}
	return nil
}

// mostAlike is how many diagnostics of one summary are shown to people.
const mostAlike = 10

// tellOutcome tells the diagnostics of an apply. To people, of those that are many only
// the first are told, and how many there are: events and reports have them all.
func (c *cli) tellOutcome(files map[string]*hcl.File, diags hcl.Diagnostics, result *engine.Result, story *story.Story) {
	if c.json {
		c.tellDiagnostics(files, diags)
		return
	}
	c.events.diagnostics(diags)
	diags = forPeople(diags, result, story)
	told := map[string]int{}
	var shown hcl.Diagnostics
	for _, d := range diags {
		if told[d.Summary]++; told[d.Summary] <= mostAlike {
			shown = append(shown, d)
		}
	}
	c.writeDiagnostics(c.err, files, shown)
	for _, d := range shown {
		if n := told[d.Summary] - mostAlike; n > 0 {
			fmt.Fprintf(c.err, "And %d more: %s. \"--report FILE.md\" lists them all.\n", n, d.Summary)
			told[d.Summary] = 0
		}
	}
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
			done := past(action)
			if action == plan.Run {
				done = "run"
			}
			text += fmt.Sprintf("%d %s", n, done)
		}
	}
	if text == "" {
		return "nothing was changed"
	}
	return text
}
