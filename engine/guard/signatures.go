package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/commitsig"
	"github.com/gantrycd/gantry/plan/source"
)

// Demand is that what is read of some repositories must be signed.
type Demand struct {
	trust  source.Trust
	ids    []string // of the keys whose signatures count, sorted
	broken error    // why the keys cannot be read: then no signature counts
	by     string   // who demands it: "project.web"
	rule   string   // where that is written
}

// demand reads the keys of a rule.
func demand(by, rule string, trust source.Trust) *Demand {
	d := &Demand{trust: trust, by: by, rule: rule}
	keys, err := commitsig.Parse(trust)
	if err == nil && len(keys.IDs()) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		d.broken = err
		return d
	}
	d.ids = keys.IDs()
	return d
}

// Trust is whose signatures count.
func (d *Demand) Trust() source.Trust { return d.trust }

// Counts reports whether a signature that was found to be right is of a key that counts.
func (d *Demand) Counts(signature source.Signature) bool {
	return d.Knows(signature) && (signature.Strict || !d.trust.Strict)
}

// Knows reports whether a signature that was found to be right is of a key that counts, of
// however much of the history.
func (d *Demand) Knows(signature source.Signature) bool {
	_, found := slices.BinarySearch(d.ids, signature.Key)
	return found && d.broken == nil
}

// Refuse says that a location is not signed as it must be.
func (d *Demand) Refuse(location source.Location, why string) plan.Problem {
	detail := fmt.Sprintf("%s demands that %s is signed: %s.", d.by, shown(location.URL), strings.TrimSuffix(why, "."))
	if d.rule != "" {
		detail += fmt.Sprintf(" The rule is at %s.", d.rule)
	}
	return plan.Problem{Summary: "Signature not accepted", Detail: detail, Rule: d.rule}
}

// Pinned checks that what a location came to was signed when it was read, as the pin says.
func (d *Demand) Pinned(pin source.Pin) []plan.Problem {
	switch {
	case d.broken != nil:
		return []plan.Problem{d.Refuse(pin.Location, fmt.Sprintf("its keys cannot be read: %s", d.broken))}
	case !slices.ContainsFunc(pin.Signatures, d.Counts):
		return []plan.Problem{d.Refuse(pin.Location, fmt.Sprintf(
			"what was read of it (%s) was not verified with a key that counts now. Plan again", pin.Resolved))}
	}
	return nil
}

// signatureRule is a compiled signature block of a project.
type signatureRule struct {
	repositories patterns
	demand       *Demand
}

// Demands are what the project demands of a location that is read. Directories beside the
// configuration and objects in it are a part of it.
func (r *Rules) Demands(location source.Location) []*Demand {
	if r == nil || location.Type == source.Inline || location.Type == source.Directory {
		return nil
	}
	url, err := canonical(location.URL)
	var out []*Demand
	for _, rule := range r.signatures {
		if err == nil { // else it may be any repository
			if answer, _ := rule.repositories.ask(url); answer != permitted {
				continue
			}
		}
		out = append(out, rule.demand)
	}
	return out
}

// signed checks that what a plan was made of was signed.
func (r *Rules) signed(pin source.Pin) []plan.Problem {
	var problems []plan.Problem
	for _, d := range r.Demands(pin.Location) {
		problems = append(problems, d.Pinned(pin)...)
	}
	return problems
}

// Verified is what a repository demands of all that is read of it, by whomever.
type Verified struct {
	url string
	*Demand
}

// VerifiedBy is what a repository of the configuration demands.
func VerifiedBy(url, by, rule string, trust source.Trust) Verified {
	return Verified{url, demand(by, rule, trust)}
}

// About reports whether a location is in the repository, or may be: where that cannot be
// told, it is.
func (v *Verified) About(location source.Location) bool {
	if location.Type == source.Inline || location.Type == source.Directory || location.Type == source.Plugin ||
		location.Type == source.Resource || location.Type == source.Remote {
		return false
	}
	mine, err := canonical(v.url)
	theirs, failed := canonical(location.URL)
	return err != nil || failed != nil || mine == theirs
}
