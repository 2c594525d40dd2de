package schema

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Optional returns a declaration in which nothing is required, without some of its
// arguments: for blocks that hold a part of what another block takes. Of blocks
// that there may be once, nothing is required in them either; those that there may
// be several of stand for themselves, and stay as they are.
func Optional(b *Block, without ...string) *Block {
	out := &Block{Type: b.Type, Labels: b.Labels, Doc: b.Doc, Free: b.Free}
	for _, argument := range b.Arguments {
		if slices.Contains(without, argument.Name) {
			continue
		}
		argument.Required = false
		out.Arguments = append(out.Arguments, argument)
	}
	for _, nested := range b.Blocks {
		if nested.Min = 0; nested.Max == 1 {
			nested.Block = Optional(nested.Block)
		}
		out.Blocks = append(out.Blocks, nested)
	}
	return out
}

// Merge lays a block over others of which it takes what it does not say itself; of
// those, later ones lie over earlier ones. An argument replaces the one below it,
// whole. A block that there may be once is merged in the same way with the one
// below it; blocks that there may be several of are added to those below, in the
// order from the lowest to the highest. None of the values is changed.
func Merge(top *Values, below ...*Values) *Values {
	if len(below) == 0 {
		return top
	}
	merged := below[0]
	for _, next := range below[1:] {
		merged = merge(merged, next)
	}
	return merge(merged, top)
}

func merge(below, top *Values) *Values {
	out := *top
	out.known = below.known && top.known
	out.placeholder = below.placeholder || top.placeholder
	out.arguments = slices.DeleteFunc(slices.Clone(below.arguments), func(under set) bool {
		_, replaced := top.argument(under.name)
		return replaced
	})
	out.arguments = append(out.arguments, top.arguments...)
	out.nested = map[string][]*Values{}
	for _, declared := range top.Block.Blocks {
		under, over := below.nested[declared.Type], top.nested[declared.Type]
		switch {
		case len(over) == 0:
			for _, block := range under {
				inherited := *block
				inherited.inherited = true
				out.nested[declared.Type] = append(out.nested[declared.Type], &inherited)
			}
		case declared.Max == 1 && len(under) > 0:
			out.nested[declared.Type] = []*Values{merge(under[0], over[0])}
		default:
			out.nested[declared.Type] = slices.Concat(under, over)
		}
	}
	return &out
}

// Complete reports what is missing in a block that others may complete, once it
// was merged with them. It is for blocks whose declaration has CompletedBy; of
// others Parse has reported it.
func (v *Values) Complete() hcl.Diagnostics {
	if !v.late {
		return nil
	}
	return v.complete(v.Block, v.Range, v.Block.CompletedBy)
}

func (v *Values) complete(declared *Block, at hcl.Range, by string) hcl.Diagnostics {
	if !v.inherited {
		at = v.Range
	}
	elsewhere := fmt.Sprintf(" It may also be in one of the %s.", by)
	var diags hcl.Diagnostics
	for _, argument := range declared.Arguments {
		if _, isSet := v.argument(argument.Name); argument.Required && !isSet {
			diag := missingArgument(declared, at, argument)
			diag.Detail += elsewhere
			diags = append(diags, diag)
		}
	}
	for _, nested := range declared.Blocks {
		blocks := v.nested[nested.Type]
		if len(blocks) < nested.Min {
			diag := missingBlock(declared, at, nested)
			diag.Detail += elsewhere
			diags = append(diags, diag)
		}
		if nested.Max != 1 {
			continue // each stands for itself
		}
		for _, block := range blocks {
			diags = append(diags, block.complete(nested.Block, at, by)...)
		}
	}
	return diags
}
