package health

import (
	"fmt"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Assessor tells the health of objects by the rules of a configuration, the library of
// rules, and the checks that are built in. It may be used by several goroutines at once.
type Assessor struct {
	own, library ruleset

	mu    sync.RWMutex
	rules map[object.GroupKind]*rule // what was found of a kind; nil is none
}

// NewAssessor returns an Assessor with the rules of a plan. Its errors say which rule
// cannot be read.
func NewAssessor(rules []plan.HealthRule) (*Assessor, error) {
	library, err := library()
	if err != nil {
		return nil, err
	}
	own := make([]*rule, len(rules))
	for i, from := range rules {
		if own[i], err = decodeRule(from); err != nil {
			return nil, err
		}
	}
	return &Assessor{own: newRuleset(own), library: library, rules: map[object.GroupKind]*rule{}}, nil
}

// Basis is what an assessment rests on.
type Basis string

// What assessments rest on, in the order in which they are asked.
const (
	Absence     Basis = "absence"     // there is no object
	Deletion    Basis = "deletion"    // the object is being deleted
	Block       Basis = "block"       // a health block of the configuration
	Library     Basis = "library"     // a health block of the library
	BuiltIn     Basis = "builtin"     // a check of the kind
	Conventions Basis = "conventions" // the conventions for status
	Nothing     Basis = "nothing"     // nothing says how it is
)

// Assessment is the health of an object, and what it rests on.
type Assessment struct {
	Status
	Basis Basis
	Rule  string    // of Block and Library: the label of the block, group/Kind
	At    hcl.Range // of Block and Library: where the rule is written
}

// Known reports whether anything says how the object is.
func (a Assessment) Known() bool { return a.Basis != Nothing }

// Assess tells the health of a live object; nil is Missing. What is being deleted is
// Progressing, whatever else it says; then the first counts that is there: a health
// block of the configuration, one of the library, a check of the kind, the conventions
// for status. An object that says nothing is Healthy as soon as it exists.
func (a *Assessor) Assess(o object.Object) Assessment {
	if o == nil {
		return Assessment{Status: Status{Code: Missing}, Basis: Absence}
	}
	if deleting(o) && !hasHookFinalizer(o) {
		return Assessment{Status: Status{Progressing, "Pending deletion"}, Basis: Deletion}
	}
	kind := o.ID().GroupKind()
	if r := a.ruleOf(kind); r != nil {
		return r.assess(o)
	}
	if check := checkOf(kind); check != nil {
		status, err := check(o)
		if err != nil {
			status = Status{Unknown, err.Error()}
		}
		return Assessment{Status: status, Basis: BuiltIn}
	}
	if status, ok := checkConventions(o); ok {
		return Assessment{Status: status, Basis: Conventions}
	}
	return Assessment{Status: Status{Code: Healthy}, Basis: Nothing}
}

// Check is Assess without what it rests on.
func (a *Assessor) Check(o object.Object) (status Status, known bool) {
	assessment := a.Assess(o)
	return assessment.Status, assessment.Known()
}

// Known reports whether there is a rule or a check for a kind. Objects of other kinds
// may still say how they are, by the conventions for status.
func (a *Assessor) Known(kind object.GroupKind) bool {
	return a.ruleOf(kind) != nil || checkOf(kind) != nil
}

// ruleOf returns the rule of a kind, nil where there is none.
func (a *Assessor) ruleOf(kind object.GroupKind) *rule {
	a.mu.RLock()
	found, ok := a.rules[kind]
	a.mu.RUnlock()
	if ok {
		return found
	}
	if found = a.own.of(kind); found == nil {
		found = a.library.of(kind)
	}
	a.mu.Lock()
	a.rules[kind] = found
	a.mu.Unlock()
	return found
}

// assess tells the health of an object by the rule.
func (r *rule) assess(o object.Object) Assessment {
	out := Assessment{Basis: Block, Rule: r.name(), At: r.at}
	if r.builtIn {
		out.Basis = Library
	}
	status, message, diags := r.block.Assess(late.HealthValues(o))
	out.Status = Status{Code: codes[status], Message: message}
	switch {
	case diags.HasErrors() && out.Code == Unknown:
		out.Message = fmt.Sprintf("%s (%s)", message, place(diags[0], out.At))
	case diags.HasErrors(): // the message alone
		out.Message = fmt.Sprintf("its message could not be told: %s (%s)", diags[0].Detail, place(diags[0], out.At))
	case message == "" && out.Code != Healthy:
		out.Message = explain(o, out.Code)
	}
	return out
}

func place(diag *hcl.Diagnostic, otherwise hcl.Range) string {
	if diag.Subject != nil {
		return diag.Subject.String()
	}
	return otherwise.String()
}

// codes are the codes by the words of health blocks. It is never changed.
var codes = map[string]Code{
	"healthy": Healthy, "suspended": Suspended, "progressing": Progressing,
	"missing": Missing, "degraded": Degraded, "unknown": Unknown,
}
