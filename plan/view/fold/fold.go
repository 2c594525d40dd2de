// Package fold finds changes that are the same in many applications but for the names
// of applications and namespaces, such as what a shared values file brings to all who use
// it, so that views can show them once. Objects have the same name in all, but for these:
// who reads that something is as in one application knows what it is called in another.
//
// What deletes is never found: views show every deletion by itself. It is for plan/view
// and the packages below it.
package fold

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gantrycd/gantry/plan"
)

// Least is how many applications must have a change for it to be worth folding.
const Least = 3

// Group is changes that several applications have alike.
type Group struct {
	// Applications are indices of the plan's, ascending.
	Applications []int
	// Changes has, for each of these applications, the indices of its changes; the
	// n-th are the same in all.
	Changes [][]int
}

// Groups are the groups of a plan, and which changes are in one.
type Groups struct {
	List  []Group // sorted by their first application, the largest first
	found []map[int]bool
}

// Has reports whether a change is in a group.
func (g Groups) Has(application, change int) bool {
	return len(g.found) > 0 && g.found[application][change]
}

// Find returns the groups of a plan.
func Find(p *plan.Plan) Groups {
	type member struct{ application, change int }
	alike := map[signature][]member{}
	for i := range p.Applications {
		a := &p.Applications[i]
		if a.IsBlocked() || a.Leaves {
			continue
		}
		times := map[signature]int{}
		for j := range a.Changes {
			if !foldable(&a.Changes[j]) {
				continue
			}
			s := sign(a, &a.Changes[j])
			times[s]++
			s = s.nth(times[s])
			alike[s] = append(alike[s], member{i, j})
		}
	}
	// Changes that the same applications have are one group.
	groups := map[string]*Group{}
	out := Groups{found: make([]map[int]bool, len(p.Applications))}
	for _, s := range slices.SortedFunc(maps.Keys(alike), func(a, b signature) int { return slices.Compare(a[:], b[:]) }) {
		members := alike[s]
		if len(members) < Least {
			continue
		}
		key := make([]byte, 0, 4*len(members))
		for _, m := range members {
			key = binary.BigEndian.AppendUint32(key, uint32(m.application))
		}
		g := groups[string(key)]
		if g == nil {
			g = &Group{Changes: make([][]int, len(members))}
			for _, m := range members {
				g.Applications = append(g.Applications, m.application)
			}
			groups[string(key)] = g
		}
		for i, m := range members {
			g.Changes[i] = append(g.Changes[i], m.change)
			if out.found[m.application] == nil {
				out.found[m.application] = map[int]bool{}
			}
			out.found[m.application][m.change] = true
		}
	}
	for _, g := range groups {
		g.sort()
		out.List = append(out.List, *g)
	}
	slices.SortFunc(out.List, func(a, b Group) int {
		if d := len(b.Applications) - len(a.Applications); d != 0 {
			return d
		}
		if d := a.Applications[0] - b.Applications[0]; d != 0 {
			return d
		}
		return a.Changes[0][0] - b.Changes[0][0]
	})
	return out
}

// sort puts a group's changes into the order in which its first application has them.
func (g *Group) sort() {
	order := make([]int, len(g.Changes[0]))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return g.Changes[0][a] - g.Changes[0][b] })
	for i, list := range g.Changes {
		sorted := make([]int, len(list))
		for to, from := range order {
			sorted[to] = list[from]
		}
		g.Changes[i] = sorted
	}
}

func foldable(c *plan.Change) bool {
	switch c.Action {
	case plan.Create, plan.Update, plan.Adopt, plan.Run, plan.Orphan, plan.Forget, plan.Remember:
		return len(c.Takes) == 0
	case plan.Unchanged, plan.Replace, plan.Prune, plan.Blocked:
	}
	return false
}

// signature stands for all that a view shows of a change, but for names.
type signature [sha256.Size]byte

// nth tells the n-th of several such changes of one application.
func (s signature) nth(n int) signature {
	return sha256.Sum256(binary.BigEndian.AppendUint32(s[:], uint32(n)))
}

