package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
)

// SummaryLimit is how many bytes the summary of a step of GitHub Actions is written with: a
// little more than a million are dropped without a word.
const SummaryLimit = 1_000_000

// Output is a value that a step of GitHub Actions hands on.
type Output struct{ Name, Value string }

// Outputs are what the steps that follow a plan may want to know.
func Outputs(p *plan.Plan) []Output {
	counts := p.Counts()
	risk := "none"
	for i := range p.Applications {
		for _, r := range p.Applications[i].Risks {
			if r.Accepted == "" && (risk == "none" || levelRank(r.Severity) > levelRank(plan.Severity(risk))) {
				risk = string(r.Severity)
			}
		}
	}
	out := []Output{
		{"has_changes", strconv.FormatBool(p.HasChanges())},
		{"has_destroy", strconv.FormatBool(counts[plan.Prune]+counts[plan.Replace] > 0)},
		{"is_blocked", strconv.FormatBool(p.IsBlocked())},
		{"needs_approval", strconv.FormatBool(p.NeedsApproval())},
		{"errors", strconv.Itoa(len(p.Problems))},
		{"risk", risk},
		{"plan_digest", p.Digest()},
		{"input_digest", p.InputDigest},
	}
	for _, action := range plan.Actions() {
		out = append(out, Output{string(action), strconv.Itoa(counts[action])})
	}
	return out
}

func levelRank(s plan.Severity) int {
	switch s {
	case plan.Low:
		return 1
	case plan.Medium:
		return 2
	case plan.High:
	}
	return 3
}

// WriteOutputs writes outputs as the file GITHUB_OUTPUT has them. The delimiter must be one
// that nobody can guess, so that no value ends early and sets another.
func WriteOutputs(w io.Writer, outputs []Output, delimiter string) error {
	for _, o := range outputs {
		if strings.Contains(o.Value, delimiter) {
			return fmt.Errorf("the output %s has the delimiter in it", o.Name)
		}
		if _, err := fmt.Fprintf(w, "%s<<%s\n%s\n%s\n", o.Name, delimiter, o.Value, delimiter); err != nil {
			return fmt.Errorf("writing outputs: %w", err)
		}
	}
	return nil
}

// mostCommands is how many annotations of a level GitHub shows of a step: more are hidden
// without a word.
const mostCommands = 10

// WorkflowCommands writes annotations as the commands of GitHub Actions, as many as are shown,
// and how many more there are.
func WorkflowCommands(w io.Writer, annotations []Annotation) error {
	count := map[string]int{}
	for _, a := range annotations {
		count[a.Level]++
	}
	told := map[string]int{}
	for _, a := range annotations {
		told[a.Level]++
		if told[a.Level] > mostCommands || told[a.Level] == mostCommands && count[a.Level] > mostCommands {
			if told[a.Level] > mostCommands {
				continue
			}
			a = Annotation{Level: a.Level, Title: "More", Message: fmt.Sprintf("And %d more: the comment and the summary of the run have them.", count[a.Level]-mostCommands+1)}
		}
		properties := "title=" + commandProperty(a.Title)
		if a.File != "" {
			at := "file=" + commandProperty(a.File)
			if a.Line > 0 {
				at += ",line=" + strconv.Itoa(a.Line)
			}
			properties = at + "," + properties
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", a.Level, properties, commandData(a.Message)); err != nil {
			return fmt.Errorf("writing annotations: %w", err)
		}
	}
	return nil
}

// commandData is a text as what a workflow command is about.
func commandData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// commandProperty is a text as a property of a workflow command.
func commandProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
