package eval

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Tidy sorts diagnostics by where they are, and drops repetitions.
func Tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	type place struct {
		severity        hcl.DiagnosticSeverity
		summary, detail string
		subject         hcl.Range
	}
	seen := map[place]bool{}
	var kept hcl.Diagnostics
	for _, diag := range diags {
		key := place{severity: diag.Severity, summary: diag.Summary, detail: diag.Detail}
		if diag.Subject != nil {
			key.subject = *diag.Subject
		}
		if !seen[key] {
			seen[key] = true
			kept = append(kept, diag)
		}
	}
	slices.SortStableFunc(kept, func(a, b *hcl.Diagnostic) int {
		switch {
		case a.Subject == nil && b.Subject == nil:
			return 0
		case a.Subject == nil:
			return 1
		case b.Subject == nil:
			return -1
		}
		return compareRanges(*a.Subject, *b.Subject)
	})
	return kept
}

func compareRanges(a, b hcl.Range) int {
	if order := strings.Compare(a.Filename, b.Filename); order != 0 {
		return order
	}
	return a.Start.Byte - b.Start.Byte
}
