package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
)

// failOnRisk is the severity from which on a risk that nobody has accepted is a reason
// to exit with exitRisk; empty is never. It is a pflag.Value.
type failOnRisk string

func (f *failOnRisk) String() string { return string(*f) }

// Type is what help calls the value.
func (f *failOnRisk) Type() string { return "severity" }

// Set reads the flag.
func (f *failOnRisk) Set(text string) error {
	if !slices.Contains(plan.Severities(), plan.Severity(text)) {
		return fmt.Errorf("expected high, medium or low")
	}
	*f = failOnRisk(text)
	return nil
}

func (f *failOnRisk) register(command *cobra.Command) {
	command.Flags().Var(f, "fail-on-risk", "exit with 3 where the plan has a risk of this `severity` or a greater one that nobody accepts: high, medium or low")
	complete(command, "fail-on-risk", fixedCompletions("high", "medium", "low"))
}

// fails returns the risks of a plan that are reason to fail.
func (f *failOnRisk) fails(p *plan.Plan) []plan.Risk {
	var out []plan.Risk
	if *f == "" {
		return out
	}
	from := slices.Index(plan.Severities(), plan.Severity(*f))
	for i := range p.Applications {
		for _, r := range p.Applications[i].Risks {
			if r.Accepted == "" && slices.Index(plan.Severities(), r.Severity) <= from {
				out = append(out, r)
			}
		}
	}
	return out
}

// risksSummary is the summary of the error that a plan has risks.
const risksSummary = "Risks that nobody accepts"

// ends returns how a command ends that made a plan without an error: by the plan's
// risks, and by whether it has changes.
func (c *cli) ends(p *plan.Plan, risks failOnRisk, detailed bool) error {
	if found := risks.fails(p); len(found) > 0 {
		c.printDiagnostics(nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: risksSummary,
			Detail: fmt.Sprintf("The plan has %s of severity %s or greater: %s. Change what brings them, or say with accept_risk in the application why they are accepted.",
				count(len(found), "risk"), risks, codesOf(found)),
		}})
		return exitCode(exitRisk)
	}
	if detailed && p.HasChanges() {
		return exitCode(exitChanges)
	}
	return nil
}

// codesOf names the codes of risks, each once, with how many there are.
func codesOf(risks []plan.Risk) string {
	number := map[string]int{}
	var codes []string
	for _, r := range risks {
		if number[r.Code]++; number[r.Code] == 1 {
			codes = append(codes, r.Code)
		}
	}
	slices.Sort(codes)
	for i, code := range codes {
		if n := number[code]; n > 1 {
			codes[i] = fmt.Sprintf("%s (%d)", code, n)
		}
	}
	return strings.Join(codes, ", ")
}
