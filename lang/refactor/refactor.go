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
	"k8s.io/apimachinery/pkg/labels"

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
	Selector  string   // of labels, as Kubernetes writes it
	Managers  []string // field managers whose fields become ours, beside those of well-known tools
	Range     hcl.Range
	ToAt      hcl.Range
}

// Selects reports whether an object with labels in a namespace is meant, given the
// namespace of the application's destination.
func (i *Import) Selects(namespace string, of map[string]string, destination string) bool {
	selector, err := labels.Parse(i.Selector)
	return err == nil && namespace == i.In(destination) && selector.Matches(labels.Set(of))
}

// In returns the namespace that is imported from, given that of the application's
// destination.
func (i *Import) In(destination string) string {
	return cmp.Or(i.Namespace, destination)
}

// Into returns the imports into an application.
func (s *Set) Into(a addr.Address) []Import {
	var out []Import
	for _, i := range s.Imports {
		if Covers(i.To, a) {
			out = append(out, i)
		}
	}
	return out
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

// Current returns the address that an application or a module has now, through all
// renames, however many lie in between. Where several renames are about it, that of
// the narrowest address counts: an instance's before its block's, and that before its
// module's.
func (s *Set) Current(a addr.Address) addr.Address {
	for range len(s.Moved) * len(a.String()) { // more than there can be, as nothing comes back to where it was
		next, _ := s.next(a)
		if next == a {
			break
		}
		a = next
	}
	return a
}

// next returns the address that an address gets by the one rename that is about it,
// and that rename, nil for none.
func (s *Set) next(a addr.Address) (addr.Address, *Moved) {
	next, narrowest, by := a, 0, (*Moved)(nil)
	for i := range s.Moved {
		m := &s.Moved[i]
		if to, ok := m.rename(a); ok && narrowness(m.From) > narrowest {
			next, narrowest, by = to, narrowness(m.From), m
		}
	}
	return next, by
}

// narrowness orders the addresses that cover one address: each is the beginning of
// those that are narrower.
func narrowness(a addr.Address) int { return len(a.String()) }

// Leaves returns what is said of an application, or a module, that is removed, nil for
// nothing. The narrowest address counts.
func (s *Set) Leaves(a addr.Address) *Removed {
	var by *Removed
	for i := range s.Removed {
		r := &s.Removed[i]
		if Covers(r.From, a) && (by == nil || narrowness(r.From) > narrowness(by.From)) {
			by = r
		}
	}
	return by
}

// rename returns the address that an application or a module gets by one rename; it is
// false where the rename is not about it.
func (m *Moved) rename(a addr.Address) (addr.Address, bool) {
	if m.From.Kind == "module" {
		rest, ok := below(m.From, moduleOf(a))
		if !ok || strings.HasPrefix(rest, "[") && m.To.HasKey {
			return a, false
		}
		if a.Kind != "module" {
			a.Module = m.To.String() + rest
			return a, true
		}
		to, err := addr.Parse(m.To.String() + rest)
		return to, err == nil
	}
	switch {
	case a == m.From:
		return m.To, true
	case a.Block() == m.From && !m.To.HasKey:
		return m.To.Instance(a.Key), true
	}
	return a, false
}

// Covers reports whether an application or a module is the one, or one of those, that
// an address is of: itself, an instance of it, or something in the module.
func Covers(of, a addr.Address) bool {
	if of.Kind == "module" {
		_, in := below(of, moduleOf(a))
		return in
	}
	return a == of || a.Block() == of
}

// moduleOf is the module that an application is in, or a module itself.
func moduleOf(a addr.Address) string {
	if a.Kind == "module" {
		return a.String()
	}
	return a.Module
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
		if cycle := s.cycleFrom(s.Moved[i].From); cycle != "" {
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

// cycleFrom returns how renames lead from an address on until one of them applies
// again, as text; empty where none does. Asking it of all addresses that are renamed
// tells of every cycle: what is below them goes the same way. Only an instance may
// not, where the block becomes an instance of another.
func (s *Set) cycleFrom(start addr.Address) string {
	starts := []addr.Address{start}
	if !start.HasKey {
		starts = append(starts, start.Instance("..."))
	}
	for _, at := range starts {
		path, applied := []string{at.String()}, map[*Moved]bool{}
		for {
			next, by := s.next(at)
			if by == nil || next == at { // what is moved to itself is told of by itself
				break
			}
			at, path = next, append(path, next.String())
			if applied[by] || slices.Index(path, at.String()) < len(path)-1 {
				return strings.Join(path, " → ")
			}
			applied[by] = true
		}
	}
	return ""
}
