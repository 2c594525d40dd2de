package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/schema"
)

// ofInstance is the Extra of a diagnostic about one instance of several: which one,
// and what was the Extra before.
type ofInstance struct {
	name  string
	inner any
}

// UnwrapDiagnosticExtra implements hcl.DiagnosticExtraUnwrapper.
func (x ofInstance) UnwrapDiagnosticExtra() any { return x.inner }

// collect takes over the diagnostics of an instance.
func (e *Evaluation) collect(in *Instance) {
	if name := in.oneOfSeveral(); name != "" {
		for _, diag := range in.diags {
			diag.Extra = ofInstance{name: name, inner: diag.Extra}
		}
	}
	e.diags = append(e.diags, in.diags...)
}

// oneOfSeveral names the instance, or the module's that it is in, where there may be
// others; else it is empty.
func (in *Instance) oneOfSeveral() string {
	if in.block.forEach != nil {
		return in.Address.String()
	}
	for f := in.frame; f != nil; f = f.parent {
		if f.hasKey {
			return in.frame.address
		}
	}
	return ""
}

// maxInstances is how many instances a message names.
const maxInstances = 5

// nameInstances makes one message of those that are the same in several instances,
// and says in which.
func nameInstances(diags hcl.Diagnostics) {
	names := map[place][]string{}
	for _, diag := range diags {
		if x, ok := diag.Extra.(ofInstance); ok {
			names[placeOf(diag)] = append(names[placeOf(diag)], x.name)
		}
	}
	for _, diag := range diags {
		x, ok := diag.Extra.(ofInstance)
		if !ok {
			continue
		}
		concerned := names[placeOf(diag)]
		diag.Extra = x.inner
		if strings.Contains(diag.Detail, concerned[0]) {
			continue
		}
		slices.Sort(concerned)
		concerned = slices.Compact(concerned)
		shown := schema.List(concerned[:min(len(concerned), maxInstances)], "and")
		if more := len(concerned) - maxInstances; more > 0 {
			shown = fmt.Sprintf("%s, and %d more", strings.Join(concerned[:maxInstances], ", "), more)
		}
		diag.Detail += "\n\nThis is in " + shown + "."
	}
}

// place is what makes diagnostics the same.
type place struct {
	severity        hcl.DiagnosticSeverity
	summary, detail string
	subject         hcl.Range
}

func placeOf(diag *hcl.Diagnostic) place {
	key := place{severity: diag.Severity, summary: diag.Summary, detail: diag.Detail}
	if diag.Subject != nil {
		key.subject = *diag.Subject
	}
	return key
}

// Tidy sorts diagnostics by where they are, and drops repetitions.
func Tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	seen := map[place]bool{}
	var kept hcl.Diagnostics
	for _, diag := range diags {
		speakJSON(diag)
		if key := placeOf(diag); !seen[key] {
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
