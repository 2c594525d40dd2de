package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gantrycd/gantry/plan"
)

// GitLab writes the report that GitLab shows in a merge request, as
// artifacts:reports:terraform. A replacement is a creation and a deletion. An adoption
// is an update, and so is an orphan, which loses labels; a hook is created. What is
// forgotten, unchanged or blocked is none of them.
func GitLab(w io.Writer, p *plan.Plan) error {
	counts := p.Counts()
	report := struct {
		Create int `json:"create"`
		Update int `json:"update"`
		Delete int `json:"delete"`
	}{
		Create: counts[plan.Create] + counts[plan.Replace] + counts[plan.Run],
		Update: counts[plan.Update] + counts[plan.Adopt] + counts[plan.Orphan],
		Delete: counts[plan.Prune] + counts[plan.Replace],
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		return fmt.Errorf("writing a report for GitLab: %w", err)
	}
	return nil
}

// Atlantis writes the line by which Atlantis tells what a plan does, as Terraform has it. What is
// counted is as in GitLab.
func Atlantis(w io.Writer, p *plan.Plan) error {
	counts := p.Counts()
	line := "No changes. Your infrastructure matches the configuration."
	if p.HasChanges() || p.IsBlocked() {
		line = fmt.Sprintf("Plan: %d to add, %d to change, %d to destroy.",
			counts[plan.Create]+counts[plan.Replace]+counts[plan.Run], counts[plan.Update]+counts[plan.Adopt]+counts[plan.Orphan], counts[plan.Prune]+counts[plan.Replace])
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return fmt.Errorf("writing a line for Atlantis: %w", err)
	}
	return nil
}
