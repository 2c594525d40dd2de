// Package refactor is what moved, removed and import blocks say: which addresses
// were renamed, which are let go, and what is taken over from elsewhere.
//
// It decodes the blocks and resolves chains of renames. It knows no application and
// no state: lang holds what is said here against what is declared, and the engine
// follows it. Only those two import it.
package refactor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
)

// Moved says that what had one address has another one now: an application, one
// instance of it, or a module with everything in it.
type Moved struct {
	From, To addr.Address
	Range    hcl.Range // of the block's header
	FromAt   hcl.Range
	ToAt     hcl.Range
}

// Removed says that what had an address is declared no more.
type Removed struct {
	From    addr.Address
	Destroy bool // false: its objects stay, and belong to nobody
	Range   hcl.Range
	FromAt  hcl.Range
}

// Import says that objects which exist become an application's.
type Import struct {
	To        addr.Address
	Namespace string
	Selector  string // of labels, as Kubernetes writes it
	Range     hcl.Range
	ToAt      hcl.Range
}

// Set is all that a configuration says of the kind. The zero value says nothing.
type Set struct {
	Moved   []Moved   // sorted by From
	Removed []Removed // sorted by From
	Imports []Import  // sorted by To
}

// Sort brings the set into its order.
func (s *Set) Sort() {
	slices.SortFunc(s.Moved, func(a, b Moved) int { return cmp.Or(a.From.Compare(b.From), compare(a.Range, b.Range)) })
	slices.SortFunc(s.Removed, func(a, b Removed) int { return cmp.Or(a.From.Compare(b.From), compare(a.Range, b.Range)) })
	slices.SortFunc(s.Imports, func(a, b Import) int { return cmp.Or(a.To.Compare(b.To), compare(a.Range, b.Range)) })
}

func compare(a, b hcl.Range) int {
	return cmp.Or(strings.Compare(a.Filename, b.Filename), cmp.Compare(a.Start.Byte, b.Start.Byte))
}

// Current returns the address that an application has now, through all renames,
// however many lie in between.
func (s *Set) Current(a addr.Address) addr.Address {
	for range s.Moved { // no rename applies twice, as there are no cycles
		next := a
		for i := range s.Moved {
			if to, ok := s.Moved[i].rename(a); ok {
				next = to
				break
			}
		}
		if next == a {
			break
		}
		a = next
	}
	return a
}

// Leaves returns what is said of an application that is removed, nil for nothing.
func (s *Set) Leaves(a addr.Address) *Removed {
	for i := range s.Removed {
		if Covers(s.Removed[i].From, a) {
			return &s.Removed[i]
		}
	}
	return nil
}

// rename returns the address that an application gets by one rename; it is false
// where the rename is not about it.
func (m *Moved) rename(a addr.Address) (addr.Address, bool) {
	if m.From.Kind == "module" {
		rest, ok := below(m.From, a.Module)
		if !ok || strings.HasPrefix(rest, "[") && m.To.HasKey {
			return a, false
		}
		a.Module = m.To.String() + rest
		return a, true
	}
	switch {
	case a == m.From:
		return m.To, true
	case a.Block() == m.From && !m.To.HasKey:
		return m.To.Instance(a.Key), true
	}
	return a, false
}

// Covers reports whether an application is the one, or one of those, that an address
// is of: itself, an instance of it, or something in the module.
func Covers(of, a addr.Address) bool {
	if of.Kind == "module" {
		_, in := below(of, a.Module)
		return in
	}
	return a == of || a.Block() == of
}

// below returns what follows a module's address in the address of a module: nothing,
// a key, or modules in it.
func below(module addr.Address, text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, module.String())
	return rest, ok && (rest == "" || rest[0] == '.' || rest[0] == '[' && !module.HasKey)
}

// Check reports what contradicts itself: two renames of one address or to one
// address, cycles, and what is both renamed and removed. Contradictory renames must
// not be followed.
func (s *Set) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	report := func(at hcl.Range, format string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Contradictory refactoring", Detail: fmt.Sprintf(format, args...), Subject: at.Ptr()})
	}
	from, to := map[addr.Address]*Moved{}, map[addr.Address]*Moved{}
	for i := range s.Moved {
		m := &s.Moved[i]
		if m.From == m.To {
			report(m.ToAt, "%s is moved to itself. Remove the block.", m.From)
			continue
		}
		if first, twice := from[m.From]; twice {
			if first.To != m.To {
				report(m.FromAt, "%s is moved to %s here, and to %s at %s. Say one of the two.", m.From, m.To, first.To, first.FromAt)
			}
			continue
		}
		from[m.From] = m
		if first, twice := to[m.To]; twice {
			report(m.ToAt, "Both %s and %s (%s) are moved to %s, which can be only one of them.", m.From, first.From, first.FromAt, m.To)
			continue
		}
		to[m.To] = m
	}
	for i := range s.Moved {
		if cycle := cycleFrom(from, &s.Moved[i]); cycle != "" {
			report(s.Moved[i].FromAt, "These moves lead back to where they began, so that it is not known what has which address now: %s. Remove the oldest of them.", cycle)
			break
		}
	}
	removed := map[addr.Address]*Removed{}
	for i := range s.Removed {
		r := &s.Removed[i]
		if first, twice := removed[r.From]; twice {
			if first.Destroy != r.Destroy {
				report(r.FromAt, "%s is removed twice, with and without destroying; the first time at %s. Say one of the two.", r.From, first.FromAt)
			}
			continue
		}
		removed[r.From] = r
		if m, moved := from[r.From]; moved {
			report(r.FromAt, "%s is removed here and moved to %s at %s. Remove one of the blocks; what has moved is removed by its new address.", r.From, m.To, m.FromAt)
		}
	}
	return diags
}

// cycleFrom returns a cycle of renames that a rename begins, as text; empty where
// there is none. It must be the first of its cycle, so that each is told once.
func cycleFrom(from map[addr.Address]*Moved, start *Moved) string {
	path := []string{start.From.String()}
	for at := start; at != nil && len(path) <= len(from)+1; at = from[at.To] {
		path = append(path, at.To.String())
		if at.To == start.From {
			return strings.Join(path, " → ")
		}
	}
	return ""
}
