package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/lang/schema"
)

// checkRefactoring holds what moved, removed and import blocks say against each
// other and against what is declared. What contradicts itself is not followed at all.
func (f *finisher) checkRefactoring() {
	set := &f.config.Refactoring
	set.Sort()
	if diags := set.Check(); len(diags) > 0 {
		f.diags = append(f.diags, diags...)
		set.Moved = nil
		f.config.Incomplete = true // what was renamed must not look as if it had vanished
		return
	}
	incomplete := f.config.Incomplete
	for _, m := range set.Moved {
		if f.declares(m.From) && !refactor.Covers(m.From, m.To) {
			f.contradiction(m.FromAt, "%s is still declared, so that it cannot be %s now. Remove or rename the block, or remove the moved block.", m.From, m.To)
		}
		if m.To.Kind == "application" && !incomplete && !f.mayDeclare(set.Current(m.To)) && set.Leaves(set.Current(m.To)) == nil {
			f.undeclared(m.ToAt, set.Current(m.To), " What is moved there would be destroyed. If that is meant, say so with a removed block.")
		}
	}
	for _, r := range set.Removed {
		if f.declares(r.From) {
			f.contradiction(r.FromAt, "%s is still declared, so that it is not removed. Remove its block, or the removed block.", r.From)
		}
	}
	for _, i := range set.Imports {
		if !incomplete && !f.mayDeclare(i.To) {
			f.undeclared(i.ToAt, i.To, "")
		}
	}
}

func (f *finisher) contradiction(at hcl.Range, format string, args ...any) {
	f.config.Incomplete = true
	f.diags = append(f.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Contradictory refactoring", Detail: fmt.Sprintf(format, args...), Subject: at.Ptr(),
	})
}

func (f *finisher) undeclared(at hcl.Range, a addr.Address, more string) {
	var names []string
	for _, application := range f.config.Applications {
		names = append(names, application.Address.String())
	}
	detail := fmt.Sprintf("No %s is declared in this configuration.", a)
	if suggestion := schema.Suggest(a.String(), names); suggestion != "" {
		detail += fmt.Sprintf(" Did you mean %s?", suggestion)
	}
	f.config.Incomplete = true
	f.diags = append(f.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Reference to undeclared block", Detail: detail + more, Subject: at.Ptr()})
}

// declares reports whether an application is declared with an address, or within
// it: where it cannot be told which instances there are, it is not.
func (f *finisher) declares(a addr.Address) bool {
	for _, application := range f.config.Applications {
		if refactor.Covers(a, application.Address) {
			return true
		}
	}
	for _, broken := range f.config.Broken {
		if refactor.Covers(a, broken.Address) {
			return true
		}
	}
	return false
}

// mayDeclare reports whether an application may be declared with an address.
func (f *finisher) mayDeclare(a addr.Address) bool {
	if f.declares(a) {
		return true
	}
	for _, broken := range f.config.Broken {
		if broken.Address == a.Block() {
			return true
		}
	}
	for _, deferred := range f.config.Deferred {
		if deferred == a.Block() {
			return true
		}
	}
	return false
}
