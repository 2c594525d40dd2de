package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// addGroups numbers the blocks and adds to each unit one node for all blocks of
// each kind that can be referred to as a whole. To those of a called module belong
// the variables that blocks of the kind are passed in.
func (m *Module) addGroups() {
	for _, b := range m.blocks {
		if b.kind.Grouped {
			group := m.group(b.unit, b.kind.Root)
			group.members = append(group.members, b)
		}
	}
	for _, u := range m.units {
		for _, name := range schema.SortedKeys(m.kinds) {
			if !m.kinds[name].Grouped {
				continue
			}
			group := m.group(u, name)
			for _, b := range u.blocks {
				if u.parent != nil && b.kind != nil && b.kind.Root == variableRoot && b.mentionsType(name) {
					group.members = append(group.members, b)
				}
			}
			group.needs = slices.Clone(group.members)
			group.place = len(u.blocks)
			u.blocks = append(u.blocks, group)
			m.blocks = append(m.blocks, group)
		}
	}
	for i, b := range m.blocks {
		b.id = i
	}
}

// group returns the node of a unit for all blocks of a kind.
func (m *Module) group(u *unit, name string) *block {
	if u.groups[name] == nil {
		u.groups[name] = &block{unit: u, address: addr.Address{Module: u.address, Kind: name}}
	}
	return u.groups[name]
}

func sortByID(blocks []*block) {
	slices.SortFunc(blocks, func(a, b *block) int { return a.id - b.id })
}

// sortBlocks orders the blocks so that each comes after what it needs, and
// reports cycles. It is Tarjan's algorithm: it visits every block and every need
// once.
func (m *Module) sortBlocks() hcl.Diagnostics {
	s := &sorter{
		index: make([]int, len(m.blocks)), low: make([]int, len(m.blocks)), onStack: make([]bool, len(m.blocks)),
	}
	for _, b := range m.blocks {
		if s.index[b.id] == 0 {
			s.visit(b)
		}
	}
	m.order = s.order
	var diags hcl.Diagnostics
	for _, cycle := range s.cycles {
		sortByID(cycle)
		for _, b := range cycle {
			b.broken, b.skip = true, true
		}
		diags = append(diags, cycleDiagnostic(cycle))
	}
	return diags
}

type sorter struct {
	next    int
	index   []int
	low     []int
	onStack []bool
	stack   []*block
	order   []*block
	cycles  [][]*block
}

func (s *sorter) visit(b *block) {
	s.next++
	s.index[b.id], s.low[b.id] = s.next, s.next
	s.stack, s.onStack[b.id] = append(s.stack, b), true
	for _, need := range b.needs {
		if s.index[need.id] == 0 {
			s.visit(need)
			s.low[b.id] = min(s.low[b.id], s.low[need.id])
		} else if s.onStack[need.id] {
			s.low[b.id] = min(s.low[b.id], s.index[need.id])
		}
	}
	if s.low[b.id] != s.index[b.id] {
		return
	}
	at := len(s.stack) - 1
	for s.stack[at] != b {
		at--
	}
	component := slices.Clone(s.stack[at:])
	s.stack = s.stack[:at]
	for _, member := range component {
		s.onStack[member.id] = false
	}
	s.order = append(s.order, component...)
	if len(component) > 1 || slices.Contains(b.needs, b) {
		s.cycles = append(s.cycles, component)
	}
}

// cycleDiagnostic describes a shortest cycle among blocks that need each other.
func cycleDiagnostic(component []*block) *hcl.Diagnostic {
	cycle := shortestCycle(component)
	var edges strings.Builder
	var subject *hcl.Range
	for i, b := range cycle {
		next := cycle[(i+1)%len(cycle)]
		at := b.rangeOfNeed(next)
		if subject == nil && !b.isGroup() {
			subject = at.Ptr()
		}
		if b.isGroup() {
			fmt.Fprintf(&edges, "\n  %s is every %s, so also %s", b.address, b.address, next.address)
		} else {
			fmt.Fprintf(&edges, "\n  %s refers to %s (%s)", b.address, next.address, at)
		}
	}
	if len(cycle) == 1 {
		return &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Reference to itself",
			Detail:   fmt.Sprintf("%s refers to itself, so that it cannot be evaluated. Move what both parts need into a local value.", cycle[0].address),
			Subject:  subject,
		}
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Cycle of references",
		Detail:   fmt.Sprintf("These blocks refer to each other, so that none can come first:%s\nRemove one of these references.", edges.String()),
		Subject:  subject,
	}
}

// shortestCycle finds a shortest way from the first block of a component that is
// written somewhere back to itself.
func shortestCycle(component []*block) []*block {
	within := map[*block]bool{}
	for _, b := range component {
		within[b] = true
	}
	start := component[0]
	cameFrom := map[*block]*block{}
	queue := []*block{start}
	for len(queue) > 0 {
		b := queue[0]
		queue = queue[1:]
		for _, need := range b.needs {
			if need == start {
				var path []*block
				for at := b; at != start; at = cameFrom[at] {
					path = append(path, at)
				}
				path = append(path, start)
				slices.Reverse(path)
				return path
			}
			if _, seen := cameFrom[need]; within[need] && !seen {
				cameFrom[need] = b
				queue = append(queue, need)
			}
		}
	}
	return component
}

// rangeOfNeed returns where a block refers to another.
func (b *block) rangeOfNeed(target *block) hcl.Range {
	for _, refs := range [][]reference{b.references, b.dependsOn, b.given} {
		for _, ref := range refs {
			if !ref.validated && (ref.target == target || slices.Contains(ref.through, target)) {
				return ref.at
			}
		}
	}
	return b.header
}

// isNameless reports whether the block has no address, so that nothing can refer to
// it.
func (b *block) isNameless() bool {
	return !b.isGroup() && b.attribute == nil && len(b.kind.Labels) == 0 && !b.kind.Single
}

// Graph returns the nodes of all blocks that have an address, sorted by it.
func (m *Module) Graph() []Node {
	nodes := make([]Node, 0, len(m.blocks))
	needed := map[*block]bool{}
	for _, b := range m.blocks {
		for _, need := range b.needs {
			needed[need] = true
		}
	}
	for _, b := range m.blocks {
		if b.isGroup() && !needed[b] || b.isNameless() {
			continue
		}
		node := Node{Address: b.address, Range: b.header}
		for _, need := range b.needs {
			node.Needs = append(node.Needs, need.address)
		}
		slices.SortFunc(node.Needs, addr.Address.Compare)
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return a.Address.Compare(b.Address) })
	return nodes
}
