package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// verifiedOf are the repositories of a configuration of which everything that is read must
// be signed.
func verifiedOf(config *lang.Config) []guard.Verified {
	var out []guard.Verified
	for _, r := range config.Repositories {
		if r.Verify != nil {
			out = append(out, guard.VerifiedBy(r.Location.URL, r.Address.String(), rangeText(r.Verify.Range), source.Trust{
				SSHKeys: r.Verify.SSHKeys, GPGKeys: r.Verify.GPGKeys,
			}))
		}
	}
	return out
}

// demands are all that is demanded of a location: by its repository, whoever reads it, and
// by the rules of a project.
func (e *Engine) demands(rules *guard.Rules, location source.Location) []*guard.Demand {
	if e.options.Unsigned {
		return nil
	}
	e.mu.Lock()
	verified := e.verified
	e.mu.Unlock()
	out := rules.Demands(location)
	for i := range verified {
		if verified[i].About(location) {
			out = append(out, verified[i].Demand)
		}
	}
	return out
}

// vouched returns who signed what a location came to, for everyone who demands it. A
// demand that is not met is an error, a guard.Refused. The record is of the application
// that reads it; nil for none.
func (e *Engine) vouched(ctx context.Context, rules *guard.Rules, location source.Location, snapshot *providers.Snapshot, record *state.Record) ([]source.Signature, error) {
	var out []source.Signature
	for _, d := range e.demands(rules, location) {
		if snapshot.Signed == nil {
			return nil, &guard.Refused{Problem: d.Refuse(location, fmt.Sprintf(
				"what is of type %q has no signatures that can be verified, only commits and tags of git have. Name in repositories of the signature block which ones it is about", location.Type))}
		}
		signature, err := snapshot.Signed.Verify(ctx, d.Trust(), verifiedBefore(d, location, record))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil && !d.Counts(signature) {
			err = fmt.Errorf("it is signed with %s, which does not count", signature.Key)
		}
		if err != nil {
			return nil, &guard.Refused{Problem: d.Refuse(location, err.Error())}
		}
		out = append(out, signature)
	}
	slices.SortFunc(out, func(a, b source.Signature) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Of, b.Of), map[bool]int{true: -1, false: 1}[a.Strict])
	})
	return slices.Compact(out), nil
}

// verifiedBefore are the commits of a repository that an application was last applied from,
// and that were verified then with a key that counts still.
func verifiedBefore(d *guard.Demand, location source.Location, record *state.Record) []string {
	if record == nil || !d.Trust().Strict {
		return nil
	}
	var out []string
	for _, pin := range record.LastSources() {
		if pin.Type == location.Type && pin.URL == location.URL && slices.ContainsFunc(pin.Signatures, d.Knows) {
			out = append(out, pin.Resolved)
		}
	}
	return out
}

// pinned checks that what sources came to, when they were last read, may be read by now,
// and was verified then.
func (e *Engine) pinned(rules *guard.Rules, pins []source.Pin) []plan.Problem {
	var problems []plan.Problem
	for _, pin := range pins {
		problems = append(problems, rules.Path(pin.Location, pin.Path)...)
		for _, d := range e.demands(rules, pin.Location) {
			problems = append(problems, d.Pinned(pin)...)
		}
	}
	return problems
}

// verifyReads verifies what the configuration itself was read from, generators and modules,
// where their repositories demand it.
func (p *planning) verifyReads(ctx context.Context) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, pin := range p.config.Pins {
		if len(p.engine.demands(nil, pin.Location)) == 0 {
			continue
		}
		at := pin.Location
		at.Revision = cmp.Or(pin.Resolved, at.Revision)
		snapshot, err := p.engine.openLocation(ctx, at)
		if err == nil {
			_, err = p.engine.vouched(ctx, nil, at, snapshot, nil)
		}
		if err != nil {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Signature not accepted",
				Detail: fmt.Sprintf("A generator or a module was read from %s. %s", pin.URL, err),
			})
		}
	}
	return diags
}
