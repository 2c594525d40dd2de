package lang

import (
	"fmt"
	"slices"

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
	incomplete, told := f.config.Incomplete, map[addr.Address]bool{}
	for _, m := range set.Moved {
		if f.declares(m.From) && !refactor.Covers(m.From, m.To) {
			f.contradiction(m.FromAt, "%s is still declared, so that it cannot be %s now. Remove or rename the block, or remove the moved block.", m.From, m.To)
		}
		if now := set.Current(m.To); !incomplete && !told[now] && !f.mayDeclare(now) && !goesOn(set, now) {
			told[now] = true
			f.undeclared(m.ToAt, now, " What is moved there would be destroyed. If that is meant, say so with a removed block.")
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

// goesOn reports whether it is said what becomes of what has an address, or of parts
// of it, which then is known to be declared no more.
func goesOn(set *refactor.Set, a addr.Address) bool {
	return set.Leaves(a) != nil ||
		slices.ContainsFunc(set.Removed, func(r refactor.Removed) bool { return refactor.Covers(a, r.From) }) ||
		slices.ContainsFunc(set.Moved, func(m refactor.Moved) bool { return refactor.Covers(a, m.From) })
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
		if a.Kind == application.Address.Kind {
			names = append(names, application.Address.String())
		}
	}
	for _, node := range f.config.Graph {
		if a.Kind == "module" && node.Address.Kind == a.Kind {
			names = append(names, node.Address.String())
		}
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

// mayDeclare reports whether an application may be declared with an address, or
// within that of a module. A module that is declared and has no applications holds
// what it should.
func (f *finisher) mayDeclare(a addr.Address) bool {
	if f.declares(a) {
		return true
	}
	for _, broken := range f.config.Broken {
		if mayHold(broken.Address, a) {
			return true
		}
	}
	for _, deferred := range f.config.Deferred {
		if refactor.Covers(a, deferred) || mayHold(deferred, a) {
			return true
		}
	}
	return a.Kind == "module" && f.declaresEmpty(a)
}

// mayHold reports whether what an address is of, of which not all instances may be
// known, may be or be in another.
func mayHold(unknown, a addr.Address) bool {
	if unknown.Covers(a) {
		return true
	}
	if a.Kind != "module" {
		return false
	}
	for unknown.Module != "" {
		module, err := addr.Parse(unknown.Module)
		if err != nil {
			return false
		}
		if isModule(module, a) {
			return true // it is in the module, in an instance that is not known
		}
		unknown = module
	}
	return false
}

// isModule reports whether a module is another one, or one of its instances.
func isModule(module, a addr.Address) bool {
	above, err := addr.Parse(a.Module)
	return module.Covers(a) && (err != nil || !module.Covers(above))
}

// declaresEmpty reports whether a module is declared, and no application in it.
func (f *finisher) declaresEmpty(a addr.Address) bool {
	declared := false
	for _, node := range f.config.Graph {
		if node.Address.Kind == "module" {
			declared = declared || isModule(node.Address, a)
		}
	}
	if !declared {
		return false
	}
	for _, node := range f.config.Graph {
		if node.Address.Kind == "application" && mayHold(node.Address, a) {
			return false
		}
	}
	return true
}
