package main

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
)

// withoutPlans leaves out what is said to who plans: what no plan does yet, and checks
// that fail.
func withoutPlans(diags hcl.Diagnostics) hcl.Diagnostics {
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool {
		_, ok := hcl.DiagnosticExtra[lang.AboutPlans](d)
		return ok
	})
}

// onlyErrors leaves out warnings.
func onlyErrors(diags hcl.Diagnostics) hcl.Diagnostics {
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool { return d.Severity != hcl.DiagError })
}

// about returns the diagnostics that bear on what an address names: those in its
// block, in the blocks that it needs, and in no block at all.
func (l *loaded) about(address addr.Address, diags hcl.Diagnostics) hcl.Diagnostics {
	needed := l.needs(address)
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool {
		if d.Subject == nil {
			return false
		}
		begin, end, ok := l.blockAround(*d.Subject)
		return ok && !slices.ContainsFunc(needed, func(n lang.Node) bool {
			at := n.Range
			return at.Filename == d.Subject.Filename && begin <= at.Start.Byte && at.Start.Byte < end
		})
	})
}

// needs returns the blocks that an address names, and all that they need.
func (l *loaded) needs(address addr.Address) []lang.Node {
	nodes := map[addr.Address]lang.Node{}
	var queue []addr.Address
	for _, node := range l.config.Graph {
		nodes[node.Address] = node
		if node.Address.Covers(address) || address.Covers(node.Address) {
			queue = append(queue, node.Address)
		}
	}
	var out []lang.Node
	for len(queue) > 0 {
		next, ok := nodes[queue[0]]
		queue = queue[1:]
		if !ok {
			continue
		}
		delete(nodes, next.Address)
		out = append(out, next)
		queue = append(queue, next.Needs...)
		if call, err := addr.Parse(next.Address.Module); err == nil {
			queue = append(queue, call.Block())
		}
	}
	return out
}

// blockAround returns where the block at the top level, or the local value, begins and
// ends that a place is in. False where it is in none, or that cannot be told.
func (l *loaded) blockAround(place hcl.Range) (begin, end int, ok bool) {
	file := l.files[place.Filename]
	if file == nil {
		return 0, 0, false
	}
	body, native := file.Body.(*hclsyntax.Body)
	if !native {
		return l.nodeBefore(place)
	}
	within := func(r hcl.Range) bool { return r.Start.Byte <= place.Start.Byte && place.Start.Byte < r.End.Byte }
	for _, block := range body.Blocks {
		if !within(block.Range()) {
			continue
		}
		if block.Type == "locals" {
			for _, attribute := range block.Body.Attributes {
				if within(attribute.Range()) {
					return attribute.Range().Start.Byte, attribute.Range().End.Byte, true
				}
			}
		}
		return block.Range().Start.Byte, block.Range().End.Byte, true
	}
	return 0, 0, false
}

// nodeBefore is blockAround for JSON: from the last block that begins before the
// place to the next one.
func (l *loaded) nodeBefore(place hcl.Range) (begin, end int, ok bool) {
	end = len(l.files[place.Filename].Bytes)
	begin = -1
	for _, node := range l.config.Graph {
		switch at := node.Range; {
		case at.Filename != place.Filename || strings.HasPrefix(at.Filename, "<"):
		case at.Start.Byte <= place.Start.Byte:
			begin = max(begin, at.Start.Byte)
		default:
			end = min(end, at.Start.Byte)
		}
	}
	return begin, end, begin >= 0
}
