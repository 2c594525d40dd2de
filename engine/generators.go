package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// tooManyRemoved is the summary of a generator that shrinks more than it may, and of
// the blocks of what is made of it.
const tooManyRemoved = "Too many items removed"

// compareGenerators finds out what generators give that they did not give when their
// applications were last applied, and the other way round.
func (p *planning) compareGenerators(ctx context.Context) hcl.Diagnostics {
	former := map[addr.Address][]string{}
	if !p.options.Offline {
		var err error
		if former, err = p.engine.options.Records.Generators(ctx); err != nil {
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
		}
	}
	destroyed := p.options.Destroy && !p.limited()
	for _, g := range p.config.Generators {
		had := former[g.Address]
		delete(former, g.Address)
		made := plan.Generator{Address: g.Address, Keys: g.Keys(), Reads: g.Reads, Leaves: destroyed}
		if !p.options.Destroy {
			made.Removed = generate.Removed(had, made.Keys)
			made.Blocked = g.MaxRemoved.Exceeded(len(made.Removed), len(had)) && !p.allowed(g.Address)
		}
		if made.Blocked {
			p.diags = append(p.diags, p.shrinks(g, made.Removed, len(had)))
		}
		p.generators = append(p.generators, made)
	}
	for address, had := range former {
		if destroyed || p.generatorLeft(address) {
			p.generators = append(p.generators, plan.Generator{Address: address, Keys: []string{}, Removed: had, Leaves: true})
		}
	}
	slices.SortFunc(p.generators, func(a, b plan.Generator) int { return a.Address.Compare(b.Address) })
	return nil
}

// allowed reports whether a generator may shrink however much.
func (p *planning) allowed(address addr.Address) bool {
	return slices.ContainsFunc(p.options.AllowRemoved, func(a addr.Address) bool { return a.Covers(address) })
}

// generatorLeft reports whether a generator that the state knows is not declared any
// more. One that only could not be evaluated still is.
func (p *planning) generatorLeft(address addr.Address) bool {
	if p.config.Incomplete || p.options.Destroy || p.limited() {
		return false
	}
	return !slices.ContainsFunc(p.config.Graph, func(n lang.Node) bool { return n.Address.Covers(address) })
}

// maxNamed is how many items and applications a message names.
const maxNamed = 10

// shrinks is the diagnostic of a generator that shrinks more than it may.
func (p *planning) shrinks(g *lang.Generator, removed []string, former int) *hcl.Diagnostic {
	quoted := make([]string, len(removed))
	for i, key := range removed {
		quoted[i] = fmt.Sprintf("%q", key)
	}
	detail := fmt.Sprintf("%s gave %d items when its applications were last applied, and gives %d now. %d of them would vanish, and max_removed is %s: %s. "+
		"If that is meant, say --allow-removed '%s'; if not, look at what it reads.", g.Address, former, len(g.Items), len(removed), g.MaxRemoved, few(quoted), g.Address)
	if made := p.config.MadeOf(g.Address); len(made) > 0 {
		blocks := make([]string, len(made))
		for i, block := range made {
			blocks[i] = block.String()
		}
		detail += fmt.Sprintf(" What is made of it is left as it is: %s.", few(blocks))
	}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: tooManyRemoved, Detail: detail, Subject: g.Range.Ptr()}
}

// few lists names, and of many the first ones.
func few(names []string) string {
	if len(names) > maxNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}

// blockShrunk blocks what is made of generators that shrink more than they may: what
// leaves, and what stays, since neither can be trusted.
func (p *planning) blockShrunk() {
	for _, g := range p.generators {
		if !g.Blocked {
			continue
		}
		made := p.config.MadeOf(g.Address)
		for _, d := range p.drafts {
			if !d.failed() && slices.ContainsFunc(made, func(a addr.Address) bool { return a.Covers(d.address) }) {
				d.blocked = append(d.blocked, plan.Problem{
					Address: d.address, Summary: tooManyRemoved,
					Detail: fmt.Sprintf("It is made of %s, of which more items vanish than max_removed allows.", g.Address),
				})
			}
		}
	}
}

// RecordGenerators records what the generators of a plan gave. Apply does so, too; it
// is for a plan in which there is nothing to apply.
func (e *Engine) RecordGenerators(ctx context.Context, p *plan.Plan, options ApplyOptions) hcl.Diagnostics {
	if diags := e.refuse(p); diags.HasErrors() {
		return diags
	}
	changes, err := e.generatorChanges(ctx, p)
	if err != nil || len(changes) == 0 {
		return notRecorded(err)
	}
	return e.briefly(ctx, options.By, func(records *state.Records) hcl.Diagnostics { return notRecorded(e.recordGenerators(ctx, records, p)) })
}

// notRecorded tells that what generators gave is not in the state: the next plan
// then compares with what was there before.
func notRecorded(err error) hcl.Diagnostics {
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Summary: "Items of generators are not recorded",
		Detail: fmt.Sprintf("The next plan compares with what was recorded before: %s.", err),
	}}
}

// generatorChanges returns the keys to record, by generator; nil for one to forget.
func (e *Engine) generatorChanges(ctx context.Context, p *plan.Plan) (map[addr.Address][]string, error) {
	have, err := e.options.Records.Generators(ctx)
	if err != nil {
		return nil, err
	}
	changes := map[addr.Address][]string{}
	for _, g := range p.Generators {
		keys := g.Keys
		if len(p.Targets) > 0 { // what is removed may be in no target, and so still there
			keys = slices.Concat(keys, g.Removed)
			slices.Sort(keys)
		}
		before, known := have[g.Address]
		switch {
		case g.Blocked || g.Leaves && !known:
		case g.Leaves:
			changes[g.Address] = nil
		case !known || !slices.Equal(before, keys):
			changes[g.Address] = append([]string{}, keys...)
		}
	}
	return changes, nil
}

// recordGenerators writes into the state what the generators of a plan gave.
func (e *Engine) recordGenerators(ctx context.Context, records *state.Records, p *plan.Plan) error {
	changes, err := e.generatorChanges(ctx, p)
	if err != nil {
		return err
	}
	for address, keys := range changes {
		if keys == nil {
			err = records.DeleteGenerator(ctx, address)
		} else {
			err = records.PutGenerator(ctx, address, keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