func sign(a *plan.Application, c *plan.Change) signature {
	s := signer{hash: sha256.New(), names: names(a, c)}
	s.texts(c.ID.Group, c.ID.Kind, c.ID.Name, c.Version, string(c.Action), c.Reason, string(c.Phase), string(c.Validation), a.Settings.Conflicts)
	s.value([]any{int64(c.Wave), c.Predicted, c.Force, c.Keep, c.ID.Namespace == ""})
	for _, f := range c.Fields {
		s.texts(f.Path, string(f.Kind))
		s.value([]any{f.Before, f.After, f.Sensitive, f.Server, f.Owned, f.Drift != nil})
		if f.Drift != nil {
			s.texts(f.Drift.Manager, f.Drift.Operation)
		}
	}
	s.texts(c.Warnings...)
	for _, conflict := range c.Conflicts {
		s.texts(conflict.Path, conflict.Manager, conflict.Operation)
		s.value([]any{conflict.Before, conflict.After, conflict.Sensitive})
	}
	for _, m := range c.Moves {
		s.texts(m.Manager, m.Operation, m.Subresource)
		s.texts(m.Fields...)
	}
	if c.Body != nil {
		s.value(map[string]any(c.Body))
	}
	return s.sum()
}

// name is a text in which a change may differ from others like it, and whose it is.
type name struct {
	text string
	role byte
}

// names are a change's, the longest first. Where several are the same the first
// counts, so that what is mistaken for another name is at worst not folded.
func names(a *plan.Application, c *plan.Change) []name {
	var out []name
	for i, text := range []string{a.Address.String(), a.Name, a.Address.Name, a.Address.Key, a.Namespace, c.ID.Namespace} {
		known := func(n name) bool { return n.text == text }
		if text != "" && !slices.ContainsFunc(out, known) {
			out = append(out, name{text, byte(i)})
		}
	}
	slices.SortStableFunc(out, func(x, y name) int { return len(y.text) - len(x.text) })
	return out
}

// signer writes values into a hash, each so that no two look alike.
type signer struct {
	hash  hash.Hash
	names []name
	text  []byte
}

func (s *signer) sum() (out signature) {
	s.hash.Write(s.text)
	s.hash.Sum(out[:0])
	return out
}

func (s *signer) texts(texts ...string) {
	s.mark('(')
	for _, text := range texts {
		s.string(text)
	}
	s.mark(')')
}

func (s *signer) mark(what byte) {
	if len(s.text) > 4096 {
		s.hash.Write(s.text)
		s.text = s.text[:0]
	}
	s.text = append(s.text, what)
}

func (s *signer) string(text string) {
	s.mark('"')
	for _, name := range s.names {
		if strings.Contains(text, name.text) {
			text = without(text, s.names)
			break
		}
	}
	s.text = binary.BigEndian.AppendUint64(s.text, uint64(len(text)))
	s.text = append(s.text, text...)
}

// IsTracking reports whether a label or annotation is gantry's own bookkeeping, which
// no two applications have alike and nobody looks for.
func IsTracking(key string) bool {
	return strings.HasPrefix(key, "gantry.dev/") || key == "applyset.kubernetes.io/part-of"
}

func (s *signer) value(value any) {
	switch v := value.(type) {
	case map[string]any:
		s.mark('{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if IsTracking(key) {
				continue
			}
			s.string(key)
			s.value(v[key])
		}
		s.mark('}')
	case []any:
		s.mark('[')
		for _, item := range v {
			s.value(item)
		}
		s.mark(']')
	case string:
		s.string(v)
	default:
		s.mark('=')
		s.text = fmt.Appendf(s.text, "%T %v;", v, v)
	}
}

// without replaces names that stand in a text as words of their own: "web" in
// "web-1" and "web.example.com", not in "webhook". The bytes that take their place are
// in no text of Kubernetes'.
func without(text string, names []name) string {
	var b strings.Builder
	for at, previous := 0, ' '; at < len(text); {
		if found := nameAt(text[at:], names); found != nil && !letter(previous) {
			b.WriteByte(found.role)
			at += len(found.text)
			previous = 'x'
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		b.WriteString(text[at : at+size])
		previous = r
		at += size
	}
	return b.String()
}

// nameAt returns the name that a text begins with, or nil.
func nameAt(text string, names []name) *name {
	for i := range names {
		rest, ok := strings.CutPrefix(text, names[i].text)
		if !ok {
			continue
		}
		if after, _ := utf8.DecodeRuneInString(rest); rest == "" || !letter(after) {
			return &names[i]
		}
	}
	return nil
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
