package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/plan/view/comment"
	"github.com/gantrycd/gantry/providers"
)

// This file shows at the forge how an apply of a protected branch went.

// applied is the name of the check that shows it, and the key of its comment.
const (
	appliedCheck = "gantry/apply"
	appliedKey   = "apply"
)

// The commands that go on with what an apply left.
const (
	goesOn = "gantry apply --resume"
	anew   = "gantry apply --require-approved"
)

// tellNotShown tells that how an apply went is not shown at the forge.
func (w *work) tellNotShown(err error) {
	if err != nil {
		w.cli.printDiagnostics(nil, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Not shown on the commit", Detail: sentence(err)}})
	}
}

// show shows on the commit how the apply went, with the command that goes on, and on the pull
// requests what became of each. Records that nobody needs any more go.
func (a *approving) show(ctx context.Context, result *engine.Result, diags hcl.Diagnostics) error {
	return errors.Join(a.Forge.Check(ctx, a.standing.Commit, appliedAs(result, diags)), a.comment(ctx, result), a.Prune(ctx))
}

// showSuperseded shows on the commit that a newer one has its turn.
func (a *approving) showSuperseded(ctx context.Context, s *evidence.SupersededError) error {
	return a.Forge.Check(ctx, a.standing.Commit, providers.Check{
		Name: appliedCheck, State: providers.CheckNeutral, Title: fmt.Sprintf("Superseded by %.8s, which is newer", s.Turn.Commit), Summary: inline(s.Error()),
	})
}

// showResumed shows how the rest of an apply went, where the apply itself did: on the commit
// that was applied last.
func (w *work) showResumed(ctx context.Context, result *engine.Result, diags hcl.Diagnostics) error {
	rules, err := w.state.records.Rules(ctx)
	if err != nil || rules == nil || rules.Protection.IsZero() {
		return err
	}
	g, err := w.cli.gather(w.inputs)
	if err != nil {
		return err
	}
	defer func() { _ = g.close() }() // it was read only
	g.Records = w.state.records
	standing, err := g.Stand(ctx, g.repository.Below(), stateFolder)
	if err != nil {
		return err
	}
	turn, err := g.Records.Turn(ctx, standing.Branch)
	if err != nil || turn == nil {
		return err
	}
	return g.Forge.Check(ctx, turn.Commit, appliedAs(result, diags))
}

// appliedAs is how an apply went, as a check. The title has the command that goes on: there
// are forges that show nothing else.
func appliedAs(result *engine.Result, diags hcl.Diagnostics) providers.Check {
	check := providers.Check{Name: appliedCheck, State: providers.CheckSuccess}
	done, left, begun := 0, 0, false
	var text strings.Builder
	if result != nil {
		for _, outcome := range result.Applications {
			if outcome.Outcome == engine.OutcomeSucceeded {
				done++
				continue
			}
			left++
			begun = begun || outcome.Outcome != engine.OutcomeSkipped
			fmt.Fprintf(&text, "- %s: %s\n", inline(outcome.Address.String()), inline(outcome.Outcome+": "+outcome.Message))
		}
	}
	check.Title = count(done, "application") + " applied"
	if left == 0 && !diags.HasErrors() {
		return check
	}
	check.State = providers.CheckFailure
	switch {
	case result == nil:
		check.Title = "Nothing applied"
		for _, diag := range diags {
			if diag.Severity == hcl.DiagError {
				fmt.Fprintf(&text, "- %s: %s\n", inline(diag.Summary), inline(diag.Detail))
			}
		}
	case left > 0:
		check.Title += fmt.Sprintf(", %d not", left)
	}
	command := anew
	if begun {
		command = goesOn
		fmt.Fprintf(&text, "\nWhat was begun goes on with `%s`; what was left out is planned anew with `%s`.\n", goesOn, anew)
	} else {
		fmt.Fprintf(&text, "\nWhat was left out is planned anew with `%s`.\n", anew)
	}
	check.Title += "; to go on: " + command
	check.Summary = text.String()
	return check
}

// comment tells on the pull requests what of them is left out, and why; with a result, also
// what of them was applied.
func (a *approving) comment(ctx context.Context, result *engine.Result) error {
	byPull := map[int64][]*approval.Decision{}
	for i := range a.verdict.Decisions {
		d := &a.verdict.Decisions[i]
		if d.Record == nil || d.Record.Pull == 0 || d.Record.Lineage != a.Records.Lineage() || d.Allowed() && result == nil {
			continue
		}
		byPull[d.Record.Pull] = append(byPull[d.Record.Pull], d)
	}
	plain, ok := a.Forge.(interface{ NoHTML() bool })
	marker := comment.Marker(appliedKey, ok && plain.NoHTML())
	for _, number := range slices.Sorted(maps.Keys(byPull)) {
		text := appliedText(a.standing.Commit, byPull[number], result, a.Forge.MaxComment()-len(marker)-200)
		if _, err := a.Forge.Comment(ctx, number, marker, text); err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.Is(err, providers.ErrUnsupported) {
			return failure("Comment cannot be written", fmt.Errorf("on #%d: %w", number, err))
		}
	}
	return nil
}

// appliedText is the comment of a pull request, within a budget.
func appliedText(commit string, decisions []*approval.Decision, result *engine.Result, most int) string {
	var lines []string
	done, refused, begun := 0, 0, false
	for _, d := range decisions {
		outcome := outcomeOf(result, d)
		switch {
		case !d.Allowed():
			refused++
			lines = append(lines, fmt.Sprintf("- %s: left out: %s\n", inline(d.Address.String()), inline(d.Detail)))
		case outcome == nil:
			lines = append(lines, fmt.Sprintf("- %s: not applied\n", inline(d.Address.String())))
		case outcome.Outcome == engine.OutcomeSucceeded:
			done++
			lines = append(lines, fmt.Sprintf("- %s: applied\n", inline(d.Address.String())))
		default:
			begun = begun || outcome.Outcome != engine.OutcomeSkipped
			lines = append(lines, fmt.Sprintf("- %s: %s\n", inline(d.Address.String()), inline(outcome.Outcome+": "+outcome.Message)))
		}
	}
	title := "Applied in part"
	switch {
	case done == len(decisions):
		title = "Applied"
	case refused == len(decisions):
		title = "Not applied: what would be done is not approved"
	case done == 0:
		title = "Not applied"
	}
	text := &strings.Builder{}
	fmt.Fprintf(text, "### %s\n\nAt `%.8s` of the protected branch:\n\n", title, commit)
	for i, line := range lines {
		if text.Len()+len(line) > most {
			fmt.Fprintf(text, "- … and %s more\n", count(len(lines)-i, "application"))
			break
		}
		text.WriteString(line)
	}
	if begun {
		fmt.Fprintf(text, "\nWhat was begun goes on with `%s`.\n", goesOn)
	}
	return text.String()
}

func outcomeOf(result *engine.Result, d *approval.Decision) *engine.Outcome {
	if result == nil {
		return nil
	}
	for i := range result.Applications {
		if result.Applications[i].Address == d.Address {
			return &result.Applications[i]
		}
	}
	return nil
}

// inline is text that may be anybody's, as code of Markdown on one line.
func inline(text string) string {
	text = strings.ReplaceAll(printable(text), "`", "'")
	return "`" + strings.Join(strings.Fields(text), " ") + "`"
}
